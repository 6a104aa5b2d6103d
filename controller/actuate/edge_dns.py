"""Edges of kind DNSEndpoint: the answer set of a name, in an object of ExternalDNS that is ours alone.

The object is made by us, marked by a label, and applied as a whole; one that somebody else made under the name is never
taken over. An answer is never empty.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from controller.actuate.answers import again, answered
from controller.actuate.dns_answers import as_routes, by_type, chosen, record_type, unanswerable
from controller.actuate.edge_watch import EdgeWatch
from controller.actuate.edges import ClusterAt, EdgeAction
from controller.actuate.outcome import Done, Outcome, Refused
from controller.actuate.rivals import Revert, Rivals
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.plan import SetDnsTargets
from controller.domain.world import Route
from controller.kube.apply import FIELD_MANAGER, create, server_side_apply
from controller.kube.client import Cluster
from controller.kube.field_owners import newest_writer
from controller.kube.informer import Surroundings
from controller.kube.resources import DNS_ENDPOINTS, ObjectKey
from controller.policy.declared import DeclaredEdge
from controller.policy.edge import DnsEndpointEdge

OURS = {"app.kubernetes.io/managed-by": FIELD_MANAGER}
"""The label that says whose object it is."""

Place = tuple[EntKey, EdgeName]


class _Endpoint(msgspec.Struct, frozen=True, rename="camel"):
    dns_name: str = ""
    targets: tuple[str, ...] = ()


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    labels: dict[str, str] = {}


class _Spec(msgspec.Struct, frozen=True):
    endpoints: tuple[_Endpoint, ...] = ()


class DnsEndpoint(msgspec.Struct, frozen=True):
    """What is kept of a DNSEndpoint."""

    metadata: _Meta
    spec: _Spec = _Spec()

    @property
    def is_ours(self) -> bool:
        """Whether we made it."""
        return OURS.items() <= self.metadata.labels.items()

    def answers(self, name: str) -> frozenset[str]:
        """Return what the name resolves to."""
        return frozenset(each for e in self.spec.endpoints if e.dns_name == name for each in e.targets)


_ENDPOINTS = msgspec.json.Decoder(DnsEndpoint)


def endpoints(spec: DnsEndpointEdge, targets: Iterable[str]) -> list[dict[str, Any]]:
    """Return the records that answer the name with these targets, one for each type."""
    return [
        {"dnsName": spec.dns_name, "recordType": kind, "recordTTL": int(spec.record_ttl.total_seconds()), "targets": t}
        for kind, t in by_type(targets).items()
    ]


class DnsEdges:
    """All DNSEndpoints that somebody declared as edges."""

    def __init__(
        self, cluster_at: ClusterAt, surroundings: Surroundings, rivals: Rivals, now: Callable[[], datetime]
    ) -> None:
        self._watch: EdgeWatch[DnsEndpoint] = EdgeWatch(DNS_ENDPOINTS, _ENDPOINTS.decode, cluster_at, surroundings)
        self._rivals = rivals
        self._now = now
        self._declared: dict[Place, DeclaredEdge] = {}
        self._remembered: dict[Place, tuple[Route, ...]] = {}
        self._delivered: dict[Place, Hashable] = {}
        self._stale: dict[Place, str] = {}

    def follow(self, declared: Iterable[DeclaredEdge]) -> None:
        """Watch the objects of these edges."""
        self._declared = {(edge.ent, edge.name): edge for edge in declared}
        self._watch.follow(edge.place for edge in self._declared.values())

    def restore(self, routes: Iterable[Route]) -> None:
        """Take over what was last decided, until the objects have been seen."""
        remembered: dict[Place, tuple[Route, ...]] = {}
        for route in routes:
            place = (route.ent, route.edge)
            remembered[place] = (*remembered.get(place, ()), route)
        self._remembered = remembered

    def routes(self, now: datetime) -> tuple[Route, ...]:
        """Return the answers as weights: evenly over the sites that are answered, nothing for the others."""
        found: list[Route] = []
        for place, edge in self._declared.items():
            if self._watch.seen(edge.place):
                answers = self._answers(edge)
                self._remembered[place] = self._as_routes(edge, answers)
                self._delivered[place] = answers
                if self._stale.get(place) != self._version(edge):
                    self._stale.pop(place, None)
            else:
                self._delivered.pop(place, None)
            found += self._remembered.get(place, ())
        return tuple(found)

    def decided(self) -> tuple[Route, ...]:
        """Return what is answered, as last seen."""
        return tuple(route for place in self._declared for route in self._remembered.get(place, ()))

    def settled(self) -> bool:
        """Tell whether the objects have been listed, or cannot be."""
        return all(self._watch.settled(edge.place) for edge in self._declared.values())

    async def write(self, action: EdgeAction) -> Outcome:
        """Answer with the targets of these sites from now on."""
        place = (action.ent, action.edge)
        edge = self._declared.get(place)
        if not isinstance(action, SetDnsTargets) or edge is None or edge.spec.dns_endpoint is None:
            return Refused(why=f"edge {action.edge} is a DNSEndpoint, which knows answers and neither weights nor caps")
        cluster = self._watch.cluster(edge.place)
        if cluster is None or not self._watch.seen(edge.place):
            return again(self._now(), f"DNSEndpoint {_key(edge)} was never seen: {self._watch.trouble(edge.place)}")
        found, answers = self._watch.find(edge.place, _key(edge)), self._answers(edge)
        if self._delivered.get(place) != answers:
            return again(self._now(), f"the answers of DNSEndpoint {_key(edge)} changed meanwhile")
        version = self._version(edge)
        if self._stale.get(place) == version:
            return again(self._now(), "our last write has not been seen yet")
        wanted = chosen(edge.spec.dns_endpoint.targets, action.targets)
        refused = _refusal(wanted, action, edge, found)
        if refused is not None:
            return refused

        async def work() -> Outcome:
            stopped = await self._yielded(action, edge, answers, frozenset(wanted.values()), cluster)
            if stopped is not None or answers == frozenset(wanted.values()):
                return stopped or Done()
            await _apply(cluster, edge, wanted.values(), version=version)
            self._stale[place] = version
            self._rivals.wrote(action.id, frozenset(wanted.values()))
            return Done()

        return await answered(work, name=cluster.name, now=self._now)

    async def close(self) -> None:
        """End the watches."""
        await self._watch.close()

    def _version(self, edge: DeclaredEdge) -> str:
        found = self._watch.find(edge.place, _key(edge))
        return found.metadata.resource_version if found is not None else ""

    def _answers(self, edge: DeclaredEdge) -> frozenset[str]:
        found, spec = self._watch.find(edge.place, _key(edge)), edge.spec.dns_endpoint
        assert spec is not None
        return found.answers(spec.dns_name) if found is not None else frozenset()

    def _as_routes(self, edge: DeclaredEdge, answers: frozenset[str]) -> tuple[Route, ...]:
        assert edge.spec.dns_endpoint is not None
        return as_routes(edge, edge.spec.dns_endpoint.targets, answers)

    async def _yielded(
        self,
        action: SetDnsTargets,
        edge: DeclaredEdge,
        answers: frozenset[str],
        wanted: frozenset[str],
        cluster: Cluster,
    ) -> Outcome | None:
        stopped = self._rivals.stopped(action.id, self._now())
        undone = self._rivals.undone(action.id, found=answers, wanted=wanted)
        if stopped is not None or not isinstance(undone, frozenset) or not answers:
            return stopped  # an object that somebody deleted is made again; there is no writer to name
        body = await cluster.call("GET", DNS_ENDPOINTS.path(_key(edge)))
        revert = Revert(
            ent=action.ent,
            what=f"the answers of DNSEndpoint {_key(edge)}",
            wrote=" ".join(sorted(undone)),
            found=" ".join(sorted(answers)),
            manager=newest_writer(body, "spec", "endpoints"),
        )
        self._rivals.reverted(action.id, revert, self._now())
        return self._rivals.stopped(action.id, self._now())


async def _apply(cluster: Cluster, edge: DeclaredEdge, targets: Iterable[str], *, version: str) -> None:
    spec, key = edge.spec.dns_endpoint, _key(edge)
    assert spec is not None
    fields = {"spec": {"endpoints": endpoints(spec, targets)}}
    if version:
        metadata = {"labels": OURS, "resourceVersion": version}
        await server_side_apply(cluster, DNS_ENDPOINTS, key, fields, metadata=metadata)
        return
    identity = {"apiVersion": DNS_ENDPOINTS.api_version, "kind": DNS_ENDPOINTS.kind}
    metadata = {"name": key.name, "namespace": key.namespace, "labels": OURS}
    await create(cluster, DNS_ENDPOINTS, key.namespace, identity | {"metadata": metadata} | fields)


def _key(edge: DeclaredEdge) -> ObjectKey:
    assert edge.spec.dns_endpoint is not None
    return ObjectKey(edge.ent.namespace, edge.spec.dns_endpoint.name)


def _refusal(
    wanted: Mapping[SiteName, str], action: SetDnsTargets, edge: DeclaredEdge, found: DnsEndpoint | None
) -> Refused | None:
    refused = unanswerable(wanted, action)
    if refused is not None:
        return refused
    types = {record_type(target) for target in wanted.values()}
    if "CNAME" in types and len(wanted) > 1:
        return Refused(why=f"edge {action.edge}: a host name can be the only answer of a name; use addresses")
    if found is not None and not found.is_ours:
        text = f"DNSEndpoint {_key(edge)} is not ours (no label app.kubernetes.io/managed-by: {FIELD_MANAGER})"
        return Refused(why=f"{text}: give the edge another name, or delete it")
    return None
