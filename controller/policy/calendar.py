"""`SchoolCalendar`: the official days of one territory, as published, with their source."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.alias_generators import to_snake

from controller.domain.schooldays import DayType
from controller.policy.model import Model, Rule, StatusModel, unique
from controller.policy.resource import ApiVersion, Conditions, Metadata
from controller.policy.scalars import Count, Day, Name, Territory, Text, Url

_ONE_DAY = timedelta(days=1)


_FIRST_BEFORE_LAST = Rule(
    cel="self.firstDay <= self.lastDay",
    holds=lambda span: span.first_day <= span.last_day,
    message="firstDay must not be after lastDay",
    field="firstDay",
)


def _sources_exist(entries: str) -> Rule:
    """Return the rule that entries of this list name only sources that the calendar declares."""

    def holds(spec: "SchoolCalendarSpec") -> bool:
        declared = {source.name for source in spec.sources}
        return all(entry.source is None or entry.source in declared for entry in getattr(spec, to_snake(entries)))

    return Rule(
        cel=f"!has(self.{entries}) || self.{entries}.all(e, !has(e.source) || "
        "(has(self.sources) && self.sources.exists(s, s.name == e.source)))",
        holds=holds,
        message=f"an entry of {entries} names a source that is not among the sources",
        field=entries,
    )


class CalendarSource(Model):
    """One publication that days were taken from. Entries name it, so that each can be checked."""

    name: Name
    """Short name by which entries refer to it, such as `arrete-2022-12-07`."""
    title: Text
    """What it is, as a reader would look for it."""
    published_on: Day | None = None
    """The date it bears: of publication or, where that is not known, of signature; absent: it bears none."""
    read_on: Day | None = None
    """When it was read, for sources that change under the same address."""
    url: Url | None = None
    """Where it can be read."""


class Vacation(Model):
    """One vacation, the way the ministry publishes it."""

    name: Text
    """Name of the vacation."""
    departure: Day
    """Pupils leave after class on this day: it is still a day of school."""
    resumption: Day | None = None
    """Class resumes in the morning of this day: it is a day of school again. Absent: the return is not published, and
    the calendar must not speak about the day after the departure."""
    source: Name | None = None
    """Which of the sources says so."""

    rules: ClassVar = (
        Rule(
            cel="!has(self.resumption) || self.departure < self.resumption",
            holds=lambda vacation: vacation.resumption is None or vacation.departure < vacation.resumption,
            message="departure must be before resumption",
            field="departure",
        ),
    )


class PublicHoliday(Model):
    """One public holiday of the territory."""

    date: Day
    """The day."""
    name: Text
    """Its name."""
    source: Name | None = None
    """Which of the sources says so; absent: the source of the whole calendar."""


class CalendarException(Model):
    """Days that are not what the rest of the calendar says. Exceptions win over everything else."""

    first_day: Day
    """First day that is different."""
    last_day: Day
    """Last day that is different; the same as firstDay for a single day."""
    day_type: DayType
    """What these days are. Saturdays and Sundays stay what they are, unless firstDay and lastDay are the same."""
    reason: Text
    """Why, with the source of the decision."""
    source: Name | None = None
    """Which of the sources says so."""

    rules: ClassVar = (
        _FIRST_BEFORE_LAST,
        Rule(
            cel="self.lastDay - self.firstDay <= duration('8784h')",
            holds=lambda exception: exception.last_day - exception.first_day <= timedelta(days=366),
            message="an exception lasts at most a year; check the year of lastDay",
            field="lastDay",
        ),
    )


class CalendarRemark(Model):
    """What a reader should know of some days that stay what they are, such as lessons at home."""

    first_day: Day
    """First day it is about."""
    last_day: Day
    """Last day it is about; the same as firstDay for a single day."""
    text: Text
    """What happened, with the source."""

    rules: ClassVar = (_FIRST_BEFORE_LAST,)


class UnknownSpan(Model):
    """Days that no source establishes. They count as in a school week, with a warning: never an invented date."""

    first_day: Day
    """First day that is not known."""
    last_day: Day
    """Last day that is not known; the same as firstDay for a single day."""
    reason: Text
    """What is missing, and where one looked."""

    rules: ClassVar = (_FIRST_BEFORE_LAST,)


class SchoolCalendarSpec(Model):
    """The days of one territory."""

    territory: Territory
    """Whose days these are."""
    source: Annotated[str, Field(min_length=1, max_length=1024)]
    """Where the days were published, so that a reader can check them. Entries may name a source of their own."""
    published_on: Day
    """When the newest source was published; where that is not known, when it was read."""
    sources: Annotated[tuple[CalendarSource, ...], Field(max_length=64), unique("name")] = ()
    """The publications that entries refer to."""
    valid_from: Day | None = None
    """First day the calendar speaks about; absent: all the past."""
    valid_until: Day
    """Last day the calendar speaks about. After it every day counts as in a school week, with a warning."""
    vacations: Annotated[tuple[Vacation, ...], Field(max_length=256), unique("departure")] = ()
    """Vacations, in any order."""
    public_holidays: Annotated[tuple[PublicHoliday, ...], Field(max_length=512), unique("date")] = ()
    """Public holidays, in any order."""
    exceptions: Annotated[tuple[CalendarException, ...], Field(max_length=256)] = ()
    """Days that are not what the rest says; a later entry wins over an earlier one."""
    remarks: Annotated[tuple[CalendarRemark, ...], Field(max_length=128)] = ()
    """What a reader should know of days that stay what they are. `sonnerie calendar` tells it with the reason."""
    unknown_days: Annotated[tuple[UnknownSpan, ...], Field(max_length=128)] = ()
    """Days within validFrom and validUntil that no source establishes."""

    rules: ClassVar = (
        *(_sources_exist(entries) for entries in ("vacations", "publicHolidays", "exceptions")),
        Rule(
            cel="!has(self.vacations) || self.vacations.all(v, has(v.resumption) || v.departure >= self.validUntil || "
            "(has(self.unknownDays) && self.unknownDays.exists(u, u.firstDay <= v.departure + duration('24h') && "
            "u.lastDay > v.departure)))",
            holds=lambda spec: all(_return_is_known_or_left_open(spec, vacation) for vacation in spec.vacations),
            message="where a vacation has no resumption, validUntil or unknownDays must leave the day after it open",
            field="vacations",
        ),
        Rule(
            cel="!has(self.validFrom) || self.validFrom <= self.validUntil",
            holds=lambda spec: spec.valid_from is None or spec.valid_from <= spec.valid_until,
            message="validFrom must not be after validUntil",
            field="validFrom",
        ),
    )


def _return_is_known_or_left_open(spec: SchoolCalendarSpec, vacation: Vacation) -> bool:
    if vacation.resumption is not None or vacation.departure >= spec.valid_until:
        return True
    next_day = vacation.departure + _ONE_DAY
    return any(span.first_day <= next_day <= span.last_day for span in spec.unknown_days)


class SchoolCalendarStatus(StatusModel):
    """What is known about the calendar."""

    observed_generation: Count | None = None
    """Generation of the spec this status speaks about."""
    conditions: Conditions = ()
    """Aspects of the calendar's state."""


class SchoolCalendar(Model):
    """The official school days of one territory."""

    api_version: ApiVersion
    """Version of this schema."""
    kind: Literal["SchoolCalendar"]
    """What this object is."""
    metadata: Metadata
    """Kubernetes' own data on the object."""
    spec: SchoolCalendarSpec
    """What was published."""
    status: SchoolCalendarStatus | None = None
    """What is known, written by the controller."""
