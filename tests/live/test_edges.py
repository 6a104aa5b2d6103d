"""The contract of edges, on every kind: on a real API server where they live in one, by HAProxy's questions else."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import msgspec
import pytest

from controller.actuate.edge_dns import DnsEdges
from controller.actuate.edge_haproxy import HaproxyEdges
from controller.actuate.edge_http_route import HttpRouteEdges
from controller.actuate.edge_rfc2136 import Rfc2136Edges
from controller.actuate.edges import EdgeAction, Edges
from controller.actuate.haproxy_board import AgentBoard
from controller.actuate.outcome import Done, LookAgainAt, Outcome, Refused
from controller.actuate.rivals import Rivals
from controller.domain.fleet import EdgeKind
from controller.domain.memory import MoveKind
from controller.domain.names import ActionId, EdgeName, EntKey, SiteName
from controller.domain.plan import Because, SetDnsTargets, SetWeights, SiteWeight
from controller.domain.reasons import Reason
from controller.kube.apply import read_secret
from controller.kube.client import Cluster as ApiServer
from controller.kube.informer import Surroundings
from controller.kube.resources import DNS_ENDPOINTS, HTTP_ROUTES, ObjectKey, Resource
from controller.policy.declared import DeclaredEdge
from controller.policy.edge import Edge
from controller.runtime.clock import SystemClock
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.controlplane.ports import LOOPBACK
from tests.live.dns_servers import ALGORITHM, KEY, SECRET, ZONE, Knot
from tests.live.test_kube_informer import connect, until

pytestmark = pytest.mark.live

CLOCK = SystemClock()
FRONT = EdgeName("front")
BECAUSE = Because(reason=Reason.TOWARDS_PLACEMENT, text="home")
SITES = ("a", "b", "c")
ADDRESSES = {"a": "192.0.2.1", "b": "192.0.2.2", "c": "2001:db8::3"}


@pytest.fixture(scope="module")
def site(control_plane: Fleet) -> Cluster:
    """Site a, with the definitions of the Gateway API and of ExternalDNS."""
    found = control_plane.sites["a"]
    found.install_crds("gateway-api", "external-dns")
    return found


@pytest.fixture
def namespace_of_edges(site: Cluster, namespace: str) -> str:
    """A fresh namespace on the site that has the definitions."""
    return namespace


@pytest.fixture
async def api(site: Cluster) -> AsyncIterator[ApiServer]:
    """Access to it."""
    found = connect(site)
    yield found
    await found.close()


def declared(ent: EntKey, **spec: Any) -> DeclaredEdge:
    """An edge as somebody declares it."""
    return DeclaredEdge(ent=ent, spec=Edge.model_validate_json(json.dumps({"name": FRONT} | spec)))


def a_move(ent: EntKey, *sites: str, edge: str = FRONT) -> SetWeights:
    """All traffic to these sites, evenly."""
    shares = {name: 100 // len(sites) if name in sites else 0 for name in SITES} if sites else dict.fromkeys(SITES, 0)
    return SetWeights(
        id=ActionId(f"weights:{ent}:{edge}"),
        ent=ent,
        edge=EdgeName(edge),
        was=(),
        weights=tuple(SiteWeight(site=SiteName(name), weight=share) for name, share in shares.items()),
        kind=MoveKind.BALANCE,
        because=BECAUSE,
    )


def an_answer(ent: EntKey, *sites: str, edge: str = FRONT) -> SetDnsTargets:
    """These sites are answered."""
    return SetDnsTargets(
        id=ActionId(f"dns:{ent}:{edge}"),
        ent=ent,
        edge=EdgeName(edge),
        was=(),
        targets=tuple(SiteName(name) for name in sites),
        because=BECAUSE,
    )


class Moved(Protocol):
    """Makes an action that sends all traffic to some sites."""

    def __call__(self, ent: EntKey, *sites: str, edge: str = FRONT) -> EdgeAction:
        """Return the action."""
        ...


@dataclass
class Bench:
    """An ENT behind one edge of some kind, and whoever plays the other side."""

    ent: EntKey
    make: Callable[[], Edges]
    move: Moved
    told: Callable[[Edges], None] = lambda _edges: None
    """The other side takes what was decided, if it must."""
    version: Callable[[], str] = lambda: ""
    """Changes with every write to the object."""
    end: Callable[[], None] = lambda: None
    """Ends the other side."""
    edges: list[Edges] = field(default_factory=list)

    def begin(self) -> Edges:
        """A process that has just started."""
        found = self.make()
        self.edges.append(found)
        return found

    async def moved(self, edges: Edges, *sites: str) -> Outcome:
        """Look, as a cycle does, and move."""
        edges.routes(CLOCK.now())
        return await edges.write(self.move(self.ent, *sites))

    def serving(self, edges: Edges) -> set[str]:
        """The sites with traffic, as the planner is told."""
        self.told(edges)
        return {route.site for route in edges.routes(CLOCK.now()) if route.weight > 0}

    async def settled(self, edges: Edges, *sites: str) -> None:
        """Wait until these sites and no others serve."""
        await until(lambda: self.serving(edges) == set(sites), f"traffic at {sites}")


def surroundings() -> Surroundings:
    """The real clock."""
    return Surroundings(now=CLOCK.now, monotonic=CLOCK.monotonic, random=random.random)


def http_route(namespace: str, **weights: int) -> dict[str, Any]:
    """A route with a foreign rule before ours and a foreign backend in ours."""
    ours = [{"name": f"at-{name}", "port": 443, "weight": weight} for name, weight in weights.items()]
    canary = {"name": "canary", "port": 80, "weight": 3}
    return {
        "apiVersion": HTTP_ROUTES.api_version,
        "kind": "HTTPRoute",
        "metadata": {"name": "portal", "namespace": namespace},
        "spec": {
            "parentRefs": [{"name": "public"}],
            "rules": [
                {
                    "name": "api",
                    "matches": [{"path": {"type": "PathPrefix", "value": "/api"}}],
                    "backendRefs": [{"name": "at-a", "port": 8443, "weight": 7}, canary],
                },
                {"name": "users", "backendRefs": [canary | {"weight": 0}, *ours]},
            ],
        },
    }


def read(site: Cluster, resource: Resource, key: ObjectKey) -> dict[str, Any]:
    """The object as it stands."""
    path = f"{resource.plural}.{resource.api_version.partition('/')[0]}/{key.name}"
    found: dict[str, Any] = json.loads(site.kubectl("get", path, f"--namespace={key.namespace}", "--output=json"))
    return found


def of_http_route(site: Cluster, api: ApiServer, namespace: str) -> Bench:
    """A route of somebody else's in which three backends are ours to weigh."""
    ent, key = EntKey(namespace, "nord"), ObjectKey(namespace, "portal")
    site.kubectl("apply", "--filename=-", input=json.dumps(http_route(namespace, a=1, b=1, c=1)))
    backends = [{"site": name, "name": f"at-{name}"} for name in SITES]
    edge = declared(ent, kind="HTTPRoute", httpRoute={"name": "portal", "rule": "users", "backends": backends})

    def make() -> Edges:
        edges = Edges({EdgeKind.HTTP_ROUTE: HttpRouteEdges(lambda _site: api, surroundings(), Rivals(), CLOCK.now)})
        edges.follow([edge])
        return edges

    version = lambda: str(read(site, HTTP_ROUTES, key)["metadata"]["resourceVersion"])  # noqa: E731
    return Bench(ent, make, a_move, version=version)


