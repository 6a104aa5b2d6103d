"""Small recordings for tests: a story of one ENT, home at the site that is lost, of which a test changes one thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from tests.demo import records
from tests.demo.recording import Decision, Recording
from tests.demo.records import Attempt, Mark, PortalSecond, Weight
from tests.demo.story import BLIND_SITE, LOST_SITE, EntStory, Story, Times, Workload

CURTAIN = 1000.0
ENT = "ent-essai"
REFUGE = BLIND_SITE
TIMES = Times(bell=80.0, ramp=30.0, metrics_stop=100.0, metrics_return=110.0, kill=130.0, site_return=160.0)
STORY = replace(
    Story(),
    ents=(
        EntStory(name=ENT, region="FR-HDF", peak_per_second=20.0, home=LOST_SITE, others=(REFUGE,), late_seconds=0.0),
    ),
    times=TIMES,
    workload=Workload(capacity_per_replica=4.0),
)

PerSecond = Callable[[int], int]


def at(second: float) -> float:
    """Return the instant of a second of the story."""
    return CURTAIN + second


def portal(site: str, *, ready: PerSecond, arrived: PerSecond, wanted: PerSecond | None = None) -> list[PortalSecond]:
    """Return what a portal wrote, one line a second for 250 s."""
    return [
        PortalSecond(
            at(second), site, ENT, (wanted or ready)(second), ready(second), arrived(second), arrived(second), 0
        )
        for second in range(250)
    ]


def weights(share_at_lost: PerSecond) -> list[Weight]:
    """Return HAProxy's weights, one look a second: the rest of 100 is at the refuge."""
    return [
        weight
        for second in range(250)
        for weight in (
            Weight(at(second), ENT, LOST_SITE, share_at_lost(second), 1),
            Weight(at(second), ENT, REFUGE, 100 - share_at_lost(second), 1),
        )
    ]


def attempts(site_of: Callable[[float], str | None], *, start: float = 0.0, end: float = 250.0) -> list[Attempt]:
    """Return ten first attempts a second; where `site_of` gives None the attempt failed at once."""
    instants = [start + n / 10 for n in range(int((end - start) * 10))]
    return [
        Attempt(at(s), ENT, 1, 200 if site_of(s) else 503, 0.1, site_of(s) or "", "" if site_of(s) else "again")
        for s in instants
    ]


def decision(second: float, event: str, **fields: Any) -> Decision:
    """Return a line of the controller's log."""
    return Decision(at=at(second), event=event, fields=fields)


def evacuation(second: float) -> Decision:
    """Return the line that says the ENT left the lost site."""
    return decision(
        second, "action", action="SetWeights", kind="evacuation", outcome="Done", ent=f"portails/{ENT}",
        was={LOST_SITE: 100, REFUGE: 0}, weights={LOST_SITE: 0, REFUGE: 100},
    )  # fmt: skip


MARKS = (
    Mark(at(0), records.CURTAIN),
    Mark(at(100), records.METRICS_STOPPED, BLIND_SITE),
    Mark(at(110), records.METRICS_RETURNED, BLIND_SITE),
    Mark(at(130), records.SITE_KILLED, LOST_SITE),
    Mark(at(160), records.SITE_RETURNING, LOST_SITE),
    Mark(at(170), records.SITE_RETURNED, LOST_SITE),
    Mark(at(240), records.END),
)
BLINDED = decision(102, "readings", site=BLIND_SITE, was={"Fresh": 4}, now={"StaleUnreachable": 4})


def recording(
    *,
    seconds: Iterable[PortalSecond] = (),
    weights: Iterable[Weight] = (),
    attempts: Iterable[Attempt] = (),
    decisions: Iterable[Decision] = (),
    marks: tuple[Mark, ...] = MARKS,
) -> Recording:
    """Return a recording of the small story."""
    return Recording(
        story=STORY,
        seconds=tuple(seconds),
        weights=tuple(weights),
        attempts=tuple(attempts),
        decisions=tuple(decisions),
        marks=marks,
    )
