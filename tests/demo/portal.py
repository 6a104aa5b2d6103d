"""The portals of one site: `python -m tests.demo.portal --site a …`, one process for all ENTs of the site.

What they can carry follows the replicas that are Ready there; they are slow before they refuse. Prometheus finds their
figures at /metrics, observers find `/canary`, and every second goes into a file for measuring.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from tests.demo.pages import busy_page, pause_seconds
from tests.demo.queueing import Queue
from tests.demo.ready import FromCluster, FromFile, ReadyReplicas, Replicas
from tests.demo.records import PortalSecond
from tests.demo.story import NAMESPACE, Story

LATENCY_BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5)
ATTEMPT_HEADER = "X-Attempt"
SITE_HEADER = "X-Site"
LABELS = ("namespace", "ent")


class Figures:
    """What Prometheus scrapes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "portal_requests", "Requests that arrived, by answer.", [*LABELS, "code"], registry=self.registry
        )
        self.attempts = Counter(
            "portal_attempts", "Requests that arrived: first attempts and retries.", [*LABELS, "attempt"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "portal_request_seconds", "Time to answer.", LABELS, buckets=LATENCY_BUCKETS, registry=self.registry
        )
        self.in_flight = Gauge("portal_in_flight", "Requests being answered.", LABELS, registry=self.registry)
        self.ready = Gauge("portal_ready_replicas", "Replicas that are Ready here.", LABELS, registry=self.registry)

    def introduce(self, ent: str) -> None:
        """Let every series exist from the start: a counter that appears with its first error hides that error."""
        for code in ("200", "503"):
            self.requests.labels(NAMESPACE, ent, code)
        for attempt in ("first", "again"):
            self.attempts.labels(NAMESPACE, ent, attempt)
        self.seconds.labels(NAMESPACE, ent)


@dataclass(slots=True)
class Portal:
    """One ENT here: its waiting line and this second's tally."""

    queue: Queue
    arrived: int = 0
    admitted: int = 0
    refused: int = 0


@dataclass(slots=True)
class Site:
    """All portals of one site."""

    name: str
    story: Story
    replicas: ReadyReplicas
    record: Path
    figures: Figures = field(default_factory=Figures)
    portals: dict[str, Portal] = field(default_factory=dict)
    chance: random.Random = field(default_factory=random.Random)

    def open(self) -> None:
        """Open a portal for every ENT that is placed here."""
        for ent in self.story.ents:
            if self.name in ent.sites:
                self.portals[ent.name] = Portal(Queue(self.story.workload.longest_wait_seconds))
                self.figures.introduce(ent.name)

    async def answer(self, request: web.Request) -> web.Response:
        """Serve a page, late if need be, or refuse at once."""
        ent = request.host.partition(".")[0]
        portal = self.portals.get(ent)
        if portal is None:
            return web.Response(status=404, text="unknown ENT\n")
        began = time.monotonic()
        portal.arrived += 1
        first = request.headers.get(ATTEMPT_HEADER, "1") == "1"
        self.figures.attempts.labels(NAMESPACE, ent, "first" if first else "again").inc()
        ready = self.replicas.current.get(ent, Replicas()).ready
        wait = portal.queue.admit(began, ready * self.story.workload.capacity_per_replica)
        if wait is None:
            portal.refused += 1
            response = self._refusal()
        else:
            portal.admitted += 1
            with self.figures.in_flight.labels(NAMESPACE, ent).track_inprogress():
                await asyncio.sleep(self.story.workload.service_seconds + wait)
            response = web.Response(text="bonjour\n")
        self.figures.requests.labels(NAMESPACE, ent, str(response.status)).inc()
        self.figures.seconds.labels(NAMESPACE, ent).observe(time.monotonic() - began)
        response.headers[SITE_HEADER] = self.name
        return response

    def _refusal(self) -> web.Response:
        seconds = pause_seconds(self.chance)
        headers = {"Retry-After": str(seconds)}
        return web.Response(status=503, text=busy_page(seconds), content_type="text/html", headers=headers)

    async def show_figures(self, _request: web.Request) -> web.Response:
        """Answer Prometheus."""
        for ent in self.portals:
            ready = self.replicas.current.get(ent, Replicas()).ready
            self.figures.ready.labels(NAMESPACE, ent).set(ready)
        return web.Response(body=generate_latest(self.figures.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def write_seconds(self) -> None:
        """Write every ENT's tally once a second, on the full second."""
        if not self.record.exists():
            self.record.write_text(PortalSecond.header())
        while True:
            await asyncio.sleep(1.0 - time.time() % 1.0)
            with self.record.open("a") as file:
                file.writelines(self._second(time.time(), ent, portal).text() for ent, portal in self.portals.items())

    def _second(self, at: float, ent: str, portal: Portal) -> PortalSecond:
        replicas = self.replicas.current.get(ent, Replicas())
        tally = PortalSecond(
            round(at, 3), self.name, ent, replicas.wanted, replicas.ready,
            portal.arrived, portal.admitted, portal.refused,
        )  # fmt: skip
        portal.arrived = portal.admitted = portal.refused = 0
        return tally


async def canary(_request: web.Request) -> web.Response:
    """Answer observers: a page that needs no capacity, no database and no single sign-on."""
    return web.Response(text="chante\n")


async def serve(site: Site, port: int) -> None:
    """Serve until cancelled."""
    site.open()
    application = web.Application()
    application.router.add_get("/canary", canary)
    application.router.add_get("/metrics", site.show_figures)
    application.router.add_get("/{page:.*}", site.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with asyncio.TaskGroup() as group:
        group.create_task(site.replicas.run())
        group.create_task(site.write_seconds())


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--kubeconfig", type=Path, help="the site's own cluster")
    parser.add_argument("--ready-file", type=Path, help="instead of a cluster: a JSON file with Ready replicas by ENT")
    options = parser.parse_args()
    replicas: ReadyReplicas
    replicas = FromFile(options.ready_file) if options.ready_file else FromCluster(options.kubeconfig, NAMESPACE)
    site = Site(name=options.site, story=Story(), replicas=replicas, record=options.record)
    asyncio.run(serve(site, options.port))


if __name__ == "__main__":
    main()
