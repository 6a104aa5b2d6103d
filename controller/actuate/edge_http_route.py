"""Edges of kind HTTPRoute: the weights of a rule's backends, by guarded JSON Patch.

`rules` and `backendRefs` are atomic lists: server-side apply would take over everybody's rules. So each write names
what it was decided on (the version of the route, the rule, the backend) and replaces nothing but weights. What was
changed meanwhile is a conflict: look again.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from controller.actuate.answers import again, answered
from controller.actuate.edge_watch import EdgeWatch
from controller.actuate.edges import ClusterAt, EdgeAction
from controller.actuate.outcome import Done, LookAgainAt, Outcome, Refused
from controller.actuate.rivals import Revert, Rivals
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.plan import SetWeights
from controller.domain.world import Route
from controller.kube.client import Cluster
from controller.kube.field_owners import newest_writer
from controller.kube.informer import Surroundings
from controller.kube.json_patch import Operation, expecting, patch_guarded, pointer
from controller.kube.resources import HTTP_ROUTES, ObjectKey
from controller.policy.declared import DeclaredEdge
from controller.policy.edge import HttpRouteEdge

Place = tuple[EntKey, EdgeName]


class _Backend(msgspec.Struct, frozen=True):
    name: str
    weight: int = 1


class _Rule(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = None
    backend_refs: tuple[_Backend, ...] = ()


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class _Spec(msgspec.Struct, frozen=True):
    rules: tuple[_Rule, ...] = ()


class HttpRoute(msgspec.Struct, frozen=True):
    """What is kept of an HTTPRoute."""

    metadata: _Meta
    spec: _Spec = _Spec()


_ROUTES = msgspec.json.Decoder(HttpRoute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Our backends within one route: rule, and by site index and weight in its `backendRefs`."""

    rule: int
    rule_name: str | None
    backends: dict[SiteName, tuple[int, str, int]]

    @property
    def weights(self) -> tuple[tuple[SiteName, int], ...]:
        """The weights as they stand."""
        return tuple((site, weight) for site, (_, _, weight) in sorted(self.backends.items()))


class NotThereError(Exception):
    """The route has not the rule or the backends that the edge names."""


def locate(route: HttpRoute, spec: HttpRouteEdge) -> Located:
    """Find our backends in the route.

    Raises:
        NotThereError: some are missing, or which are meant is not clear.
    """
    rules = [i for i, rule in enumerate(route.spec.rules) if spec.rule is None or rule.name == spec.rule]
    if len(rules) != 1:
        which = f"{len(rules)} rules named {spec.rule}" if spec.rule else f"{len(rules)} rules: name one in `rule`"
        raise NotThereError(f"HTTPRoute {spec.name} has {which}")
    rule = route.spec.rules[rules[0]]
    backends: dict[SiteName, tuple[int, str, int]] = {}
    for declared in spec.backends:
        found = [(i, ref.weight) for i, ref in enumerate(rule.backend_refs) if ref.name == declared.name]
        if len(found) != 1:
            raise NotThereError(f"HTTPRoute {spec.name} has {len(found)} backends {declared.name} in its rule, not one")
        backends[SiteName(declared.site)] = (found[0][0], declared.name, found[0][1])
    return Located(rule=rules[0], rule_name=rule.name, backends=backends)


def operations(located: Located, wanted: dict[SiteName, int]) -> list[Operation]:
    """Return what changes the weights and nothing else, each backend behind a test of its name."""
    found: list[Operation] = []
    if located.rule_name is not None:
        found.append(expecting(pointer("spec", "rules", located.rule, "name"), located.rule_name))
    for site, (index, name, weight) in sorted(located.backends.items()):
        if wanted.get(site, 0) != weight:
            at = ("spec", "rules", located.rule, "backendRefs", index)
            found.append(expecting(pointer(*at, "name"), name))
            found.append({"op": "replace", "path": pointer(*at, "weight"), "value": wanted.get(site, 0)})
    return found


