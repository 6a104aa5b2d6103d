"""What kind of day a date is in a territory. Dates only: no time zone, no hour.

Exceptions win over vacations, vacations over public holidays, public holidays over the day of the week. A date the
calendar does not speak about is what it would be in a school week, and is marked as unknown: capacity too much,
never too little.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

_SATURDAY = 5
_SUNDAY = 6
_WEDNESDAY = 2
_ONE_DAY = timedelta(days=1)
_LONGEST_SKIP = 14
"""Days that are looked at for the class day nearest to a departure or a resumption. Weekends, bridges and public
holidays are skipped; more than two weeks of them would be a vacation of their own."""
_MOST_REMEMBERED = 65_536
"""Facts that are remembered: a calendar of every territory for ten years, so that a cycle with a thousand ENTs asks
for the facts of a date once."""


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
    """A vacation as published: departure after class, resumption in the morning. Both are days of school.

    `resumption` is None where the return has not been published: the days after the departure are then unknown.
    """

    name: str
    departure: date
    resumption: date | None
    source: str = ""

    def covers(self, day: date) -> bool:
        """Tell whether there is no class on the day because of this vacation."""
        return self.resumption is not None and self.departure < day < self.resumption

    def is_near(self, day: date) -> bool:
        """Tell whether the day could be of this vacation, or the last before it, or the first after it."""
        reach = timedelta(days=_LONGEST_SKIP)
        return self.departure - reach <= day <= (self.resumption or self.departure) + reach


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayDate:
    """One public holiday."""

    date: date
    name: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionDays:
    """Days that are not what the rest of the calendar says; both ends belong to it."""

    first_day: date
    last_day: date
    day_type: DayType
    reason: str
    source: str = ""

    def covers(self, day: date) -> bool:
        """Tell whether the day is meant: within a longer span Saturdays and Sundays stay what they are."""
        if not self.first_day <= day <= self.last_day:
            return False
        return self.first_day == self.last_day or not _is_weekend(day)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemarkDays:
    """What a reader should know of some days without their being of another kind; both ends belong to it."""

    first_day: date
    last_day: date
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownDays:
    """Days within the calendar that no source establishes; both ends belong to it."""

    first_day: date
    last_day: date
    reason: str


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
    remarks: tuple[RemarkDays, ...] = ()
    unknown_days: tuple[UnknownDays, ...] = ()

    def __hash__(self) -> int:
        """Return a number that is quick to make: a calendar of ten years holds hundreds of entries."""
        return hash((self.name, self.source, self.valid_until, len(self.vacations)))

    def speaks_about(self, day: date) -> bool:
        """Tell whether the calendar was published for the day."""
        return self.silence_about(day) is None

    def silence_about(self, day: date) -> str | None:
        """Return why the calendar says nothing about the day; None when it does say something."""
        if self.valid_from is not None and day < self.valid_from:
            return f"calendar {self.name} speaks about no day before {self.valid_from}"
        if day > self.valid_until:
            return f"calendar {self.name} speaks about no day after {self.valid_until}"
        found = next((u for u in self.unknown_days if u.first_day <= day <= u.last_day), None)
        return None if found is None else f"calendar {self.name} leaves this day open: {found.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFact:
    """What a date is, why, and who says so. `known` is False where no calendar speaks about it."""

    date: date
    day_type: DayType
    reason: str
    known: bool = True
    source: str = ""


@lru_cache(maxsize=_MOST_REMEMBERED)
def day_fact(calendar: Calendar | None, day: date) -> DayFact:
    """Return what kind of day the date is in the calendar's territory, with the reason and the source."""
    weekday = _weekday_type(day)
    if calendar is None:
        return DayFact(date=day, day_type=weekday, reason="no calendar", known=False)
    silence = calendar.silence_about(day)
    if silence is not None:
        return DayFact(date=day, day_type=weekday, reason=silence, known=False, source=calendar.source)
    near = tuple(vacation for vacation in calendar.vacations if vacation.is_near(day))
    fact = (
        _exceptional(calendar, day)
        or _day_off(calendar, near, day)
        or _edge_of_vacation(calendar, near, day)
        or DayFact(date=day, day_type=weekday, reason="day of the week", source=_source_of_the_time(calendar, day))
    )
    return _with_remarks(calendar, fact)


def _exceptional(calendar: Calendar, day: date) -> DayFact | None:
    found = _exception(calendar, day)
    if found is None:
        return None
    return DayFact(date=day, day_type=found.day_type, reason=found.reason, source=found.source or calendar.source)


def _source_of_the_time(calendar: Calendar, day: date) -> str:
    """Return who published the school year of an ordinary day: whoever published its next vacation."""
    coming = min((v for v in calendar.vacations if day <= v.departure), key=lambda v: v.departure, default=None)
    return (coming.source if coming else "") or calendar.source


def _with_remarks(calendar: Calendar, fact: DayFact) -> DayFact:
    said = [remark.text for remark in calendar.remarks if remark.first_day <= fact.date <= remark.last_day]
    return replace(fact, reason="; ".join([fact.reason, *said])) if said else fact


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


def _day_off(calendar: Calendar, near: tuple[VacationDays, ...], day: date) -> DayFact | None:
    vacation = next((v for v in near if v.covers(day)), None)
    if vacation is not None:
        source = vacation.source or calendar.source
        return DayFact(date=day, day_type=DayType.VACATION, reason=vacation.name, source=source)
    holiday = next((h for h in calendar.public_holidays if h.date == day), None)
    if holiday is not None:
        source = holiday.source or calendar.source
        return DayFact(date=day, day_type=DayType.PUBLIC_HOLIDAY, reason=holiday.name, source=source)
    return None


def _edge_of_vacation(calendar: Calendar, near: tuple[VacationDays, ...], day: date) -> DayFact | None:
    """Return the fact of a first day back or a last day before, weekends and public holidays skipped over."""
    if _is_weekend(day):
        return None
    for vacation in near:
        source = vacation.source or calendar.source
        if vacation.resumption is not None and day == _class_day(calendar, near, vacation.resumption, _ONE_DAY):
            reason = f"first day after {vacation.name}"
            return DayFact(date=day, day_type=DayType.FIRST_DAY_BACK, reason=reason, source=source)
        if day == _class_day(calendar, near, vacation.departure, -_ONE_DAY):
            reason = f"last day before {vacation.name}"
            return DayFact(date=day, day_type=DayType.LAST_DAY_BEFORE, reason=reason, source=source)
    return None


def _class_day(calendar: Calendar, near: tuple[VacationDays, ...], start: date, step: timedelta) -> date | None:
    """Return the first day from `start` on, in the direction of `step`, on which most schools have class."""
    for distance in range(_LONGEST_SKIP):
        day = start + distance * step
        if not _is_weekend(day) and _exception(calendar, day) is None and _day_off(calendar, near, day) is None:
            return day
    return None
