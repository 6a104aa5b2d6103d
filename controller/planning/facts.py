"""The world, indexed: look-ups that every stage needs, built once per plan."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from controller.domain.fleet import Ent, Placement, Site
from controller.domain.forecast import Forecast
from controller.domain.memory import EntMemory, EntSamples, Recommendation, SiteMemory
from controller.domain.names import EdgeName, EntKey, SignalName, SiteName
from controller.domain.readings import Missing, Reading, ReadingReason
from controller.domain.windows import Window
from controller.domain.world import ReplicaState, Route, World

REPLICAS_FRESH = timedelta(seconds=15)
"""How old a sight of a site's workloads may be. Three planning cycles: one lost and one late are no alarm."""

TARGET_UTILISATION = 0.75
"""Share of Ready capacity that is planned to be used (design §5 stage 7)."""

EMERGENCY_UTILISATION = 0.85
"""Share of Ready capacity that may be used while a site is lost (design §5 stage 7 and invariant 1)."""

NEVER_READ = Missing(reason=ReadingReason.NEVER_READ)
"""What a reading is that nobody took."""
NOWHERE_READ: Mapping[SiteName, Reading] = MappingProxyType({})
NEVER_SEEN: Mapping[SiteName, ReplicaState] = MappingProxyType({})
NOTHING_READ: Mapping[SignalName, Mapping[SiteName, Reading]] = MappingProxyType({})


LEAST_AMONG_PEERS = timedelta(seconds=20)
"""Of a stabilization window where each site plans for itself: longer than planners may differ: nine seconds until a
verdict stands, seven until a lost report is silent. Demand that is summed over reports of different instants counts
somebody not at all while traffic moves (ADR 0011)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The world at `now`, with its tuples turned into look-ups. Iterate `ents` and `sites`: both are sorted."""

    world: World
    now: datetime
    fresh_since: datetime
    """A sight of replicas is fresh from here on."""
    sites: dict[SiteName, Site]
    ents: dict[EntKey, Ent]
    placements: dict[EntKey, tuple[Placement, ...]]
    """By name of their site."""
    states: dict[EntKey, dict[SiteName, ReplicaState]]
    """Replicas as last seen."""
    readings: dict[EntKey, dict[SignalName, dict[SiteName, Reading]]]
    routes: dict[tuple[EntKey, EdgeName], dict[SiteName, Route]]
    shares_at: dict[tuple[EntKey, EdgeName], dict[SiteName, float]]
    largest: dict[EntKey, dict[SiteName, float]]
    windows: dict[EntKey, tuple[Window, ...]]
    site_memory: dict[SiteName, SiteMemory]
    ent_memory: dict[EntKey, EntMemory]
    samples: dict[EntKey, EntSamples]
    forecasts: dict[EntKey, tuple[Forecast, ...]]

    def reading(self, ent: EntKey, site: SiteName, signal: SignalName) -> Reading:
        """Return the reading; one that nobody took is Missing."""
        return self.readings_of(ent).get(signal, NOWHERE_READ).get(site, NEVER_READ)

    def readings_of(self, ent: EntKey) -> Mapping[SignalName, Mapping[SiteName, Reading]]:
        """Return the readings of the ENT by signal and site; what nobody took is left out."""
        return self.readings.get(ent, NOTHING_READ)

    def states_of(self, ent: EntKey) -> Mapping[SiteName, ReplicaState]:
        """Return the replicas of the ENT as last seen, by site; what was never seen is left out."""
        return self.states.get(ent, NEVER_SEEN)

    def seen_freshly(self, ent: EntKey, site: SiteName) -> ReplicaState | None:
        """Return the replicas if they were seen recently enough to act upon."""
        state = self.states_of(ent).get(site)
        return state if state is not None and state.seen_at >= self.fresh_since else None

    def ready(self, ent: EntKey, site: SiteName) -> int:
        """Return the Ready replicas as last seen, however old; 0 if never seen."""
        state = self.states_of(ent).get(site)
        return state.ready if state is not None else 0

    def remembered(self, ent: EntKey) -> EntMemory:
        """Return the restraints of the ENT; empty when there are none."""
        return self.ent_memory.get(ent) or EntMemory(ent=ent)

    def sampled(self, ent: EntKey) -> EntSamples:
        """Return the recent past of the ENT; empty when there is none."""
        return self.samples.get(ent) or EntSamples(ent=ent)

    def recommended(self, ent: EntKey, site: SiteName) -> tuple[Recommendation, ...]:
        """Return what was recommended for the placement lately, as far as a maximum may still need it."""
        return tuple([r for r in self.sampled(ent).recommendations if r.site == site])

    def shares(self, ent: EntKey, edge: EdgeName) -> dict[SiteName, float]:
        """Return the share of the ENT's traffic that each site gets at the edge now; empty when not known."""
        return self.shares_at.get((ent, edge), {})

    def largest_shares(self, ent: Ent) -> dict[SiteName, float]:
        """Return the largest share over all edges of each site: what the site must be able to carry."""
        return self.largest.get(ent.key, {})


