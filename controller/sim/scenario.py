"""The schema of a scenario: a story, the world it happens in, and what is expected of each controller.

Times are local times of the scenario's time zone, as people tell them. Everything that is left out has the value of
the reference region, whose figures are published or marked as assumptions in `dayshapes.py`.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from controller.policy.model import Model, unique
from controller.policy.scalars import Day, Duration, Name, TimeZone
from controller.sim.dayshapes import DayKind

SCHEMA = "sonnerie.dev/scenario/v1"
LOCAL_PATTERN = r"^(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?$"


def _local(value: object) -> datetime:
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            if found.tzinfo is None and "T" in value:
                return found
    except ValueError:
        pass
    raise PydanticCustomError(
        "format", "{found} is not a local date and time; write for example '2021-04-06T09:05'", {"found": repr(value)}
    )


Local = Annotated[
    datetime,
    PlainValidator(_local),
    PlainSerializer(lambda value: value.isoformat(timespec="seconds"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": LOCAL_PATTERN}),
]
"""A local date and time, `2021-04-06T09:05`."""

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class SiteSpec(Model):
    """One site: a cluster with a node pool of its own."""

    name: Name
    domain: Name | None = None
    """Serving failure domain; sites of one domain fail together. Left out: the site alone."""
    quota: Annotated[int, Field(ge=1)] | None = None
    """Most replicas of all ENTs together."""
    spare_replicas: Annotated[int, Field(ge=0)] = 60
    """Replicas that fit on nodes which are there; further ones wait for nodes."""


class EntSpec(Model):
    """One portal: its accounts and where it runs."""

    name: Name
    pupils: Annotated[int, Field(ge=0)] = 300_000
    teachers: Annotated[int, Field(ge=0)] = 28_000
    parents: Annotated[int, Field(ge=0)] = 330_000
    sites: Annotated[tuple[Name, ...], Field(min_length=1), unique()]
    """The first one is home."""
    min: Annotated[int, Field(ge=1)] = 2
    max: Annotated[int, Field(ge=1)] = 500
    priority: int = 0
    replicated_data: bool = False
    """The placements away from home serve only while their data is there."""
    reserve: bool = True
    """Whether the loss of any one serving domain is to be absorbed by what is in place."""


class DayOf(Model):
    """What a date is, whatever its weekday."""

    day: Day
    kind: DayKind


class Span(Model):
    """Days off, both ends included."""

    first: Day
    last: Day


class Declared(Model):
    """A date that was announced to be of another kind: an event, or its withdrawal."""

    day: Day
    kind: DayKind
    announced: Local
    """From when on the controllers know it."""


class KnownSpec(Model):
    """What is known beforehand."""

    schedule: bool = True
    """Whether the timetable of ordinary days is declared."""
    history_weeks: Annotated[int, Field(ge=0, le=8)] = 4
    """Weeks of measured demand before the start."""
    declared: tuple[Declared, ...] = ()


class UsersSpec(Model):
    """How users behave when they are not served."""

    retry_share: Share = 0.8
    """Probability that a failed or slow attempt comes back."""
    retry_median_seconds: Positive = 20.0
    retry_sigma: NotNegative = 0.8
    most_tries: Annotated[int, Field(ge=1, le=20)] = 12
    slow_seconds: Positive = 8.0
    """Whoever waits longer has come back already: the answer is wasted."""
    size_sigma: NotNegative = 0.0
    """Of the lognormal factor between what was declared or is usual and how many truly come."""
    daily_sigma: NotNegative = 0.05
    """Of the factor by which ordinary days differ from each other."""


class ServiceSpec(Model):
    """What one replica does, and what all share."""

    requests_per_replica: Positive = 50.0
    """Requests per second within the SLO."""
    workers_per_replica: Annotated[int, Field(ge=1)] = 10
    queue_seconds: Positive = 5.0
    """Bound of the queue before a site, in seconds of its capacity; beyond it requests are refused."""
    sign_on_per_second: Positive | None = None
    """Log-ins per second that single sign-on carries for an ENT, however many pods there are; left out: enough."""
    sign_on_declared: bool = True
    """Whether controllers that can be told of the bound are told."""


class PodsSpec(Model):
    """How long a replica takes until it is Ready."""

    start_median_seconds: Positive = 45.0
    start_sigma: NotNegative = 0.25
    node_seconds: NotNegative = 150.0
    """Further wait for a node where none has room."""
    node_sigma: NotNegative = 0.2
    write_seconds: NotNegative = 1.0
    """From a controller's decision to pods being created."""


class MetricsSpec(Model):
    """How measurements reach the controllers; the same for all."""

    scrape_seconds: Positive = 15.0
    window_seconds: Positive = 60.0
    """Rates are means over so long."""
    delay_seconds: NotNegative = 2.0
    """From a scrape until it can be asked for."""
    cpu_window_seconds: Positive = 30.0


class EdgeKindSpec(StrEnum):
    """How traffic is split."""

    HAPROXY = "haproxy"
    DNS = "dns"


