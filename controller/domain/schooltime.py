"""School time: from declared local days to UTC windows. The only place with time zones.

`resolve` is pure and level-triggered: whether an instant is covered depends on the policies and the instant alone,
not on what was asked before. Windows are half-open and never cut at the edges of the question.

Clock changes: a local time that the clock skips is the instant after the gap. A local time that comes twice starts
at its first occurrence and ends at its second: capacity too much, never too little. Lengths are counted in UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from controller.domain.forecast import SchoolDay
from controller.domain.names import EntKey
from controller.domain.schooldays import Calendar, DayFact, day_fact
from controller.domain.timetable import (
    Accounts,
    Audience,
    AudienceDemand,
    Bell,
    DayPlan,
    Days,
    EndsOn,
    Event,
    Instants,
    LocalWindow,
    Multiplier,
    Schedule,
    demand_by_audience,
)
from controller.domain.windows import Window

_ONE_DAY = timedelta(days=1)
_LONGEST_REACH = timedelta(days=2)
"""A window reaches at most this far from its date: 24 h of duration, a clock change, and a time zone."""


class Occurrence(Enum):
    """Which one is meant when a local time comes twice."""

    FIRST = 0
    SECOND = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolPolicies:
    """Everything that school time needs to know of one ENT."""

    ent: EntKey
    time_zone: str
    accounts: Accounts = Accounts()
    calendar: Calendar | None = None
    schedules: tuple[Schedule, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolTime:
    """The windows, sorted, and what a policy author should know about them."""

    windows: tuple[Window, ...]
    warnings: tuple[str, ...] = ()


def resolve(policies: SchoolPolicies, start: datetime, end: datetime) -> SchoolTime:
    """Return every window that overlaps the half-open interval from `start` to `end`.

    Windows of different schedules and events are not merged: whoever plans takes the largest, and can say which.
    """
    zone = ZoneInfo(policies.time_zone)
    facts = tuple(_facts(policies.calendar, zone, start, end))
    windows = {
        window
        for fact in facts
        for window in _windows_of_day(policies, zone, fact)
        if window.start < end and start < window.end
    }
    return SchoolTime(windows=tuple(sorted(windows)), warnings=_warnings(facts, zone, start, end))


def school_days(policies: SchoolPolicies, start: datetime, end: datetime) -> tuple[SchoolDay, ...]:
    """Return the local dates that overlap the half-open interval, as UTC intervals, with their kinds."""
    zone = ZoneInfo(policies.time_zone)
    days = []
    for fact in _facts(policies.calendar, zone, start, end):
        begins = to_utc(zone, fact.date, time(0), Occurrence.FIRST)
        ends = to_utc(zone, fact.date + _ONE_DAY, time(0), Occurrence.FIRST)
        if begins < end and start < ends:
            eventful = any(_concerns(event.when, fact.date, begins, ends) for event in policies.events)
            days.append(SchoolDay(start=begins, end=ends, day_type=fact.day_type, eventful=eventful))
    return tuple(days)


def _concerns(when: Days | Instants, day: date, begins: datetime, ends: datetime) -> bool:
    match when:
        case Days():
            return _whole_day(when, day)
        case Instants(start=start, end=end):
            return start < ends and begins < end


def to_utc(zone: ZoneInfo, day: date, at: time, occurrence: Occurrence) -> datetime:
    """Return the instant at which the clocks of the zone show `at` on `day`; the end of the gap if they never do."""
    local = datetime.combine(day, at)
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _local(zone, first) != local:
        return _end_of_gap(zone, local)
    if occurrence is Occurrence.FIRST:
        return first
    return local.replace(tzinfo=zone, fold=1).astimezone(UTC)


def _local(zone: ZoneInfo, instant: datetime) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def _end_of_gap(zone: ZoneInfo, skipped: datetime) -> datetime:
    """Return the first instant at which the clocks of the zone show more than the skipped local time."""
    before = skipped.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = skipped.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if _local(zone, middle) > skipped:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _facts(calendar: Calendar | None, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[DayFact]:
    day = _local(zone, start - _LONGEST_REACH).date()
    last = _local(zone, end + _LONGEST_REACH).date()
    while day <= last:
        yield day_fact(calendar, day)
        day += _ONE_DAY


def _windows_of_day(policies: SchoolPolicies, zone: ZoneInfo, fact: DayFact) -> Iterator[Window]:
    for schedule in policies.schedules:
        plan = schedule.plan_for(fact.date, fact.day_type)
        if plan is None:
            continue
        for planned in _planned(plan, schedule, zone, fact.date, policies.accounts):
            yield _scheduled(planned, policies, fact)
            yield from _raised(planned, policies, fact)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """One bell or window of a plan on a date, before events. `ramp` is None for a window."""

    start: datetime
    end: datetime
    demand: tuple[AudienceDemand, ...]
    ramp: timedelta | None
    source: str


def _planned(plan: DayPlan, schedule: Schedule, zone: ZoneInfo, day: date, accounts: Accounts) -> Iterator[_Planned]:
    for bell in plan.bells:
        start, end = _span_of_bell(bell, zone, day)
        source = f"schedule {schedule.name}: {bell.at:%H:%M} {bell.name}"
        demand = demand_by_audience(bell.demand, accounts)
        yield _Planned(start=start, end=end, demand=demand, ramp=bell.ramp, source=source)
    for window in plan.windows:
        start, end = _span_of_window(window, zone, day)
        source = f"schedule {schedule.name}: {window.start:%H:%M}-{window.end:%H:%M} {window.name}"
        demand = demand_by_audience(window.demand, accounts)
        if start < end:
            yield _Planned(start=start, end=end, demand=demand, ramp=None, source=source)


def _span_of_bell(bell: Bell, zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    """Return the bell's interval: ramp and duration are lengths of real time, counted in UTC."""
    rings = to_utc(zone, day, bell.at, Occurrence.FIRST)
    rings_last = to_utc(zone, day, bell.at, Occurrence.SECOND)
    return rings - bell.ramp, rings_last + bell.duration


