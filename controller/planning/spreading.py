"""One demand spread over several sites, exactly: fill the cheapest stretch first.

What one site's flow costs, in the order of importance, is overload, strain, distance from placement and movement: each
a convex function of that flow alone, straight between a few bends. The sites share nothing but the total. For such a
programme (one equation, separable convex costs) filling by marginal cost is optimal, and a lexicographic order is a
marginal cost like any other; source: Ibaraki and Katoh, *Resource Allocation Problems*, MIT Press 1988, chapter 2. The
tests solve the same programme with HiGHS and compare.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

NOTHING_PER_SECOND = 1e-6
"""Less than this is arithmetic, not a user."""

_DISTANCE_STEPS, _STRAIN_STEPS, _OVERLOAD_STEPS = 3, 9, 18
"""Weights of a marginal cost of digits 0 to 2 (movement, distance) and 0 to 1 (strain, overload), as one number."""


@dataclass(frozen=True, slots=True)
class Basin:
    """One site: what it must and may get, where it is comfortable, and what it has now. All per second."""

    least: float
    most: float
    comfortable: float
    """Beyond this it is strained."""
    full: float
    """Beyond this it is overloaded."""
    aim: float
    held: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The flows, in the order of the basins, and what is left over or above what is full."""

    flows: tuple[float, ...]
    unserved: float
    overload: float


def spread(per_second: float, basins: Sequence[Basin]) -> Spread:
    """Return the flows that leave least unserved, then least overload, strain, distance and movement.

    Stretches of equal cost are filled in proportion to their length, so that equals are used alike.
    """
    if _aims_are_best(per_second, basins):
        return Spread(flows=tuple([b.aim for b in basins]), unserved=0.0, overload=0.0)
    flows = [basin.least for basin in basins]
    left = per_second - sum(flows)
    stretches: dict[int, list[tuple[int, float]]] = {}
    for index, basin in enumerate(basins):
        for cost, length in _stretches(basin):
            stretches.setdefault(cost, []).append((index, length))
    for cost in sorted(stretches):
        if left <= 0.0:
            break
        whole = sum(length for _, length in stretches[cost])
        part = min(1.0, left / whole)
        for index, length in stretches[cost]:
            flows[index] += part * length
        left -= part * whole
    overload = sum(max(0.0, flow - basin.full) for flow, basin in zip(flows, basins, strict=True))
    return Spread(flows=tuple(flows), unserved=max(0.0, left), overload=overload)


def _aims_are_best(per_second: float, basins: Sequence[Basin]) -> bool:
    """Every site may take its aim in comfort and that is all the demand: no cost is left to be saved."""
    total = 0.0
    for basin in basins:
        if not basin.least <= basin.aim <= min(basin.most, basin.comfortable):
            return False
        total += basin.aim
    return abs(total - per_second) <= NOTHING_PER_SECOND


def _stretches(basin: Basin) -> list[tuple[int, float]]:
    """Return the straight stretches of the site's cost, from `least` up, as (marginal cost, length)."""
    bends = [b for b in (basin.comfortable, basin.full, basin.aim, basin.held) if basin.least < b < basin.most]
    edges = [basin.least, *sorted(bends), basin.most]
    found = []
    for start, end in itertools.pairwise(edges):
        if end > start:
            cost = (
                _OVERLOAD_STEPS * (start >= basin.full)
                + _STRAIN_STEPS * (basin.comfortable <= start < basin.full)
                + _DISTANCE_STEPS * (2 if start >= basin.aim else 0)
                + (2 if start >= basin.held else 0)
            )
            found.append((cost, end - start))
    return found
