"""`SchoolEvent`: one dated exceptional fact for many ENTs, such as a day of remote schooling."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.domain.timetable import Audience, Resolution
from controller.policy.model import Model, Rule, StatusModel, unique
from controller.policy.resource import ApiVersion, Conditions, Metadata, Order
from controller.policy.scalars import Count, Day, Instant, Name, Percent, PositiveAmount, Territory, Text


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


class Suspension(Model):
    """ENTs that are shut on purpose; this is not an outage."""

    ents: Ents
    """The ENTs, one by one; a territory is never suspended as a whole."""


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
    freeze: Order | None = None
    """From the moment this is applied until then, in the whole fleet: nothing shrinks, no switchover, drill or
    fail-back; evacuation and growth stay allowed."""
    suspend: Suspension | None = None
    """ENTs shut on purpose; their floors are kept for the reopening."""
    reduce: Reduction | None = None
    """ENTs with less demand."""

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
            cel="!has(self.multipliers) || self.multipliers.size() == 0 || has(self.applies)",
            holds=lambda event: not event.multipliers or event.applies is not None,
            message="multipliers need applies: whom do they concern",
            field="applies",
        ),
    )


class SchoolEventStatus(StatusModel):
    """What is known about the event."""

    observed_generation: Count | None = None
    """Generation of the spec this status speaks about."""
    conditions: Conditions = ()
    """Aspects of the event's state."""


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