def _span_of_window(window: LocalWindow, zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    """Return the window's interval; both ends are times on the wall, so its length changes with the clocks."""
    last_day = day if window.ends_on is EndsOn.SAME_DAY else day + _ONE_DAY
    start = to_utc(zone, day, window.start, Occurrence.FIRST)
    return start, to_utc(zone, last_day, window.end, Occurrence.SECOND)


def _scheduled(planned: _Planned, policies: SchoolPolicies, fact: DayFact) -> Window:
    """Return the window as the schedule wants it, lowered only by events that name this ENT for less."""
    remaining = min((e.remaining_percent for e in policies.events if _whole_day(e.when, fact.date)), default=100)
    total = sum(part.per_second for part in planned.demand)
    return Window(
        start=planned.start,
        end=planned.end,
        ent=policies.ent,
        demand_per_second=total * remaining / 100,
        source=planned.source,
        ramp_seconds=_ramp_left(planned, planned.start),
    )


def _whole_day(when: Days | Instants, day: date) -> bool:
    return isinstance(when, Days) and when.first_day <= day <= when.last_day


def _raised(planned: _Planned, policies: SchoolPolicies, fact: DayFact) -> Iterator[Window]:
    """Return what events add to a planned window: a second window beside it, for as long as the event lasts."""
    for event in policies.events:
        start, end = _within(event.when, planned, fact.date)
        demand = sum(part.per_second * _factor(event.multipliers, part, planned.ramp) for part in planned.demand)
        if event.multipliers and start < end:
            yield Window(
                start=start,
                end=end,
                ent=policies.ent,
                demand_per_second=demand,
                source=f"event {event.name}, {planned.source}",
                by_event=True,
                ramp_seconds=_ramp_left(planned, start),
            )


def _ramp_left(planned: _Planned, start: datetime) -> float:
    """Return how much of the bell's ramp is left when a window starts, which an event may do in the middle of it."""
    if planned.ramp is None:
        return 0.0
    return max(0.0, (planned.start + planned.ramp - start).total_seconds())


def _within(when: Days | Instants, planned: _Planned, day: date) -> tuple[datetime, datetime]:
    """Return the part of the planned window that the event concerns; empty when none."""
    match when:
        case Days(first_day=first, last_day=last):
            return (planned.start, planned.end) if first <= day <= last else (planned.start, planned.start)
        case Instants(start=start, end=end):
            return max(start, planned.start), min(end, planned.end)


def _factor(multipliers: tuple[Multiplier, ...], part: AudienceDemand, ramp: timedelta | None) -> float:
    """Return the largest factor of the audiences meant. Demand that does not say who comes takes the largest of all.

    One audience seen at several resolutions is one fact: each bounds the peak from above, so the least is true.
    """
    by_audience: dict[Audience, list[float]] = {}
    for m in multipliers:
        if Audience.ALL in (m.audience, part.audience) or m.audience is part.audience:
            by_audience.setdefault(m.audience, []).append(m.at_peak(m.per.length if ramp is None else ramp))
    return max((min(factors) for factors in by_audience.values()), default=1.0)


def _warnings(facts: tuple[DayFact, ...], zone: ZoneInfo, start: datetime, end: datetime) -> tuple[str, ...]:
    """Say which dates of the question no calendar speaks about, reason by reason."""
    first, last = _local(zone, start).date(), _local(zone, end).date()
    unknown = [fact for fact in facts if not fact.known and first <= fact.date <= last]
    reasons = sorted({fact.reason for fact in unknown})
    return tuple(
        f"{reason}: treated as in a school week from "
        f"{min(f.date for f in unknown if f.reason == reason)} to {max(f.date for f in unknown if f.reason == reason)}"
        for reason in reasons
    )


def calendar_ends(policies: SchoolPolicies) -> datetime | None:
    """Return the instant from which on the ENT's calendar says nothing any more; None without a calendar."""
    if policies.calendar is None:
        return None
    zone = ZoneInfo(policies.time_zone)
    return to_utc(zone, policies.calendar.valid_until + _ONE_DAY, time(0), Occurrence.FIRST)
