"""`SchoolSchedule`: what a policy author edits. Day types, and the bells and windows that stand in them."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.domain.schooldays import DayType
from controller.domain.timetable import EndsOn
from controller.policy.model import Model, Rule, StatusModel, unique
from controller.policy.resource import ApiVersion, Conditions, Metadata
from controller.policy.scalars import Amount, Count, Duration, LocalTime, Name, Permille, parse_duration

_LONGEST_DURATION = timedelta(hours=24)
_LONGEST_RAMP = timedelta(hours=4)


class ShareOfAccounts(Model):
    """Demand as a share of the ENT's accounts, so that one schedule sizes many ENTs."""

    pupils_permille: Permille = 0
    """Share of the pupils' accounts that connect."""
    teachers_permille: Permille = 0
    """Share of the teachers' accounts that connect."""
    parents_permille: Permille = 0
    """Share of the parents' accounts that connect."""
    within: Duration
    """The time in which they connect, evenly: 300 permille of 100,000 pupils within 10m
    are 50 connections per second."""

    rules: ClassVar = (
        Rule(
            cel="duration(self.within) >= duration('1s')",
            holds=lambda share: share.within >= timedelta(seconds=1),
            message="within must be at least 1s",
            field="within",
        ),
    )


class Demand(Model):
    """What users want per second, in the unit of the ENT's first demand signal."""

    connections_per_second: Amount | None = None
    """The number itself, in quotes, such as "12.5"."""
    share_of_accounts: ShareOfAccounts | None = None
    """Or a share of the ENT's accounts."""

    rules: ClassVar = (
        Rule(
            cel="has(self.connectionsPerSecond) != has(self.shareOfAccounts)",
            holds=lambda demand: (demand.connections_per_second is None) != (demand.share_of_accounts is None),
            message="give either connectionsPerSecond or shareOfAccounts, and not both",
            field="connectionsPerSecond",
        ),
    )


class Bell(Model):
    """An instant at which many come at once."""

    name: Name
    """Name of the bell, which explanations quote."""
    at: LocalTime
    """When it rings, `HH:MM` where the users are."""
    ramp: Duration = parse_duration("10m")
    """How long before it rings the first come; capacity is in place before that."""
    duration: Duration = parse_duration("30m")
    """How long after it rings the demand lasts."""
    demand: Demand
    """The peak."""

    rules: ClassVar = (
        Rule(
            cel="duration(self.ramp) <= duration('4h')",
            holds=lambda bell: bell.ramp <= _LONGEST_RAMP,
            message="ramp must not be longer than 4h",
            field="ramp",
        ),
        Rule(
            cel="duration(self.duration) > duration('0s') && duration(self.duration) <= duration('24h')",
            holds=lambda bell: timedelta(0) < bell.duration <= _LONGEST_DURATION,
            message="duration must be above 0s and not longer than 24h",
            field="duration",
        ),
    )


class Window(Model):
    """A time of the day with a demand of its own."""

    name: Name
    """Name of the window, which explanations quote."""
    start: LocalTime
    """When it starts, `HH:MM` where the users are."""
    end: LocalTime
    """When it ends; this instant is no longer part of it."""
    ends_on: EndsOn = EndsOn.SAME_DAY
    """`NextDay` when the window crosses midnight."""
    demand: Demand
    """Demand throughout the window."""

    rules: ClassVar = (
        Rule(
            cel="self.endsOn == 'NextDay' || (self.start.size() == 5 ? self.start + ':00' : self.start) < "
            "(self.end.size() == 5 ? self.end + ':00' : self.end)",
            holds=lambda window: window.ends_on is EndsOn.NEXT_DAY or window.start < window.end,
            message="end must be after start; set endsOn: NextDay for a window that crosses midnight",
            field="end",
        ),
        Rule(
            cel="self.endsOn == 'SameDay' || (self.end.size() == 5 ? self.end + ':00' : self.end) <= "
            "(self.start.size() == 5 ? self.start + ':00' : self.start)",
            holds=lambda window: window.ends_on is EndsOn.SAME_DAY or window.end <= window.start,
            message="a window lasts at most 24 hours; with endsOn: NextDay end must not be after start",
            field="endsOn",
        ),
    )


class DayPlan(Model):
    """What a kind of day looks like."""

    types: Annotated[tuple[DayType, ...], Field(min_length=1, max_length=8), unique()]
    """Kinds of day this is for. FirstDayBack, LastDayBefore and Wednesday fall back to the ordinary day when no plan
    names them; a plan without bells and windows says that nothing is wanted."""
    bells: Annotated[tuple[Bell, ...], Field(max_length=32), unique("name")] = ()
    """Bells of the day."""
    windows: Annotated[tuple[Window, ...], Field(max_length=32), unique("name")] = ()
    """Windows of the day."""


class SchoolScheduleSpec(Model):
    """The days of a kind of school."""

    days: Annotated[tuple[DayPlan, ...], Field(min_length=1, max_length=8)]
    """Plans by kind of day; no kind may stand in two plans."""

    rules: ClassVar = (
        Rule(
            cel="self.days.all(d, d.types.all(t, self.days.exists_one(other, t in other.types)))",
            holds=lambda spec: _each_type_once([t for day in spec.days for t in day.types]),
            message="a kind of day may stand in one plan only",
            field="days",
        ),
    )


def _each_type_once(types: list[DayType]) -> bool:
    """Tell whether no kind of day stands twice."""
    return len(set(types)) == len(types)


class SchoolScheduleStatus(StatusModel):
    """What is known about the schedule."""

    observed_generation: Count | None = None
    """Generation of the spec this status speaks about."""
    conditions: Conditions = ()
    """Aspects of the schedule's state."""


class SchoolSchedule(Model):
    """Bells and windows of a kind of school."""

    api_version: ApiVersion
    """Version of this schema."""
    kind: Literal["SchoolSchedule"]
    """What this object is."""
    metadata: Metadata
    """Kubernetes' own data on the object."""
    spec: SchoolScheduleSpec
    """What the author wants."""
    status: SchoolScheduleStatus | None = None
    """What is known, written by the controller."""
