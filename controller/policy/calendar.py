"""`SchoolCalendar`: the official days of one territory, as published, with their source."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.domain.schooldays import DayType
from controller.policy.model import Model, Rule, StatusModel, unique
from controller.policy.resource import ApiVersion, Conditions, Metadata
from controller.policy.scalars import Count, Day, Territory, Text


class Vacation(Model):
    """One vacation, the way the ministry publishes it."""

    name: Text
    """Name of the vacation."""
    departure: Day
    """Pupils leave after class on this day: it is still a day of school."""
    resumption: Day
    """Class resumes in the morning of this day: it is a day of school again."""

    rules: ClassVar = (
        Rule(
            cel="self.departure < self.resumption",
            holds=lambda vacation: vacation.departure < vacation.resumption,
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

    rules: ClassVar = (
        Rule(
            cel="self.firstDay <= self.lastDay",
            holds=lambda exception: exception.first_day <= exception.last_day,
            message="firstDay must not be after lastDay",
            field="firstDay",
        ),
        Rule(
            cel="self.lastDay - self.firstDay <= duration('8784h')",
            holds=lambda exception: exception.last_day - exception.first_day <= timedelta(days=366),
            message="an exception lasts at most a year; check the year of lastDay",
            field="lastDay",
        ),
    )


class SchoolCalendarSpec(Model):
    """The days of one territory."""

    territory: Territory
    """Whose days these are."""
    source: Annotated[str, Field(min_length=1, max_length=1024)]
    """Where the days were published, so that a reader can check them."""
    published_on: Day
    """When the source was published."""
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

    rules: ClassVar = (
        Rule(
            cel="!has(self.validFrom) || self.validFrom <= self.validUntil",
            holds=lambda spec: spec.valid_from is None or spec.valid_from <= spec.valid_until,
            message="validFrom must not be after validUntil",
            field="validFrom",
        ),
    )


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
