"""Cron expressions and the next instant they name, as robfig/cron v3.0.1 has it: KEDA's cron trigger stands on it.

Five fields: minute, hour, day of month, month, day of week; lists, ranges, steps and English names. A day matches
both day fields when one of them is a star, otherwise either.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_YEARS_AHEAD = 5
"""An expression that names nothing within five years names nothing."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NOON = 12
_DAY_HOURS = 24


class CronError(ValueError):
    """The expression is not one that the parser takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    least: int
    most: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field(least=0, most=59),
    _Field(least=0, most=23),
    _Field(least=1, most=31),
    _Field(least=1, most=12, names=_MONTHS),
    _Field(least=0, most=6, names=_DAYS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """A parsed expression in a time zone."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Whether one matching day field is enough."""
    zone: ZoneInfo

    def matches_day(self, local: datetime) -> bool:
        """Tell whether the day fields take this day."""
        in_month = local.day in self.days
        in_week = local.isoweekday() % 7 in self.weekdays
        return in_month or in_week if self.either_day else in_month and in_week

    def next(self, after: datetime) -> datetime | None:
        """Return the first instant after this one that the expression names, in UTC.

        Fields are advanced from the largest to the smallest; whenever a smaller one wraps, all are looked at again.
        The smaller fields are set to zero at the first step only: at a clock change this decides what is found.
        """
        search = _Search(self, after.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1))
        last_year = search.local.year + _YEARS_AHEAD
        while search.local.year <= last_year:
            if search.find_month() and search.find_day() and search.find_hour() and search.find_minute():
                return search.at
        return None


class _Search:
    """The instant that is being moved forward. Each step tells whether its field was found without a wrap."""

    def __init__(self, cron: Cron, at: datetime) -> None:
        self._cron = cron
        self.at = at
        self._zeroed = False

    @property
    def local(self) -> datetime:
        return self.at.astimezone(self._cron.zone)

    def _zero(self, *, day: int | None = None, hour: int | None = None) -> None:
        """Set minute and second to zero, and what larger fields are told; only the first time."""
        if not self._zeroed:
            self._zeroed = True
            here = self.local
            hour = here.hour if hour is None else hour
            self._set(here.replace(day=here.day if day is None else day, hour=hour, minute=0, second=0))

    def _set(self, local: datetime) -> None:
        self.at = local.replace(tzinfo=self._cron.zone, fold=0).astimezone(UTC)

    def find_month(self) -> bool:
        while self.local.month not in self._cron.months:
            self._zero(day=1, hour=0)
            here = self.local
            self._set(here.replace(year=here.year + here.month // 12, month=here.month % 12 + 1))
            if self.local.month == 1:
                return False
        return True

    def find_day(self) -> bool:
        while not self._cron.matches_day(self.local):
            self._zero(hour=0)
            self._set(self.local + timedelta(days=1))
            hour = self.local.hour
            if hour:
                self.at += timedelta(hours=_DAY_HOURS - hour if hour > _NOON else -hour)
            if self.local.day == 1:
                return False
        return True

    def find_hour(self) -> bool:
        while self.local.hour not in self._cron.hours:
            self._zero()
            self.at += timedelta(hours=1)
            if self.local.hour == 0:
                return False
        return True

    def find_minute(self) -> bool:
        while self.local.minute not in self._cron.minutes or self.at.second:
            second = self.at.second
            self._zeroed = True
            self.at += timedelta(minutes=1) - timedelta(seconds=second)
            if self.local.minute == 0:
                return False
        return True


def parse(expression: str, zone: ZoneInfo) -> Cron:
    """Read an expression of five fields.

    Raises:
        CronError: a field is missing, or says what it cannot.
    """
    texts = expression.split()
    if len(texts) != len(_FIELDS):
        raise CronError(f"expected exactly {len(_FIELDS)} fields, found {len(texts)}: {expression!r}")
    minutes, hours, days, months, weekdays = (_numbers(text, of) for text, of in zip(texts, _FIELDS, strict=True))
    stars = [_has_star(texts[2]), _has_star(texts[4])]
    return Cron(
        minutes=minutes, hours=hours, days=days, months=months, weekdays=weekdays, either_day=not any(stars), zone=zone
    )


def _has_star(text: str) -> bool:
    """Tell whether a part is a star; one with a step above 1 is not."""
    return any(part in {"*", "?", "*/1", "?/1"} for part in text.split(","))


def _numbers(text: str, of: _Field) -> frozenset[int]:
    return frozenset(number for part in text.split(",") if part for number in _range(part, of))


def _range(part: str, of: _Field) -> range:
    span, _, step_text = part.partition("/")
    low, hyphen, high = span.partition("-")
    if low in {"*", "?"}:
        first, last = of.least, of.most
    else:
        first = _number(low, of, part)
        last = _number(high, of, part) if hyphen else first
        if step_text and not hyphen:
            last = of.most
    step = _number(step_text, _Field(least=1, most=of.most), part) if step_text else 1
    if first < of.least or last > of.most or first > last or step < 1:
        raise CronError(f"{part!r} is not within {of.least} to {of.most}, in order")
    return range(first, last + 1, step)


def _number(text: str, of: _Field, part: str) -> int:
    if text.lower() in of.names:
        return of.names.index(text.lower()) + of.least
    if not text.isdigit():
        raise CronError(f"{text!r} in {part!r} is not a number")
    return int(text)
