"""The witness: looks at every site from outside all of them, and leaves its report at each (design §6, Votes).

It plans nothing, writes nothing but its own SiteReport, and may do nothing else anywhere. Two sites need one to be told
apart when one of them is lost; more sites are judged sooner and more surely with one.

It is told by a folder of kubeconfigs, one file per site and named after it. Where users reach a site is read from the
Site objects: from the site's own, else, while it is out of reach, from a copy that another site holds.
"""

import asyncio
import contextlib
import random
import secrets
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from controller import __version__
from controller.actuate.status import Status
from controller.domain.names import ObserverName, SiteName
from controller.kube.client import Cluster
from controller.kube.errors import KubeconfigError
from controller.kube.informer import PATIENT, Informer, Surroundings
from controller.kube.kubeconfig import read_kubeconfig
from controller.kube.resources import ObjectKey
from controller.observe.policies import CustomObject, decoder, resource_of
from controller.observe.probes import Prober, RoundTiming, SiteProbes
from controller.observe.sites import API_PROBE_PATH
from controller.policy.site import Site
from controller.runtime.clock import SystemClock
from controller.runtime.journal import Journal
from controller.runtime.publishing import Desk, Publisher
from controller.runtime.serve import Pages, serve
from controller.runtime.site_report import Reporter, report_of, report_status
from controller.runtime.spawning import Spawner
from controller.runtime.telemetry import Telemetry
from controller.runtime.witness_settings import WitnessSettings

STALE_AFTER_SECONDS = 60.0
"""As for the controller: a minute without a round is a hang."""

FIRST_SIGHT_SECONDS = 3.0
"""With `once`: how long Sites are waited for. A dead site is what one may be asking about."""


