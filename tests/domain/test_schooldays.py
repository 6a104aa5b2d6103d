"""What kind of day a date is."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.schooldays import (
    Calendar,
    DayType,
    ExceptionDays,
    HolidayDate,
    RemarkDays,
    UnknownDays,
    VacationDays,
    day_fact,
)

SPRING_2021 = Calendar(
    name="zone-b",
    source="announcement of 31 March 2021",
    valid_from=date(2021, 4, 1),
    valid_until=date(2021, 5, 14),
    vacations=(VacationDays(name="Spring", departure=date(2021, 4, 9), resumption=date(2021, 4, 26)),),
    public_holidays=(
        HolidayDate(date=date(2021, 4, 5), name="Easter Monday"),
        HolidayDate(date=date(2021, 5, 1), name="Labour Day"),
        HolidayDate(date=date(2021, 5, 13), name="Ascension"),
    ),
    exceptions=(
        ExceptionDays(
            first_day=date(2021, 5, 14), last_day=date(2021, 5, 14), day_type=DayType.VACATION, reason="bridge"
        ),
        ExceptionDays(
            first_day=date(2021, 4, 28), last_day=date(2021, 5, 3), day_type=DayType.VACATION, reason="closed"
        ),
        ExceptionDays(
            first_day=date(2021, 5, 3), last_day=date(2021, 5, 3), day_type=DayType.SCHOOL_DAY, reason="open"
        ),
    ),
)


@pytest.mark.parametrize(
    ("day", "expected", "reason"),
    [
        (date(2021, 4, 2), DayType.SCHOOL_DAY, "day of the week"),
        (date(2021, 4, 3), DayType.SATURDAY, "day of the week"),
        (date(2021, 4, 5), DayType.PUBLIC_HOLIDAY, "Easter Monday"),
        (date(2021, 4, 7), DayType.WEDNESDAY, "day of the week"),
        (date(2021, 4, 9), DayType.LAST_DAY_BEFORE, "last day before Spring"),
        (date(2021, 4, 10), DayType.VACATION, "Spring"),
        (date(2021, 4, 25), DayType.VACATION, "Spring"),
        (date(2021, 4, 26), DayType.FIRST_DAY_BACK, "first day after Spring"),
        (date(2021, 4, 28), DayType.VACATION, "closed"),
        (date(2021, 5, 1), DayType.PUBLIC_HOLIDAY, "Labour Day"),
        (date(2021, 5, 2), DayType.SUNDAY, "day of the week"),
        (date(2021, 5, 3), DayType.SCHOOL_DAY, "open"),
        (date(2021, 5, 13), DayType.PUBLIC_HOLIDAY, "Ascension"),
        (date(2021, 5, 14), DayType.VACATION, "bridge"),
    ],
)
def test_the_day_is_what_really_happened(day: date, expected: DayType, reason: str) -> None:
    """Exceptions win over vacations, these over public holidays, these over the day of the week."""
    fact = day_fact(SPRING_2021, day)
    assert (fact.day_type, fact.reason, fact.known) == (expected, reason, True)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2021, 3, 31), DayType.WEDNESDAY),
        (date(2021, 5, 17), DayType.SCHOOL_DAY),
        (date(2021, 5, 22), DayType.SATURDAY),
    ],
)
def test_an_unknown_day_is_one_of_a_school_week(day: date, expected: DayType) -> None:
    """Where no calendar speaks, capacity is too much and never too little, and it is said."""
    fact = day_fact(SPRING_2021, day)
    assert (fact.day_type, fact.known) == (expected, False)
    assert "zone-b" in fact.reason


def test_without_a_calendar_every_day_is_one_of_a_school_week() -> None:
    """A missing calendar is not a vacation."""
    assert day_fact(None, date(2021, 4, 12)).day_type is DayType.SCHOOL_DAY


def test_departure_on_a_saturday_makes_friday_the_last_day() -> None:
    """The ministry dates some departures on a Saturday; most schools ring their last bell the day before."""
    autumn = VacationDays(name="Autumn", departure=date(2026, 10, 17), resumption=date(2026, 11, 2))
    calendar = Calendar(name="c", source="s", valid_until=date(2027, 1, 1), vacations=(autumn,))
    assert day_fact(calendar, date(2026, 10, 16)).day_type is DayType.LAST_DAY_BEFORE
    assert day_fact(calendar, date(2026, 10, 17)).day_type is DayType.SATURDAY


def test_a_resumption_on_a_holiday_makes_the_next_class_day_the_first() -> None:
    """The rush comes when class begins, not when the calendar says so."""
    spring = VacationDays(name="Spring", departure=date(2027, 3, 12), resumption=date(2027, 3, 29))
    calendar = Calendar(
        name="c",
        source="s",
        valid_until=date(2027, 7, 1),
        vacations=(spring,),
        public_holidays=(HolidayDate(date=date(2027, 3, 29), name="Easter Monday"),),
    )
    assert day_fact(calendar, date(2027, 3, 29)).day_type is DayType.PUBLIC_HOLIDAY
    assert day_fact(calendar, date(2027, 3, 30)).day_type is DayType.FIRST_DAY_BACK


SOURCED = Calendar(
    name="c",
    source="the whole calendar",
    valid_until=date(2027, 7, 3),
    vacations=(
        VacationDays(name="Autumn", departure=date(2026, 10, 17), resumption=date(2026, 11, 2), source="decree"),
        VacationDays(name="Summer", departure=date(2027, 7, 3), resumption=None, source="decree"),
    ),
    public_holidays=(HolidayDate(date=date(2026, 11, 11), name="Armistice", source="law"),),
    exceptions=(
        ExceptionDays(
            first_day=date(2026, 12, 1), last_day=date(2026, 12, 1), day_type=DayType.VACATION, reason="storm"
        ),
    ),
    remarks=(RemarkDays(first_day=date(2026, 10, 20), last_day=date(2026, 11, 3), text="lessons at home"),),
    unknown_days=(UnknownDays(first_day=date(2027, 5, 7), last_day=date(2027, 5, 7), reason="not published"),),
)


@pytest.mark.parametrize(
    ("day", "source"),
    [
        (date(2026, 10, 20), "decree"),
        (date(2026, 11, 2), "decree"),
        (date(2026, 11, 11), "law"),
        (date(2026, 12, 1), "the whole calendar"),
        (date(2026, 10, 8), "decree"),
        (date(2027, 5, 7), "the whole calendar"),
    ],
)
def test_every_fact_says_who_says_so(day: date, source: str) -> None:
    """An entry's own source, for an ordinary day that of its school year, else that of the whole calendar."""
    assert day_fact(SOURCED, day).source == source