def facts_of(world: World, now: datetime) -> Facts:
    """Index the world."""
    routes: dict[tuple[EntKey, EdgeName], dict[SiteName, Route]] = {}
    for route in world.routes:
        routes.setdefault((route.ent, route.edge), {})[route.site] = route
    states: dict[EntKey, dict[SiteName, ReplicaState]] = {}
    for state in world.replicas:
        states.setdefault(state.ent, {})[state.site] = state
    windows: dict[EntKey, list[Window]] = {}
    for window in sorted(window for window in world.windows if not window.no_moves):
        windows.setdefault(window.ent, []).append(window)
    readings: dict[EntKey, dict[SignalName, dict[SiteName, Reading]]] = {}
    for read in world.readings:
        readings.setdefault(read.ent, {}).setdefault(read.signal, {})[read.site] = read.reading
    forecasts: dict[EntKey, list[Forecast]] = {}
    for forecast in sorted(world.forecasts, key=lambda f: (f.ent, f.start)):
        forecasts.setdefault(forecast.ent, []).append(forecast)
    ents = {ent.key: ent for ent in sorted(world.ents, key=lambda ent: ent.key)}
    if world.self_site is not None:
        ents = {key: _patient(ent) for key, ent in ents.items()}
    shares_at = {place: _shares(found) for place, found in routes.items()}
    return Facts(
        world=world,
        now=now,
        fresh_since=now - REPLICAS_FRESH,
        sites={site.name: site for site in sorted(world.sites, key=lambda site: site.name)},
        ents=ents,
        placements={key: tuple(sorted(ent.placements, key=lambda p: p.site)) for key, ent in ents.items()},
        states=states,
        readings=readings,
        routes=routes,
        shares_at=shares_at,
        largest={key: _largest_shares(ent, shares_at) for key, ent in ents.items()},
        windows={ent: tuple(found) for ent, found in windows.items()},
        site_memory={memory.site: memory for memory in world.memory.sites},
        ent_memory={memory.ent: memory for memory in world.memory.ents},
        samples={samples.ent: samples for samples in world.memory.samples.ents},
        forecasts={ent: tuple(found) for ent, found in forecasts.items()},
    )


def _patient(ent: Ent) -> Ent:
    """Return the ENT as it must be planned among peers, whatever was declared."""
    scaling = ent.scaling
    if scaling.stabilization_window >= LEAST_AMONG_PEERS:
        return ent
    return replace(ent, scaling=replace(scaling, stabilization_window=LEAST_AMONG_PEERS))


def rerouted(
    facts: Facts, ents: dict[EntKey, Ent], routes: dict[tuple[EntKey, EdgeName], dict[SiteName, Route]]
) -> Facts:
    """Return the facts with other edges and routes, and the shares that follow from them."""
    shares_at = {place: _shares(found) for place, found in routes.items()}
    largest = {key: _largest_shares(ent, shares_at) for key, ent in ents.items()}
    return replace(facts, ents=ents, routes=routes, shares_at=shares_at, largest=largest)


def _shares(routes: dict[SiteName, Route]) -> dict[SiteName, float]:
    whole = sum([route.weight for route in routes.values()])
    return {site: route.weight / whole for site, route in sorted(routes.items())} if whole else {}


def _largest_shares(ent: Ent, shares_at: dict[tuple[EntKey, EdgeName], dict[SiteName, float]]) -> dict[SiteName, float]:
    found = [shares for edge in ent.edges if (shares := shares_at.get((ent.key, edge)))]
    if len(found) == 1:
        return found[0]
    largest: dict[SiteName, float] = {}
    for shares in found:
        for site, share in shares.items():
            largest[site] = max(share, largest.get(site, 0.0))
    return largest
