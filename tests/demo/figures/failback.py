"""The site is back: did the traffic return by bounded steps, without turning round?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tests.demo import records
from tests.demo.figures.loss import concerned
from tests.demo.figures.measured import Figure, NotMeasured
from tests.demo.recording import Recording
from tests.demo.story import LOST_SITE

SMALL_PERCENT = 2
"""Changes up to this do not count as a turn (design §5, invariant 6)."""
HOME_PERCENT = 98
"""A weight of at least this counts as all of it: the last two percent are not worth a move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failback:
    """What the return showed, as HAProxy had the weights in force at the returned site."""

    reversals: Figure
    """How often the weight of any concerned ENT turned from rising to falling or back, by more than 2 %."""
    largest_step_percent: Figure
    """The most by which the weight of any concerned ENT rose at once."""
    home_after_seconds: Figure
    """From the site's return until the last concerned ENT had its weight there again."""


def failback(recording: Recording) -> Failback:
    """Measure the return of what had weight at the lost site when it was killed."""
    killed, returned = recording.marked(records.SITE_KILLED), recording.marked(records.SITE_RETURNED)
    if killed is None or returned is None:
        return _not_measured("no site came back")
    before = {w.ent: w.weight for w in recording.weights if w.site == LOST_SITE and w.at <= killed}
    tracks = {
        ent: [(w.at, w.weight) for w in recording.weights if (w.ent, w.site) == (ent, LOST_SITE) and w.at >= returned]
        for ent in concerned(recording, killed)
    }
    home = {ent: _home_at(track, before[ent]) for ent, track in tracks.items()}
    away = [ent for ent, at in sorted(home.items()) if at is None]
    if away or not tracks:
        return _not_measured(f"the traffic of {', '.join(away) or 'nobody'} came back to {LOST_SITE}")
    weights = [[weight for _, weight in track] for track in tracks.values()]
    return Failback(
        reversals=sum(turns(track) for track in weights),
        largest_step_percent=max(b - a for track in weights for a, b in itertools.pairwise(track)),
        home_after_seconds=round(max(at for at in home.values() if at is not None) - returned, 1),
    )


def _not_measured(why: str) -> Failback:
    return Failback(
        reversals=NotMeasured(why), largest_step_percent=NotMeasured(why), home_after_seconds=NotMeasured(why)
    )


def _home_at(track: Sequence[tuple[float, int]], before: int) -> float | None:
    return next((at for at, weight in track if weight * 100 >= before * HOME_PERCENT), None)


def turns(weights: Sequence[int]) -> int:
    """Count the turns of a track by more than 2 %, steps along the same way joined."""
    found, direction = 0, 0
    extreme = weights[0] if weights else 0
    for weight in weights:
        change = weight - extreme
        if direction * change > 0:
            extreme = weight
        elif abs(change) > SMALL_PERCENT:
            found += direction != 0
            direction = 1 if change > 0 else -1
            extreme = weight
    return found
