"""A scenario's sites and portals as they would be declared to a real controller."""

from datetime import datetime

from controller.domain.fleet import (
    DataMode,
    DemandSignal,
    Dependency,
    DomainKind,
    Edge,
    EdgeKind,
    Ent,
    FailureDomain,
    Placement,
    ReservePolicy,
    Site,
    Target,
)
from controller.domain.names import DomainName, EdgeName, SignalName, SiteName
from controller.sim.controller import Known
from controller.sim.dayshapes import REQUESTS_PER_LOGIN, REQUESTS_PER_PAGE, SHAPES
from controller.sim.declared import Declarations
from controller.sim.demand import key_of
from controller.sim.past import Past
from controller.sim.scenario import EdgeKindSpec, EntSpec, Scenario

EDGE = EdgeName("front")
REQUESTS = SignalName("requests")
SIGN_ON = "single-sign-on"
TARGET_UTILISATION = 0.75
"""What every tuned controller aims at, ours as well (design §5 stage 7)."""


def sites_of(scenario: Scenario) -> tuple[Site, ...]:
    """Return the sites, sorted by name."""
    return tuple(
        Site(
            name=SiteName(spec.name),
            failure_domains=(
                (FailureDomain(name=DomainName(spec.domain), kind=DomainKind.SERVING),) if spec.domain else ()
            ),
            quota_replicas=spec.quota,
        )
        for spec in sorted(scenario.sites, key=lambda s: s.name)
    )


def edge_of(scenario: Scenario) -> Edge:
    """Return the edge in front of all sites."""
    kind = EdgeKind.HAPROXY_AGENT if scenario.edge.kind is EdgeKindSpec.HAPROXY else EdgeKind.HTTP_ROUTE
    return Edge(name=EDGE, kind=kind)


def ents_of(scenario: Scenario) -> tuple[Ent, ...]:
    """Return the portals, sorted by key."""
    return tuple(_ent(scenario, spec) for spec in sorted(scenario.ents, key=key_of))


def _ent(scenario: Scenario, spec: EntSpec) -> Ent:
    return Ent(
        key=key_of(spec),
        region="FR",
        placements=tuple(
            Placement(
                site=SiteName(site),
                target=Target(api_version="apps/v1", kind="Deployment", name="portal"),
                min_replicas=spec.min,
                max_replicas=spec.max,
                home=site == spec.sites[0],
                data_mode=DataMode.READ_ONLY if spec.replicated_data and site != spec.sites[0] else DataMode.STATELESS,
            )
            for site in spec.sites
        ),
        signals=(DemandSignal(signal=REQUESTS, capacity_per_replica=scenario.service.requests_per_replica),),
        edges=(EDGE,),
        dependencies=_dependencies(scenario),
        reserve=ReservePolicy.SERVING_DOMAIN if spec.reserve else ReservePolicy.NONE,
        priority=spec.priority,
    )


def _dependencies(scenario: Scenario) -> tuple[Dependency, ...]:
    service = scenario.service
    if service.sign_on_per_second is None or not service.sign_on_declared:
        return ()
    capacity = service.sign_on_per_second * requests_per_visit(scenario)
    return (Dependency(name=SIGN_ON, capacity=capacity),)


def requests_per_visit(scenario: Scenario) -> float:
    """Return what one log-in asks for in all, on the first day of the scenario."""
    shape = SHAPES[scenario.kind_on(scenario.start.date())]
    return REQUESTS_PER_LOGIN + shape.pages_per_visit * REQUESTS_PER_PAGE


def known_of(scenario: Scenario, past: Past) -> Known:
    """Return what controllers may know beforehand."""
    start, until = scenario.utc(scenario.start), scenario.utc(scenario.until)
    last = max([start, *Declarations(scenario=scenario).announcements()])
    ents = ents_of(scenario)
    return Known(
        ents=ents,
        sites=sites_of(scenario),
        windows=Declarations(scenario=scenario).windows(last, start, until),
        history=past.history(),
        start_delay_seconds=scenario.pods.start_median_seconds,
        target_utilisation=TARGET_UTILISATION,
        capacity_per_replica={ent.key: scenario.service.requests_per_replica for ent in ents},
        reserve=any(spec.reserve for spec in scenario.ents),
    )


def at(start: datetime, second: float) -> datetime:
    """Return the instant so many seconds after the start."""
    from datetime import timedelta

    return start + timedelta(seconds=second)
