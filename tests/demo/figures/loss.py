"""A site was killed: how fast was it decided, how fast did the users get elsewhere, and was there room?"""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass

from tests.demo import records
from tests.demo.figures.measured import Figure, NotMeasured
from tests.demo.recording import ACTION, Recording
from tests.demo.records import PortalSecond
from tests.demo.story import LOST_SITE

MOVED_SHARE = 0.99
MOVED_FOR_SECONDS = 10.0
MOVED_RESOLUTION_SECONDS = 0.5
UTILISATION_SECONDS = 10
LONGEST_SECONDS = 120.0
"""Beyond this nothing counts as moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLoss:
    """What the loss showed. Concerned are the ENTs that had weight at the site when it was killed."""

    decided_seconds: Figure
    """From the kill until the controller's log says that the evacuation of the last concerned ENT was decided."""
    traffic_moved_seconds: Figure
    """From the kill until, for the last concerned ENT, 99 % of all attempts begun in the next ten seconds were served
    by another site."""
    max_destination_utilisation: Figure
    """Admitted requests ÷ what the Ready replicas carry, over ten seconds: the largest at any surviving site of a
    concerned ENT, from the kill until the site was started again."""


def site_loss(recording: Recording) -> SiteLoss:
    """Measure the loss."""
    killed = recording.marked(records.SITE_KILLED)
    if killed is None:
        why = NotMeasured("no site was killed")
        return SiteLoss(decided_seconds=why, traffic_moved_seconds=why, max_destination_utilisation=why)
    ents = concerned(recording, killed)
    if not ents:
        why = NotMeasured(f"nobody had traffic at {LOST_SITE} when it was killed")
        return SiteLoss(decided_seconds=why, traffic_moved_seconds=why, max_destination_utilisation=why)
    until = recording.marked(records.SITE_RETURNING) or killed + LONGEST_SECONDS
    return SiteLoss(
        decided_seconds=_decided(recording, ents, killed),
        traffic_moved_seconds=_moved(recording, ents, killed),
        max_destination_utilisation=_utilisation(recording, ents, killed, until),
    )


def concerned(recording: Recording, killed: float) -> tuple[str, ...]:
    """Name the ENTs that had weight at the lost site just before."""
    last = {w.ent: w.weight for w in recording.weights if w.site == LOST_SITE and w.at <= killed}
    return tuple(sorted(ent for ent, weight in last.items() if weight > 0))


def _decided(recording: Recording, ents: tuple[str, ...], killed: float) -> Figure:
    first: dict[str, float] = {}
    for decision in recording.decisions:
        evacuation = decision.event == ACTION and decision.get("kind") == "evacuation"
        if evacuation and decision.at >= killed and decision.get("outcome") == "Done":
            first.setdefault(decision.ent, decision.at)
    missing = [ent for ent in ents if ent not in first]
    if missing:
        return NotMeasured(f"the controller's log has no evacuation of {', '.join(missing)}")
    return round(max(first[ent] for ent in ents) - killed, 2)


def _moved(recording: Recording, ents: tuple[str, ...], killed: float) -> Figure:
    slowest = 0.0
    for ent in ents:
        seconds = _moved_for(recording, ent, killed)
        if seconds is None:
            return NotMeasured(f"99 % of the attempts for {ent} were never served elsewhere for ten seconds")
        slowest = max(slowest, seconds)
    return slowest


def _moved_for(recording: Recording, ent: str, killed: float) -> float | None:
    attempts = [a for a in recording.attempts if a.ent == ent and a.at >= killed]
    instants = [a.at for a in attempts]
    elsewhere = [0, *itertools.accumulate(int(not a.failed and a.site != LOST_SITE) for a in attempts)]
    seconds = 0.0
    while seconds <= LONGEST_SECONDS:
        first = bisect.bisect_left(instants, killed + seconds)
        last = bisect.bisect_left(instants, killed + seconds + MOVED_FOR_SECONDS)
        if last == first:
            return None
        if elsewhere[last] - elsewhere[first] >= MOVED_SHARE * (last - first):
            return seconds
        seconds += MOVED_RESOLUTION_SECONDS
    return None


def _utilisation(recording: Recording, ents: tuple[str, ...], start: float, end: float) -> Figure:
    tracks: dict[tuple[str, str], list[PortalSecond]] = {}
    for second in recording.seconds:
        if second.ent in ents and second.site != LOST_SITE and start <= second.at <= end:
            tracks.setdefault((second.ent, second.site), []).append(second)
    largest = [
        used
        for track in tracks.values()
        for used in _windows(track, recording.story.workload.capacity_per_replica)
        if used is not None
    ]
    return round(max(largest), 3) if largest else NotMeasured("no surviving site took anything over for ten seconds")


def _windows(track: list[PortalSecond], capacity_per_replica: float) -> list[float | None]:
    """Return admitted ÷ Ready capacity of every ten seconds; None where nothing was admitted."""
    found: list[float | None] = []
    for index in range(len(track) - UTILISATION_SECONDS + 1):
        window = track[index : index + UTILISATION_SECONDS]
        admitted = sum(second.admitted for second in window)
        capacity = sum(second.ready for second in window) * capacity_per_replica
        found.append(admitted / max(capacity, 1.0) if admitted else None)  # with nothing Ready: far too much
    return found
