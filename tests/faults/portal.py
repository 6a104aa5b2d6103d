"""The portals of one site: `python -m tests.faults.portal --site a …`. The demo's, with knobs that hurt.

What they can carry follows the Ready replicas of the site's own cluster. Prometheus finds their figures at /metrics,
observers find /canary, and every second goes into a file for measuring.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from tests.demo.pages import busy_page, pause_seconds
from tests.demo.portal import ATTEMPT_HEADER, SITE_HEADER, Figures, Portal
from tests.demo.queueing import Queue
from tests.demo.ready import FromCluster, FromFile, ReadyReplicas, Replicas
from tests.demo.records import PortalSecond
from tests.demo.story import NAMESPACE, Story
from tests.faults.cast import PORTAL_PORT, story
from tests.faults.knobs import Knobs, read_knobs

KNOBS_EVERY_SECONDS = 0.2


@dataclass(slots=True)
class Site:
    """All portals of one site."""

    name: str
    story: Story
    replicas: ReadyReplicas
    record: Path
    knobs_file: Path
    knobs: Knobs = field(default_factory=Knobs)
    figures: Figures = field(default_factory=Figures)
    portals: dict[str, Portal] = field(default_factory=dict)
    frozen: bytes | None = None
    chance: random.Random = field(default_factory=random.Random)

    def open(self) -> None:
        """Open a portal for every ENT that is placed here."""
        for ent in self.story.ents:
            if self.name in ent.sites:
                self.portals[ent.name] = Portal(Queue(self.story.workload.longest_wait_seconds))
                self.figures.introduce(ent.name)
                self.figures.requests.labels(NAMESPACE, ent.name, "500")

    def ready(self, ent: str) -> Replicas:
        """Return the ENT's replicas here."""
        return self.replicas.current.get(ent, Replicas())

    def capacity(self, ent: str) -> float:
        """Return how many requests a second the ENT's portal here can really serve."""
        return self.ready(ent).ready * self.story.workload.capacity_per_replica * self.knobs.capacity_factor

    async def answer(self, request: web.Request) -> web.Response:
        """Serve a page, late if need be, or refuse at once, or fail as told."""
        ent = request.host.partition(".")[0]
        portal = self.portals.get(ent)
        if portal is None:
            return web.Response(status=404, text="unknown ENT\n")
        began = time.monotonic()
        portal.arrived += 1
        first = request.headers.get(ATTEMPT_HEADER, "1") == "1"
        self.figures.attempts.labels(NAMESPACE, ent, "first" if first else "again").inc(self.knobs.metrics_factor)
        response = await self._page(ent, portal, began)
        self.figures.requests.labels(NAMESPACE, ent, str(response.status)).inc(self.knobs.metrics_factor)
        self.figures.seconds.labels(NAMESPACE, ent).observe(time.monotonic() - began)
        response.headers[SITE_HEADER] = self.name
        return response

    async def _page(self, ent: str, portal: Portal, began: float) -> web.Response:
        wait = portal.queue.admit(began, self.capacity(ent))
        if wait is None:
            portal.refused += 1
            seconds = pause_seconds(self.chance)
            headers = {"Retry-After": str(seconds)}
            return web.Response(status=503, text=busy_page(seconds), content_type="text/html", headers=headers)
        portal.admitted += 1
        with self.figures.in_flight.labels(NAMESPACE, ent).track_inprogress():
            await asyncio.sleep(self.story.workload.service_seconds + wait + self.knobs.slow_seconds)
        if self.chance.random() < self.knobs.errors_of(ent):
            return web.Response(status=500, text="erreur\n")
        return web.Response(text="bonjour\n")

    async def show_figures(self, _request: web.Request) -> web.Response:
        """Answer Prometheus, with what is, or what was when the figures froze."""
        if not self.knobs.metrics_frozen or self.frozen is None:
            for ent in self.portals:
                self.figures.ready.labels(NAMESPACE, ent).set(self.ready(ent).ready)
            self.frozen = generate_latest(self.figures.registry)
        return web.Response(body=self.frozen, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def canary(self, _request: web.Request) -> web.Response:
        """Answer observers: a page that needs no capacity, no database and no single sign-on."""
        return web.Response(text="chante\n")

    async def turn_knobs(self) -> None:
        """Follow the file until cancelled."""
        while True:
            self.knobs = read_knobs(self.knobs_file)
            await asyncio.sleep(KNOBS_EVERY_SECONDS)

    async def write_seconds(self) -> None:
        """Write every ENT's tally once a second, on the full second."""
        if not self.record.exists():
            self.record.write_text(PortalSecond.header())
        while True:
            await asyncio.sleep(1.0 - time.time() % 1.0)
            with self.record.open("a") as file:
                file.writelines(self._second(time.time(), ent, portal).text() for ent, portal in self.portals.items())

    def _second(self, at: float, ent: str, portal: Portal) -> PortalSecond:
        replicas = self.ready(ent)
        tally = PortalSecond(
            round(at, 3), self.name, ent, replicas.wanted, replicas.ready,
            portal.arrived, portal.admitted, portal.refused,
        )  # fmt: skip
        portal.arrived = portal.admitted = portal.refused = 0
        return tally


async def serve(site: Site, address: str) -> None:
    """Serve until cancelled."""
    site.open()
    application = web.Application()
    application.router.add_get("/canary", site.canary)
    application.router.add_get("/metrics", site.show_figures)
    application.router.add_get("/{page:.*}", site.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, address, PORTAL_PORT).start()
    async with asyncio.TaskGroup() as group:
        group.create_task(site.replicas.run())
        group.create_task(site.turn_knobs())
        group.create_task(site.write_seconds())


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--knobs", type=Path, required=True)
    parser.add_argument("--kubeconfig", type=Path, help="the site's own cluster")
    parser.add_argument("--ready-file", type=Path, help="instead of a cluster: a JSON file with Ready replicas by ENT")
    options = parser.parse_args()
    replicas: ReadyReplicas
    replicas = FromFile(options.ready_file) if options.ready_file else FromCluster(options.kubeconfig, NAMESPACE)
    site = Site(
        name=options.site, story=story(), replicas=replicas, record=options.record, knobs_file=options.knobs
    )  # fmt: skip
    asyncio.run(serve(site, options.address))


if __name__ == "__main__":
    main()
