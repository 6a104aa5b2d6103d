"""`SchoolEvent`: one dated exceptional fact for many ENTs, such as a day of remote schooling."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.domain.remote_schooling import RemoteSchooling
from controller.domain.schooldays import DayType
from controller.domain.timetable import Audience, Resolution
from controller.policy.model import Model, Rule, StatusModel, unique
from controller.policy.resource import ApiVersion, Conditions, Metadata, Order
from controller.policy.scalars import (
    Count,
    Day,
    Duration,
    Instant,
    LocalTime,
    Name,
    Percent,
    PositiveAmount,
    Territory,
    Text,
    parse_duration,
)
from controller.policy.schedule import INCOMPLETE_BELL, Audiences, Bells, Types, Windows, whole_bell


class EntName(Model):
    """One RegionalENT, by name."""

    namespace: Name
    """Namespace of the RegionalENT."""
    name: Name
    """Name of the RegionalENT."""


Ents = Annotated[tuple[EntName, ...], Field(min_length=1, max_length=64), unique("namespace", "name")]


class Applies(Model):
    """Whom the event concerns. Both lists together: an ENT in either is concerned."""

    territories: Annotated[tuple[Territory, ...], Field(min_length=1, max_length=16), unique()] | None = None
    """All ENTs of these territories."""
    ents: Ents | None = None
    """These ENTs."""

    rules: ClassVar = (
        Rule(
            cel="has(self.territories) || has(self.ents)",
            holds=lambda applies: applies.territories is not None or applies.ents is not None,
            message="name territories or ENTs",
            field="territories",
        ),
    )


class Multiplier(Model):
    """How much more demand than on such a day. Events only add: a factor below 1 has no effect."""

    audience: Audience = Audience.ALL
    """Who comes more often."""
    factor: PositiveAmount
    """How many times the usual, in quotes, such as "5.6"."""
    per: Resolution
    """Resolution at which the factor was seen: 6 April 2021 was 5.6 in the `hour` and 23 in the `minute`."""


class Reopening(Model):
    """How users come back when a suspension ends."""

    ramp: Duration = parse_duration("15m")
    """How long it takes until all who waited are back."""
    duration: Duration = parse_duration("1h")
    """How long the rush lasts after that; as many are expected as at the largest bell of the day."""

    rules: ClassVar = (
        Rule(
            cel="duration(self.ramp) <= duration('4h')",
            holds=lambda reopening: reopening.ramp <= timedelta(hours=4),
            message="ramp must not be longer than 4h",
            field="ramp",
        ),
        Rule(
            cel="duration(self.duration) > duration('0s') && duration(self.duration) <= duration('24h')",
            holds=lambda reopening: timedelta(0) < reopening.duration <= timedelta(hours=24),
            message="duration must be above 0s and not longer than 24h",
            field="duration",
        ),
    )


class Suspension(Model):
    """ENTs that are shut on purpose; this is not an outage."""

    ents: Ents
    """The ENTs, one by one; a territory is never suspended as a whole."""
    reopening: Reopening = Reopening.model_validate({})
    """How users come back when the event is over."""


class KeepOut(Model):
    """Audiences that are not let in at some ENTs, every day of the event."""

    ents: Ents
    """The ENTs, one by one."""
    audiences: Audiences
    """Who is kept out."""
    start: LocalTime | None = None
    """From when, `HH:MM` where the users are; absent, with `end`: all day."""
    end: LocalTime | None = None
    """Until when."""

    rules: ClassVar = (
        Rule(
            cel="has(self.start) == has(self.end)",
            holds=lambda keep_out: (keep_out.start is None) == (keep_out.end is None),
            message="give both start and end, or neither for the whole day",
            field="start",
        ),
        Rule(
            cel="!has(self.start) || !has(self.end) || (self.start.size() == 5 ? self.start + ':00' : self.start) < "
            "(self.end.size() == 5 ? self.end + ':00' : self.end)",
            holds=lambda keep_out: keep_out.start is None or keep_out.end is None or keep_out.start < keep_out.end,
            message="end must be after start",
            field="end",
        ),
    )


class Reduction(Model):
    """ENTs whose demand will be lower than their schedule says."""

    ents: Ents
    """The ENTs, one by one."""
    percent: Percent
    """What is left of the scheduled demand, in percent."""


class SchoolEventSpec(Model):
    """What changes, when, and for whom."""

    description: Text
    """What happens, for people."""
    announced_on: Day
    """When it was announced."""
    source: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """Where it was announced, so that a reader can check it."""
    first_day: Day | None = None
    """First day, where the users are; give firstDay and lastDay, or start and end."""
    last_day: Day | None = None
    """Last day, included."""
    start: Instant | None = None
    """First instant, for an event that is not made of whole days."""
    end: Instant | None = None
    """End, not included."""
    applies: Applies | None = None
    """Whom the multipliers concern."""
    multipliers: Annotated[tuple[Multiplier, ...], Field(max_length=8), unique("audience", "per")] = ()
    """How much more demand. One audience may be given at several resolutions, which is more exact; of several audiences
    the largest factor wins where demand does not say who comes."""
    remote_schooling: RemoteSchooling | None = None
    """Lessons are at home, and the morning is expected to look `LikeMarch2020` or `LikeApril2021`: the factors of that
    spring, by audience and resolution. A multiplier given here for the same audience and resolution replaces one."""
    day_types: Types = (DayType.SCHOOL_DAY, DayType.WEDNESDAY, DayType.FIRST_DAY_BACK, DayType.LAST_DAY_BEFORE)
    """Kinds of day on which the event's own bells and windows happen; absent: all days with class."""
    bells: Bells = ()
    """Bells of these days beside those of the schedules, with their demand as it is; multipliers do not raise it."""
    windows: Windows = ()
    """Windows of these days beside those of the schedules, likewise."""
    freeze: Order | None = None
    """From the moment this is applied until then, in the whole fleet: nothing shrinks, no switchover, drill or
    fail-back; evacuation and growth stay allowed."""
    suspend: Suspension | None = None
    """ENTs shut on purpose; their floors are kept for the reopening."""
    reduce: Reduction | None = None
    """ENTs with less demand."""
    keep_out: KeepOut | None = None
    """ENTs that do not let everybody in."""

    rules: ClassVar = (
        Rule(
            cel="(has(self.firstDay) && has(self.lastDay)) != (has(self.start) && has(self.end)) && "
            "has(self.firstDay) == has(self.lastDay) && has(self.start) == has(self.end)",
            holds=lambda event: (
                [part is None for part in (event.first_day, event.last_day, event.start, event.end)]
                in ([False, False, True, True], [True, True, False, False])
            ),
            message="give firstDay and lastDay, or start and end",
            field="firstDay",
        ),
        Rule(
            cel="!has(self.firstDay) || !has(self.lastDay) || self.firstDay <= self.lastDay",
            holds=lambda event: not (event.first_day and event.last_day) or event.first_day <= event.last_day,
            message="firstDay must not be after lastDay",
            field="firstDay",
        ),
        Rule(
            cel="!has(self.firstDay) || !has(self.lastDay) || self.lastDay - self.firstDay <= duration('8784h')",
            holds=lambda event: (
                not (event.first_day and event.last_day) or event.last_day - event.first_day <= timedelta(days=366)
            ),
            message="an event lasts at most a year; check the year of lastDay",
            field="lastDay",
        ),
        Rule(
            cel="!has(self.start) || !has(self.end) || self.start < self.end",
            holds=lambda event: not (event.start and event.end) or event.start < event.end,
            message="start must be before end",
            field="start",
        ),
        Rule(
            cel="!has(self.reduce) || has(self.firstDay)",
            holds=lambda event: event.reduce is None or event.first_day is not None,
            message="a reduction is for whole days; give firstDay and lastDay",
            field="reduce",
        ),
        Rule(
            cel="has(self.applies) || ((!has(self.multipliers) || self.multipliers.size() == 0) && "
            "(!has(self.bells) || self.bells.size() == 0) && (!has(self.windows) || self.windows.size() == 0) && "
            "!has(self.remoteSchooling))",
            holds=lambda event: (
                event.applies is not None
                or not (event.multipliers or event.bells or event.windows or event.remote_schooling)
            ),
            message="multipliers, remoteSchooling, bells and windows need applies: whom do they concern",
            field="applies",
        ),
        Rule(
            cel="has(self.firstDay) || ((!has(self.bells) || self.bells.size() == 0) && "
            "(!has(self.windows) || self.windows.size() == 0) && !has(self.keepOut))",
            holds=lambda event: (
                event.first_day is not None or not (event.bells or event.windows or event.keep_out is not None)
            ),
            message="bells, windows and keepOut are for whole days; give firstDay and lastDay",
            field="firstDay",
        ),
        Rule(
            cel="!has(self.bells) || self.bells.all(b, has(b.at) && has(b.demand))",
            holds=lambda event: all(whole_bell(bell) for bell in event.bells),
            message=INCOMPLETE_BELL,
            field="bells",
        ),
        Rule(
            cel="!has(self.windows) || self.windows.all(w, has(w.start) && has(w.end) && has(w.demand) && "
            "!has(w.keepOut))",
            holds=lambda event: all(
                w.start is not None and w.end is not None and w.demand is not None and w.keep_out is None
                for w in event.windows
            ),
            message="a window of an event needs start, end and demand; to keep somebody out, name the ENTs in keepOut",
            field="windows",
        ),
    )


class Audit(StatusModel):
    """What one generation of the event changed, written when the controller first saw it and never again."""

    generation: Count
    """Generation of the spec."""
    seen_at: Instant
    """When the controller first saw it: how early the announcement was."""
    by: Annotated[str, Field(max_length=253)] = ""
    """Which instance saw it."""
    changed: Annotated[str, Field(max_length=1024)]
    """Whom it concerns and what it changes, in a sentence."""


class SchoolEventStatus(StatusModel):
    """What is known about the event."""

    observed_generation: Count | None = None
    """Generation of the spec this status speaks about."""
    conditions: Conditions = ()
    """Aspects of the event's state."""
    audit: Annotated[tuple[Audit, ...], Field(max_length=16), unique("generation")] = ()
    """The trail: one entry per generation, the last sixteen."""


class SchoolEvent(Model):
    """One dated exceptional fact for many ENTs."""

    api_version: ApiVersion
    """Version of this schema."""
    kind: Literal["SchoolEvent"]
    """What this object is."""
    metadata: Metadata
    """Kubernetes' own data on the object."""
    spec: SchoolEventSpec
    """What happens."""
    status: SchoolEventStatus | None = None
    """What is known, written by the controller."""
