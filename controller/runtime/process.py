"""One process: connects, starts everything, runs until told to stop, releases the Lease on the way out."""

import asyncio
import random
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from controller.actuate.haproxy_agent import AgentServer
from controller.actuate.haproxy_board import AgentBoard
from controller.domain.names import ObserverName, SiteName
from controller.domain.plan import Plan
from controller.domain.world import World
from controller.kube.apply import read_secret
from controller.kube.client import Cluster
from controller.kube.informer import Surroundings
from controller.kube.lease import Elector
from controller.kube.resources import ObjectKey
from controller.observe.access import read_all
from controller.observe.forecasts import ForecastBook, Outlook
from controller.observe.history import SiteHistory
from controller.observe.policies import PolicyStore
from controller.observe.probes import Prober, RoundTiming
from controller.observe.sites import WatchedSites
from controller.runtime.clock import SystemClock
from controller.runtime.edge_kinds import edges_of
from controller.runtime.journal import Journal
from controller.runtime.leadership import Leadership
from controller.runtime.loop import Loop, Parts
from controller.runtime.made import home_of, management_cluster, pace, recorder
from controller.runtime.ownership import Ownership
from controller.runtime.peering import Peering
from controller.runtime.serve import Pages, serve
from controller.runtime.settings import Settings
from controller.runtime.spawning import Spawner
from controller.runtime.telemetry import Telemetry

RESOLVER_THREADS = 32
"""More than there are names to resolve: a dead name server then holds up its own names only (see `observe.probes`)."""

FIRST_SIGHT_SECONDS = 10.0
"""How long the first plan waits for sites that do not answer: they may be down for good, the others need a plan."""

STALE_AFTER_SECONDS = 60.0
"""A cycle takes seconds at worst; a minute without one is a hang."""

MOST_UNANSWERED = 100
"""Questions that are logged, each once: whoever asks nonsense must fill neither memory nor log."""

ONCE_SECONDS = 60.0
"""With `once`: who asked waits for an answer, also that there is none."""

LOOK_SECONDS = 0.1
"""Between looks at whether everything has been seen once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """Where plans go besides the clusters."""

    journal: Callable[[SystemClock], Journal]
    on_plan: Callable[[Plan], None]
    once: bool = False
    clock: SystemClock = field(default_factory=SystemClock)
    """What time it is; another clock than the machine's only where a day must pass in minutes."""