def of_dns(site: Cluster, api: ApiServer, namespace: str) -> Bench:
    """An answer set of our own."""
    ent, key = EntKey(namespace, "nord"), ObjectKey(namespace, "portal")
    targets = [{"site": name, "target": address} for name, address in ADDRESSES.items()]
    endpoint = {"name": "portal", "dnsName": "nord.ent.example.org", "targets": targets}
    edge = declared(ent, kind="DNSEndpoint", dnsEndpoint=endpoint)

    def make() -> Edges:
        edges = Edges({EdgeKind.DNS_ENDPOINT: DnsEdges(lambda _site: api, surroundings(), Rivals(), CLOCK.now)})
        edges.follow([edge])
        return edges

    version = lambda: str(read(site, DNS_ENDPOINTS, key)["metadata"]["resourceVersion"])  # noqa: E731
    return Bench(ent, make, an_answer, version=version)


def of_haproxy(_site: Cluster, _api: ApiServer, namespace: str) -> Bench:
    """A board that an HAProxy asks."""
    ent, boards = EntKey(namespace, "nord"), dict[int, AgentBoard]()

    def make() -> Edges:
        board = AgentBoard()
        edges = Edges({EdgeKind.HAPROXY_AGENT: HaproxyEdges(board)})
        edges.follow([declared(ent, kind="HAProxyAgent")])
        boards[id(edges)] = board
        return edges

    def told(edges: Edges) -> None:
        for route in edges.decided():
            boards[id(edges)].answer(f"{ent}/{route.site}", asker="haproxy", now=CLOCK.now())

    return Bench(ent, make, a_move, told=told)


