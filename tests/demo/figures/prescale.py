"""Was the capacity there before the pupils, at every second of the ramp?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tests.demo import records
from tests.demo.figures.measured import Figure, NotMeasured
from tests.demo.recording import Recording
from tests.demo.records import PortalSecond

FULL_AT = 0.85
"""Share of Ready capacity that may be in use (design §5, invariant 1): beyond it a replica more is needed."""
SMOOTHING_SECONDS = 5
"""Demand of a second is the mean of the five around it: single seconds of a Poisson process are noise."""
TOP_AFTER_BELL_SECONDS = 20.0
"""The ramp is over when the burst has reached its top, this long after the bell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescale:
    """What the ramp showed."""

    min_margin_seconds: Figure
    """For every ENT, site and second of the ramp: for how long the replicas that this second needed had been Ready
    without interruption. The smallest of all; negative where they came that much too late."""
    shortfall_replicas: Figure
    """The most replicas that were missing at any ENT, site and second of the ramp."""


def prescale(recording: Recording) -> Prescale:
    """Measure the ramp: from `ramp` before the bell until the burst has reached its top.

    The demand of a second at a site is what arrived there, retries and refused ones included, smoothed. It needs
    demand ÷ (capacity of a replica × 85 %) replicas, rounded up.
    """
    curtain = recording.marked(records.CURTAIN)
    if curtain is None:
        why = NotMeasured("the story never began")
        return Prescale(min_margin_seconds=why, shortfall_replicas=why)
    times = recording.story.times
    start, end = curtain + times.bell - times.ramp, curtain + times.bell + TOP_AFTER_BELL_SECONDS
    margins: list[float] = []
    shortfall = 0
    for track in _tracks(recording):
        for index, second in enumerate(track):
            if not start <= second.at < end:
                continue
            needed = _needed(track, index, recording.story.workload.capacity_per_replica)
            if needed:
                shortfall = max(shortfall, needed - second.ready)
                margins.append(_margin_seconds(track, index, needed))
    if not margins:
        why = NotMeasured("nobody came during the ramp")
        return Prescale(min_margin_seconds=why, shortfall_replicas=why)
    return Prescale(min_margin_seconds=round(min(margins), 1), shortfall_replicas=shortfall)


def _tracks(recording: Recording) -> Iterator[list[PortalSecond]]:
    tracks: dict[tuple[str, str], list[PortalSecond]] = {}
    for second in recording.seconds:
        tracks.setdefault((second.ent, second.site), []).append(second)
    yield from tracks.values()


def _needed(track: list[PortalSecond], index: int, capacity_per_replica: float) -> int:
    half = SMOOTHING_SECONDS // 2
    around = track[max(0, index - half) : index + half + 1]
    per_second = sum(second.arrived for second in around) / len(around)
    return math.ceil(per_second / (capacity_per_replica * FULL_AT) - 1e-9)


def _margin_seconds(track: list[PortalSecond], index: int, needed: int) -> float:
    """Return how long before this second the needed replicas were Ready for good; negative: how long after."""
    at = track[index].at
    if track[index].ready < needed:
        later = next((second.at for second in track[index:] if second.ready >= needed), track[-1].at)
        return at - later
    since = at
    for second in reversed(track[: index + 1]):
        if second.ready < needed:
            break
        since = second.at
    return at - since
