"""Days on which a review looks: one of each kind that a calendar has, and those of each event. No clock is asked."""

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from controller.domain.localtime import ONE_DAY
from controller.domain.schooldays import Calendar
from controller.domain.schooltime import Facts, SchoolPolicies, facts_of, interval
from controller.domain.timetable import Days

_A_YEAR = timedelta(days=400)
"""A school year and a bit, so that every kind of day and both clock changes are in it."""
_ANY_YEAR = (date(2026, 1, 1), date(2027, 2, 4))
"""Where no calendar says: weekdays and the rules of clocks repeat."""


def year_of(calendar: Calendar | None) -> Iterator[date]:
    """Return the days of the last year that the calendar speaks about."""
    first, last = _ANY_YEAR
    if calendar is not None:
        last = calendar.valid_until
        first = max(calendar.valid_from or date.min + _A_YEAR, last - _A_YEAR)
    return _days(first, last)


def days_of_events(policies: SchoolPolicies) -> Iterator[date]:
    """Return the days of all events of the ENT."""
    zone = ZoneInfo(policies.time_zone)
    for event in policies.events:
        if isinstance(event.when, Days):
            yield from _days(event.when.first_day, event.when.last_day)
        else:
            start, end = interval(event.when, zone)
            longest = min(end, start + _A_YEAR)
            yield from _days(start.astimezone(zone).date(), longest.astimezone(zone).date())


def one_of_each_kind(policies: SchoolPolicies) -> Iterator[date]:
    """Return a day of each kind on each weekday, with and without each event."""
    facts = facts_of(policies.calendar)
    yield from _distinct(year_of(policies.calendar), facts)
    yield from _distinct(days_of_events(policies), facts)


def _distinct(days: Iterator[date], facts: Facts) -> Iterator[date]:
    seen = set[tuple[str, int]]()
    for day in days:
        kind = (facts(day).day_type.value, day.weekday())
        if kind not in seen:
            seen.add(kind)
            yield day


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + number * ONE_DAY
