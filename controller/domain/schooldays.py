"""What kind of day a date is in a territory. Dates only: no time zone, no hour.

Exceptions win over vacations, vacations over public holidays, public holidays over the day of the week. A date the
calendar does not speak about is what it would be in a school week, and is marked as unknown: capacity too much,
never too little.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

_SATURDAY = 5
_SUNDAY = 6
_WEDNESDAY = 2
_ONE_DAY = timedelta(days=1)


class DayType(StrEnum):
    """Kinds of day that a schedule can speak about."""

    SCHOOL_DAY = "SchoolDay"
    WEDNESDAY = "Wednesday"
    SATURDAY = "Saturday"
    SUNDAY = "Sunday"
    PUBLIC_HOLIDAY = "PublicHoliday"
    VACATION = "Vacation"
    FIRST_DAY_BACK = "FirstDayBack"
    LAST_DAY_BEFORE = "LastDayBefore"


@dataclass(frozen=True, slots=True, kw_only=True)
class VacationDays:
    """A vacation as published: departure after class, resumption in the morning. Both are days of school."""

    name: str
    departure: date
    resumption: date

    def covers(self, day: date) -> bool:
        """Tell whether there is no class on the day because of this vacation."""
        return self.departure < day < self.resumption


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayDate:
    """One public holiday."""

    date: date
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionDays:
    """Days that are not what the rest of the calendar says; both ends belong to it."""

    first_day: date
    last_day: date
    day_type: DayType
    reason: str

    def covers(self, day: date) -> bool:
        """Tell whether the day is meant: within a longer span Saturdays and Sundays stay what they are."""
        if not self.first_day <= day <= self.last_day:
            return False
        return self.first_day == self.last_day or not _is_weekend(day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The official days of one territory, known from `valid_from` to `valid_until`, both included."""

    name: str
    source: str
    valid_until: date
    valid_from: date | None = None
    vacations: tuple[VacationDays, ...] = ()
    public_holidays: tuple[HolidayDate, ...] = ()
    exceptions: tuple[ExceptionDays, ...] = ()

    def speaks_about(self, day: date) -> bool:
        """Tell whether the calendar was published for the day."""
        return (self.valid_from is None or self.valid_from <= day) and day <= self.valid_until


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFact:
    """What a date is and why. `known` is False where no calendar speaks about it."""

    date: date
    day_type: DayType
    reason: str
    known: bool = True


def day_fact(calendar: Calendar | None, day: date) -> DayFact:
    """Return what kind of day the date is in the calendar's territory, with the reason."""
    weekday = _weekday_type(day)
    if calendar is None:
        return DayFact(date=day, day_type=weekday, reason="no calendar", known=False)
    if not calendar.speaks_about(day):
        reason = f"calendar {calendar.name} does not speak about this day"
        return DayFact(date=day, day_type=weekday, reason=reason, known=False)
    exceptional = _exception(calendar, day)
    if exceptional is not None:
        return DayFact(date=day, day_type=exceptional.day_type, reason=exceptional.reason)
    off = _day_off(calendar, day)
    if off is not None:
        return off
    edge = _edge_of_vacation(calendar, day)
    return edge or DayFact(date=day, day_type=weekday, reason="day of the week")


def _weekday_type(day: date) -> DayType:
    match day.weekday():
        case 2:
            return DayType.WEDNESDAY
        case 5:
            return DayType.SATURDAY
        case 6:
            return DayType.SUNDAY
        case _:
            return DayType.SCHOOL_DAY


def _is_weekend(day: date) -> bool:
    return day.weekday() in (_SATURDAY, _SUNDAY)


def _exception(calendar: Calendar, day: date) -> ExceptionDays | None:
    """Return the last exception that covers the day: a later entry wins."""
    return next((e for e in reversed(calendar.exceptions) if e.covers(day)), None)


def _day_off(calendar: Calendar, day: date) -> DayFact | None:
    vacation = next((v for v in calendar.vacations if v.covers(day)), None)
    if vacation is not None:
        return DayFact(date=day, day_type=DayType.VACATION, reason=vacation.name)
    holiday = next((h for h in calendar.public_holidays if h.date == day), None)
    if holiday is not None:
        return DayFact(date=day, day_type=DayType.PUBLIC_HOLIDAY, reason=holiday.name)
    return None


def _edge_of_vacation(calendar: Calendar, day: date) -> DayFact | None:
    """Return the fact of a first day back or a last day before, weekends and public holidays skipped over."""
    for vacation in calendar.vacations:
        if day == _class_day(calendar, vacation.resumption, _ONE_DAY):
            return DayFact(date=day, day_type=DayType.FIRST_DAY_BACK, reason=f"first day after {vacation.name}")
        if day == _class_day(calendar, vacation.departure, -_ONE_DAY):
            return DayFact(date=day, day_type=DayType.LAST_DAY_BEFORE, reason=f"last day before {vacation.name}")
    return None


def _class_day(calendar: Calendar, start: date, step: timedelta) -> date | None:
    """Return the first day from `start` on, in the direction of `step`, on which most schools have class."""
    for distance in range(14):
        day = start + distance * step
        if not _is_weekend(day) and _exception(calendar, day) is None and _day_off(calendar, day) is None:
            return day
    return None
