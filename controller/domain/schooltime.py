"""School time: from declared local days to UTC windows.

`resolve` is pure and level-triggered: whether an instant is covered depends on the policies and the instant alone,
not on what was asked before. Windows are half-open and never cut at the edges of the question.

Clock changes: a local time that the clock skips is the instant after the gap. A local time that comes twice starts
at its first occurrence and ends at its second: capacity too much, never too little. Lengths are counted in UTC.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from controller.domain.forecast import SchoolDay
from controller.domain.localtime import ONE_DAY, Occurrence, local, midnights, to_utc
from controller.domain.names import EntKey
from controller.domain.planned import KeptOut, Planned, Users, kept_out, planned, without
from controller.domain.schooldays import Calendar, DayFact, DayType, day_fact
from controller.domain.timetable import (
    Accounts,
    Audience,
    AudienceDemand,
    DayPlan,
    Days,
    Event,
    Instants,
    Multiplier,
    Reopening,
    Schedule,
)
from controller.domain.windows import Window

LONGEST_REACH = timedelta(days=2)
"""A window reaches at most this far from its date: 24 h of duration, a clock change, and a time zone."""

WITH_CLASS = frozenset({DayType.SCHOOL_DAY, DayType.WEDNESDAY, DayType.FIRST_DAY_BACK, DayType.LAST_DAY_BEFORE})
"""Kinds of day on which there are lessons."""

Facts = Callable[[date], DayFact]
"""What kind of day a date is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A time of day, where the users are, at which nothing goes back."""

    start: time
    end: time
    school_days_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolPolicies:
    """Everything that school time needs to know of one ENT."""

    ent: EntKey
    time_zone: str
    accounts: Accounts = Accounts()
    usual_peak_per_second: float = 0.0
    """What the ENT usually sees at most; 0 where nobody said."""
    calendar: Calendar | None = None
    schedules: tuple[Schedule, ...] = ()
    events: tuple[Event, ...] = ()
    blocked: tuple[Blocked, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolTime:
    """The windows, sorted, and what a policy author should know about them."""

    windows: tuple[Window, ...]
    warnings: tuple[str, ...] = ()


def resolve(policies: SchoolPolicies, start: datetime, end: datetime) -> SchoolTime:
    """Return every window that overlaps the half-open interval from `start` to `end`.

    Windows of different schedules and events are not merged: whoever plans takes the largest, and can say which.
    """
    facts = facts_of(policies.calendar)
    days = local_dates(policies.time_zone, start, end)
    found = {window for day in days for window in windows_on(policies, day, facts)}
    found |= windows_of_suspensions(policies, facts)
    windows = tuple(sorted(window for window in found if window.start < end and start < window.end))
    return SchoolTime(windows=windows, warnings=warnings(policies, facts, start, end))


def facts_of(calendar: Calendar | None) -> Facts:
    """Return what the calendar says of each date, looked up once."""
    return cache(lambda day: day_fact(calendar, day))


def local_dates(time_zone: str, start: datetime, end: datetime) -> tuple[date, ...]:
    """Return the local dates whose windows may overlap the interval."""
    zone = ZoneInfo(time_zone)
    first, last = local(zone, start - LONGEST_REACH).date(), local(zone, end + LONGEST_REACH).date()
    return tuple(first + n * ONE_DAY for n in range((last - first).days + 1))


def windows_on(policies: SchoolPolicies, day: date, facts: Facts) -> tuple[Window, ...]:
    """Return the windows of one local date, which depend on that date and its neighbours alone."""
    zone = ZoneInfo(policies.time_zone)
    users = Users(accounts=policies.accounts, usual_peak_per_second=policies.usual_peak_per_second)
    fact = facts(day)
    keepings = _keepings(policies, zone, day, facts)
    remaining = min((e.remaining_percent for e in policies.events if _whole_day(e.when, day)), default=100)
    found: list[Window] = []
    for policy, plan in _plans(policies, fact):
        for whole in planned(plan, policy, zone, day, users):
            for part in without(whole, keepings):
                if policy.startswith(_BY_SCHEDULE):
                    found.append(_window(part, policies, part.per_second * remaining / 100))
                    found += _raised(part, policies, day)
                else:
                    found.append(_window(part, policies, part.per_second, by_event=True))
        found += [_keeping(kept, policies, policy) for kept in kept_out(plan, policy, zone, day)]
    found += _blocked(policies, zone, day, fact)
    return tuple(found)


def windows_of_suspensions(policies: SchoolPolicies, facts: Facts) -> set[Window]:
    """Return when the portal is shut on purpose, and the rush when it opens again."""
    zone = ZoneInfo(policies.time_zone)
    found = set[Window]()
    for event in policies.events:
        if event.reopening is not None:
            start, end = interval(event.when, zone)
            said = f"event {event.name}: shut on purpose"
            found.add(_shut(policies, start, end, said))
            found |= _rush(policies, event, event.reopening, end, facts)
    return found


def school_days(policies: SchoolPolicies, start: datetime, end: datetime) -> tuple[SchoolDay, ...]:
    """Return the local dates that overlap the half-open interval, as UTC intervals, with their kinds."""
    zone = ZoneInfo(policies.time_zone)
    days = []
    for day in local_dates(policies.time_zone, start, end):
        begins, ends = midnights(zone, day, day)
        if begins < end and start < ends:
            eventful = any(_concerns(event.when, day, begins, ends) for event in policies.events)
            kind = day_fact(policies.calendar, day).day_type
            days.append(SchoolDay(start=begins, end=ends, day_type=kind, eventful=eventful))
    return tuple(days)


def warnings(policies: SchoolPolicies, facts: Facts, start: datetime, end: datetime) -> tuple[str, ...]:
    """Say which dates of the interval no calendar speaks about, reason by reason."""
    zone = ZoneInfo(policies.time_zone)
    first, last = local(zone, start).date(), local(zone, end).date()
    days = (first + n * ONE_DAY for n in range((last - first).days + 1))
    unknown = [fact for day in days if not (fact := facts(day)).known]
    reasons = sorted({fact.reason for fact in unknown})
    return tuple(
        f"{reason}: treated as in a school week from "
        f"{min(f.date for f in unknown if f.reason == reason)} to {max(f.date for f in unknown if f.reason == reason)}"
        for reason in reasons
    )


_BY_SCHEDULE = "schedule "


def _plans(policies: SchoolPolicies, fact: DayFact) -> Iterator[tuple[str, DayPlan]]:
    """Return the plans for the day, each with what explanations call its policy."""
    for schedule in policies.schedules:
        plan = schedule.plan_for(fact.date, fact.day_type)
        if plan is not None:
            yield f"{_BY_SCHEDULE}{schedule.name}", plan
    for event in policies.events:
        if event.plans and _whole_day(event.when, fact.date):
            for plan in event.plans:
                if fact.day_type in plan.types:
                    yield f"event {event.name}", plan


def _keepings(policies: SchoolPolicies, zone: ZoneInfo, day: date, facts: Facts) -> tuple[KeptOut, ...]:
    """Return who is kept out around the day: a window across midnight meets the keep-out of the next morning."""
    plans = [plan for schedule in policies.schedules for plan in schedule.days]
    plans += [plan for event in policies.events for plan in event.plans]
    if not any(window.keep_out for plan in plans for window in plan.windows):
        return ()
    return tuple(
        kept
        for near in (day - ONE_DAY, day, day + ONE_DAY)
        for policy, plan in _plans(policies, facts(near))
        for kept in kept_out(plan, policy, zone, near)
    )


def _window(part: Planned, policies: SchoolPolicies, per_second: float, *, by_event: bool = False) -> Window:
    return Window(
        start=part.start,
        end=part.end,
        ent=policies.ent,
        demand_per_second=per_second,
        source=part.source,
        by_event=by_event,
        ramp_seconds=part.ramp_seconds_from(part.start),
        lead_seconds=part.lead.total_seconds() if part.lead else 0.0,
    )


def _blocked(policies: SchoolPolicies, zone: ZoneInfo, day: date, fact: DayFact) -> Iterator[Window]:
    for each in policies.blocked:
        if each.school_days_only and fact.day_type not in WITH_CLASS:
            continue
        start, end = to_utc(zone, day, each.start, Occurrence.FIRST), to_utc(zone, day, each.end, Occurrence.SECOND)
        source = f"blocked: {each.start:%H:%M}-{each.end:%H:%M}"
        if start < end:
            yield Window(start=start, end=end, ent=policies.ent, demand_per_second=0.0, source=source, no_moves=True)


def _keeping(kept: KeptOut, policies: SchoolPolicies, policy: str) -> Window:
    return Window(
        start=kept.start,
        end=kept.end,
        ent=policies.ent,
        demand_per_second=0.0,
        source=kept.source,
        by_event=not policy.startswith(_BY_SCHEDULE),
        kept_out=kept.audiences,
    )


def _shut(policies: SchoolPolicies, start: datetime, end: datetime, source: str) -> Window:
    return Window(
        start=start,
        end=end,
        ent=policies.ent,
        demand_per_second=0.0,
        source=source,
        by_event=True,
        kept_out=(Audience.ALL,),
    )


def _rush(policies: SchoolPolicies, event: Event, reopening: Reopening, opens: datetime, facts: Facts) -> set[Window]:
    """Return the window in which those who waited come back: as many as at the day's largest bell."""
    day = local(ZoneInfo(policies.time_zone), opens).date()
    largest = max((window.demand_per_second for window in windows_on(policies, day, facts)), default=0.0)
    if largest <= 0.0:
        return set()
    return {
        Window(
            start=opens,
            end=opens + reopening.ramp + reopening.duration,
            ent=policies.ent,
            demand_per_second=largest,
            source=f"event {event.name}: reopening",
            by_event=True,
            ramp_seconds=reopening.ramp.total_seconds(),
        )
    }


