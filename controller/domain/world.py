"""The snapshot a plan is made from: everything the planner may know."""

from dataclasses import dataclass
from datetime import datetime

from controller.domain.fleet import Edge, Ent, Order, Site
from controller.domain.forecast import Forecast
from controller.domain.intents import PeerPlan
from controller.domain.memory import Memory
from controller.domain.names import EdgeName, EntKey, ObserverName, SignalName, SiteName
from controller.domain.readings import Probe, Reading
from controller.domain.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReading:
    """One signal of one ENT at one site, with its quality."""

    site: SiteName
    ent: EntKey
    signal: SignalName
    reading: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRound:
    """All that one observer probed within one round of two seconds.

    `at` is the end of the round on the clock of whoever assembled the world: the rounds of a peer, whose clock may
    differ, are dated by when its sequence was seen to advance.
    """

    observer: ObserverName
    sequence: int
    at: datetime
    probes: tuple[Probe, ...]
    site: SiteName | None = None
    """Where the observer stands; None: outside all sites, as a witness or a management cluster does."""
    declares_sick: bool = False
    """The observer says that the site at which it stands should not be sent users. Trusted downwards only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaState:
    """Replicas of one ENT at one site, as last seen.

    `seen_at` is the last instant at which the watch on the site was proven alive: a state that cannot be
    refreshed grows old, it does not become zero.
    """

    ent: EntKey
    site: SiteName
    wanted: int
    """`spec.replicas` of the target (or the floor, when Sonnerie owns only a floor)."""
    ready: int
    seen_at: datetime
    pending_since: datetime | None = None
    """Since when fewer are Ready than wanted; None when all are."""
    revision: str = ""
    """Identity of the pod template; changes with every rollout."""
    revision_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The weight in force of (ENT, site) at an edge; shares are w/Σw over the sites of that ENT and edge."""

    ent: EntKey
    edge: EdgeName
    site: SiteName
    weight: int
    max_concurrent: int | None = None
    """The concurrency cap in force, where the edge holds one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What people ordered for the whole fleet."""

    freeze: Order | None = None
    pause: Order | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The snapshot. Whoever assembles it sorts by name; the planner sorts again where it matters."""

    sites: tuple[Site, ...]
    ents: tuple[Ent, ...]
    edges: tuple[Edge, ...] = ()
    windows: tuple[Window, ...] = ()
    """From 24 h before now to 48 h after it."""
    forecasts: tuple[Forecast, ...] = ()
    """Of today and tomorrow, where there is history enough."""
    readings: tuple[SignalReading, ...] = ()
    rounds: tuple[EvidenceRound, ...] = ()
    """The last few rounds of every observer, oldest first."""
    replicas: tuple[ReplicaState, ...] = ()
    routes: tuple[Route, ...] = ()
    orders: Orders = Orders()
    peers: tuple[PeerPlan, ...] = ()
    """What other instances would do, of those that plan from the same policies and have heard this one lately."""
    memory: Memory = Memory()
    self_site: SiteName | None = None
    """The site this instance belongs to; None in the all-sites topology."""
    writable_sites: frozenset[SiteName] = frozenset()
    """Where this instance may write; actions elsewhere are expected from peers."""