def test_a_remark_is_told_and_changes_nothing() -> None:
    """Lessons at home are days of school."""
    fact = day_fact(SOURCED, date(2026, 11, 3))
    assert (fact.day_type, fact.reason) == (DayType.SCHOOL_DAY, "day of the week; lessons at home")


def test_days_that_no_source_establishes_are_left_open_within_a_calendar() -> None:
    """They are of a school week, and not known."""
    fact = day_fact(SOURCED, date(2027, 5, 7))
    assert (fact.day_type, fact.known) == (DayType.SCHOOL_DAY, False)
    assert "not published" in fact.reason


def test_a_departure_without_a_return_is_a_last_day_before_and_no_more() -> None:
    """Nothing is invented about the days after it."""
    assert day_fact(SOURCED, date(2027, 7, 2)).day_type is DayType.LAST_DAY_BEFORE
    assert not day_fact(SOURCED, date(2027, 7, 5)).known


@given(
    departure=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    length=st.integers(min_value=2, max_value=70),
    offset=st.integers(min_value=-10, max_value=80),
)
def test_no_class_exactly_between_departure_and_resumption(departure: date, length: int, offset: int) -> None:
    """Departure is after class and resumption in the morning: both are days of school."""
    resumption = departure + timedelta(days=length)
    vacation = VacationDays(name="v", departure=departure, resumption=resumption)
    calendar = Calendar(name="c", source="s", valid_until=date(2040, 1, 1), vacations=(vacation,))
    day = departure + timedelta(days=offset)
    assert (day_fact(calendar, day).day_type is DayType.VACATION) == (departure < day < resumption)
