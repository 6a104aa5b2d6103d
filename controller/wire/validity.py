"""What a world must be beyond its shape, so that the planner never sees one that it is not made for.

Names are names, said once, and point to something; intervals have a length; bounds have room between them. Two
things may point to what is gone, because the past does: probes, and the memory.
"""

import re
from collections.abc import Hashable, Iterable, Iterator

from controller.domain.fleet import Ent, Placement
from controller.domain.memory import Memory
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.world import World
from controller.wire.errors import WireError
from controller.wire.texts import NAME_PATTERN

_name = re.compile(NAME_PATTERN)


def check_world(world: World) -> None:
    """Let a world pass that the planner is made for.

    Raises:
        WireError: the first thing that is wrong, with its path in the line.
    """
    sites = {site.name for site in world.sites}
    edges = {edge.name for edge in world.edges}
    ents = {ent.key for ent in world.ents}
    _check_declared(world, sites, edges)
    _check_expected(world, ents)
    _check_seen(world, sites, edges, ents)
    _check_place_in_fleet(world, sites)
    _check_memory(world.memory)


def _check_declared(world: World, sites: set[SiteName], edges: set[EdgeName]) -> None:
    for index, site in enumerate(world.sites):
        path = f"world.sites[{index}]"
        _named(site.name, f"{path}.name")
        _each_once((domain.name for domain in site.failure_domains), f"{path}.failure_domains", "name")
    _each_once((site.name for site in world.sites), "world.sites", "name")
    for index, edge in enumerate(world.edges):
        _named(edge.name, f"world.edges[{index}].name")
    _each_once((edge.name for edge in world.edges), "world.edges", "name")
    _each_once((ent.key for ent in world.ents), "world.ents", "key")
    for index, ent in enumerate(world.ents):
        _check_ent(ent, f"world.ents[{index}]", sites, edges)


def _check_ent(ent: Ent, path: str, sites: set[SiteName], edges: set[EdgeName]) -> None:
    if not ent.placements:
        raise WireError(f"{path}.placements", "an ENT needs at least one placement")
    if not ent.signals:
        raise WireError(f"{path}.signals", "an ENT needs at least one demand signal")
    for index, placement in enumerate(ent.placements):
        _check_placement(placement, f"{path}.placements[{index}]", sites)
    _each_once((placement.site for placement in ent.placements), f"{path}.placements", "site")
    for index, signal in enumerate(ent.signals):
        if not signal.signal:
            raise WireError(f"{path}.signals[{index}].signal", "a signal needs a name")
    _each_once((signal.signal for signal in ent.signals), f"{path}.signals", "signal")
    _each_once((dependency.name for dependency in ent.dependencies), f"{path}.dependencies", "name")
    _each_once(ent.edges, f"{path}.edges", "")
    for index, edge in enumerate(ent.edges):
        _known(edge, edges, f"{path}.edges[{index}]", "edge")
    shifting = ent.shifting
    if shifting.min_step_percent > shifting.max_step_percent:
        text = f"{shifting.min_step_percent} is above max_step_percent, {shifting.max_step_percent}"
        raise WireError(f"{path}.shifting.min_step_percent", text)


def _check_placement(placement: Placement, path: str, sites: set[SiteName]) -> None:
    _known(placement.site, sites, f"{path}.site", "site")
    if placement.max_replicas < 1:
        raise WireError(f"{path}.max_replicas", "must be at least 1; leave the placement out where nothing may run")
    if placement.min_replicas > placement.max_replicas:
        text = f"{placement.min_replicas} is above max_replicas, {placement.max_replicas}"
        raise WireError(f"{path}.min_replicas", text)


def _check_expected(world: World, ents: set[EntKey]) -> None:
    for index, window in enumerate(world.windows):
        if window.ent not in ents:
            _known(window.ent, ents, f"world.windows[{index}].ent", "ENT")
        if window.end <= window.start:
            raise WireError(f"world.windows[{index}].end", "a window ends after it starts")
    for index, forecast in enumerate(world.forecasts):
        _known(forecast.ent, ents, f"world.forecasts[{index}].ent", "ENT")
    _each_once(((forecast.ent, forecast.start) for forecast in world.forecasts), "world.forecasts", "start")


def _check_seen(world: World, sites: set[SiteName], edges: set[EdgeName], ents: set[EntKey]) -> None:
    for index, reading in enumerate(world.readings):
        if reading.ent not in ents or reading.site not in sites:
            _placed(reading.ent, reading.site, ents, sites, f"world.readings[{index}]")
    _each_once(((r.ent, r.site, r.signal) for r in world.readings), "world.readings", "")
    _each_once(((r.observer, r.sequence) for r in world.rounds), "world.probes", "sequence")
    for index, state in enumerate(world.replicas):
        if state.ent not in ents or state.site not in sites:
            _placed(state.ent, state.site, ents, sites, f"world.replicas[{index}]")
    _each_once(((state.ent, state.site) for state in world.replicas), "world.replicas", "")
    for index, route in enumerate(world.routes):
        if route.ent not in ents or route.site not in sites or route.edge not in edges:
            _placed(route.ent, route.site, ents, sites, f"world.routes[{index}]")
            _known(route.edge, edges, f"world.routes[{index}].edge", "edge")
    _each_once(((route.ent, route.edge, route.site) for route in world.routes), "world.routes", "")


def _check_place_in_fleet(world: World, sites: set[SiteName]) -> None:
    for index, edge in enumerate(world.edges):
        if edge.site is not None:
            _known(edge.site, sites, f"world.edges[{index}].site", "site")
    for index, seen in enumerate(world.rounds):
        if seen.site is not None:
            _known(seen.site, sites, f"world.probes[{index}].site", "site")
    if world.self_site is not None:
        _known(world.self_site, sites, "world.self_site", "site")
    for index, site in enumerate(sorted(world.writable_sites)):
        _known(site, sites, f"world.writable_sites[{index}]", "site")


def _check_memory(memory: Memory) -> None:
    _each_once((site.site for site in memory.sites), "memory.sites", "site")
    _each_once((ent.ent for ent in memory.ents), "memory.ents", "ent")


def _named(name: str, path: str) -> None:
    if _name.fullmatch(name) is None:
        raise WireError(path, f"{name[:80]!r} is not a name; write small letters, digits, hyphens and dots")


def _placed(ent: EntKey, site: SiteName, ents: set[EntKey], sites: set[SiteName], path: str) -> None:
    _known(ent, ents, f"{path}.ent", "ENT")
    _known(site, sites, f"{path}.site", "site")


def _known(name: Hashable, names: set[EntKey] | set[SiteName] | set[EdgeName], path: str, what: str) -> None:
    if name not in names:
        raise WireError(path, f"there is no {what} {str(name)[:80]!r} in this world")


def _each_once(identities: Iterable[Hashable], path: str, field: str) -> None:
    """Refuse the second of two that claim to be the same: which of them is meant cannot be known."""
    found = list(identities)
    if len(set(found)) != len(found):
        index = next(_repeated(found))
        where = f"{path}[{index}]" + (f".{field}" if field else "")
        raise WireError(where, f"said twice, first at [{found.index(found[index])}]")


def _repeated(identities: Iterable[Hashable]) -> Iterator[int]:
    seen: set[Hashable] = set()
    for index, identity in enumerate(identities):
        if identity in seen:
            yield index
        seen.add(identity)
