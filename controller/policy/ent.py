"""`RegionalENT`: the portal of one region and everything its owner declares about it."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from controller.policy.edge import Edge
from controller.policy.limits import Replication, Reserve, Scaling, Shifting, Slo
from controller.policy.model import Model, PreserveUnknown, Rule, StatusModel, unique
from controller.policy.placement import Placement
from controller.policy.resource import ApiVersion, Conditions, Metadata, Order
from controller.policy.scalars import (
    Count,
    Duration,
    Instant,
    Name,
    PositiveAmount,
    Region,
    Signal,
    Territory,
    TimeZone,
    parse_duration,
)


class Accounts(Model):
    """How many accounts there are, by audience."""

    pupils: Count = 0
    """Accounts of pupils."""
    teachers: Count = 0
    """Accounts of teachers and other staff."""
    parents: Count = 0
    """Accounts of parents."""


class UsualPeak(Model):
    """What the busiest bell of an ordinary week brings."""

    connections_per_second: PositiveAmount
    """Demand at that bell, in the unit of the first demand signal, in quotes, such as "65"."""


class DemandSignal(Model):
    """One measure of demand. The largest need wins."""

    name: Name
    """Name of this measure, for people."""
    signal: Signal
    """Signal of the sites' Prometheus queries that measures it, per second."""
    capacity_per_replica: PositiveAmount
    """What one Ready replica carries per second within the SLO, in quotes, such as "12.5"."""


class Dependency(Model):
    """Something shared that bounds the ENT's total and that more pods do not cure, such as single sign-on."""

    name: Name
    """Name of what is shared."""
    capacity: PositiveAmount
    """Most demand it carries per second, in the unit of the first demand signal, in quotes. With `usePerReplica`: how
    much there is of what replicas take, such as connections."""
    use_per_replica: PositiveAmount | None = None
    """What every replica takes of it by merely running, such as database connections, in quotes."""
    signal: Signal | None = None
    """Signal of the sites' Prometheus queries that measures its use at each site, in the unit of the capacity."""


class RegionalENTSpec(Model):
    """What is declared about the portal of one region."""

    region: Region
    """Who the users are, ISO 3166-2 such as `FR-HDF`. Never a hosting place."""
    territory: Territory
    """Whose school holidays apply."""
    time_zone: TimeZone
    """IANA time zone of the bells, such as `Europe/Paris`."""
    accounts: Accounts = Accounts.model_validate({})
    """Accounts by audience, which schedules may refer to."""
    usual_peak: UsualPeak | None = None
    """The usual peak, which schedules and events may refer to as `percentOfUsualPeak`."""
    calendar_ref: Name | None = None
    """Name of the SchoolCalendar; absent: every day is a school day."""
    schedule_refs: Annotated[tuple[Name, ...], Field(max_length=16), unique()] = ()
    """Names of SchoolSchedules in this namespace; the largest demand wins, window by window."""
    slo: Slo = Slo.model_validate({})
    """What users are promised."""
    demand_signals: Annotated[tuple[DemandSignal, ...], Field(min_length=1, max_length=8), unique("name")]
    """How demand is measured. Schedules and events speak in the unit of the first."""
    dependencies: Annotated[tuple[Dependency, ...], Field(max_length=8), unique("name")] = ()
    """What is shared and bounds the total."""
    warm_up: Duration = parse_duration("0s")
    """From Ready to warm: how long a new replica still carries less."""
    placements: Annotated[tuple[Placement, ...], Field(min_length=1, max_length=16), unique("site")]
    """Where the portal may run, one entry per site."""
    reserve: Reserve = Reserve.model_validate({})
    """What loss the capacity in place must absorb."""
    replicas: Replication = Replication.model_validate({})
    """Who owns the replica count."""
    edges: Annotated[tuple[Edge, ...], Field(max_length=8), unique("name")] = ()
    """What splits its traffic."""
    priority: Annotated[int, Field(ge=0, le=1000)] = 0
    """Larger is served first when capacity is short."""
    shifting: Shifting = Shifting.model_validate({})
    """Limits on moving traffic."""
    scaling: Scaling = Scaling.model_validate({})
    """Limits on replicas."""
    pause: Order | None = None
    """Write nothing but status until then."""

    rules: ClassVar = (
        Rule(
            cel="self.placements.exists(p, p.home)",
            holds=lambda spec: any(p.home for p in spec.placements),
            message="at least one placement must be home: true",
            field="placements",
        ),
        Rule(
            cel="!has(self.edges) || self.edges.all(e, !has(e.httpRoute) || e.httpRoute.backends.all(b, "
            "self.placements.exists(p, p.site == b.site)))",
            holds=lambda spec: _placed(
                spec, [b.site for e in spec.edges if e.http_route for b in e.http_route.backends]
            ),
            message="every backend of an HTTPRoute edge must lead to a site of the placements",
            field="edges",
        ),
        Rule(
            cel="!has(self.edges) || self.edges.all(e, !has(e.dnsEndpoint) || e.dnsEndpoint.targets.all(t, "
            "self.placements.exists(p, p.site == t.site)))",
            holds=lambda spec: _placed(
                spec, [t.site for e in spec.edges if e.dns_endpoint for t in e.dns_endpoint.targets]
            ),
            message="every target of a DNSEndpoint edge must lead to a site of the placements",
            field="edges",
        ),
        Rule(
            cel="!has(self.edges) || self.edges.all(e, !has(e.rfc2136) || e.rfc2136.targets.all(t, "
            "self.placements.exists(p, p.site == t.site)))",
            holds=lambda spec: _placed(spec, [t.site for e in spec.edges if e.rfc2136 for t in e.rfc2136.targets]),
            message="every target of an RFC2136 edge must lead to a site of the placements",
            field="edges",
        ),
    )


