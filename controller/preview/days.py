"""What is wanted, day by day on the clocks of the users: what calendars on paper and screens show."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from controller.domain.schooldays import DayFact, day_fact
from controller.domain.schooltime import SchoolPolicies, school_days
from controller.preview.wanted import Wanted

SLOT = timedelta(minutes=30)
"""Of a heat map: bells ring on the hour or the half, and 48 columns fit on a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One local date of one ENT, from midnight to midnight on its users' clocks."""

    fact: DayFact
    start: datetime
    end: datetime
    wanted: tuple[Wanted, ...]
    """Cut at the midnights."""
    zone: ZoneInfo

    @property
    def date(self) -> date:
        """Return the local date."""
        return self.fact.date

    @property
    def scheduled(self) -> tuple[Wanted, ...]:
        """Return the intervals in which anything is scheduled."""
        return tuple(wanted for wanted in self.wanted if wanted.connections_per_second > 0)

    @property
    def peak(self) -> Wanted | None:
        """Return the first of the intervals with the most demand; None when nothing is scheduled."""
        return max(self.scheduled, key=lambda w: w.connections_per_second, default=None)

    def clock(self, instant: datetime) -> str:
        """Return what the users' clocks show, `08:00`; the midnight at the end of the day is 24:00."""
        return "24:00" if instant == self.end else f"{instant.astimezone(self.zone):%H:%M}"

    def slots(self) -> tuple[int | None, ...]:
        """Return the most replicas of each half hour on the clock; None for one that the clocks skip.

        An hour that comes twice is told once, with the most of both.
        """
        most: list[int | None] = [None] * (timedelta(days=1) // SLOT)
        instant = self.start
        while instant < self.end:
            until = min(instant + SLOT, self.end)
            local = instant.astimezone(self.zone)
            index = (local.hour * 60 + local.minute) * 60 // int(SLOT.total_seconds())
            here = max((w.replicas for w in self.wanted if w.start < until and instant < w.end), default=0)
            most[index] = max(here, most[index] or 0)
            instant = until
        return tuple(most)


def days_of(school: SchoolPolicies, wanted: tuple[Wanted, ...]) -> tuple[Day, ...]:
    """Return the days that the intervals span."""
    if not wanted:
        return ()
    zone = ZoneInfo(school.time_zone)
    found = []
    for each in school_days(school, wanted[0].start, wanted[-1].end):
        day = each.start.astimezone(zone).date()
        fact, cut = day_fact(school.calendar, day), within(wanted, each.start, each.end)
        found.append(Day(fact=fact, start=each.start, end=each.end, wanted=cut, zone=zone))
    return tuple(found)


def within(wanted: tuple[Wanted, ...], start: datetime, end: datetime) -> tuple[Wanted, ...]:
    """Return the parts of the intervals from `start` to `end`."""
    return tuple(part for one in wanted if (part := _cut(one, start, end)) is not None)


def _cut(one: Wanted, start: datetime, end: datetime) -> Wanted | None:
    if one.start >= end or one.end <= start:
        return None
    return replace(one, start=max(one.start, start), end=min(one.end, end))
