"""What people declared: sites, ENTs and their placements, edges, limits.

These are the parsed and validated values of the custom resources; the defaults here are the documented ones.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from controller.domain.names import DomainName, EdgeName, EntKey, SignalName, SiteName


class DomainKind(StrEnum):
    """What a failure domain takes down with it."""

    SERVING = "serving"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FailureDomain:
    """Sites that fail together."""

    name: DomainName
    kind: DomainKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person ordered, until when, and why: a drain, a freeze or a pause."""

    until: datetime
    reason: str
    by: str
    given_at: datetime | None = None
    """When it was ordered: of several about the same thing the newest holds. None: nobody said."""

    def in_force(self, now: datetime) -> bool:
        """Tell whether the order has not expired."""
        return now < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One provider location running portals: the unit of failure."""

    name: SiteName
    failure_domains: tuple[FailureDomain, ...] = ()
    quota_replicas: int | None = None
    """Most replicas of all ENTs together; None when nobody set a limit."""
    relative_cost_permille: int = 1000
    """Cost of a replica-hour against the fleet's usual 1000."""
    drain: Order | None = None
    has_public_address: bool = True
    expected_status: int = 200
    """HTTP status of a public address that serves; any other is an answer, but a sick one."""

    @property
    def serving_domains(self) -> tuple[DomainName, ...]:
        """Domains whose loss takes the portals here down; a site is at least a domain of its own."""
        named = tuple(sorted(d.name for d in self.failure_domains if d.kind is DomainKind.SERVING))
        return named or (DomainName(f"site:{self.name}"),)


class DataMode(StrEnum):
    """What a placement can do with the ENT's data."""

    STATELESS = "stateless"
    READ_ONLY = "readOnly"
    PROMOTED = "promoted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The workload that is scaled."""

    api_version: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One ENT at one site."""

    site: SiteName
    target: Target
    min_replicas: int
    max_replicas: int
    home: bool = False
    data_mode: DataMode = DataMode.STATELESS
    data_grace: timedelta = timedelta(minutes=30)
    """How long the last fresh word on the data counts after its source is lost (design §5, Data)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandSignal:
    """One measure of demand and what a Ready replica carries of it within the SLO. The largest need wins."""

    signal: SignalName
    capacity_per_replica: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """Something shared that bounds the ENT's total and that more pods do not cure, such as single sign-on."""

    name: str
    capacity: float
    """Most demand per second, in the unit of the first demand signal. With `use_per_replica` it counts what replicas
    take instead, such as connections."""
    use_per_replica: float | None = None
    """What every replica takes by merely running; None where it is demand that uses the dependency."""
    signal: SignalName | None = None
    """Measures its use at each site, in the unit of `capacity`."""

    @property
    def most_replicas(self) -> int | None:
        """Replicas of the ENT at all sites together that it bears; None where replicas do not matter to it."""
        return math.floor(self.capacity / self.use_per_replica) if self.use_per_replica else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """What users are promised."""

    error_ratio: float = 0.01
    latency_seconds: float = 1.0


class ReplicaOwner(StrEnum):
    """Who owns the replica count, and so what Sonnerie may write."""

    SCALE = "Scale"
    HPA_FLOOR = "HPAFloor"
    KEDA_FLOOR = "KEDAFloor"


class ReservePolicy(StrEnum):
    """What loss the capacity in place must absorb."""

    SERVING_DOMAIN = "servingDomain"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifting:
    """Limits on moving traffic. An evacuation is not bound by them."""

    max_step_percent: int = 10
    min_step_percent: int = 2
    step_interval: timedelta = timedelta(seconds=10)
    failback_hold: timedelta = timedelta(minutes=15)
    """How long a returned site stays Healthy before it gets traffic again."""
    reversal_window: timedelta = timedelta(minutes=30)
    """At most one reversal of more than 2 % in this time (invariant 6)."""
    min_sites: int = 1
    """Sites that answer at least: no move but an evacuation makes them fewer."""
    dry_run: bool = False
    """Moves of this ENT are planned and said, and not made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Limits on replicas."""

    lead_time: timedelta | None = None
    """From decision to warm and Ready; None: learned."""
    warm_up: timedelta = timedelta(0)
    """From Ready to warm."""
    stabilization_window: timedelta = timedelta(minutes=5)
    """Look-back in which the largest recommendation wins (HPA `stabilizationWindowSeconds`)."""
    surprise_max: float = 4.0
    """Bound of the surprise ratio (design §5 stage 3)."""
    blind_hold: timedelta = timedelta(hours=12)
    """How long demand that is not known keeps everything from shrinking, outside school windows (design §5 stage 1)."""


class EdgeKind(StrEnum):
    """How an edge is told its weights."""

    HAPROXY_AGENT = "HAProxyAgent"
    HTTP_ROUTE = "HTTPRoute"
    DNS_ENDPOINT = "DNSEndpoint"
    RFC2136 = "RFC2136"


ANSWER_SETS = frozenset({EdgeKind.DNS_ENDPOINT, EdgeKind.RFC2136})
"""Edges where a site is answered or is not; the others split by weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A place that splits the traffic of one or more ENTs over sites."""

    name: EdgeName
    kind: EdgeKind
    site: SiteName | None = None
    """Where it stands: the instance of that site writes it, and it falls with the site. None: outside all sites."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ent:
    """The portal of one region."""

    key: EntKey
    region: str
    placements: tuple[Placement, ...]
    signals: tuple[DemandSignal, ...]
    """At least one; the first is the unit in which demand is spoken of."""
    edges: tuple[EdgeName, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    slo: Slo = Slo()
    reserve: ReservePolicy = ReservePolicy.SERVING_DOMAIN
    owner: ReplicaOwner = ReplicaOwner.SCALE
    priority: int = 0
    """Larger is served first."""
    shifting: Shifting = Shifting()
    scaling: Scaling = Scaling()
    pause: Order | None = None

    @property
    def capacity_per_replica(self) -> float:
        """What a Ready replica carries, in the unit of the first demand signal."""
        return self.signals[0].capacity_per_replica

    def placement(self, site: SiteName) -> Placement | None:
        """Return the placement at the site, if there is one."""
        return next((p for p in self.placements if p.site == site), None)
