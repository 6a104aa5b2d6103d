"""Fleets of any size on real API servers: what is declared, what runs, and the controller beside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.kube.client import Cluster as ApiServer
from controller.kube.kubeconfig import read_kubeconfig
from controller.policy.kinds import KINDS
from controller.policy.resource import GROUP
from tests.bench.prometheus import NAMESPACE, ent_name
from tests.controlplane import Site, wait_until
from tests.controlplane.ports import free_ports
from tests.controlplane.processes import Child
from tests.demo.processes import Troupe, get_text, python_module, wait_for
from tests.policy.objects import an_object

LEASE_NAMESPACE = "sonnerie-bench"
AT_ONCE = 12
SIGNAL = {"name": "requests", "signal": "requests", "capacityPerReplica": "10"}
QUERY = "sum by (namespace, ent) (rate(http_requests_total[1m]))"
READY_SECONDS = 60.0

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What a bench runs against. The first site is the management cluster too."""

    sites: Mapping[str, Site]
    ents: int
    replicas: int = 2
    servers: Mapping[str, str] | None = None
    """Other ways to API servers than their own addresses, by site."""

    @property
    def management(self) -> Site:
        """Gives the cluster that holds the policies."""
        return next(iter(self.sites.values()))


def declared(fleet: Fleet, prometheus: str) -> list[Object]:
    """Gives the objects of the management cluster: sites, how to reach them, calendar, schedule, ENTs."""
    found: list[Object] = []
    for name, site in fleet.sites.items():
        spec: Object = {
            "provider": "bench",
            "prometheus": {"url": prometheus, "queries": [{"signal": "requests", "query": QUERY}]},
            "probes": {"publicAddresses": [f"{prometheus}/"]},
        }
        if site is not fleet.management:
            found.append(_secret(name, site.kubeconfig.read_text(), (fleet.servers or {}).get(name)))
            reference = {"namespace": LEASE_NAMESPACE, "name": f"site-{name}", "key": "kubeconfig"}
            spec["cluster"] = {"kubeconfigSecretRef": reference}
        found.append(an_object("Site", spec, name=name))
    today = datetime.now(UTC).date()
    calendar = {
        "territory": "zone-b",
        "source": "made up for the bench",
        "publishedOn": today.isoformat(),
        "validUntil": (today + timedelta(days=7)).isoformat(),
    }
    found.append(an_object("SchoolCalendar", calendar, name="bench"))
    found.extend(_ent(fleet, number) for number in range(fleet.ents))
    return found


def _secret(name: str, kubeconfig: str, server: str | None) -> Object:
    if server is not None:
        lines = kubeconfig.splitlines()
        kubeconfig = "\n".join(
            f"{line.split('server:')[0]}server: {server}" if "server:" in line else line for line in lines
        )
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"site-{name}", "namespace": LEASE_NAMESPACE},
        "stringData": {"kubeconfig": kubeconfig},
    }


def _ent(fleet: Fleet, number: int) -> Object:
    names = list(fleet.sites)
    spec = {
        "region": "FR-HDF",
        "territory": "zone-b",
        "timeZone": "Europe/Paris",
        "calendarRef": "bench",
        "demandSignals": [SIGNAL],
        "edges": [{"name": "front", "kind": "HAProxyAgent"}],
        "placements": [
            {
                "site": site,
                "target": {"name": ent_name(number)},
                "min": fleet.replicas,
                "max": 10,
                "home": site == names[number % len(names)],
            }
            for site in names
        ],
    }
    found = an_object("RegionalENT", spec, name=ent_name(number))
    found["metadata"]["namespace"] = NAMESPACE
    return found


