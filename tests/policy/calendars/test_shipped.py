"""The shipped calendars: whole, sourced, and as it was."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from controller.domain.schooldays import day_fact
from controller.policy.public_holidays import public_holidays
from controller.policy.scalars import Territory
from controller.policy.territories import ALSACE_MOSELLE
from tests.policy.calendars.comparison import CALENDARS, every_day, ours, resource, shipped

NAMES = sorted(path.stem for path in CALENDARS.glob("*.yaml"))
LONGEST = timedelta(days=75)
"""Summer holidays in Nouvelle-Calédonie have 70 days at most."""


def test_every_territory_has_a_calendar_of_its_name() -> None:
    """An author finds the days of any territory; Alsace and Moselle have theirs beside zone B."""
    assert set(NAMES) == {territory.value for territory in Territory} | {ALSACE_MOSELLE}
    for name in NAMES:
        declared = resource(name)
        assert declared.metadata.name == name
        assert declared.spec.territory == (Territory.ZONE_B if name == ALSACE_MOSELLE else name)


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_has_a_source_with_a_date(name: str) -> None:
    """A reader can check each day: who said so, and when."""
    spec = resource(name).spec
    dated = {source.name for source in spec.sources if source.published_on or source.read_on}
    cited = {v.source for v in spec.vacations} | {h.source for h in spec.public_holidays}
    assert cited | {e.source for e in spec.exceptions} == dated


@pytest.mark.parametrize("name", NAMES)
def test_vacations_follow_each_other_with_days_of_school_between(name: str) -> None:
    """A typing error in a year or a month would make a vacation too long, or two of them overlap."""
    vacations = resource(name).spec.vacations
    for vacation in vacations:
        if vacation.resumption is not None:
            assert vacation.resumption - vacation.departure <= LONGEST, vacation.name
            assert vacation.resumption.weekday() < 5, vacation.name
    for earlier, later in pairwise(vacations):
        assert (earlier.resumption or earlier.departure) + timedelta(days=2) < later.departure, later.name


@pytest.mark.parametrize("name", NAMES)
def test_public_holidays_are_those_of_the_law(name: str) -> None:
    """They are listed for review, and none is forgotten in any year the calendar speaks about."""
    spec = resource(name).spec
    assert spec.valid_from is not None
    listed = tuple((holiday.date, holiday.name) for holiday in spec.public_holidays)
    assert listed == public_holidays(name, spec.valid_from, spec.valid_until)


def test_alsace_and_moselle_differ_from_zone_b_in_their_two_holidays_alone() -> None:
    """The two files are kept equal by this test, so that each can be applied alone."""
    base, own = resource("zone-b").spec, resource(ALSACE_MOSELLE).spec
    for field in ("vacations", "remarks", "unknown_days", "exceptions", "valid_from", "valid_until"):
        assert getattr(own, field) == getattr(base, field), field
    extra = {holiday.name for holiday in own.public_holidays} - {holiday.name for holiday in base.public_holidays}
    assert extra == {"Vendredi saint", "Saint-Étienne"}


DAYS = [
    ("zone-a", "2016-05-06", "Vacation"),  # bridge of the Ascension 2016
    ("zone-c", "2016-10-19", "LastDayBefore"),  # departure on a Wednesday, after class
    ("zone-c", "2016-11-03", "FirstDayBack"),
    ("zone-b", "2018-05-11", "SchoolDay"),  # no bridge in 2018
    ("zone-c", "2020-03-16", "SchoolDay"),  # schools closed, lessons through the portals
    ("zone-c", "2020-03-18", "Wednesday"),
    ("zone-c", "2020-04-03", "LastDayBefore"),
    ("zone-c", "2020-04-06", "Vacation"),
    ("zone-a", "2020-04-06", "SchoolDay"),
    ("zone-b", "2021-04-05", "PublicHoliday"),  # Easter Monday before the first day at home
    ("zone-b", "2021-04-06", "SchoolDay"),
    ("zone-a", "2021-04-09", "LastDayBefore"),
    ("zone-b", "2021-04-12", "Vacation"),
    ("zone-c", "2021-04-26", "FirstDayBack"),
    ("zone-b", "2021-05-03", "SchoolDay"),
    ("zone-a", "2021-05-14", "Vacation"),
    ("zone-a", "2021-05-17", "FirstDayBack"),
    ("zone-a", "2021-07-06", "LastDayBefore"),  # departure on a Tuesday, after class
    ("zone-a", "2021-09-01", "Vacation"),
    ("zone-a", "2021-09-02", "FirstDayBack"),
    ("zone-b", "2023-05-19", "Vacation"),
    ("zone-c", "2026-05-14", "PublicHoliday"),
    ("zone-c", "2026-05-15", "Vacation"),
    ("zone-a", "2026-11-25", "Wednesday"),
    ("zone-a", "2028-07-04", "LastDayBefore"),
    ("zone-a", "2028-07-05", "Unknown"),
    ("zone-b", "2026-04-03", "SchoolDay"),  # Good Friday is a day of school but in Alsace and Moselle
    (ALSACE_MOSELLE, "2026-04-03", "PublicHoliday"),
    ("martinique", "2024-05-22", "PublicHoliday"),
    ("guadeloupe", "2024-05-27", "PublicHoliday"),
    ("guyane", "2024-06-10", "PublicHoliday"),
    ("saint-martin", "2024-05-28", "PublicHoliday"),
    ("saint-barthelemy", "2024-10-09", "PublicHoliday"),
    ("la-reunion", "2026-12-18", "LastDayBefore"),
    ("nouvelle-caledonie", "2026-09-24", "PublicHoliday"),
    ("mayotte", "2026-11-25", "Wednesday"),
    ("guadeloupe", "2026-11-25", "Unknown"),
    ("saint-pierre-et-miquelon", "2026-11-25", "Unknown"),
]


@pytest.mark.parametrize(("name", "day", "kind"), DAYS)
def test_a_day_is_what_really_happened(name: str, day: str, kind: str) -> None:
    """What had been planned, or what a library says, does not count."""
    assert ours(shipped(name), date.fromisoformat(day)) == kind


def test_lessons_at_home_are_told_and_are_not_a_vacation() -> None:
    """The load of March 2020 came through the portals while schools were closed: nothing may scale down then."""
    for name in ("zone-a", "zone-b", "zone-c"):
        calendar = shipped(name)
        for day in every_day(date(2020, 3, 16), date(2020, 3, 20)):
            fact = day_fact(calendar, day)
            assert fact.day_type in ("SchoolDay", "Wednesday")
            assert "closed" in fact.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_day_that_no_source_establishes_is_one_of_a_school_week(name: str) -> None:
    """Capacity too much, never too little: unknown days are never a vacation."""
    calendar = shipped(name)
    after = [calendar.valid_until + timedelta(days=n) for n in range(1, 15)]
    left_open = [day for span in calendar.unknown_days for day in every_day(span.first_day, span.last_day)]
    for day in after + left_open:
        fact = day_fact(calendar, day)
        assert not fact.known
        assert fact.day_type in ("SchoolDay", "Wednesday", "Saturday", "Sunday")
