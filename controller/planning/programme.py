"""Linear programmes solved lexicographically and deterministically.

A programme is a list of columns, rows and objectives in order of importance. Each objective is minimised without
giving up what the earlier ones reached. HiGHS runs with one thread, a fixed seed, an iteration limit and never a
time limit, so the same programme gives the same answer on a fast and on a slow machine.
"""

from dataclasses import dataclass, field

import highspy
import numpy as np
from highspy._core import _Highs

ITERATION_LIMIT = 200_000
"""A bound in work, not in time, so that no plan hangs and slow machines decide alike."""
FEASIBILITY = 1e-9
"""What HiGHS may be off a row or a bound: a hundredth of the slack below, or a bound objective looks impossible."""
RELATIVE_SLACK = 1e-7
"""How much of an earlier objective a later one may give up."""
RANDOM_SEED = 1


@dataclass(slots=True)
class Programme:
    """A linear programme under construction. All columns are ≥ 0 unless told; rows are `lower ≤ Σ a·x ≤ upper`."""

    _lower: list[float] = field(default_factory=list)
    _upper: list[float] = field(default_factory=list)
    _row_lower: list[float] = field(default_factory=list)
    _row_upper: list[float] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _indices: list[int] = field(default_factory=list)
    _values: list[float] = field(default_factory=list)

    def column(self, *, lower: float = 0.0, upper: float = highspy.kHighsInf) -> int:
        """Add a variable and return its index."""
        self._lower.append(lower)
        self._upper.append(upper)
        return len(self._lower) - 1

    def row(
        self, terms: dict[int, float], *, lower: float = -highspy.kHighsInf, upper: float = highspy.kHighsInf
    ) -> None:
        """Add a constraint on the weighted sum of some columns."""
        self._starts.append(len(self._indices))
        for index in sorted(terms):
            self._indices.append(index)
            self._values.append(terms[index])
        self._row_lower.append(lower)
        self._row_upper.append(upper)

    def equal(self, terms: dict[int, float], value: float) -> None:
        """Add an equation."""
        self.row(terms, lower=value, upper=value)

    def distance(self, column: int, value: float) -> tuple[int, int]:
        """Add two columns, what `column` is above `value` and what it is below; minimise their sum for |x − v|."""
        above, below = self.column(), self.column()
        self.equal({column: 1.0, above: -1.0, below: 1.0}, value)
        return above, below

    def solve(self, objectives: list[dict[int, float]]) -> "Solution | Unsolved":
        """Minimise the objectives in order and return the values of all columns, or why there are none."""
        highs = _solver()
        highs.passModel(self.model())
        values: list[float] = [0.0] * len(self._lower)
        for objective in objectives:
            if not objective:
                continue
            columns = np.arange(len(self._lower), dtype=np.int32)
            costs = np.zeros(len(self._lower))
            for index, cost in objective.items():
                costs[index] = cost
            highs.changeColsCost(len(columns), columns, costs)
            highs.run()
            status = highs.getModelStatus()
            if status != highspy.HighsModelStatus.kOptimal:
                return Unsolved(why=highs.modelStatusToString(status))
            values = list(highs.getSolution().col_value)
            reached = float(np.dot(costs, values))
            _keep(highs, objective, reached)
        return Solution(values=tuple(values))

    def model(self) -> highspy.HighsLp:
        """Return the columns and rows as HiGHS takes them, without an objective."""
        model = highspy.HighsLp()
        model.num_col_ = len(self._lower)
        model.num_row_ = len(self._row_lower)
        model.col_cost_ = np.zeros(len(self._lower))
        model.col_lower_ = np.array(self._lower, dtype=float)
        model.col_upper_ = np.array(self._upper, dtype=float)
        model.row_lower_ = np.array(self._row_lower, dtype=float)
        model.row_upper_ = np.array(self._row_upper, dtype=float)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = np.array([*self._starts, len(self._indices)], dtype=np.int32)
        model.a_matrix_.index_ = np.array(self._indices, dtype=np.int32)
        model.a_matrix_.value_ = np.array(self._values, dtype=float)
        return model


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The values of all columns, in the order in which they were added."""

    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsolved:
    """The programme has no optimum that could be found, and why."""

    why: str


def silent_solver() -> _Highs:
    """Return a solver with one thread that writes nothing.

    `highspy.Highs()` writes who it is to standard output as soon as it exists, before any option can be set; plans and
    log lines go there. The class under it does not.
    """
    highs = _Highs()
    highs.setOptionValue("output_flag", False)  # noqa: FBT003
    highs.setOptionValue("log_to_console", False)  # noqa: FBT003
    highs.setOptionValue("threads", 1)
    return highs


def _solver() -> _Highs:
    highs = silent_solver()
    highs.setOptionValue("random_seed", RANDOM_SEED)
    highs.setOptionValue("solver", "simplex")
    highs.setOptionValue("simplex_strategy", 1)  # dual simplex, serial
    highs.setOptionValue("simplex_iteration_limit", ITERATION_LIMIT)
    highs.setOptionValue("primal_feasibility_tolerance", FEASIBILITY)
    highs.setOptionValue("dual_feasibility_tolerance", FEASIBILITY)
    return highs


def _keep(highs: _Highs, objective: dict[int, float], reached: float) -> None:
    """Bind later objectives to what this one reached."""
    slack = RELATIVE_SLACK * max(1.0, abs(reached))
    indices = np.array(sorted(objective), dtype=np.int32)
    values = np.array([objective[index] for index in sorted(objective)], dtype=float)
    highs.addRow(-highspy.kHighsInf, reached + slack, len(indices), indices, values)


def largest_remainder(shares: dict[str, float], total: int) -> dict[str, int]:
    """Round shares to integers that sum to `total`; ties go by name.

    Shares that are all zero give zeros. Source: the method of Hamilton, as used for seats.
    """
    whole = sum(shares.values())
    if whole <= 0:
        return dict.fromkeys(sorted(shares), 0)
    exact = {name: share * total / whole for name, share in shares.items()}
    # A hair above the integer counts as the integer: a solver's 9.9999999 must not become 9.
    floors = {name: int(value + 1e-9) for name, value in exact.items()}
    rest = total - sum(floors.values())
    by_remainder = sorted(exact, key=lambda name: (round(floors[name] - exact[name], 9), name))
    for name in by_remainder[:rest]:
        floors[name] += 1
    return {name: floors[name] for name in sorted(floors)}
