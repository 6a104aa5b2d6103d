"""The acts of the morning in plain words, from what was really done and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.demo import records
from tests.demo.records import Mark
from tests.demo.story import BLIND_SITE, LOST_SITE, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of the story, in seconds since the curtain rose. `end` None: it lasts."""

    start: float
    end: float | None
    name: str
    text: str


def phases(story: Story, marks: Sequence[Mark]) -> tuple[Phase, ...]:
    """Return the acts so far, in order."""
    curtain = next((mark.at for mark in marks if mark.what == records.CURTAIN), None)
    if curtain is None:
        return ()
    times = story.times
    starts: list[tuple[float, str, str]] = [
        (
            0.0,
            "before school",
            "Few users, little capacity. The schedule says when the bell rings: capacity grows now.",
        ),
        (times.bell - times.ramp, "ramp", "The first pupils come. What they will need is already Ready."),
        (times.bell - times.steepest_before_bell, "bell", "The bell rings: everybody within seconds."),
    ]
    told = {
        records.METRICS_STOPPED: (
            f"{BLIND_SITE} unseen",
            f"The Prometheus of site {BLIND_SITE} is stopped. Not knowing is no reason to shrink or to move.",
        ),
        records.METRICS_RETURNED: ("lesson", "It is back, and believed after a quarantine. The lesson goes on."),
        records.SITE_KILLED: (
            f"{LOST_SITE} lost",
            f"Site {LOST_SITE} is gone: API server, Prometheus, portals. Its users go where capacity waits for them.",
        ),
        records.SITE_RETURNING: (
            f"{LOST_SITE} returns",
            f"Site {LOST_SITE} starts again. It must stay well for a while; then traffic returns by bounded steps.",
        ),
        records.HOME_AGAIN: ("home", "Everybody is where they belong."),
    }
    starts += [(mark.at - curtain, *told[mark.what]) for mark in marks if mark.what in told]
    starts.sort()
    end = next((mark.at - curtain for mark in marks if mark.what == records.END), None)
    ends = [*(start for start, _, _ in starts[1:]), end]
    return tuple(
        Phase(start=start, end=stop, name=name, text=text)
        for (start, name, text), stop in zip(starts, ends, strict=True)
    )


def phase_at(found: Sequence[Phase], second: float) -> Phase | None:
    """Return the act that is played at this second."""
    return next((phase for phase in reversed(found) if phase.start <= second), None)
