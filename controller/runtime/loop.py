"""The planning cycle, which reads as the sentence of design §3, and the loop around it.

A crash in one cycle is logged and the loop goes on. A process that does not lead plans too, which keeps its samples
warm for the day it must, and acts on nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from controller.actuate.actuators import Actuators, Instant
from controller.actuate.apply import apply_plan
from controller.actuate.edges import Edges
from controller.actuate.outcome import LookAgainAt, Outcome
from controller.actuate.refusals import Refusals
from controller.actuate.status import decided_routes
from controller.domain.forecast import Forecast
from controller.domain.memory import Memory, Verdict
from controller.domain.names import ActionId, EntKey, SiteName
from controller.domain.plan import ConditionType, Plan
from controller.domain.world import EvidenceRound, World
from controller.kube.errors import ApiError
from controller.kube.lease import LeaseLost
from controller.observe.hearing import Told
from controller.observe.policies import PolicyStore
from controller.observe.probes import Prober
from controller.observe.sites import WatchedSites
from controller.observe.snapshot import Assembler, Seen
from controller.planning.invariants import violations, withhold_unsafe
from controller.planning.planner import plan, verdicts
from controller.runtime.clock import SystemClock
from controller.runtime.journal import Journal
from controller.runtime.leadership import Leadership, Term
from controller.runtime.ownership import Ownership
from controller.runtime.peering import Peering
from controller.runtime.remembering import after_writing, inherited, withhold_unremembered
from controller.runtime.reporting import ENTS, SITES, Problems, documents, ent_of, reasons_of_sites, told, turned
from controller.runtime.school_reporting import SchoolReport, Trail, school_documents, school_told
from controller.runtime.telemetry import Telemetry
from controller.runtime.troubles import refusals, silences, tell_troubles

HOMELESS_SECONDS = 30.0
"""A holder whose agent cannot listen for so long steps aside, for somebody who can."""

ASIDE_SECONDS = 15.0

SHORTEST_PAUSE_SECONDS = 0.2
"""Between two cycles, whatever wakes the loop: a flapping verdict must not occupy a core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the loop works with."""

    clock: SystemClock
    store: PolicyStore
    sites: WatchedSites
    prober: Prober
    edges: Edges
    ownership: Ownership
    leadership: Leadership | None
    """None in a dry run."""
    journal: Journal
    telemetry: Telemetry
    plan_every_seconds: float
    on_plan: Callable[[Plan], None] = field(default=lambda _plan: None)
    forecasts: Callable[[], tuple[Forecast, ...]] = field(default=tuple)
    """What past days say of today and tomorrow, as far as is known by now."""
    peering: Peering | None = None
    """The other instances; None in the all-sites topology."""
    record: Callable[[World, Plan, datetime], None] = field(default=lambda _world, _plan, _now: None)
    """Is handed every decision, as it was made of its world."""

    @property
    def dry_run(self) -> bool:
        """Tell whether nothing may be written."""
        return self.leadership is None


class Loop:
    """Runs cycles; run `run` in a task of its own."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._assembler = Assembler()
        self._refusals = Refusals()
        self._memory = Memory()
        self._verdicts: Mapping[SiteName, Verdict] = {}
        self._told = Told()
        self._woken = asyncio.Event()
        self._trail = Trail()
        self._calendars_shown: tuple[int, date] | None = None
        self._homeless_since: float | None = None
        """Since when the agent's address cannot be had."""
        self.last_plan: Plan | None = None
        self.last_world: World | None = None
        self.turned_at_seconds = parts.clock.monotonic()
        """When the loop last came round, by the monotonic clock: its age is the process's liveness."""

    async def run(self) -> None:
        """Plan every few seconds, and at once when woken, until cancelled."""
        while True:
            look_at = await self._cycle_or_crash()
            await self._pause_until(look_at)

    def wake(self) -> None:
        """Plan at once."""
        self._woken.set()

    def weigh_evidence(self) -> None:
        """After an evidence round: wake the planning cycle if a verdict has changed."""
        if self.last_world is None:
            return
        now = self._parts.clock.now()
        world = replace(self.last_world, rounds=self._rounds(now), memory=self._memory)
        if verdicts(world, now) != self._verdicts:
            self.wake()

    def _rounds(self, now: datetime) -> tuple[EvidenceRound, ...]:
        parts = self._parts
        return (*parts.prober.rounds, *(parts.peering.rounds(now) if parts.peering is not None else ()))

    async def cycle(self) -> datetime:
        """Look at the world, decide, act, report; return when to look again."""
        now = self._parts.clock.now()  # the only reading of the clock that decisions see
        world = await self._observe(now)
        decided = plan(world, now)
        decided = self._safe(world, decided, now)
        self._parts.record(world, decided, now)
        decided = self._with_ownership(world, decided, now)
        if self._parts.peering is not None:
            self._parts.peering.planned(world, decided, self._told)
            self._parts.peering.speak_of_ourselves(world, self._parts.prober, now)
        self.last_plan = decided  # before the writes, which take as long as a server lets them
        decided, outcomes = await self._apply(world, decided, now)
        await self._report(world, decided, outcomes, now)
        return _next_look(decided, outcomes, now)

    async def _cycle_or_crash(self) -> datetime:
        parts = self._parts
        began = parts.clock.monotonic()
        try:
            look_at = await self.cycle()
            parts.telemetry.cycle_seconds.observe(parts.clock.monotonic() - began)
            parts.telemetry.last_cycle.set(parts.clock.now().timestamp())
        except Exception as error:  # noqa: BLE001 - whatever it is, the next cycle looks again
            parts.journal.crash("planning cycle", error)
            parts.telemetry.failures.inc()
            look_at = parts.clock.now() + timedelta(seconds=parts.plan_every_seconds)
        self.turned_at_seconds = parts.clock.monotonic()
        return look_at

    async def _pause_until(self, look_at: datetime) -> None:
        await asyncio.sleep(SHORTEST_PAUSE_SECONDS)
        seconds = min((look_at - self._parts.clock.now()).total_seconds(), self._parts.plan_every_seconds)
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    async def _observe(self, now: datetime) -> World:
        parts = self._parts
        policies = parts.store.policies()
        peering = parts.peering
        told_edges = policies.declared.told_edges
        parts.edges.follow(peering.edges_here(told_edges) if peering is not None else told_edges)
        await self._take_office()
        self._told = peering.told(now) if peering is not None else Told()
        seen = Seen(
            policies=policies,
            sites=parts.sites.sites,
            rounds=parts.prober.rounds,
            routes=parts.edges.routes(now),
            memory=self._memory,
            dry_run=parts.dry_run,
            forecasts=parts.forecasts(),
            home=peering.site if peering is not None else None,
            told=self._told,
        )
        return self._assembler.world(seen, now)

    async def _take_office(self) -> None:
        """Begin a term where one is due; without a term remember what the leader has written."""
        leadership = self._parts.leadership
        memory = await self._begin_term(leadership) if leadership else None
        if memory is not None:
            self._memory = replace(memory, samples=self._memory.samples)
        elif leadership is None or leadership.term is None:
            objects = [*self._parts.store.objects("RegionalENT"), *self._parts.store.objects("Site")]
            written, routes = inherited(objects, lambda _about, _why: None)
            self._memory = replace(written, samples=self._memory.samples) if written.sites else self._memory
            self._parts.edges.restore(routes)

    async def _begin_term(self, leadership: Leadership) -> Memory | None:
        trouble, memory = None, None
        try:
            memory = await leadership.begin()
            self._homeless_since = None
        except ApiError as error:
            trouble = str(error)
        except OSError as error:
            trouble = str(error)
            self._step_aside_at_last(leadership)
        self._parts.journal.changed("term", trouble, event="term cannot begin")
        return memory

    def _step_aside_at_last(self, leadership: Leadership) -> None:
        now = self._parts.clock.monotonic()
        if self._homeless_since is None:
            self._homeless_since = now
        if now - self._homeless_since > HOMELESS_SECONDS:
            self._homeless_since = None
            leadership.elector.stand_aside(ASIDE_SECONDS)
            self._parts.journal.warn("stepping aside", seconds=ASIDE_SECONDS, why="the agent cannot listen")

    def _safe(self, world: World, decided: Plan, now: datetime) -> Plan:
        found = violations(world, decided, now)
        for violation in found:
            self._parts.telemetry.violations.labels(reason=violation.rule).inc()
        return withhold_unsafe(decided, found, world)

    def _with_ownership(self, world: World, decided: Plan, now: datetime) -> Plan:
        """Add the conditions that the planner cannot know: what the clusters let us write, and who else writes."""
        ownership = self._parts.ownership
        limited = ownership.pods_refused(world.ents)
        planned = (
            limited.get(c.of, c) if isinstance(c.of, EntKey) and c.type is ConditionType.SCALING_LIMITED else c
            for c in decided.conditions
        )
        peering = self._parts.peering
        of_peers = peering.conditions(self._told) if peering is not None else ()
        return replace(decided, conditions=(*planned, *ownership.conditions(world, now), *of_peers))

    async def _apply(self, world: World, decided: Plan, now: datetime) -> tuple[Plan, Mapping[ActionId, Outcome]]:
        """Write memory, then act, as long as the Lease is held."""
        leadership = self._parts.leadership
        term = leadership.term if leadership else None
        if leadership is None or term is None:
            self._memory = decided.memory
            return decided, {}
        try:
            self._trail.by = leadership.elector.identity
            return await leadership.elector.guard(self._act(world, decided, term, now))
        except LeaseLost as lost:
            self._parts.journal.warn("actions cut short", why=str(lost))
            return decided, {}

    async def _act(
        self, world: World, decided: Plan, term: Term, now: datetime
    ) -> tuple[Plan, Mapping[ActionId, Outcome]]:
        routes = decided_routes(self._parts.edges.decided(), decided)
        statuses = documents(world, decided, routes, self._parts.store, self._problems(), now)
        statuses += school_documents(self._parts.store, self._school_report(), self._trail, now)
        failed = await term.statuses.write(statuses, monotonic_seconds=self._parts.clock.monotonic())
        unwritten: dict[EntKey, str] = {}
        sites_unwritten: set[SiteName] = set()
        for (kind, key), error in failed.items():
            ent, site = ("", key.name) if kind == SITES.kind else (str(key), "")
            self._parts.telemetry.unwritten.labels(ent=ent, site=site).inc()
            if kind == ENTS.kind:
                unwritten[ent_of(key)] = str(error)
            elif kind == SITES.kind:
                sites_unwritten.add(SiteName(key.name))
        self._parts.journal.changed(
            "unwritten",
            sorted(map(str, failed)),
            event="statuses not written",
            why=sorted(set(map(str, failed.values()))),
        )
        self._memory = after_writing(
            decided.memory,
            self._memory,
            ents_unwritten=frozenset(unwritten),
            sites_unwritten=frozenset(sites_unwritten),
        )
        remembered = withhold_unremembered(decided, unwritten)
        ownership = self._parts.ownership
        instant = Instant(now=now, generation=self._parts.store.policies().generation)
        actuators = Actuators(ownership.scaler, ownership.floors, self._parts.edges, self._refusals, instant)
        return remembered, await apply_plan(remembered, actuators)

    async def _report(self, world: World, decided: Plan, outcomes: Mapping[ActionId, Outcome], now: datetime) -> None:
        parts = self._parts
        why = reasons_of_sites(decided)
        self._verdicts = {site.site: site.verdict for site in decided.memory.sites}
        self.last_plan, self.last_world = decided, world
        acting = parts.leadership is not None and parts.leadership.term is not None
        changed = parts.journal.verdicts(decided.memory, why)
        news = parts.journal.plan(decided, outcomes) if acting or parts.dry_run else None
        parts.journal.readings(world)
        self._report_troubles()
        ends = {name: site.credentials_end for name, site in parts.sites.sites.items()}
        parts.telemetry.outlook.show_declared(parts.store.policies().declared.school, ends)
        self._show_calendars(now)
        parts.journal.changed("problems", self._problem_texts(), event="problems of policies")
        parts.telemetry.show_world(world, decided.memory, now)
        parts.telemetry.outlook.show_plan(world, decided, now)
        parts.telemetry.leader.set(acting)
        if news is not None:
            parts.telemetry.show_news(news, [str(each.because.reason) for each in decided.withheld])
        parts.on_plan(decided)
        term = parts.leadership.term if parts.leadership else None
        if term is not None:
            of_conditions = turned(decided.conditions, parts.store)
            of_school = school_told(parts.store, self._school_report(), now)
            things = [*told(decided.actions, outcomes, changed, why, parts.store), *of_conditions, *of_school]
            await term.events.tell(things, now)
            error = term.events.last_error
            parts.journal.changed("events", str(error) if error else None, event="Events not written")

    def _show_calendars(self, now: datetime) -> None:
        policies = self._parts.store.policies()
        if self._calendars_shown != (policies.generation, now.date()):
            self._parts.telemetry.show_calendars(policies.declared.school, now.date())
            self._calendars_shown = (policies.generation, now.date())

    def _report_troubles(self) -> None:
        parts = self._parts
        lease = parts.leadership.elector.last_error if parts.leadership else None
        tell_troubles(parts.journal, parts.sites.sites, policies=parts.store.trouble, lease=lease)
        ended = len(self._assembler.warnings_of)
        parts.telemetry.problems.set(len(parts.store.policies().problems) + len(parts.sites.unusable) + ended)

    def _problems(self) -> Problems:
        by_object: dict[str, list[str]] = {}
        for problem in self._parts.store.policies().problems:
            by_object.setdefault(problem.resource, []).append(f"{problem.field}: {problem.message}")
        sites = self._parts.sites
        of_peers = self._parts.peering.peers.unusable if self._parts.peering is not None else {}
        for site, why in (*sites.unusable.items(), *refusals(sites.sites).items(), *of_peers.items()):
            by_object.setdefault(f"Site {site}", []).append(why)
        return Problems(
            by_object={name: "; ".join(texts) for name, texts in by_object.items()},
            besides=silences(sites.sites),
            calendars=self._assembler.warnings_of,
        )

    def _school_report(self) -> SchoolReport:
        return SchoolReport(
            problems=self._problems().by_object,
            warnings=self._assembler.warnings_of,
            school=self._parts.store.policies().declared.school,
        )

    def _problem_texts(self) -> list[str]:
        texts = self._problems().by_object
        return [f"{name}: {texts[name]}" for name in sorted(texts)] + list(self._assembler.warnings)


def _next_look(decided: Plan, outcomes: Mapping[ActionId, Outcome], now: datetime) -> datetime:
    """Return when the plan ends, or when an action that could not be done is to be looked at again."""
    again = [outcome.at for outcome in outcomes.values() if isinstance(outcome, LookAgainAt)]
    return min([decided.next_look_at, *(at for at in again if at > now)])
