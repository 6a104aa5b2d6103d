"""Every change of the clocks from 2020 to 2027 in every territory, minute by minute, against zoneinfo itself.

What is expected is read off a table of what the clocks show at each UTC minute; nothing of the code under test is used.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import pytest

from controller.domain.names import EntKey
from controller.domain.schooldays import Calendar, DayType, HolidayDate
from controller.domain.schooltime import SchoolPolicies, resolve
from controller.domain.timetable import Bell, DayPlan, EndsOn, FixedDemand, LocalWindow, Schedule

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
YEARS = range(2020, 2028)
ZONES = {
    "zone-a": "Europe/Paris",
    "zone-b": "Europe/Paris",
    "zone-c": "Europe/Paris",
    "corse": "Europe/Paris",
    "guadeloupe": "America/Guadeloupe",
    "martinique": "America/Martinique",
    "guyane": "America/Cayenne",
    "la-reunion": "Indian/Reunion",
    "mayotte": "Indian/Mayotte",
    "saint-pierre-et-miquelon": "America/Miquelon",
    "saint-barthelemy": "America/St_Barthelemy",
    "saint-martin": "America/Marigot",
    "nouvelle-caledonie": "Pacific/Noumea",
    "polynesie-francaise": "Pacific/Tahiti",
    "wallis-et-futuna": "Pacific/Wallis",
}
LENGTH = 45 * MINUTE
NIGHT_MINUTES = 5 * 60
"""Clocks change at 2:00 or 3:00: windows and bells begin at every minute of these hours."""
RAMP, DURATION = 10 * MINUTE, 30 * MINUTE
DEMAND = FixedDemand(per_second=1.0)


@cache
def changes(zone: str) -> tuple[date, ...]:
    """The local days on which the clocks of the zone change: at noon they show another offset than the noon before."""
    first, count = date(YEARS.start, 1, 1), (date(YEARS.stop, 1, 1) - date(YEARS.start, 1, 1)).days
    noons = [datetime.combine(first + n * DAY, time(12), tzinfo=ZoneInfo(zone)) for n in range(count)]
    return tuple(noon.date() for before, noon in pairwise(noons) if before.utcoffset() != noon.utcoffset())


@cache
def days_of(zone: str) -> tuple[date, ...]:
    """The zone's own changes, and two of France: where the clocks never change they must not stir then either."""
    return tuple(sorted({*changes(zone), *changes("Europe/Paris")[:2]}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The UTC minutes around the night of a day, and what the clocks of the zone show."""

    minutes: list[datetime]
    at_most: list[datetime]
    """The latest that was shown so far: what is looked up to find when a time is first reached."""
    last: dict[datetime, datetime]
    """The last minute at which each time is shown."""

    def first_shown(self, wanted: datetime) -> datetime:
        """The first minute at which the clocks show the time, or have jumped over it."""
        return self.minutes[bisect_left(self.at_most, wanted)]

    def last_shown(self, wanted: datetime) -> datetime:
        """The last minute at which the clocks show the time, or have jumped over it."""
        return self.last.get(wanted, self.first_shown(wanted))


def clock(zone: str, day: date) -> Clock:
    """The clock on the wall, as zoneinfo has it."""
    first = datetime.combine(day, time(), tzinfo=UTC) - 14 * timedelta(hours=1)
    minutes = [first + n * MINUTE for n in range(36 * 60)]
    shown = [minute.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for minute in minutes]
    last = dict(zip(shown, minutes, strict=True))
    return Clock(minutes=minutes, at_most=list(accumulate(shown, max)), last=last)


def night(day: date) -> list[datetime]:
    """Every local minute of the night's first hours, whether the clocks show it or not."""
    return [datetime.combine(day, time()) + n * MINUTE for n in range(NIGHT_MINUTES)]


def the_schedule(day: date) -> Schedule:
    """A window and a bell at every minute of the night, on that day alone: it is made a public holiday."""
    windows = tuple(
        LocalWindow(name=f"w{n:03}", start=at.time(), end=(at + LENGTH).time(), demand=DEMAND, ends_on=EndsOn.SAME_DAY)
        for n, at in enumerate(night(day))
    )
    bells = tuple(
        Bell(name=f"b{n:03}", at=at.time(), ramp=RAMP, duration=DURATION, demand=DEMAND)
        for n, at in enumerate(night(day))
    )
    return Schedule(name="s", days=(DayPlan(types=frozenset({DayType.PUBLIC_HOLIDAY}), bells=bells, windows=windows),))


def expected(zone: str, day: date) -> dict[str, tuple[datetime, datetime]]:
    """When each window and bell of that date is, by the table alone; what no clock shows does not happen."""
    wall, found = clock(zone, day), {}
    for n, at in enumerate(night(day)):
        start, end = wall.first_shown(at), wall.last_shown(at + LENGTH)
        if start < end:
            found[f"w{n:03}"] = (start, end)
        found[f"b{n:03}"] = (start - RAMP, wall.last_shown(at) + DURATION)
    return found


def resolved(zone: str, day: date) -> dict[str, tuple[datetime, datetime]]:
    """The same by the code under test."""
    holiday = HolidayDate(date=day, name="the clocks change")
    calendar = Calendar(name="c", source="s", valid_until=day + 9 * DAY, public_holidays=(holiday,))
    policies = SchoolPolicies(ent=EntKey("n", "e"), time_zone=zone, calendar=calendar, schedules=(the_schedule(day),))
    midnight = clock(zone, day).first_shown(datetime.combine(day, time()))
    found = resolve(policies, midnight - DAY, midnight + DAY).windows
    return {w.source.rpartition(" ")[2]: (w.start, w.end) for w in found}


def wrong_minutes(found: tuple[datetime, datetime] | None, wanted: tuple[datetime, datetime] | None) -> int:
    """The number of minutes in which one of the two intervals holds and the other does not."""
    covered = []
    for each in (found, wanted):
        span = each or (datetime.min.replace(tzinfo=UTC),) * 2
        covered.append({span[0] + n * MINUTE for n in range((span[1] - span[0]) // MINUTE)})
    return len(covered[0] ^ covered[1])


@pytest.mark.parametrize("zone", sorted(set(ZONES.values())))
def test_no_minute_of_any_change_of_the_clocks_is_wrong(zone: str) -> None:
    """A bell is covered whenever the clock on the wall says so: 0 wrong minutes, skipped and doubled hours included."""
    wrong = 0
    for day in days_of(zone):
        found, wanted = resolved(zone, day), expected(zone, day)
        for name in sorted({*found, *wanted}):
            if found.get(name) != wanted.get(name):
                wrong += wrong_minutes(found.get(name), wanted.get(name))
    assert wrong == 0


def test_the_changes_are_those_that_there_are() -> None:
    """Two a year in France and in Saint-Pierre-et-Miquelon, on dates of its own; none elsewhere."""
    assert {zone: len(changes(zone)) for zone in set(ZONES.values())} == {
        zone: 16 if zone in ("Europe/Paris", "America/Miquelon") else 0 for zone in set(ZONES.values())
    }
    assert not {*changes("Europe/Paris")} & {*changes("America/Miquelon")}