class EdgeSpec(Model):
    """The edge in front of all sites."""

    kind: EdgeKindSpec = EdgeKindSpec.HAPROXY
    apply_seconds: NotNegative = 2.0
    """From a decision until the edge follows."""
    ttl_seconds: Positive = 30.0
    """How long clients keep a DNS answer."""


class FaultKind(StrEnum):
    """What can go wrong."""

    SITE_DOWN = "siteDown"
    BROWN_OUT = "brownOut"
    SLOW_SITE = "slowSite"
    HALF_NODES = "halfNodes"
    METRICS_GAP = "metricsGap"
    METRICS_EMPTY = "metricsEmpty"
    METRICS_NAN = "metricsNaN"
    METRICS_FROZEN = "metricsFrozen"
    METRICS_HALF_WINDOW = "metricsHalfWindow"
    CONTROLLER_DEAD = "controllerDead"
    CONTROLLER_SITE_DEAD = "controllerSiteDead"
    API_REFUSES_WRITES = "apiRefusesWrites"
    NEVER_READY = "neverReady"
    FALSE_ALARM = "falseAlarm"
    BAD_RELEASE = "badRelease"
    SLOWER_RELEASE = "slowerRelease"
    POOL_EXHAUSTED = "poolExhausted"
    DATA_NOT_REPLICATED = "dataNotReplicated"


class FaultSpec(Model):
    """One fault, where and when."""

    kind: FaultKind
    sites: tuple[Name, ...] = ()
    """Left out: all of them."""
    start: Local = Field(alias="from")
    until: Local | None = None
    """Left out: to the end."""
    factor: Share = 0.5
    """What is left (brownOut, slowerRelease: of capacity; halfNodes: of replicas), or the share that fails
    (badRelease)."""
    slower_by: Positive = 20.0
    """slowSite: how many times longer answers take."""
    wave: Duration | None = None
    """badRelease: the next site follows after so long; left out: all at once."""


class AttackSpec(Model):
    """Cheap requests without a session, in waves."""

    start: Local = Field(alias="from")
    until: Local
    per_second: Positive = 10_000.0
    cost: Share = 0.1
    """What one takes of a replica, against an ordinary request."""
    ramp_seconds: Positive = 30.0
    median_minutes: Positive = 6.0
    sigma: NotNegative = 1.8
    waves_per_day: Positive = 30.0
    first_wave_at_start: bool = True
    """Whether the first wave comes at once; further ones at random."""


class FlashSpec(Model):
    """News that brings everybody: a ramp, a plateau, and a slow end."""

    start: Local = Field(alias="from")
    times: tuple[Positive, Positive] = (3.0, 8.0)
    """Between what bounds the factor is drawn."""
    ramp_minutes: tuple[Positive, Positive] = (3.0, 15.0)
    plateau_minutes: tuple[Positive, Positive] = (20.0, 60.0)
    decay_minutes: Positive = 30.0


class Expectation(Model):
    """What a figure of a controller should be."""

    controller: Name = "sonnerie"
    figure: str
    most: float | None = None
    least: float | None = None


class Scenario(Model):
    """A story, its world, and what is expected."""

    schema_: Literal["sonnerie.dev/scenario/v1"] = Field(alias="schema")
    name: Name
    story: Annotated[str, Field(min_length=1, max_length=2000)]
    time_zone: TimeZone = Field(default="Europe/Paris", validate_default=True)
    start: Local = Field(alias="from")
    until: Local
    sites: Annotated[tuple[SiteSpec, ...], Field(min_length=1), unique("name")]
    ents: Annotated[tuple[EntSpec, ...], Field(min_length=1), unique("name")]
    days: tuple[DayOf, ...] = ()
    """What dates truly are, where it is not what the weekday says."""
    days_off: tuple[Span, ...] = ()
    known: KnownSpec = KnownSpec()
    users: UsersSpec = UsersSpec()
    service: ServiceSpec = ServiceSpec()
    pods: PodsSpec = PodsSpec()
    metrics: MetricsSpec = MetricsSpec()
    edge: EdgeSpec = EdgeSpec()
    faults: tuple[FaultSpec, ...] = ()
    attack: AttackSpec | None = None
    flash: FlashSpec | None = None
    calm_step_seconds: Annotated[int, Field(ge=1, le=60)] = 5
    """Longest step while nothing happens; a year wants more than a morning."""
    expect: tuple[Expectation, ...] = ()

    def kind_on(self, day: date) -> DayKind:
        """Return what the date truly is."""
        return next((each.kind for each in reversed(self.days) if each.day == day), self.ordinary(day))

    def ordinary(self, day: date) -> DayKind:
        """Return what the weekday and the days off say."""
        if any(span.first <= day <= span.last for span in self.days_off):
            return DayKind.VACATION
        match day.weekday():
            case 2:
                return DayKind.WEDNESDAY
            case 5:
                return DayKind.SATURDAY
            case 6:
                return DayKind.SUNDAY
            case _:
                return DayKind.NORMAL

    def utc(self, local: datetime) -> datetime:
        """Return the instant at which the clocks of the scenario show the local time."""
        from datetime import UTC

        zone: Any = self.time_zone
        return local.replace(tzinfo=zone).astimezone(UTC)
