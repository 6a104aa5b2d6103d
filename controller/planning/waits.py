"""How long growing takes: a 95th percentile out of five small numbers, so that ten sites fit into a status.

Observations are counted in blocks of twenty. The 95th percentile of twenty is the second slowest, of fewer the
slowest (nearest rank). What is believed is the larger of the last whole block and the one under way: a slow start
counts at once, one in twenty is forgiven when its block is whole, and what was long ago ends with the block after.

A wait that was broken off is only known to be *at least* so long. One shorter than what is believed says nothing; a
longer one counts as what it is, but not among the twenty, and is no measurement of its class. So it can lengthen,
never shorten.
"""

import math
from collections.abc import Sequence

from controller.domain.memory import LeadRow

BLOCK = 20
"""The smallest number of observations whose 95th percentile is not simply the slowest."""
RESOLUTION_SECONDS = 5
"""Waits are rounded up to this, so that jitter does not rewrite the status."""
MOST_CLASSES = 4
"""Classes of steps kept per site; the two smallest are joined first, since a large step is what a bell needs."""


def rounded(seconds: float) -> int:
    """Round up to the resolution."""
    return math.ceil(seconds / RESOLUTION_SECONDS) * RESOLUTION_SECONDS


def percentile_95(row: LeadRow) -> int:
    """Return what is believed of this class of steps, in seconds."""
    _, _, slowest, _, before = row
    return max(slowest, before)


def slowest_of(rows: Sequence[LeadRow]) -> int:
    """Return the largest of what is believed of all classes, in seconds; 0 when nothing is known."""
    return max([seconds for _, _, slowest, _, before in rows for seconds in (slowest, before)], default=0)


def largest_measured(rows: Sequence[LeadRow]) -> int:
    """Return the largest class of which a growth was seen to its end; -1 when there is none."""
    return max([step for step, count, _, _, before in rows if count or before], default=-1)


def observed(row: LeadRow, seconds: float) -> LeadRow:
    """Return the row after one growth that took so long until all of it was Ready."""
    step, count, slowest, second, before = _with(row, rounded(seconds))
    return (step, 0, 0, 0, second) if count >= BLOCK else (step, count, slowest, second, before)


def broken_off(row: LeadRow, seconds: float) -> LeadRow:
    """Return the row after one growth of which only that is known: it was not Ready after so long."""
    if rounded(seconds) <= percentile_95(row):
        return row
    step, _, slowest, second, before = _with(row, rounded(seconds))
    return step, row[1], slowest, second, before


def joined(rows: tuple[LeadRow, ...]) -> tuple[LeadRow, ...]:
    """Keep few enough classes: of the two smallest everything that is slow goes to the larger."""
    kept = sorted(rows)
    while len(kept) > MOST_CLASSES:
        small, large = kept[0], kept[1]
        second, slowest = sorted((small[2], small[3], large[2], large[3]))[-2:]
        kept[:2] = [(large[0], max(small[1], large[1]), slowest, second, max(small[4], large[4]))]
    return tuple(kept)


def _with(row: LeadRow, seconds: int) -> LeadRow:
    step, count, slowest, second, before = row
    second, slowest = sorted((slowest, second, seconds))[-2:]
    return step, count + 1, slowest, second, before
