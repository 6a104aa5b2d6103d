"""What cancels what: bells that another hides, events that undo each other, calendar entries that never count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from controller.domain.schooltime import interval
from controller.domain.timetable import EndsOn, Event
from controller.policy.catalogue import Catalogue
from controller.policy.convert import ent_key, event
from controller.policy.ent import RegionalENT
from controller.policy.errors import Problem
from controller.policy.event import SchoolEvent
from controller.policy.scalars import parse_duration
from controller.policy.schedule import Bell, DayPlan, Demand

_RAMP = parse_duration("10m")
_DURATION = parse_duration("30m")
"""What a bell is taken as where it does not say."""


def contradictions(catalogue: Catalogue) -> Iterator[Problem]:
    """Say what has no effect because something else cancels it."""
    for key, schedule in catalogue.schedules.items():
        if schedule.spec.extends is None:  # a part of an extending schedule means nothing without its base
            for index, day in enumerate(schedule.spec.days):
                for field, message in _hidden(day):
                    place = f"spec.days[{index}].{field}"
                    yield Problem(resource=f"SchoolSchedule {key}", field=place, message=message)
    for ent in catalogue.ents.values():
        yield from _undone(ent, catalogue)
    for name, calendar in catalogue.calendars.items():
        entries = calendar.spec.exceptions
        for index, entry in enumerate(entries):
            if any(e.first_day <= entry.first_day and entry.last_day <= e.last_day for e in entries[index + 1 :]):
                message = "a later exception covers all of these days and wins; remove this one"
                yield Problem(resource=f"SchoolCalendar {name}", field=f"spec.exceptions[{index}]", message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One bell or window of a day, in minutes of the clock since midnight."""

    field: str
    name: str
    start: float
    end: float
    ramp: timedelta | None
    demand: Demand


def _hidden(day: DayPlan) -> Iterator[tuple[str, str]]:
    """Say which bells and windows lie within another that asks for as much: whatever they want is already there.

    Bells are held against bells and windows against windows, since events raise the two differently.
    """
    for parts in (list(_bells(day)), list(_windows(day))):
        for part in parts:
            hiding = next((other for other in parts if _hides(other, part, parts)), None)
            if hiding is not None:
                message = f"{part.name} lies within {hiding.name}, which asks for as much or more: it has no effect"
                yield part.field, f"{message}; remove it, or raise its demand"


def _bells(day: DayPlan) -> Iterator[_Part]:
    for index, bell in enumerate(day.bells):
        if bell.at is not None and bell.demand is not None and bell.lead is None:
            yield _bell(bell, bell.at, bell.demand, f"bells[{index}]")


def _bell(bell: Bell, at: time, demand: Demand, field: str) -> _Part:
    ramp = _RAMP if bell.ramp is None else bell.ramp
    duration = _DURATION if bell.duration is None else bell.duration
    start, end = _minutes(at) - ramp.total_seconds() / 60, _minutes(at) + duration.total_seconds() / 60
    return _Part(field=field, name=bell.name, start=start, end=end, ramp=ramp, demand=demand)


def _windows(day: DayPlan) -> Iterator[_Part]:
    for index, window in enumerate(day.windows):
        if window.start is None or window.end is None or window.demand is None:
            continue
        if window.lead is None and not window.keep_out:
            end = _minutes(window.end) + (24 * 60 if window.ends_on is EndsOn.NEXT_DAY else 0)
            start, field = _minutes(window.start), f"windows[{index}]"
            yield _Part(field=field, name=window.name, start=start, end=end, ramp=None, demand=window.demand)


def _minutes(at: time) -> float:
    return at.hour * 60 + at.minute + at.second / 60


def _hides(other: _Part, part: _Part, parts: Sequence[_Part]) -> bool:
    if other is part or not (other.start <= part.start and part.end <= other.end):
        return False
    if other.ramp is not None and part.ramp is not None and other.ramp > part.ramp:
        return False  # an event raises the steeper bell more
    if not _as_much(other.demand, part.demand):
        return False
    equal = (other.start, other.end) == (part.start, part.end) and _as_much(part.demand, other.demand)
    return not equal or parts.index(other) < parts.index(part)


def _as_much(one: Demand, other: Demand) -> bool:
    """Tell whether one asks for as much as the other at every ENT."""
    if one.connections_per_second is not None and other.connections_per_second is not None:
        return one.connections_per_second >= other.connections_per_second
    if one.percent_of_usual_peak is not None and other.percent_of_usual_peak is not None:
        return one.percent_of_usual_peak >= other.percent_of_usual_peak
    a, b = one.share_of_accounts, other.share_of_accounts
    if a is None or b is None:
        return False
    shares = (
        (a.pupils_permille, b.pupils_permille),
        (a.teachers_permille, b.teachers_permille),
        (a.parents_permille, b.parents_permille),
    )
    return all(x * b.within >= y * a.within for x, y in shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effect:
    """One event as it concerns one ENT, with the time it lasts."""

    resource: SchoolEvent
    event: Event
    start: datetime
    end: datetime
    named: bool
    """Whether the ENT is named one by one; a territory as a whole may well meet what one of its ENTs does not."""

    def lasts_within(self, other: "_Effect") -> bool:
        return other.start <= self.start and self.end <= other.end


def _undone(ent: RegionalENT, catalogue: Catalogue) -> Iterator[Problem]:
    """Say which events undo each other at an ENT."""
    effects = [found for resource in catalogue.events if (found := _effect(resource, ent)) is not None]
    key = ent_key(ent.metadata)
    for one in effects:
        for other in effects:
            message = _cancels(one, other)
            if message is not None:
                name = f"SchoolEvent {one.resource.metadata.name}"
                yield Problem(resource=name, field="spec", message=f"at {key}: {message}; change one of them")


def _effect(resource: SchoolEvent, ent: RegionalENT) -> _Effect | None:
    found = event(resource, ent)
    if found is None:
        return None
    start, end = interval(found.when, ZoneInfo(ent.spec.time_zone.key))
    applies = resource.spec.applies
    key = ent_key(ent.metadata)
    named = any((e.namespace, e.name) == key for e in (applies.ents or () if applies else ()))
    return _Effect(resource=resource, event=found, start=start, end=end, named=named)


def _cancels(one: _Effect, other: _Effect) -> str | None:
    """Return why `one` has no effect because of `other`; None when it has."""
    raises = bool(one.event.multipliers or one.event.plans) and (one.named or one is other)
    name = other.event.name
    if raises and other.event.reopening is not None and one.lasts_within(other):
        return f"raises demand while {'it' if one is other else f'event {name}'} shuts the portal for all of that time"
    reduces = other.event.remaining_percent < 100
    if raises and reduces and one.lasts_within(other):
        return f"raises demand that {'it' if one is other else f'event {name}'} lowers for all of that time"
    lowered = one.event.remaining_percent
    if one is not other and lowered < 100 and one.lasts_within(other):
        more = other.event.remaining_percent < lowered
        if more or (other.event.remaining_percent == lowered and name < one.event.name):
            return f"lowers demand that event {name} lowers as much or more for all of that time"
    return None
