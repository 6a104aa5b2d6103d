"""Small worlds with defaults and overrides, so that a test shows only what matters to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from controller.domain.fleet import (
    DemandSignal,
    DomainKind,
    Edge,
    EdgeKind,
    Ent,
    FailureDomain,
    Placement,
    Site,
    Target,
)
from controller.domain.memory import Memory, Samples
from controller.domain.names import DomainName, EdgeName, EntKey, ObserverName, SignalName, SiteName
from controller.domain.readings import (
    Answered,
    Fresh,
    Missing,
    Probe,
    ProbePath,
    ProbeResult,
    Reading,
    ReadingReason,
    Refused,
    TimedOut,
)
from controller.domain.windows import Window
from controller.domain.world import EvidenceRound, ReplicaState, Route, SignalReading, World

BELL = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)
"""Nine o'clock in Paris on a first day of school."""
REQUESTS = SignalName("requests")
EDGE = EdgeName("front")
CAPACITY = 5.0
WORKLOAD = Target(api_version="apps/v1", kind="Deployment", name="portal")
ROUND = timedelta(seconds=2)
FINE: ProbeResult = Answered(status=200, seconds=0.01)
DEAD: ProbeResult = Refused(why="connection refused")
HUNG: ProbeResult = TimedOut(seconds=1.0)


def key(name: str = "nord") -> EntKey:
    """An ENT's key in one namespace."""
    return EntKey("ents", name)


def a_site(name: str, *, domain: str | None = None, quota: int | None = None) -> Site:
    """A site that is its own serving domain unless told."""
    domains = (FailureDomain(name=DomainName(domain), kind=DomainKind.SERVING),) if domain else ()
    return Site(name=SiteName(name), failure_domains=domains, quota_replicas=quota)


def a_placement(site: str, *, home: bool = False, least: int = 1, most: int = 100) -> Placement:
    """A stateless placement with room."""
    return Placement(site=SiteName(site), target=WORKLOAD, min_replicas=least, max_replicas=most, home=home)


def an_ent(name: str = "nord", *, sites: Sequence[str] = ("a", "b"), home: str | None = None, **more: object) -> Ent:
    """An ENT with one demand signal, at home at the first of its sites."""
    at_home = home if home is not None else sites[0]
    ent = Ent(
        key=key(name),
        region="FR-HDF",
        placements=tuple(a_placement(site, home=site == at_home) for site in sites),
        signals=(DemandSignal(signal=REQUESTS, capacity_per_replica=CAPACITY),),
        edges=(EDGE,),
    )
    return replace(ent, **more)  # type: ignore[arg-type]


def a_window(ent: EntKey, start: datetime, minutes: float, per_second: float, **more: object) -> Window:
    """A school window."""
    end = start + timedelta(minutes=minutes)
    window = Window(ent=ent, start=start, end=end, demand_per_second=per_second, source="schedule test: bell")
    return replace(window, **more)  # type: ignore[arg-type]


def rounds(
    now: datetime,
    sites: Iterable[str],
    *,
    api: Mapping[str, ProbeResult] | None = None,
    public: Mapping[str, ProbeResult] | None = None,
    references: Sequence[ProbeResult] = (FINE, FINE, FINE),
    count: int = 6,
    observer: str = "one",
    first: int = 1,
) -> tuple[EvidenceRound, ...]:
    """Rounds of one observer ending at `now`, each seeing the same; what is not told is fine."""
    api, public = api or {}, public or {}
    probes = tuple(
        Probe(path=path, target=site, result=told.get(site, FINE))
        for site in sites
        for path, told in ((ProbePath.API, api), (ProbePath.PUBLIC, public))
    ) + tuple(Probe(path=ProbePath.REFERENCE, target=f"ref{i}", result=r) for i, r in enumerate(references))
    return tuple(
        EvidenceRound(
            observer=ObserverName(observer), sequence=first + i, at=now - ROUND * (count - 1 - i), probes=probes
        )
        for i in range(count)
    )


def a_reading(ent: EntKey, site: str, value: float | None, at: datetime, signal: str = "requests") -> SignalReading:
    """A fresh reading, or a missing one when there is no value."""
    reading: Reading = Missing(reason=ReadingReason.EMPTY) if value is None else Fresh(value=value, at=at)
    return SignalReading(site=SiteName(site), ent=ent, signal=SignalName(signal), reading=reading)


def replicas(ent: EntKey, site: str, count: int, at: datetime, *, ready: int | None = None) -> ReplicaState:
    """A workload of which all replicas are Ready unless told."""
    found = count if ready is None else ready
    pending = None if found >= count else at
    return ReplicaState(ent=ent, site=SiteName(site), wanted=count, ready=found, seen_at=at, pending_since=pending)


def a_world(
    now: datetime = BELL,
    *,
    ents: Sequence[Ent] | None = None,
    sites: Sequence[Site] | None = None,
    counts: Mapping[tuple[str, str], int] | None = None,
    weights: Mapping[tuple[str, str], int] | None = None,
    demand: Mapping[tuple[str, str], float | None] | None = None,
    **more: object,
) -> World:
    """Two healthy sites and one ENT at home at `a` with ten replicas each and 20 requests per second."""
    ents = ents if ents is not None else [an_ent()]
    sites = sites if sites is not None else [a_site("a"), a_site("b")]
    places = [(ent, p) for ent in ents for p in ent.placements]
    counts = counts if counts is not None else {}
    demand = demand if demand is not None else {}
    weights = weights if weights is not None else {}

    def weight(ent: Ent, p: Placement) -> int:
        return weights.get((ent.key.name, p.site), 100 if p.home else 0)

    world = World(
        sites=tuple(sites),
        ents=tuple(ents),
        edges=(Edge(name=EDGE, kind=EdgeKind.HAPROXY_AGENT),),
        readings=tuple(
            a_reading(ent.key, p.site, demand.get((ent.key.name, p.site), 20.0 if p.home else 0.0), now)
            for ent, p in places
        ),
        rounds=rounds(now, [site.name for site in sites]),
        replicas=tuple(replicas(e.key, p.site, counts.get((e.key.name, p.site), 10), now) for e, p in places),
        routes=tuple(
            Route(ent=e.key, edge=EDGE, site=p.site, weight=weight(e, p), max_concurrent=50) for e, p in places
        ),
        memory=Memory(samples=Samples(complete_since=now - timedelta(hours=1))),
    )
    return replace(world, **more)  # type: ignore[arg-type]
