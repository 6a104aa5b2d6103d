"""`SchoolSchedule`: what a policy author edits. Day types, and the bells and windows that stand in them."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.domain.schooldays import DayType
from controller.domain.timetable import EndsOn
from controller.policy.model import Model, Rule, StatusModel, unique
from controller.policy.resource import ApiVersion, Conditions, Metadata
from controller.policy.scalars import Amount, Count, Duration, LeadTime, LocalTime, Name, Permille

_LONGEST_DURATION = timedelta(hours=24)
_LONGEST_RAMP = timedelta(hours=4)
_LONGEST_LEAD = timedelta(hours=4)
"""Whoever needs longer needs a bell of its own: the evening before is a time of day too."""

INCOMPLETE_BELL = "a bell needs at and demand"
INCOMPLETE_WINDOW = "a window needs start, end, and demand or keepOut"

Audiences = Annotated[tuple[Literal["pupils", "teachers", "parents"], ...], Field(min_length=1, max_length=3), unique()]
"""Who can be kept out. Nobody keeps out `all` with a schedule: that is a suspension, and an event names its ENTs."""

_LEAD_RULE = Rule(
    cel="!has(self.lead) || self.lead == 'auto' || "
    "duration(self.lead) > duration('0s') && duration(self.lead) <= duration('4h')",
    holds=lambda part: part.lead in (None, "auto") or timedelta(0) < part.lead <= _LONGEST_LEAD,
    message="lead must be auto, or above 0s and not longer than 4h",
    field="lead",
)


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
    """Or a share of the ENT's accounts, so that one schedule sizes many ENTs."""
    percent_of_usual_peak: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Or relative to the `usualPeak` that the ENT declares, in percent: 100 is the usual peak itself."""

    rules: ClassVar = (
        Rule(
            cel="[has(self.connectionsPerSecond), has(self.shareOfAccounts), has(self.percentOfUsualPeak)]"
            ".filter(given, given).size() == 1",
            holds=lambda demand: (
                [demand.connections_per_second, demand.share_of_accounts, demand.percent_of_usual_peak].count(None) == 2
            ),
            message="give one of connectionsPerSecond, shareOfAccounts and percentOfUsualPeak, and one only",
            field="connectionsPerSecond",
        ),
    )


class Bell(Model):
    """An instant at which many come at once."""

    name: Name
    """Name of the bell, which explanations quote and an extending schedule refers to."""
    at: LocalTime | None = None
    """When it rings, `HH:MM` where the users are."""
    ramp: Duration | None = None
    """How long before it rings the first come; capacity is in place before that. Absent: 10m."""
    duration: Duration | None = None
    """How long after it rings the demand lasts. Absent: 30m."""
    lead: LeadTime | None = None
    """From the request for capacity until it is warm and Ready: `auto` (learned, and meant when absent) or a duration
    such as `20m`."""
    demand: Demand | None = None
    """The peak."""

    rules: ClassVar = (
        Rule(
            cel="!has(self.ramp) || duration(self.ramp) <= duration('4h')",
            holds=lambda bell: bell.ramp is None or bell.ramp <= _LONGEST_RAMP,
            message="ramp must not be longer than 4h",
            field="ramp",
        ),
        Rule(
            cel="!has(self.duration) || "
            "duration(self.duration) > duration('0s') && duration(self.duration) <= duration('24h')",
            holds=lambda bell: bell.duration is None or timedelta(0) < bell.duration <= _LONGEST_DURATION,
            message="duration must be above 0s and not longer than 24h",
            field="duration",
        ),
        _LEAD_RULE,
    )


def ends_after_start(window: "Window") -> bool:
    """Tell whether a window of one day ends after it starts, as far as both are said."""
    if window.start is None or window.end is None or window.ends_on is EndsOn.NEXT_DAY:
        return True
    return window.start < window.end


def lasts_a_day_at_most(window: "Window") -> bool:
    """Tell whether a window across midnight lasts at most 24 hours, as far as both ends are said."""
    if window.start is None or window.end is None or window.ends_on is not EndsOn.NEXT_DAY:
        return True
    return window.end <= window.start


class Window(Model):
    """A time of the day with a demand of its own, or in which an audience is kept out, or both."""

    name: Name
    """Name of the window, which explanations quote and an extending schedule refers to."""
    start: LocalTime | None = None
    """When it starts, `HH:MM` where the users are."""
    end: LocalTime | None = None
    """When it ends; this instant is no longer part of it."""
    ends_on: EndsOn | None = None
    """`NextDay` when the window crosses midnight. Absent: `SameDay`."""
    lead: LeadTime | None = None
    """From the request for capacity until it is warm and Ready: `auto` (learned, and meant when absent) or a duration
    such as `20m`."""
    demand: Demand | None = None
    """Demand throughout the window."""
    keep_out: Audiences | None = None
    """Audiences that are not let in during the window: no capacity is planned for them, and admission says so."""

    rules: ClassVar = (
        Rule(
            cel="!has(self.start) || !has(self.end) || (has(self.endsOn) && self.endsOn == 'NextDay') || "
            "(self.start.size() == 5 ? self.start + ':00' : self.start) < "
            "(self.end.size() == 5 ? self.end + ':00' : self.end)",
            holds=ends_after_start,
            message="end must be after start; set endsOn: NextDay for a window that crosses midnight",
            field="end",
        ),
        Rule(
            cel="!has(self.start) || !has(self.end) || !has(self.endsOn) || self.endsOn == 'SameDay' || "
            "(self.end.size() == 5 ? self.end + ':00' : self.end) <= "
            "(self.start.size() == 5 ? self.start + ':00' : self.start)",
            holds=lasts_a_day_at_most,
            message="a window lasts at most 24 hours; with endsOn: NextDay end must not be after start",
            field="endsOn",
        ),
        _LEAD_RULE,
    )


Bells = Annotated[tuple[Bell, ...], Field(max_length=32), unique("name")]
Windows = Annotated[tuple[Window, ...], Field(max_length=32), unique("name")]
Types = Annotated[tuple[DayType, ...], Field(min_length=1, max_length=8), unique()]


class DayPlan(Model):
    """What a kind of day looks like."""

    types: Types
    """Kinds of day this is for. FirstDayBack, LastDayBefore and Wednesday fall back to the ordinary day when no plan
    names them; a plan without bells and windows says that nothing is wanted."""
    bells: Bells = ()
    """Bells of the day. In an extending schedule: those that differ, or that the base does not have."""
    windows: Windows = ()
    """Windows of the day. In an extending schedule: those that differ, or that the base does not have."""
    without: Annotated[tuple[Name, ...], Field(max_length=64), unique()] = ()
    """Names of bells and windows of the base that do not happen on these days."""


class SchoolScheduleSpec(Model):
    """The days of a kind of school."""

    extends: Name | None = None
    """Name of a SchoolSchedule in this namespace to start from. What is said here of a kind of day is laid over what
    the base has for it, bell by bell and window by window, field by field; kinds not named stay as they are there."""
    days: Annotated[tuple[DayPlan, ...], Field(min_length=1, max_length=8)]
    """Plans by kind of day; no kind may stand in two plans."""

    rules: ClassVar = (
        Rule(
            cel="self.days.all(d, d.types.all(t, self.days.exists_one(other, t in other.types)))",
            holds=lambda spec: _each_type_once([t for day in spec.days for t in day.types]),
            message="a kind of day may stand in one plan only",
            field="days",
        ),
        Rule(
            cel="has(self.extends) || self.days.all(d, !has(d.bells) || d.bells.all(b, has(b.at) && has(b.demand)))",
            holds=lambda spec: spec.extends is not None or all(whole_bell(b) for d in spec.days for b in d.bells),
            message=f"{INCOMPLETE_BELL}, unless the schedule extends another",
            field="days",
        ),
        Rule(
            cel="has(self.extends) || self.days.all(d, !has(d.windows) || "
            "d.windows.all(w, has(w.start) && has(w.end) && (has(w.demand) || has(w.keepOut))))",
            holds=lambda spec: spec.extends is not None or all(whole_window(w) for d in spec.days for w in d.windows),
            message=f"{INCOMPLETE_WINDOW}, unless the schedule extends another",
            field="days",
        ),
        Rule(
            cel="has(self.extends) || self.days.all(d, !has(d.without) || d.without.size() == 0)",
            holds=lambda spec: spec.extends is not None or not any(day.without for day in spec.days),
            message="without takes away what a base has; name the base in extends",
            field="extends",
        ),
    )


def whole_bell(bell: Bell) -> bool:
    """Tell whether the bell says all that it must."""
    return bell.at is not None and bell.demand is not None


def whole_window(window: Window) -> bool:
    """Tell whether the window says all that it must."""
    times = window.start is not None and window.end is not None
    return times and (window.demand is not None or window.keep_out is not None)


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