async def run(settings: Settings, outlets: Outlets) -> None:
    """Run the controller until SIGTERM or SIGINT; with `once`, until one cycle is done.

    Raises:
        KubeconfigError: the management cluster cannot be reached as told.
        OSError: an address cannot be had; with `once`, no cycle was possible within `ONCE_SECONDS`.
        RuntimeError: planning ended though nobody asked it to.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(RESOLVER_THREADS, "resolver"))
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    async with Controller.started(settings, outlets) as controller:
        work = asyncio.create_task(controller.work())
        stop = asyncio.create_task(stopped.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        unasked = work.done() and not outlets.once
        work.cancel()
        (result,) = await asyncio.gather(work, return_exceptions=True)
        if unasked:
            controller.journal.warn("ended unasked", result=repr(result))
        if isinstance(result, Exception):
            raise result
        if unasked:
            raise RuntimeError("the planning loop ended though nobody asked it to")


class Controller:
    """All parts of one process, wired."""

    def __init__(self, settings: Settings, outlets: Outlets, management: Cluster) -> None:
        self._settings = settings
        self._once = outlets.once
        self._management = management
        self.clock = outlets.clock
        self.journal = outlets.journal(self.clock)
        self.telemetry = Telemetry()
        self._spawn = Spawner(self.journal.crash)
        surroundings = Surroundings(
            now=self.clock.now, monotonic=self.clock.monotonic, random=random.random, spawn=self._spawn
        )
        self._read = asyncio.Event()
        self._policies_changed = asyncio.Event()
        self.store = PolicyStore(management, replace(surroundings, wake=self._policies_changed.set))
        self.sites = WatchedSites(management, surroundings, pace(settings), self._look_at_sites)
        self.forecasts = ForecastBook(
            Outlook(policies=self.store.policies, histories=self._histories, now=self.clock.now)
        )
        self.board = AgentBoard()
        home = home_of(settings, management)
        self.peering = Peering(home, surroundings, self.store, self.journal, self.telemetry) if home else None
        site = home.site if home else None
        self.ownership = Ownership(self.store, self.sites, management, self.clock, home=site)
        self.edges = edges_of(self.board, self.sites, management, surroundings, self.ownership.rivals)
        self._unanswered: set[str] = set()
        self.prober = Prober(
            ObserverName(settings.site or settings.identity),
            settings.references,
            timing=RoundTiming(
                every_seconds=settings.round_every_seconds, deadline_seconds=settings.probe_deadline_seconds
            ),
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            on_round=self._after_round,
            stands_at=site,
        )
        self.telemetry.evidence_age.set_function(lambda: self.prober.age_seconds)
        self.recorder = recorder(settings)
        self.leadership = None if settings.dry_run else self._leadership()
        self.loop = Loop(
            Parts(
                clock=self.clock,
                store=self.store,
                sites=self.sites,
                prober=self.prober,
                edges=self.edges,
                ownership=self.ownership,
                leadership=self.leadership,
                journal=self.journal,
                telemetry=self.telemetry,
                plan_every_seconds=settings.plan_every_seconds,
                on_plan=outlets.on_plan,
                forecasts=lambda: self.forecasts.forecasts,
                peering=self.peering,
                record=self._record,
            )
        )

        if self.peering is not None:
            self.peering.peers.on_news = self.loop.weigh_evidence

    @classmethod
    @asynccontextmanager
    async def started(cls, settings: Settings, outlets: Outlets) -> "AsyncIterator[Controller]":
        """Connect, listen and watch; end everything afterwards, the Lease first."""
        async with AsyncExitStack() as stack:
            management = management_cluster(settings)
            stack.push_async_callback(management.close)
            controller = cls(settings, outlets, management)
            stack.push_async_callback(controller.sites.close)
            if controller.peering is not None:
                stack.push_async_callback(controller.peering.peers.close)
            if controller.recorder is not None:
                stack.push_async_callback(asyncio.to_thread, controller.recorder.close)
            stack.push_async_callback(controller.edges.close)
            runner = await serve(controller._pages(), settings.listen)
            stack.push_async_callback(runner.cleanup)
            tasks = [
                controller._spawn("policies", controller.store.run),
                controller._spawn("secrets", controller._follow_sites),
                controller._spawn("evidence", controller.prober.run),
                controller._spawn("forecasts", controller.forecasts.run),
            ]
            if controller.peering is not None:
                tasks.append(controller._spawn("witnesses", controller.peering.run))
            if controller.leadership is not None:
                stack.push_async_callback(controller.leadership.close)
                tasks.append(controller._spawn("lease", controller.leadership.elector.run))
                tasks.append(controller._spawn("ownership", controller._own))
                if controller.peering is not None:
                    tasks.append(controller._spawn("report", controller._publish))
            stack.push_async_callback(_cancelled, tasks)
            controller.journal.note("started", identity=settings.identity, listen=str(settings.listen))
            yield controller

    async def work(self) -> None:
        """Plan when everything has been seen once; with `once`, one cycle only."""
        if not self._once:
            await self._everything_seen_once()
            await self.loop.run()
            return
        try:
            async with asyncio.timeout(ONCE_SECONDS):
                await self._everything_seen_once()
                await self._office_or_dry_run()
                await self.loop.cycle()
        except TimeoutError:
            raise TimeoutError(f"no planning cycle within {ONCE_SECONDS:g} s: {self._why_none()}") from None

    async def _everything_seen_once(self) -> None:
        """Wait for the policies without end, and for the sites as long as is reasonable."""
        while not self.store.synced:
            self._still_turning()
            self.journal.changed("watching", self.store.trouble, event="waiting for policies")
            await asyncio.sleep(LOOK_SECONDS)
        deadline = self.clock.monotonic() + FIRST_SIGHT_SECONDS
        while self.clock.monotonic() < deadline and not self._sites_seen():
            self._still_turning()
            await asyncio.sleep(LOOK_SECONDS)
        self.journal.changed("watching", None, event="waiting for policies")

    async def _office_or_dry_run(self) -> None:
        while self.leadership is not None and not self.leadership.elector.holding:
            self._still_turning()
            await asyncio.sleep(LOOK_SECONDS)

    def _still_turning(self) -> None:
        self.loop.turned_at_seconds = self.clock.monotonic()

    def _sites_seen(self) -> bool:
        sites = self.sites.sites
        probed = {probe.target for seen in self.prober.rounds[-1:] for probe in seen.probes}
        return (
            self._read.is_set()
            and self.edges.settled()
            and (self.peering is None or self.peering.peers.settled)
            and all(site.seen_once and (site.meter is None or site.meter.asked) for site in sites.values())
            and sites.keys() <= probed
        )

    async def _follow_sites(self) -> None:
        """Follow Sites and the Secrets they name: at once when a Site changes, and every minute."""
        while not self.store.synced:
            await self._policies_changed.wait()
            self._policies_changed.clear()
        while True:
            policies = self.store.policies()
            declared = self.peering.sites_from_here() if self.peering is not None else policies.sites
            reached, failed = await read_all(declared, self._read_secret)
            ours = self._ours(policies.sites)
            for site, error in failed.items():
                unusable = self.sites.unusable if site in ours or self.peering is None else self.peering.peers.unusable
                unusable[site] = str(error)
            if self.peering is not None:
                await self.peering.reconcile(reached)
            await self.sites.reconcile({name: reached[name] for name in ours & reached.keys()}, ours)
            self._read.set()
            self.journal.changed("connected", sorted(self.sites.sites), event="sites")
            await self._until_changed(policies.generation)

    async def _own(self) -> None:
        assert self.leadership is not None
        await self.ownership.run(lambda: self.loop.last_world, self.leadership, self.journal)

    def _histories(self) -> dict[SiteName, SiteHistory]:
        return {name: site.history for name, site in self.sites.sites.items() if site.history is not None}

    def _ours(self, declared: Iterable[SiteName]) -> frozenset[SiteName]:
        """Return the sites that this process writes."""
        return frozenset(name for name in declared if self.peering is None or name == self.peering.site)

    def _look_at_sites(self) -> None:
        peering, told_edges = self.peering, self.store.policies().declared.told_edges
        others = peering.probes() if peering is not None else ()
        mine = (site.probes() for _, site in sorted(self.sites.sites.items()))
        self.prober.sites = tuple(sorted((*mine, *others), key=lambda each: each.site))
        # Before a cluster that is gone is closed.
        self.edges.follow(peering.edges_here(told_edges) if peering is not None else told_edges)

    async def _until_changed(self, generation: int) -> None:
        """Return when a spec has changed, or it is time to read the Secrets again."""
        try:
            async with asyncio.timeout(self._settings.secrets_every_seconds):
                while self.store.policies().generation == generation:
                    await self._policies_changed.wait()
                    self._policies_changed.clear()
        except TimeoutError:
            pass

    async def _read_secret(self, key: ObjectKey) -> dict[str, bytes]:
        return dict(await read_secret(self._management, key))

    def _after_round(self) -> None:
        self.telemetry.round_seconds.observe(self.prober.last_round_seconds)
        if self.peering is not None:
            self.peering.after_round()
        self.loop.weigh_evidence()

    async def _publish(self) -> None:
        assert self.leadership is not None
        assert self.peering is not None
        await self.peering.publish(self.prober, self.leadership.elector)

    def _leadership(self) -> Leadership:
        settings = self._settings
        elector = Elector(
            self._management,
            ObjectKey(settings.lease_namespace, settings.lease_name),
            identity=f"{settings.identity}_{secrets.token_hex(4)}",
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            timing=settings.lease_timing,
            on_change=self._lease_changed,
        )
        address = settings.agent_address
        agent = AgentServer(
            self.board,
            address.host,
            address.port,
            now=self.clock.now,
            holding=lambda: elector.holding,
            on_unknown=self._unknown_question,
        )
        return Leadership(elector, self._management, self.edges, agent, self.store.reread, self.journal)

    def _lease_changed(self, holding: object) -> None:
        self.journal.changed("lease", bool(holding), event="lease held")
        if holding:
            self.loop.wake()
        elif self.leadership is not None:
            self.leadership.lost()

    def _record(self, world: World, plan: Plan, now: datetime) -> None:
        if self.recorder is not None:
            self.recorder.take(world, plan, now)
            self.telemetry.unrecorded.set(self.recorder.left_out)
            self.journal.changed("recorder", self.recorder.trouble, event="decisions cannot be recorded")

    def _unknown_question(self, why: str) -> None:
        if why not in self._unanswered and len(self._unanswered) < MOST_UNANSWERED:
            self._unanswered.add(why)
            self.journal.warn("agent-check without an answer", why=why)

    def _pages(self) -> Pages:
        return Pages(
            loop_age_seconds=lambda: self.clock.monotonic() - self.loop.turned_at_seconds,
            evidence_age_seconds=lambda: self.prober.age_seconds,
            stale_after_seconds=STALE_AFTER_SECONDS,
            why_not_ready=self._why_not_ready,
            metrics=self.telemetry.text,
            last_plan=lambda: self.loop.last_plan,
        )

    def _why_none(self) -> str:
        why = self._why_not_ready()
        elector = self.leadership.elector if self.leadership else None
        if self.store.synced and elector is not None and not elector.holding:
            return f"the Lease is not ours: {elector.last_error or f'{elector.holder} holds it'}"
        return why or "it took too long"

    def _why_not_ready(self) -> str | None:
        if not self.store.synced:
            return f"policies are not read yet: {self.store.trouble or 'listing'}"
        return None if self.loop.last_plan else "there is no plan yet"


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in reversed(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