class HttpRouteEdges:
    """All HTTPRoutes that somebody declared as edges."""

    def __init__(
        self, cluster_at: ClusterAt, surroundings: Surroundings, rivals: Rivals, now: Callable[[], datetime]
    ) -> None:
        self._watch: EdgeWatch[HttpRoute] = EdgeWatch(HTTP_ROUTES, _ROUTES.decode, cluster_at, surroundings)
        self._rivals = rivals
        self._now = now
        self._declared: dict[Place, DeclaredEdge] = {}
        self._remembered: dict[Place, tuple[Route, ...]] = {}
        self._delivered: dict[Place, Hashable] = {}
        """What the plan was made from."""
        self._stale: dict[Place, str] = {}
        """Versions of routes that we have written on: whoever still shows them has not seen our write yet."""

    def follow(self, declared: Iterable[DeclaredEdge]) -> None:
        """Watch the routes of these edges."""
        self._declared = {(edge.ent, edge.name): edge for edge in declared}
        self._watch.follow(edge.place for edge in self._declared.values())

    def restore(self, routes: Iterable[Route]) -> None:
        """Take over what was last decided, until the routes have been seen."""
        remembered: dict[Place, tuple[Route, ...]] = {}
        for route in routes:
            place = (route.ent, route.edge)
            remembered[place] = (*remembered.get(place, ()), route)
        self._remembered = remembered

    def routes(self, now: datetime) -> tuple[Route, ...]:
        """Return the weights that stand in the routes."""
        found: list[Route] = []
        for place, edge in self._declared.items():
            seen = self._located(edge)
            if isinstance(seen, Located):
                self._remembered[place] = tuple(
                    Route(ent=edge.ent, edge=edge.name, site=site, weight=weight) for site, weight in seen.weights
                )
                self._delivered[place] = seen.weights
                self._forget_stale(place, edge)
            else:
                self._delivered.pop(place, None)
            found += self._remembered.get(place, ())
        return tuple(found)

    def decided(self) -> tuple[Route, ...]:
        """Return what stands there, as last seen."""
        return tuple(route for place in self._declared for route in self._remembered.get(place, ()))

    def settled(self) -> bool:
        """Tell whether the routes have been listed, or cannot be."""
        return all(self._watch.settled(edge.place) for edge in self._declared.values())

    async def write(self, action: EdgeAction) -> Outcome:
        """Replace the weights of our backends."""
        place = (action.ent, action.edge)
        edge = self._declared.get(place)
        if not isinstance(action, SetWeights) or edge is None or edge.spec.http_route is None:
            return Refused(why=f"edge {action.edge} is an HTTPRoute, which knows weights and nothing else")
        located, cluster = self._located(edge), self._watch.cluster(edge.place)
        route = self._watch.find(edge.place, _key(edge))
        if isinstance(located, LookAgainAt | Refused):
            return located
        if cluster is None or route is None or self._delivered.get(place) != located.weights:
            return again(self._now(), f"the weights of HTTPRoute {edge.spec.http_route.name} changed meanwhile")
        if self._stale.get(place) == route.metadata.resource_version:
            return again(self._now(), "our last write has not been seen yet")
        wanted = {weight.site: weight.weight for weight in action.weights}
        refused = _refusal(wanted, located, action)
        if refused is not None:
            return refused
        changes = operations(located, wanted)
        after = tuple((site, wanted.get(site, 0)) for site in sorted(located.backends))

        async def work() -> Outcome:
            stopped = await self._yielded(action, edge, located, after, cluster)
            if stopped is not None or not changes:
                return stopped or Done()
            version = route.metadata.resource_version
            await patch_guarded(cluster, HTTP_ROUTES, _key(edge), changes, resource_version=version)
            self._stale[place] = version
            self._rivals.wrote(action.id, after)
            return Done()

        return await answered(work, name=cluster.name, now=self._now)

    async def close(self) -> None:
        """End the watches."""
        await self._watch.close()

    def _located(self, edge: DeclaredEdge) -> Located | LookAgainAt | Refused:
        spec = edge.spec.http_route
        assert spec is not None
        if not self._watch.seen(edge.place):
            return again(self._now(), f"HTTPRoute {spec.name} was never seen: {self._watch.trouble(edge.place)}")
        route = self._watch.find(edge.place, _key(edge))
        if route is None:
            return Refused(why=f"there is no HTTPRoute {_key(edge)} {_where(edge)}")
        try:
            return locate(route, spec)
        except NotThereError as error:
            return Refused(why=f"{error} ({_where(edge)})")

    def _forget_stale(self, place: Place, edge: DeclaredEdge) -> None:
        route = self._watch.find(edge.place, _key(edge))
        if route is not None and self._stale.get(place) != route.metadata.resource_version:
            self._stale.pop(place, None)

    async def _yielded(
        self, action: SetWeights, edge: DeclaredEdge, located: Located, wanted: Hashable, cluster: Cluster
    ) -> Outcome | None:
        stopped = self._rivals.stopped(action.id, self._now())
        undone = self._rivals.undone(action.id, found=located.weights, wanted=wanted)
        if stopped is not None or undone is None:
            return stopped
        body = await cluster.call("GET", HTTP_ROUTES.path(_key(edge)))
        revert = Revert(
            ent=action.ent,
            what=f"the weights of HTTPRoute {_key(edge)} {_where(edge)}",
            wrote=_shown(undone),
            found=_shown(located.weights),
            manager=newest_writer(body, "spec", "rules"),
        )
        self._rivals.reverted(action.id, revert, self._now())
        return self._rivals.stopped(action.id, self._now())


def _key(edge: DeclaredEdge) -> ObjectKey:
    assert edge.spec.http_route is not None
    return ObjectKey(edge.ent.namespace, edge.spec.http_route.name)


def _where(edge: DeclaredEdge) -> str:
    return f"at site {edge.place}" if edge.place is not None else "in the management cluster"


def _refusal(wanted: dict[SiteName, int], located: Located, action: SetWeights) -> Refused | None:
    without = sorted(site for site, weight in wanted.items() if weight > 0 and site not in located.backends)
    if without:
        return Refused(why=f"edge {action.edge} names no backend for {', '.join(without)}, which is to get traffic")
    if not any(weight > 0 for weight in wanted.values()):
        return Refused(why=f"edge {action.edge}: all weights of {action.ent} would be 0, and somebody must answer")
    return None


def _shown(weights: Any) -> str:  # noqa: ANN401 - as the rivals keep it
    return " ".join(f"{site} {weight}" for site, weight in weights)
