"""School windows, resolved to UTC."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.domain.names import EntKey
from controller.domain.timetable import Audience

LONGEST_OWN_LEAD = timedelta(hours=4)
"""Of a window that says its lead time, as in the policies: how far ahead a planner must look for one."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Window:
    """From `start` (inclusive) to `end` (exclusive) the ENT is expected to see `demand_per_second`.

    `demand_per_second` counts in the unit of the ENT's first demand signal. `source` names the policy and the
    bell, such as `schedule college: 08:00 first bell`. `by_event` tells a `SchoolEvent` from a schedule.
    """

    start: datetime
    end: datetime
    ent: EntKey
    demand_per_second: float
    source: str
    by_event: bool = False
    ramp_seconds: float = 0.0
    """How long after `start` demand is all there. Capacity is for all of it from `start`; this judges what is seen."""
    lead_seconds: float = 0.0
    """How long before `start` its capacity is asked for, where the policy says so; 0: the learned lead time."""
    kept_out: tuple[Audience, ...] = ()
    """Audiences that are not let in during the window; `all`: the portal is shut on purpose, which is no outage."""
    no_moves: bool = False
    """Nothing goes back to a site that was left: somebody declared so. Such a window says nothing of demand."""

    @property
    def policy(self) -> str:
        """Return which policy it comes from, such as `schedule college`."""
        return self.source.partition(": ")[0]

    @property
    def shuts(self) -> bool:
        """Tell whether the portal is shut on purpose."""
        return Audience.ALL in self.kept_out

    def asked_for_at(self, learned: timedelta) -> datetime:
        """Return when its capacity is asked for: its own lead time before the start, or the learned one."""
        return self.start - (timedelta(seconds=self.lead_seconds) if self.lead_seconds else learned)

    def expected_at(self, instant: datetime) -> float:
        """Return what is expected to be seen at the instant: rising evenly over the ramp, nothing outside."""
        if not self.start <= instant < self.end:
            return 0.0
        elapsed = (instant - self.start).total_seconds()
        if elapsed >= self.ramp_seconds:
            return self.demand_per_second
        return self.demand_per_second * elapsed / self.ramp_seconds

    def covers(self, instant: datetime) -> bool:
        """Tell whether the instant lies in the half-open interval."""
        return self.start <= instant < self.end

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Tell whether any instant of the closed interval from `start` to `end` is covered."""
        return self.start <= end and start < self.end


def shut_at(windows: Iterable[Window], instant: datetime) -> Window | None:
    """Return the window that shuts the portal at the instant; None when it is open."""
    return next((window for window in windows if window.shuts and window.covers(instant)), None)


def kept_out_at(windows: Iterable[Window], instant: datetime) -> tuple[tuple[Audience, str], ...]:
    """Return who is kept out at the instant and by which policy, sorted; nobody twice."""
    found: dict[Audience, str] = {}
    for window in windows:
        if window.kept_out and window.covers(instant):
            for audience in window.kept_out:
                found[audience] = min(found.get(audience, window.source), window.source)
    return tuple(sorted(found.items()))