def workload(name: str, replicas: int) -> Object:
    """Gives the Deployment of an ENT."""
    labels = {"app": name}
    container = {"name": "portal", "image": "portal", "resources": {"requests": {"cpu": "10m"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


async def set_up(fleet: Fleet, prometheus: str, *, played: bool) -> None:
    """Makes everything. `played`: controllers and kwok make the pods; else the statuses are written by us, once."""
    management = fleet.management
    await asyncio.to_thread(_definitions, management)
    for site in fleet.sites.values():
        await _create_all(site, [_namespace(NAMESPACE), _namespace(LEASE_NAMESPACE)])
    for site in fleet.sites.values():
        await _create_all(site, [workload(ent_name(number), fleet.replicas) for number in range(fleet.ents)])
        if not played:
            await _say_ready(site, fleet)
    await _create_all(management, declared(fleet, prometheus))


def _definitions(site: Site) -> None:
    site.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", "manifests/crd")
    names = [f"crd/{kind.plural}.{GROUP}" for kind in KINDS]
    site.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


async def _create_all(site: Site, objects: list[Object]) -> None:
    async def create(api: ApiServer, made: Object) -> None:
        await api.call("POST", _path(made), body=made, deadline_seconds=30)

    await _each(site, objects, create)


async def _say_ready(site: Site, fleet: Fleet) -> None:
    async def say(api: ApiServer, made: Object) -> None:
        counts = ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas")
        status = {"status": dict.fromkeys(counts, fleet.replicas)}
        path = f"{_path(made)}/{made['metadata']['name']}/status"
        kind = "application/merge-patch+json"
        await api.call("PATCH", path, body=status, content_type=kind, deadline_seconds=30)

    await _each(site, [workload(ent_name(number), fleet.replicas) for number in range(fleet.ents)], say)


async def _each(site: Site, objects: list[Object], do: Any) -> None:
    api = ApiServer.connect(read_kubeconfig(site.kubeconfig.read_bytes(), where=site.name), name=site.name)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(made: Object) -> None:
        async with slots:
            await do(api, made)

    await asyncio.gather(*(one(made) for made in objects))
    await api.close()


def _path(made: Object) -> str:
    group, kind = made["apiVersion"], made["kind"]
    plurals = {each.model.__name__: each.plural for each in KINDS}
    plural = plurals.get(kind, f"{kind.lower()}s")
    root = f"/apis/{group}" if "/" in group else f"/api/{group}"
    namespace = made["metadata"].get("namespace")
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


@dataclass(slots=True)
class Bench:
    """A running controller, with what it is asked."""

    troupe: Troupe
    child: Child
    listen: int

    @property
    def pid(self) -> int:
        """Gives the process id."""
        assert self.child.pid is not None
        return self.child.pid

    def page(self, path: str) -> str:
        """Gives a page of the controller."""
        found = get_text(f"http://127.0.0.1:{self.listen}{path}")
        assert found is not None
        return found


@contextmanager
def measuring_prometheus(folder: Path, ents: int) -> Iterator[str]:
    """Runs the stand-in for Prometheus."""
    troupe, (port,) = Troupe(folder / "prometheus"), free_ports(1)
    try:
        child = troupe.add("prometheus", python_module("tests.bench.prometheus", str(port), str(ents)))
        wait_for(child, f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
    finally:
        troupe.end()


@contextmanager
def controlling(folder: Path, kubeconfig: Path, references: str, **environment: str) -> Iterator[Bench]:
    """Runs the controller and returns when it has a plan."""
    troupe, (listen, agent) = Troupe(folder / "controller"), free_ports(2)
    arguments = [
        "run",
        f"--kubeconfig={kubeconfig}",
        f"--lease-namespace={LEASE_NAMESPACE}",
        f"--listen=127.0.0.1:{listen}",
        f"--agent-address=127.0.0.1:{agent}",
        *(f"--reference={references}/?{number}" for number in range(3)),
    ]
    try:
        child = troupe.add("controller", python_module("controller", *arguments), **environment)
        wait_until(lambda: _ready(child, listen), READY_SECONDS, "the controller is ready")
        yield Bench(troupe, child, listen)
    finally:
        troupe.end()


def _ready(child: Child, listen: int) -> bool:
    child.expect_alive()
    return get_text(f"http://127.0.0.1:{listen}/readyz") is not None


def writes(site: Site, after: int = 0) -> list[dict[str, Any]]:
    """Gives what the controller wrote, by the API server's own audit log, from that line on."""
    lines = site.audit_log.read_text().splitlines()[after:] if site.audit_log.exists() else []
    events = (json.loads(line) for line in lines)
    return [event for event in events if event["userAgent"].startswith("sonnerie")]
