"""Assembling the World from what was seen. Everything is sorted; nothing here waits for anything."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from controller.domain.fleet import Ent, Order
from controller.domain.forecast import Forecast
from controller.domain.memory import Memory
from controller.domain.names import EntKey, SiteName
from controller.domain.orders import drained, fleet_freeze, told_freezes
from controller.domain.windows import Window
from controller.domain.world import EvidenceRound, Orders, ReplicaState, Route, SignalReading, World
from controller.observe.hearing import Told
from controller.observe.policies import Policies
from controller.observe.school import SchoolBook
from controller.observe.sites import WatchedSite
from controller.observe.workloads import Ceilings, ReplicaTracker


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the parts have seen by now."""

    policies: Policies
    sites: Mapping[SiteName, WatchedSite]
    rounds: tuple[EvidenceRound, ...]
    routes: tuple[Route, ...]
    memory: Memory
    dry_run: bool
    forecasts: tuple[Forecast, ...] = ()
    home: SiteName | None = None
    """The site of this instance, in the one-site topology."""
    told: Told = Told()
    """What the other observers have told."""


class Assembler:
    """Makes worlds; remembers only since when replicas are as they are."""

    def __init__(self) -> None:
        self._tracker = ReplicaTracker()
        self._ceilings = Ceilings()
        self._book = SchoolBook()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a policy author should know about school time."""
        return self._book.warnings

    @property
    def warnings_of(self) -> Mapping[EntKey, tuple[str, ...]]:
        """The same by ENT; only those with a warning."""
        return self._book.warnings_of

    def world(self, seen: Seen, now: datetime) -> World:
        """Return the world as seen by now: by ourselves, and by others of what they alone may speak for."""
        declared = seen.policies.declared
        routes = _routes(seen)
        windows = self._book.windows(seen.policies, now)
        gone = leaving_is_over(seen.policies.deleting, windows, now)
        planned = (ent for ent in declared.ents if ent.placements and ent.key not in gone)
        ents = self._ceilings.applied(planned, seen.sites)
        world = World(
            sites=drained(declared.sites, seen.told.orders),
            ents=ents,
            edges=declared.edges,
            windows=windows,
            forecasts=seen.forecasts,
            readings=_readings(seen, routes, now),
            rounds=(*seen.rounds, *seen.told.rounds),
            replicas=self._replicas(ents, seen, now),
            routes=routes,
            orders=Orders(freeze=_freeze(seen), dry_run=seen.dry_run),
            memory=seen.memory,
            peers=seen.told.plans,
            self_site=seen.home,
            writable_sites=_writable(seen),
        )
        return world if len(ents) == len(declared.ents) else _without_others(world)

    def _replicas(self, ents: tuple[Ent, ...], seen: Seen, now: datetime) -> tuple[ReplicaState, ...]:
        ours = self._tracker.states(ents, seen.sites, now)
        if not seen.told.replicas:
            return ours
        placed = {(ent.key, placement.site) for ent in ents for placement in ent.placements}
        theirs = (state for state in seen.told.replicas if (state.ent, state.site) in placed)
        return tuple(sorted((*ours, *theirs), key=lambda state: (state.ent, state.site)))


def _without_others(world: World) -> World:
    """Leave out what is known of ENTs that are not planned for: they are going, or no site of theirs is declared."""
    ents = {ent.key for ent in world.ents}
    return replace(
        world,
        windows=tuple(window for window in world.windows if window.ent in ents),
        forecasts=tuple(forecast for forecast in world.forecasts if forecast.ent in ents),
        readings=tuple(reading for reading in world.readings if reading.ent in ents),
        routes=tuple(route for route in world.routes if route.ent in ents),
    )


def _freeze(seen: Seen) -> Order | None:
    told = told_freezes(seen.told.orders)
    declared = seen.policies.declared
    return fleet_freeze((*declared.freezes, *told)) if told else declared.freeze


def _writable(seen: Seen) -> frozenset[SiteName]:
    if seen.home is not None:
        return frozenset({seen.home})
    return frozenset(site.name for site in seen.policies.declared.sites)


def leaving_is_over(deleting: Collection[EntKey], windows: Iterable[Window], now: datetime) -> frozenset[EntKey]:
    """Return the ENTs that are deleted and whose current window, if they had one, has ended: nothing is planned."""
    if not deleting:
        return frozenset()
    return frozenset(deleting) - {window.ent for window in windows if window.start <= now < window.end}


def _readings(seen: Seen, routes: tuple[Route, ...], now: datetime) -> tuple[SignalReading, ...]:
    readings = [
        reading
        for name, site in seen.sites.items()
        if site.meter is not None
        for reading in site.meter.readings(
            (ent.key for ent in seen.policies.declared.ents if ent.placement(name) is not None),
            now,
            used=frozenset(route.ent for route in routes if route.site == name and route.weight > 0),
        )
    ]
    placed = {(ent.key, placement.site) for ent in seen.policies.declared.ents for placement in ent.placements}
    readings += (each for each in seen.told.readings if (each.ent, each.site) in placed)
    return tuple(sorted(readings, key=lambda reading: (reading.ent, reading.site, reading.signal)))


def _routes(seen: Seen) -> tuple[Route, ...]:
    """Weights of ENTs and edges that are no longer declared are nobody's."""
    declared = {(ent.key, edge) for ent in seen.policies.declared.ents for edge in ent.edges}
    routes = (*seen.routes, *seen.told.routes) if seen.told.routes else seen.routes
    return tuple(route for route in routes if (route.ent, route.edge) in declared)