def of_rfc2136(site: Cluster, api: ApiServer, namespace: str) -> Bench:
    """A name in the zone of a real server, and the key in a real Secret."""
    folder = TemporaryDirectory()
    ent, name, server = EntKey(namespace, "nord"), f"nord.{ZONE}", Knot(Path(folder.name))
    secret = ("secret", "generic", "dns", f"--from-literal=key={SECRET}", f"--namespace={namespace}")
    site.kubectl("create", *secret)
    spec = {
        "server": LOOPBACK,
        "port": server.port,
        "zone": ZONE,
        "dnsName": name,
        "tsig": {
            "keyName": KEY,
            "algorithm": ALGORITHM,
            "secretRef": {"namespace": namespace, "name": "dns", "key": "key"},
        },
        "targets": [{"site": site_name, "target": address} for site_name, address in ADDRESSES.items()],
    }
    edge = declared(ent, kind="RFC2136", rfc2136=spec)

    async def secret_of(key: ObjectKey) -> Mapping[str, bytes]:
        return await read_secret(api, key)

    def make() -> Edges:
        edges = Edges({EdgeKind.RFC2136: Rfc2136Edges(secret_of, surroundings(), Rivals(), CLOCK.now)})
        edges.follow([edge])
        return edges

    def end() -> None:
        server.stop()
        folder.cleanup()

    return Bench(ent, make, an_answer, version=lambda: str(server.serial()), end=end)


@pytest.fixture(
    params=[of_haproxy, of_http_route, of_dns, of_rfc2136],
    ids=["HAProxyAgent", "HTTPRoute", "DNSEndpoint", "RFC2136"],
)
async def bench(
    request: pytest.FixtureRequest, site: Cluster, api: ApiServer, namespace_of_edges: str
) -> AsyncIterator[Bench]:
    """One ENT behind one edge, of every kind in turn."""
    found: Bench = await asyncio.to_thread(request.param, site, api, namespace_of_edges)
    yield found
    for edges in found.edges:
        await edges.close()
    await asyncio.to_thread(found.end)


async def seen(edges: Edges) -> None:
    """Wait until what is declared has been looked at."""
    await until(edges.settled, "the first look")


async def test_what_was_decided_comes_into_force(bench: Bench) -> None:
    """The planner sees the new weights where they live, and sites that are not named get nothing."""
    edges = bench.begin()
    await seen(edges)
    assert await bench.moved(edges, "a") == Done()
    await bench.settled(edges, "a")
    assert await bench.moved(edges, "b", "c") == Done()
    await bench.settled(edges, "b", "c")
    assert sum(route.weight for route in edges.routes(CLOCK.now())) == 100


async def test_the_same_again_is_no_write(bench: Bench) -> None:
    """A cycle that wants what is there leaves the object alone."""
    edges = bench.begin()
    await seen(edges)
    assert await bench.moved(edges, "a") == Done()
    await bench.settled(edges, "a")
    before = await asyncio.to_thread(bench.version)
    assert await bench.moved(edges, "a") == Done()
    assert await asyncio.to_thread(bench.version) == before


async def test_a_successor_goes_on_from_what_is_in_force(bench: Bench) -> None:
    """After a restart the first plan knows the weights: from memory until they are seen, then from where they live."""
    edges = bench.begin()
    await seen(edges)
    await bench.moved(edges, "b")
    await bench.settled(edges, "b")
    successor = bench.begin()
    successor.restore(edges.decided())
    assert bench.serving(successor) == {"b"}
    await seen(successor)
    await bench.settled(successor, "b")
    assert await bench.moved(successor, "a") == Done()
    await bench.settled(successor, "a")