def read_folder(folder: Path) -> dict[SiteName, bytes]:
    """Return the kubeconfigs by site; what Kubernetes mounts beside the keys of a Secret begins with a dot.

    Raises:
        KubeconfigError: there is no such folder, or none in it.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
        found = {SiteName(path.name.partition(".")[0]): path.read_bytes() for path in files}
    except OSError as error:
        raise KubeconfigError(f"{folder}: cannot be read: {error.strerror}") from None
    if not found:
        raise KubeconfigError(f"{folder}: no kubeconfig in it; put one file per site there, named after the site")
    return found


class _Attended:
    """One site as the witness attends to it."""

    def __init__(self, site: SiteName, content: bytes, where: str, around: Surroundings, name: ObserverName) -> None:
        self.site = site
        self.content = content
        self.cluster = Cluster.connect(read_kubeconfig(content, where=where), name=f"site {site}")
        self.sites: Informer[CustomObject] = Informer(
            self.cluster, resource_of(Site), decoder(Site), around, timing=PATIENT
        )
        self.publisher = Publisher(self.cluster, name, None, may_create=False)

    async def renew(self, content: bytes, where: str) -> None:
        """Go on with other credentials."""
        await self.cluster.renew(read_kubeconfig(content, where=where))
        self.content = content

    def declared(self, site: SiteName) -> Site | None:
        """Return a Site as it is declared here."""
        found = self.sites.objects.get(ObjectKey("", site))
        return found.declared if found is not None and isinstance(found.declared, Site) else None


class Witness:
    """All parts of the process, wired."""

    def __init__(self, settings: WitnessSettings, journal: Journal, clock: SystemClock) -> None:
        """Connect to nobody yet.

        Raises:
            KubeconfigError: a kubeconfig cannot be used.
        """
        self._settings = settings
        self._clock = clock
        self.journal = journal
        self.telemetry = Telemetry()
        self._spawn = Spawner(journal.crash)
        self._seen = asyncio.Event()
        around = Surroundings(
            now=clock.now, monotonic=clock.monotonic, random=random.random, wake=self._look, spawn=self._spawn
        )
        self._sites = {
            site: _Attended(site, content, str(settings.sites / site), around, settings.name)
            for site, content in read_folder(settings.sites).items()
        }
        self._who = Reporter(
            observer=settings.name,
            site=None,
            instance=f"{settings.name}_{secrets.token_hex(4)}",
            version=__version__,
        )
        self.prober = Prober(
            settings.name,
            settings.references,
            timing=RoundTiming(
                every_seconds=settings.round_every_seconds, deadline_seconds=settings.probe_deadline_seconds
            ),
            now=clock.now,
            monotonic=clock.monotonic,
            on_round=self._after_round,
        )
        self.telemetry.evidence_age.set_function(lambda: self.prober.age_seconds)
        self._look()

    async def run(self) -> None:
        """Witness until cancelled."""
        desk = Desk(status=self._status, guard=lambda: _at_once)
        async with AsyncExitStack() as stack:
            for attended in self._sites.values():
                stack.push_async_callback(attended.cluster.close)
            runner = await serve(self._pages(), self._settings.listen)
            stack.push_async_callback(runner.cleanup)
            async with asyncio.TaskGroup() as group:
                for site, attended in self._sites.items():
                    group.create_task(self._kept(f"sites of {site}", attended.sites.run))
                    group.create_task(self._kept(f"report at {site}", partial(attended.publisher.run, desk)))
                group.create_task(self._kept("evidence", self.prober.run))
                group.create_task(self._kept("kubeconfigs", self._reread))
                self.journal.note("witness started", name=self._settings.name, sites=sorted(self._sites))

    async def look_once(self) -> Status:
        """Return what one round sees, as it would be reported; nothing is written."""
        tasks = [asyncio.create_task(attended.sites.run()) for attended in self._sites.values()]
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIRST_SIGHT_SECONDS):
                    while not all(attended.sites.synced for attended in self._sites.values()):
                        await self._seen.wait()
                        self._seen.clear()
            await self.prober.take_round()
            status = self._status()
            assert status is not None
            return status
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.prober.close()
            for attended in self._sites.values():
                await attended.cluster.close()

    async def _kept(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        async def working() -> None:
            await work()

        await self._spawn(name, working)

    def _look(self) -> None:
        """Know where users reach each site."""
        self._seen.set()
        self.prober.sites = tuple(self._probes(site) for site in sorted(self._sites))

    def _probes(self, site: SiteName) -> SiteProbes:
        attended = self._sites[site]
        copies = (attended, *(other for _, other in sorted(self._sites.items()) if other is not attended))
        declared = next((found for each in copies if (found := each.declared(site)) is not None), None)
        public = declared.spec.probes.public_addresses if declared is not None and declared.spec.probes else ()

        async def ask_api(deadline_seconds: float) -> int:
            return await attended.cluster.probe(API_PROBE_PATH, deadline_seconds=deadline_seconds)

        return SiteProbes(site=site, api=ask_api, public=tuple(public))

    def _after_round(self) -> None:
        self.telemetry.round_seconds.observe(self.prober.last_round_seconds)
        for site, attended in sorted(self._sites.items()):
            error = attended.publisher.error
            self.journal.changed(f"report {site}", str(error) if error else None, event="report not written", site=site)
            attended.publisher.after_round()

    def _status(self) -> Status | None:
        if not self.prober.rounds:
            return None
        return report_status(report_of(self._who, self.prober.rounds, self._clock.now()))

    async def _reread(self) -> None:
        """Follow rotated kubeconfigs; a site more or less needs a restart, which Kubernetes does for a new Secret."""
        while True:
            await asyncio.sleep(self._settings.reread_every_seconds)
            try:
                found: Mapping[SiteName, bytes] = read_folder(self._settings.sites)
                for site, attended in self._sites.items():
                    if site in found and found[site] != attended.content:
                        await attended.renew(found[site], str(self._settings.sites / site))
                trouble = None
            except KubeconfigError as error:
                trouble = str(error)
            self.journal.changed("kubeconfigs", trouble, event="kubeconfigs cannot be read again")

    def _pages(self) -> Pages:
        return Pages(
            loop_age_seconds=lambda: self.prober.age_seconds,
            evidence_age_seconds=lambda: self.prober.age_seconds,
            stale_after_seconds=STALE_AFTER_SECONDS,
            why_not_ready=lambda: None if self.prober.rounds else "there was no round yet",
            metrics=self.telemetry.text,
            last_plan=lambda: None,
        )


async def _at_once(work: Awaitable[None]) -> None:
    await work


async def witness(settings: WitnessSettings, journal: Callable[[SystemClock], Journal]) -> None:
    """Witness until SIGTERM or SIGINT.

    Raises:
        KubeconfigError: a kubeconfig cannot be used.
        OSError: the address cannot be had.
    """
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    clock = SystemClock()
    work = asyncio.create_task(Witness(settings, journal(clock), clock).run())
    stop = asyncio.create_task(stopped.wait())
    await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    ended = work.done()
    work.cancel()
    (result,) = await asyncio.gather(work, return_exceptions=True)
    if ended and isinstance(result, Exception):
        raise result
