"""The school of the fast day: two sites, three ENTs, bells from eight to half past four, and who comes when."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from aiohttp import web

from controller.kube.client import Cluster
from controller.kube.errors import ApiError
from controller.kube.kubeconfig import read_kubeconfig
from controller.policy.kinds import KINDS
from controller.policy.resource import GROUP
from tests.bench.fleets import workload
from tests.controlplane import Site
from tests.policy.objects import an_object

NAMESPACE = "portals"
ENTS = ("est", "nord", "sud")
BELLS = ("08:00", "08:55", "09:50", "10:45", "11:40", "13:30", "14:25", "15:20", "16:15")
AT_A_BELL_PER_SECOND = 60.0
BETWEEN_PER_SECOND = 20.0
AT_NIGHT_PER_SECOND = 1.0
BELL_MINUTES = 10
CAPACITY_PER_SECOND = 10.0
MERGE = "application/merge-patch+json"
TICK = "tick"
"""A Deployment and a StatefulSet that somebody else changes all the time: each change proves that a watch lives."""

Object = dict[str, Any]


def demand(local: datetime) -> float:
    """Return how many come per second to each ENT, in a day without surprises."""
    minutes = local.hour * 60 + local.minute + local.second / 60
    for bell in BELLS:
        since = minutes - (int(bell[:2]) * 60 + int(bell[3:]))
        if 0 <= since < BELL_MINUTES:
            return AT_A_BELL_PER_SECOND
    return BETWEEN_PER_SECOND if 8 * 60 <= minutes < 17 * 60 else AT_NIGHT_PER_SECOND


def needed() -> int:
    """Return how many Ready replicas over all sites a bell takes, all of them at their limit."""
    return math.ceil(AT_A_BELL_PER_SECOND / CAPACITY_PER_SECOND)


def declared(today: date, prometheus: str, away: str) -> list[Object]:
    """Return what people declare."""
    reference = {"namespace": NAMESPACE, "name": "away", "key": "kubeconfig"}
    queries = [{"signal": "requests", "query": "sum by (namespace, ent) (rate(http_requests_total[1m]))"}]
    day: Object = {
        "firstDay": today.isoformat(),
        "lastDay": (today + timedelta(days=1)).isoformat(),
        "dayType": "SchoolDay",
        "reason": "bench",
    }
    calendar: Object = {
        "territory": "zone-b",
        "source": "bench",
        "publishedOn": today.isoformat(),
        "validUntil": (today + timedelta(days=9)).isoformat(),
        "exceptions": [day],
    }
    bells = [
        {
            "name": f"bell-{bell.replace(':', '-')}",
            "at": bell,
            "ramp": "5m",
            "duration": f"{BELL_MINUTES}m",
            "demand": {"connectionsPerSecond": f"{AT_A_BELL_PER_SECOND:g}"},
        }
        for bell in BELLS
    ]
    schedule = an_object("SchoolSchedule", {"days": [{"types": ["SchoolDay"], "bells": bells}]}, name="college")
    found: list[Object] = [secret(away), an_object("SchoolCalendar", calendar, name="bench"), schedule]
    for site in ("home", "away"):
        spec: Object = {
            "provider": "bench",
            "prometheus": {"url": f"{prometheus}/{site}", "queries": queries},
            "probes": {"publicAddresses": [f"{prometheus}/{site}/"]},
        }
        if site == "away":
            spec["cluster"] = {"kubeconfigSecretRef": reference}
        found.append(an_object("Site", spec, name=site))
    found += [_ent(name) for name in ENTS]
    for each in found:
        if each["kind"] in ("SchoolSchedule", "RegionalENT"):
            each["metadata"]["namespace"] = NAMESPACE
    return found


def secret(kubeconfig: str) -> Object:
    """Return the Secret with the way to the site away."""
    metadata = {"name": "away", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"kubeconfig": kubeconfig}}


def _ent(name: str) -> Object:
    placement = {"target": {"name": name}, "min": 2, "max": 40}
    spec = {
        "region": "FR-HDF",
        "territory": "zone-b",
        "timeZone": "Europe/Paris",
        "calendarRef": "bench",
        "scheduleRefs": ["college"],
        "demandSignals": [{"name": "requests", "signal": "requests", "capacityPerReplica": f"{CAPACITY_PER_SECOND:g}"}],
        "edges": [{"name": "front", "kind": "HAProxyAgent"}],
        "placements": [{"site": "home", **placement, "home": True}, {"site": "away", **placement}],
    }
    return an_object("RegionalENT", spec, name=name)


class School:
    """The sites as an administrator sees them, behind the proxies' backs, and their measuring Prometheus."""

    def __init__(self, sites: Mapping[str, Site], local: Callable[[], datetime]) -> None:
        self.sites = sites
        self._local = local
        self._apis: dict[str, Cluster] = {}
        self._number = 0
        self.alive = dict.fromkeys(sites, True)
        self.weights: Callable[[str, str], float] = lambda _ent, _site: 0.5

    async def open(self, prometheus_port: int) -> web.AppRunner:
        """Connect, make what runs at the sites, and measure; the caller ends the runner."""
        app = web.Application()
        app.router.add_route("*", "/{site}/api/v1/query", self._query)
        app.router.add_route("*", "/{site}/api/v1/query_range", self._query_range)
        app.router.add_get("/{site}/", self._present)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", prometheus_port).start()
        for name, site in self.sites.items():
            credentials = read_kubeconfig(site.kubeconfig.read_bytes(), where=name)
            self._apis[name] = Cluster.connect(credentials, name=name)
            space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
            made = [space, *(workload(ent, 2) for ent in ENTS), workload(TICK, 0), _stateful()]
            listed = {"apiVersion": "v1", "kind": "List", "items": made}
            await asyncio.to_thread(site.kubectl, "apply", "--filename=-", input=json.dumps(listed))
        return runner

    async def declare(self, objects: list[Object]) -> None:
        """Apply at home."""
        home = self.sites["home"]
        await asyncio.to_thread(home.kubectl, "apply", "--server-side", "--kustomize", "manifests/crd")
        names = [f"crd/{kind.plural}.{GROUP}" for kind in KINDS]
        await asyncio.to_thread(home.kubectl, "wait", "--for=condition=Established", "--timeout=30s", *names)
        await self.apply(*objects)

    async def apply(self, *objects: Object) -> None:
        """Apply a few objects at home."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        await asyncio.to_thread(self.sites["home"].kubectl, "apply", "--filename=-", input=json.dumps(listed))

    async def close(self) -> None:
        """Disconnect."""
        for api in self._apis.values():
            await api.close()

    async def tick(self) -> None:
        """Change the ticking objects of each living site."""
        self._number += 1
        body = {"metadata": {"annotations": {"tick": str(self._number)}}}

        async def one(api: Cluster, plural: str) -> None:
            path = f"/apis/apps/v1/namespaces/{NAMESPACE}/{plural}/{TICK}"
            await api.call("PATCH", path, body=body, content_type=MERGE)

        living = [api for name, api in self._apis.items() if self.alive[name]]
        ticks = (one(api, plural) for api in living for plural in ("deployments", "statefulsets"))
        await asyncio.gather(*ticks, return_exceptions=True)

    async def ready(self, ent: str) -> int:
        """Return the Ready replicas of an ENT over all living sites."""
        total = 0
        for name, api in self._apis.items():
            if self.alive[name]:
                try:
                    answer = await api.call("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{ent}")
                except ApiError:
                    continue
                total += int(json.loads(answer)["status"].get("readyReplicas", 0))
        return total

    async def generations(self) -> int:
        """Return how often the Deployments of the ENTs were written, over living sites."""
        total = 0
        for ent in ENTS:
            for name, api in self._apis.items():
                if self.alive[name]:
                    answer = await api.call("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{ent}")
                    total += int(json.loads(answer)["metadata"]["generation"])
        return total

    async def _query(self, request: web.Request) -> web.Response:
        site = request.match_info["site"]
        if not self.alive.get(site, True):
            return web.Response(status=503)
        local = self._local()
        self._number += 1
        noise = 1 + 0.001 * (self._number % 10)
        result = [
            {
                "metric": {"namespace": NAMESPACE, "ent": ent},
                "value": [local.timestamp(), f"{demand(local) * noise * self.weights(ent, site):.6f}"],
            }
            for ent in ENTS
        ]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}})

    async def _query_range(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": []}})

    async def _present(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if self.alive.get(request.match_info["site"], True) else 503)


def _stateful() -> Object:
    found = workload(TICK, 0)
    found["kind"] = "StatefulSet"
    found["spec"]["serviceName"] = TICK
    return found
