"""What is wanted in a school day: bells, windows, demand and events, as declared, in local time.

Plain values without time zones; `schooltime` turns them into UTC windows.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from controller.domain.schooldays import DayType

_WEDNESDAY = 2
_FALL_BACK_TO_SCHOOL_DAY = (DayType.WEDNESDAY, DayType.FIRST_DAY_BACK, DayType.LAST_DAY_BEFORE)
_SHORTEST_RAMP = timedelta(minutes=1)


class Audience(StrEnum):
    """Who comes."""

    ALL = "all"
    PUPILS = "pupils"
    TEACHERS = "teachers"
    PARENTS = "parents"


class Resolution(StrEnum):
    """Over what time a multiplier was seen."""

    MINUTE = "minute"
    TEN_MINUTES = "10min"
    HOUR = "hour"

    @property
    def length(self) -> timedelta:
        """Return the time the multiplier is an average of."""
        match self:
            case Resolution.MINUTE:
                return timedelta(minutes=1)
            case Resolution.TEN_MINUTES:
                return timedelta(minutes=10)
            case Resolution.HOUR:
                return timedelta(hours=1)


class EndsOn(StrEnum):
    """Whether a window ends on the day it starts."""

    SAME_DAY = "SameDay"
    NEXT_DAY = "NextDay"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceDemand:
    """Demand of one audience at its peak, per second."""

    audience: Audience
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Accounts of an ENT by audience."""

    pupils: int = 0
    teachers: int = 0
    parents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedDemand:
    """Demand given as a number per second."""

    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareDemand:
    """Demand given as shares of the accounts that connect evenly within a time."""

    pupils_permille: int = 0
    teachers_permille: int = 0
    parents_permille: int = 0
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakDemand:
    """Demand relative to the ENT's usual peak."""

    percent: int


Demand = FixedDemand | ShareDemand | PeakDemand


def demand_by_audience(
    demand: Demand, accounts: Accounts, usual_peak_per_second: float = 0.0
) -> tuple[AudienceDemand, ...]:
    """Return the demand split by audience; a number and a part of the usual peak do not say who comes."""
    match demand:
        case FixedDemand(per_second=per_second):
            return (AudienceDemand(audience=Audience.ALL, per_second=per_second),)
        case PeakDemand(percent=percent):
            return (AudienceDemand(audience=Audience.ALL, per_second=usual_peak_per_second * percent / 100),)
        case ShareDemand(within=within):
            shares = (
                (Audience.PUPILS, accounts.pupils, demand.pupils_permille),
                (Audience.TEACHERS, accounts.teachers, demand.teachers_permille),
                (Audience.PARENTS, accounts.parents, demand.parents_permille),
            )
            return tuple(
                AudienceDemand(audience=audience, per_second=count * permille / 1000 / within.total_seconds())
                for audience, count, permille in shares
                if permille
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bell:
    """An instant at which many come at once, from `ramp` before it until `duration` after it."""

    name: str
    at: time
    ramp: timedelta
    duration: timedelta
    demand: Demand
    lead: timedelta | None = None
    """From the request for capacity until it is warm and Ready; None: as learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWindow:
    """A part of the day, half-open, with a demand of its own, or in which an audience is kept out, or both."""

    name: str
    start: time
    end: time
    ends_on: EndsOn = EndsOn.SAME_DAY
    demand: Demand | None = None
    lead: timedelta | None = None
    """From the request for capacity until it is warm and Ready; None: as learned."""
    keep_out: tuple[Audience, ...] = ()
    """Audiences that are not let in. Demand that does not say who comes is not lowered by that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlan:
    """What the given kinds of day look like."""

    types: frozenset[DayType]
    bells: tuple[Bell, ...] = ()
    windows: tuple[LocalWindow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Plans by kind of day."""

    name: str
    days: tuple[DayPlan, ...]

    def plan_for(self, day: date, day_type: DayType) -> DayPlan | None:
        """Return the plan for the day: the special kind first, then Wednesday, then the ordinary school day."""
        wanted = [day_type]
        if day_type in (DayType.FIRST_DAY_BACK, DayType.LAST_DAY_BEFORE) and day.weekday() == _WEDNESDAY:
            wanted.append(DayType.WEDNESDAY)
        if day_type in _FALL_BACK_TO_SCHOOL_DAY:
            wanted.append(DayType.SCHOOL_DAY)
        named = {t: plan for plan in self.days for t in plan.types}
        return next((named[t] for t in wanted if t in named), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Whole local days, both included."""

    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Instants:
    """A half-open interval of UTC instants."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplier:
    """How much more an audience comes, and over what time that was seen."""

    audience: Audience
    factor: float
    per: Resolution

    def at_peak(self, ramp: timedelta) -> float:
        """Return the factor for the peak of a bell with the given ramp; never below 1.

        What is added over the resolution may all arrive within the ramp, so a factor seen over an hour weighs six
        times as much on a ramp of ten minutes. This errs on the side of too much capacity.
        """
        added = max(0.0, self.factor - 1.0)
        narrowed = self.per.length / max(ramp, _SHORTEST_RAMP)
        return 1.0 + added * max(1.0, narrowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """How users come back when a suspension ends."""

    ramp: timedelta
    duration: timedelta
    """How long the rush lasts after the ramp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One dated exceptional fact, as it concerns one ENT."""

    name: str
    when: Days | Instants
    multipliers: tuple[Multiplier, ...] = ()
    remaining_percent: int = 100
    """What is left of the scheduled demand; below 100 only for ENTs named one by one."""
    plans: tuple[DayPlan, ...] = ()
    """Bells and windows of its own, beside those of the schedules, on whole days only."""
    reopening: Reopening | None = None
    """Set when the portal is shut on purpose while the event lasts."""