def interval(when: Days | Instants, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return how long an event lasts, half-open."""
    match when:
        case Days(first_day=first, last_day=last):
            return midnights(zone, first, last)
        case Instants(start=start, end=end):
            return start, end


def _whole_day(when: Days | Instants, day: date) -> bool:
    return isinstance(when, Days) and when.first_day <= day <= when.last_day


def _concerns(when: Days | Instants, day: date, begins: datetime, ends: datetime) -> bool:
    match when:
        case Days():
            return _whole_day(when, day)
        case Instants(start=start, end=end):
            return start < ends and begins < end


def _raised(part: Planned, policies: SchoolPolicies, day: date) -> Iterator[Window]:
    """Return what events add to a planned interval: a second window beside it, for as long as the event lasts."""
    for event in policies.events:
        if not event.multipliers:
            continue
        start, end = _within(event.when, part, day)
        if start < end:
            yield Window(
                start=start,
                end=end,
                ent=policies.ent,
                demand_per_second=sum(p.per_second * _factor(event.multipliers, p, part.ramp) for p in part.demand),
                source=f"event {event.name}, {part.source}",
                by_event=True,
                ramp_seconds=part.ramp_seconds_from(start),
                lead_seconds=part.lead.total_seconds() if part.lead else 0.0,
            )


def _within(when: Days | Instants, part: Planned, day: date) -> tuple[datetime, datetime]:
    """Return the part of the planned interval that the event concerns; empty when none."""
    match when:
        case Days(first_day=first, last_day=last):
            return (part.start, part.end) if first <= day <= last else (part.start, part.start)
        case Instants(start=start, end=end):
            return max(start, part.start), min(end, part.end)


def _factor(multipliers: tuple[Multiplier, ...], part: AudienceDemand, ramp: timedelta | None) -> float:
    """Return the largest factor of the audiences meant. Demand that does not say who comes takes the largest of all.

    One audience seen at several resolutions is one fact: each bounds the peak from above, so the least is true.
    """
    by_audience: dict[Audience, list[float]] = {}
    for m in multipliers:
        if Audience.ALL in (m.audience, part.audience) or m.audience is part.audience:
            by_audience.setdefault(m.audience, []).append(m.at_peak(m.per.length if ramp is None else ramp))
    return max((min(factors) for factors in by_audience.values()), default=1.0)


def calendar_ends(policies: SchoolPolicies) -> datetime | None:
    """Return the instant from which on the ENT's calendar says nothing any more; None without a calendar."""
    if policies.calendar is None:
        return None
    after = policies.calendar.valid_until + ONE_DAY
    return to_utc(ZoneInfo(policies.time_zone), after, time(0), Occurrence.FIRST)