def _placed(spec: RegionalENTSpec, sites: list[str]) -> bool:
    """Tell whether the ENT has a placement at every one of the sites."""
    return set(sites) <= {p.site for p in spec.placements}


class PlacementStatus(StatusModel):
    """One placement as it is."""

    site: Name
    """Name of the Site."""
    ready_replicas: Count | None = None
    """Replicas that are Ready; absent: not known."""
    wanted_replicas: Count | None = None
    """Replicas that are wanted."""
    weight: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """Share of the traffic, out of the sum of the weights."""


class RegionalENTStatus(StatusModel):
    """What is known about the portal."""

    observed_generation: Count | None = None
    """Generation of the spec this status speaks about."""
    conditions: Conditions = ()
    """Aspects of the ENT's state."""
    ready_replicas: Count | None = None
    """Replicas that are Ready at all sites; absent: not known."""
    wanted_replicas: Count | None = None
    """Replicas that are wanted at all sites."""
    serving: Annotated[str, Field(max_length=256)] = ""
    """Sites that receive traffic with their share, such as `gra 60 % sbg 40 %`."""
    next_bell: Annotated[str, Field(max_length=64)] = ""
    """Next school window, in local time, such as `Tue 08:00 first bell`."""
    placements: Annotated[tuple[PlacementStatus, ...], Field(max_length=16), unique("site")] = ()
    """Every placement as it is."""
    kept_out: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=4), unique()] = ()
    """Audiences that are not to be let in now; `all`: the portal is shut on purpose. Waiting rooms may read it."""
    summary: Annotated[str, Field(max_length=512)] = ""
    """One sentence: how the ENT is and why."""
    observed_at: Instant | None = None
    """When this was last true."""
    memory: Annotated[dict[str, Any], PreserveUnknown()] | None = None
    """What later decisions need to remember, written before the action it restrains. Versioned, at most 4 KiB; not for
    people."""


class RegionalENT(Model):
    """The portal through which pupils, teachers and parents of one region work."""

    api_version: ApiVersion
    """Version of this schema."""
    kind: Literal["RegionalENT"]
    """What this object is."""
    metadata: Metadata
    """Kubernetes' own data on the object."""
    spec: RegionalENTSpec
    """What is declared."""
    status: RegionalENTStatus | None = None
    """What is known, written by the controller."""