async def test_somebody_must_always_answer(bench: Bench) -> None:
    """All weights zero, or an empty answer, is refused in words and changes nothing."""
    edges = bench.begin()
    await seen(edges)
    await bench.moved(edges, "a")
    await bench.settled(edges, "a")
    outcome = await bench.moved(edges)
    assert isinstance(outcome, Refused)
    assert "somebody must" in outcome.why
    await bench.settled(edges, "a")


async def test_what_is_not_declared_is_refused_by_name(bench: Bench) -> None:
    """An ENT that does not stand behind the edge, and an edge that nobody knows."""
    edges = bench.begin()
    for action in (bench.move(EntKey("else", "where"), "a"), bench.move(bench.ent, "a", edge="other")):
        outcome = await edges.write(action)
        assert isinstance(outcome, Refused)
        assert str(action.edge) in outcome.why


@pytest.mark.parametrize(
    "bench", [of_http_route, of_dns, of_rfc2136], indirect=True, ids=["HTTPRoute", "DNSEndpoint", "RFC2136"]
)
async def test_what_was_never_seen_is_not_written(bench: Bench) -> None:
    """A plan made before the first look knows no weights, and must not overwrite those that are there."""
    outcome = await bench.begin().write(bench.move(bench.ent, "a"))
    assert isinstance(outcome, LookAgainAt)
    assert "never seen" in outcome.why


@pytest.fixture
async def routed(site: Cluster, api: ApiServer, namespace_of_edges: str) -> AsyncIterator[Bench]:
    """An ENT behind an HTTPRoute."""
    found = await asyncio.to_thread(of_http_route, site, api, namespace_of_edges)
    yield found
    for edges in found.edges:
        await edges.close()


async def test_foreign_rules_and_backends_stay_as_they_are(routed: Bench, site: Cluster) -> None:
    """Weights of our backends in our rule change, and not one other byte of the spec."""
    key = ObjectKey(routed.ent.namespace, "portal")
    before = await asyncio.to_thread(read, site, HTTP_ROUTES, key)
    edges = routed.begin()
    await seen(edges)
    assert await routed.moved(edges, "a", "c") == Done()
    after = await asyncio.to_thread(read, site, HTTP_ROUTES, key)
    for ref, weight in zip(before["spec"]["rules"][1]["backendRefs"], (0, 50, 0, 50), strict=True):
        ref["weight"] = weight
    assert after["spec"] == before["spec"]


async def test_a_route_that_was_edited_meanwhile_is_looked_at_again(routed: Bench, site: Cluster) -> None:
    """Backends changed places between look and write: nothing is written by the old places, then by the new ones."""
    edges, namespace = routed.begin(), routed.ent.namespace
    await seen(edges)
    edges.routes(CLOCK.now())
    found = edges._writers[EdgeKind.HTTP_ROUTE]
    assert isinstance(found, HttpRouteEdges)
    old = found._watch.find(None, ObjectKey(namespace, "portal"))
    turned = http_route(namespace, a=1, b=1, c=1)
    turned["spec"]["rules"][1]["backendRefs"].reverse()
    await asyncio.to_thread(site.kubectl, "apply", "--filename=-", input=json.dumps(turned))
    await until(lambda: found._watch.find(None, ObjectKey(namespace, "portal")) != old, "the edit is seen")
    informer = found._watch._running[None].informer
    key = ObjectKey(namespace, "portal")
    new = informer._objects[key]
    assert old is not None
    informer._objects[key] = old  # as if the edit had come a moment later
    outcome = await edges.write(a_move(routed.ent, "b"))
    assert isinstance(outcome, LookAgainAt)
    assert "somebody wrote meanwhile" in outcome.why
    informer._objects[key] = new
    assert await routed.moved(edges, "b") == Done()
    await routed.settled(edges, "b")
    refs = (await asyncio.to_thread(read, site, HTTP_ROUTES, key))["spec"]["rules"][1]["backendRefs"]
    assert {ref["name"]: ref["weight"] for ref in refs} == {"at-c": 0, "at-b": 100, "at-a": 0, "canary": 0}


