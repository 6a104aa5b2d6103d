"""Runs: every controller in the same drawn worlds, seed by seed, and what comes of them together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from controller.sim.demand import course_of, recorded
from controller.sim.engine import OURS, Drawn, Factory, Outcome, run_one
from controller.sim.fleet import known_of
from controller.sim.past import Past
from controller.sim.peers import PEERS
from controller.sim.scenario import Expectation, Scenario
from controller.sim.streams import stream
from controller.sim.yardstick import optimum_hours

CONTROLLERS: tuple[str, ...] = (OURS, *PEERS)
"""All that can be named."""

Points = Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All controllers in one drawn world."""

    seed: int
    outcomes: tuple[Outcome, ...]


JUDGED_BY_MEAN = frozenset({"replica_hours_over_optimum"})
"""What is paid for over a year; a morning on which few came costs more beside its optimum, and hurts nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """An expectation and what was found: the worst of all runs, or their mean."""

    expectation: Expectation
    found: float | None
    met: bool | None
    """None: not measured, or the controller did not run."""


def draw(scenario: Scenario, seed: int, points: Points | None) -> Drawn:
    """Draw the world of one run: who comes, and what it would have cost at least."""
    demand = recorded(scenario, list(points)) if points else course_of(scenario, stream(seed, "sizes"))
    known = known_of(scenario, Past(scenario, seed))
    hours = optimum_hours(scenario, demand, known)
    return Drawn(scenario=scenario, seed=seed, demand=demand, optimum_hours=hours)


def outcomes_of(drawn: Drawn, controllers: Sequence[str], peers: Mapping[str, Factory] = PEERS) -> Iterator[Outcome]:
    """Run the named controllers one after the other; each has a past of its own, drawn the same."""
    for name in controllers:
        past = Past(drawn.scenario, drawn.seed)
        yield run_one(drawn, name, peers, known_of(drawn.scenario, past), past)


def runs_of(
    scenario: Scenario, controllers: Sequence[str], seeds: Sequence[int], points: Points | None = None
) -> Iterator[tuple[int, Outcome]]:
    """Run everything, seed by seed."""
    for seed in seeds:
        for outcome in outcomes_of(draw(scenario, seed, points), controllers):
            yield seed, outcome


def together(found: Sequence[tuple[int, Outcome]]) -> tuple[Run, ...]:
    """Group outcomes by run, in the order of their seeds."""
    by_seed: dict[int, list[Outcome]] = {}
    for seed, outcome in found:
        by_seed.setdefault(seed, []).append(outcome)
    return tuple(Run(seed=seed, outcomes=tuple(outcomes)) for seed, outcomes in by_seed.items())


def values_of(runs: Sequence[Run], controller: str, figure: str) -> list[float]:
    """Return one figure of one controller over all runs, where it was measured."""
    found = [getattr(o.figures, figure) for run in runs for o in run.outcomes if o.controller == controller]
    return [float(value) for value in found if value is not None]


def summary(values: Sequence[float]) -> dict[str, float | None]:
    """Return mean, median, 99th percentile (nearest rank) and maximum."""
    if not values:
        return {"mean": None, "p50": None, "p99": None, "max": None}
    ordered = np.sort(np.array(values))

    def rank(share: float) -> float:
        return float(ordered[max(0, int(np.ceil(share * len(ordered))) - 1)])

    return {"mean": float(ordered.mean()), "p50": rank(0.5), "p99": rank(0.99), "max": float(ordered[-1])}


def judged(scenario: Scenario, runs: Sequence[Run]) -> tuple[Met, ...]:
    """Compare with what the scenario expects: the worst run counts, of costs the mean of all runs."""
    found = []
    for expectation in scenario.expect:
        values = values_of(runs, expectation.controller, expectation.figure)
        if not values:
            found.append(Met(expectation=expectation, found=None, met=None))
            continue
        if expectation.figure in JUDGED_BY_MEAN:
            values = [sum(values) / len(values)]
        worst = max(values) if expectation.most is not None else min(values)
        too_much = expectation.most is not None and max(values) > expectation.most
        too_little = expectation.least is not None and min(values) < expectation.least
        found.append(Met(expectation=expectation, found=worst, met=not (too_much or too_little)))
    return tuple(found)
