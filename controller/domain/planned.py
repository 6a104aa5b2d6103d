"""What bells and windows mean on one date, as UTC intervals, before events change the demand.

Who is kept out does not come: an interval is cut where a keep-out begins and ends, and its demand lowered between.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from controller.domain.localtime import ONE_DAY, Occurrence, to_utc
from controller.domain.timetable import (
    Accounts,
    Audience,
    AudienceDemand,
    Bell,
    DayPlan,
    EndsOn,
    LocalWindow,
    demand_by_audience,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """What turns a share into a number: how many there are, and how many usually come at once."""

    accounts: Accounts = Accounts()
    usual_peak_per_second: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One bell or window of a plan on a date, or a part of it. `ramp` is None for a window."""

    start: datetime
    end: datetime
    demand: tuple[AudienceDemand, ...]
    ramp: timedelta | None
    lead: timedelta | None
    source: str
    full_at: datetime
    """When demand is all there: after the ramp, wherever this part starts."""

    @property
    def per_second(self) -> float:
        """Return the demand of all audiences."""
        return sum(part.per_second for part in self.demand)

    def ramp_seconds_from(self, start: datetime) -> float:
        """Return how much of the ramp is left at the instant."""
        return max(0.0, (self.full_at - start).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOut:
    """Audiences that are not let in for a time."""

    start: datetime
    end: datetime
    audiences: tuple[Audience, ...]
    source: str


def planned(plan: DayPlan, policy: str, zone: ZoneInfo, day: date, users: Users) -> Iterator[Planned]:
    """Return the bells and windows of the plan that want something on the day."""
    for bell in plan.bells:
        start, end = _span_of_bell(bell, zone, day)
        yield Planned(
            start=start,
            end=end,
            demand=demand_by_audience(bell.demand, users.accounts, users.usual_peak_per_second),
            ramp=bell.ramp,
            lead=bell.lead,
            source=f"{policy}: {bell.at:%H:%M} {bell.name}",
            full_at=start + bell.ramp,
        )
    for window in plan.windows:
        start, end = span_of_window(window, zone, day)
        if window.demand is not None and start < end:
            yield Planned(
                start=start,
                end=end,
                demand=demand_by_audience(window.demand, users.accounts, users.usual_peak_per_second),
                ramp=None,
                lead=window.lead,
                source=_source(policy, window),
                full_at=start,
            )


def kept_out(plan: DayPlan, policy: str, zone: ZoneInfo, day: date) -> Iterator[KeptOut]:
    """Return whom the plan keeps out on the day, and when."""
    for window in plan.windows:
        if window.keep_out:
            start, end = span_of_window(window, zone, day)
            if start < end:
                yield KeptOut(start=start, end=end, audiences=window.keep_out, source=_source(policy, window))


def without(whole: Planned, keepings: Iterable[KeptOut]) -> Iterator[Planned]:
    """Return the parts of the interval, each without the demand of those who are kept out in it."""
    near = [kept for kept in keepings if kept.start < whole.end and whole.start < kept.end]
    edges = {edge for kept in near for edge in (kept.start, kept.end) if whole.start < edge < whole.end}
    bounds = [whole.start, *sorted(edges), whole.end]
    for start, end in pairwise(bounds):
        absent = {audience for kept in near if kept.start <= start < kept.end for audience in kept.audiences}
        demand = tuple(part for part in whole.demand if part.audience not in absent)
        if demand or not whole.demand:
            yield replace(whole, start=start, end=end, demand=demand)


def _source(policy: str, window: LocalWindow) -> str:
    return f"{policy}: {window.start:%H:%M}-{window.end:%H:%M} {window.name}"


def _span_of_bell(bell: Bell, zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    """Return the bell's interval: ramp and duration are lengths of real time, counted in UTC."""
    rings = to_utc(zone, day, bell.at, Occurrence.FIRST)
    rings_last = to_utc(zone, day, bell.at, Occurrence.SECOND)
    return rings - bell.ramp, rings_last + bell.duration


def span_of_window(window: LocalWindow, zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    """Return the window's interval; both ends are times on the wall, so its length changes with the clocks."""
    last_day = day if window.ends_on is EndsOn.SAME_DAY else day + ONE_DAY
    start = to_utc(zone, day, window.start, Occurrence.FIRST)
    return start, to_utc(zone, last_day, window.end, Occurrence.SECOND)