async def test_a_route_that_is_not_as_declared_is_refused_in_words(routed: Bench, site: Cluster) -> None:
    """A rule renamed, a route deleted: whoever did it reads what is missing."""
    edges, namespace = routed.begin(), routed.ent.namespace
    await seen(edges)
    renamed = http_route(namespace, a=1, b=1, c=1)
    renamed["spec"]["rules"][1]["name"] = "everybody"
    await asyncio.to_thread(site.kubectl, "apply", "--filename=-", input=json.dumps(renamed))

    async def refused(why: str) -> None:
        async with asyncio.timeout(30):
            while True:
                outcome = await routed.moved(edges, "a")
                if isinstance(outcome, Refused) and why in outcome.why:
                    return
                await asyncio.sleep(0.05)

    await refused("0 rules named users")
    await asyncio.to_thread(site.kubectl, "delete", "httproute", "portal", f"--namespace={namespace}")
    await refused("there is no HTTPRoute")


async def test_a_rival_is_named_and_yielded_to(routed: Bench, site: Cluster) -> None:
    """Whoever puts the weights back three times is left to it."""
    edges, namespace = routed.begin(), routed.ent.namespace
    await seen(edges)
    manifest = json.dumps(http_route(namespace, a=1, b=1, c=1))
    outcome: Outcome = Done()
    for _ in range(3):
        assert await routed.moved(edges, "a") == Done()
        await routed.settled(edges, "a")
        flags = ("--server-side", "--force-conflicts", "--field-manager=argocd-controller")
        await asyncio.to_thread(site.kubectl, "apply", *flags, "--filename=-", input=manifest)
        await routed.settled(edges, "a", "b", "c")
    outcome = await routed.moved(edges, "a")
    assert isinstance(outcome, Refused)
    assert outcome.why.startswith("argocd-controller keeps changing the weights of HTTPRoute")


async def test_an_endpoint_that_somebody_else_made_is_not_taken_over(
    site: Cluster, api: ApiServer, namespace_of_edges: str
) -> None:
    """The name is taken: the answer that stands there is somebody's, and stays."""
    bench = of_dns(site, api, namespace_of_edges)
    body = {
        "apiVersion": DNS_ENDPOINTS.api_version,
        "kind": DNS_ENDPOINTS.kind,
        "metadata": {"name": "portal", "namespace": namespace_of_edges},
        "spec": {"endpoints": [{"dnsName": "nord.ent.example.org", "recordType": "A", "targets": ["198.51.100.1"]}]},
    }
    await asyncio.to_thread(site.kubectl, "apply", "--filename=-", input=json.dumps(body))
    edges = bench.begin()
    await seen(edges)
    outcome = await bench.moved(edges, "a")
    await edges.close()
    assert isinstance(outcome, Refused)
    assert "is not ours" in outcome.why
    found = await asyncio.to_thread(read, site, DNS_ENDPOINTS, ObjectKey(namespace_of_edges, "portal"))
    assert found["spec"] == body["spec"]


async def test_an_endpoint_that_was_deleted_is_made_again(
    site: Cluster, api: ApiServer, namespace_of_edges: str
) -> None:
    """Level-based: the answer is what was decided, with both families and the time to live."""
    bench = of_dns(site, api, namespace_of_edges)
    edges = bench.begin()
    await seen(edges)
    for sites in (("a", "c"), ("b",)):
        await bench.moved(edges, *sites)
        await bench.settled(edges, *sites)
        await asyncio.to_thread(site.kubectl, "delete", "dnsendpoint", "portal", f"--namespace={namespace_of_edges}")
        await bench.settled(edges)
    assert await bench.moved(edges, "a", "c") == Done()
    await edges.close()
    found = await api.call("GET", DNS_ENDPOINTS.path(ObjectKey(namespace_of_edges, "portal")))
    records = msgspec.json.decode(found)["spec"]["endpoints"]
    assert [(r["recordType"], r["targets"], r["recordTTL"]) for r in records] == [
        ("A", ["192.0.2.1"], 30),
        ("AAAA", ["2001:db8::3"], 30),
    ]
