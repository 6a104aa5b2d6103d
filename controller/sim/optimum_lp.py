"""Where quotas couple ENTs: a lower bound by linear programming, and shares of the quotas that every peak fits into.

The bound looks at means over blocks of steps. A plan's means meet the means of its needs, keep every limit, and rise
no more than the plan does, so that the least cost over means, fractions allowed, is a bound for every plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from controller.domain.names import DomainName, EntKey, SiteName
from controller.planning.programme import Programme, Solution, silent_solver

Counts = NDArray[np.int64]
BLOCKS = 96
"""Blocks that a run is cut into: quarters of an hour in a day. More of them cost time and tighten the bound little."""
_INTEGRAL = 1e-6
"""What a whole number of the solver may be off."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one ENT may have at one site."""

    least: int
    most: int
    domains: frozenset[DomainName]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupled:
    """Several ENTs that share the quotas of sites."""

    needs: Mapping[EntKey, Counts]
    limits: Mapping[EntKey, Mapping[SiteName, Bounds]]
    reserves: Mapping[EntKey, bool]
    quotas: Mapping[SiteName, int]
    delay_steps: float

    def lost(self, ent: EntKey) -> list[frozenset[SiteName]]:
        """Return what remains standing in each case that must carry the ENT's demand."""
        sites = self.limits[ent]
        cases = [frozenset(sites)]
        if self.reserves[ent]:
            domains = sorted(frozenset().union(*(of.domains for of in sites.values())))
            left = (frozenset(s for s, of in sites.items() if d not in of.domains) for d in domains)
            cases += [standing for standing in left if standing]
        return cases

    def attainable(self, ent: EntKey, standing: frozenset[SiteName]) -> int:
        """Return the most that may stand there: more cannot be asked for."""
        return sum(self.limits[ent][site].most for site in standing)


def lower_bound(coupled: Coupled) -> float:
    """Return replica-steps that no plan undercuts; 0 without an answer, as when quotas are too small."""
    steps = max((len(needs) for needs in coupled.needs.values()), default=0)
    edges = np.unique(np.linspace(0, steps, min(BLOCKS, steps) + 1).astype(np.int64))
    widths = np.diff(edges)
    programme = Programme()
    objective: dict[int, float] = {}
    columns: dict[tuple[EntKey, SiteName, int], int] = {}
    for ent, sites in coupled.limits.items():
        for site, of in sites.items():
            for block, width in enumerate(widths):
                columns[ent, site, block] = column = programme.column(lower=of.least, upper=of.most)
                objective[column] = float(width)
        _cover(coupled, ent, edges, programme, columns)
        _count_starts(coupled, ent, len(widths), programme, columns, objective)
    for site, quota in coupled.quotas.items():
        for block in range(len(widths)):
            there = {columns[e, site, block]: 1.0 for e, sites in coupled.limits.items() if site in sites}
            if there:
                programme.row(there, upper=float(quota))
    solved = programme.solve([objective])
    if not isinstance(solved, Solution):
        return 0.0
    return sum(weight * solved.values[column] for column, weight in objective.items())


def _cover(
    coupled: Coupled,
    ent: EntKey,
    edges: Counts,
    programme: Programme,
    columns: Mapping[tuple[EntKey, SiteName, int], int],
) -> None:
    """Ask that every case carries the mean need of every block, as far as it is attainable."""
    for standing in coupled.lost(ent):
        attainable = np.minimum(coupled.needs[ent], coupled.attainable(ent, standing))
        for block in range(len(edges) - 1):
            mean = float(attainable[edges[block] : edges[block + 1]].mean())
            programme.row({columns[ent, site, block]: 1.0 for site in sorted(standing)}, lower=mean)


def _count_starts(
    coupled: Coupled,
    ent: EntKey,
    blocks: int,
    programme: Programme,
    columns: Mapping[tuple[EntKey, SiteName, int], int],
    objective: dict[int, float],
) -> None:
    """Pay the start delay for every rise from one block to the next."""
    for site in coupled.limits[ent]:
        for block in range(1, blocks):
            rise = programme.column()
            objective[rise] = coupled.delay_steps
            here, before = columns[ent, site, block], columns[ent, site, block - 1]
            programme.row({rise: 1.0, here: -1.0, before: 1.0}, lower=0.0)


def shared_quotas(coupled: Coupled) -> dict[tuple[EntKey, SiteName], int] | None:
    """Return a maximum for every placement so that quotas hold and every ENT's own peak fits; None if none does.

    The least such shares in whole numbers, by branch and bound: a few dozen columns.
    """
    programme = Programme()
    columns = {
        (ent, site): programme.column(lower=of.least, upper=of.most)
        for ent, sites in coupled.limits.items()
        for site, of in sites.items()
    }
    for ent in coupled.limits:
        for standing in coupled.lost(ent):
            peak = min(int(coupled.needs[ent].max(initial=0)), coupled.attainable(ent, standing))
            programme.row({columns[ent, site]: 1.0 for site in sorted(standing)}, lower=float(peak))
    for site, quota in coupled.quotas.items():
        there = {column: 1.0 for (_, at), column in columns.items() if at == site}
        if there:
            programme.row(there, upper=float(quota))
    values = _whole(programme, len(columns))
    if values is None:
        return None
    return {key: int(values[column] + _INTEGRAL) for key, column in columns.items()}


def _whole(programme: Programme, count: int) -> list[float] | None:
    """Solve for the least sum in whole numbers."""
    highs = silent_solver()
    model = programme.model()
    model.col_cost_ = np.ones(count)
    model.integrality_ = [highspy.HighsVarType.kInteger] * count
    highs.passModel(model)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return list(highs.getSolution().col_value)
