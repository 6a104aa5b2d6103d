"""Sonnerie in the simulator: the `World` of production made from the simulated system, its plan obeyed in order.

A plan is made when an input asks for it (a new scrape, replicas that became Ready, a round that sees something new) or
when the plan before said to look again. That a plan is good for one cycle at most matters only while something is
under way: with the same inputs and nothing to wait for the next one would be the same.
"""

from datetime import date, datetime, timedelta

from controller.domain.forecast import SLOT, Forecast
from controller.domain.memory import Memory, Samples
from controller.domain.names import EntKey
from controller.domain.plan import Action, Plan, SetAdmission, SetDnsTargets, SetFloor, SetReplicas, SetWeights
from controller.domain.windows import Window
from controller.domain.world import ReplicaState, Route, World
from controller.planning.invariants import Violation, violations, withhold_unsafe
from controller.planning.planner import PLANNING_CYCLE, plan
from controller.sim.acting import Acting
from controller.sim.declared import Declarations
from controller.sim.evidence import ROUND_SECONDS, Readings, Rounds
from controller.sim.fleet import EDGE, edge_of, ents_of, sites_of
from controller.sim.past import Past
from controller.sim.system import NO_CAP, System

LOOK_BACK, LOOK_AHEAD = timedelta(hours=24), timedelta(hours=48)
WINDOWS_KEPT = timedelta(minutes=15)
"""How long the slice of windows is handed out; what lies two days ahead may come so much later."""
BEFORE_THE_START = timedelta(hours=1)
"""How long it has been running when a scenario begins."""


class Ours:
    """The planner of production, beside the peers."""

    name = "sonnerie"

    def __init__(self, system: System, acting: Acting, past: Past) -> None:
        scenario = system.scenario
        self._system, self._acting, self._past = system, acting, past
        self._start = system.course.start
        self._sites, self._ents, self._edges = sites_of(scenario), ents_of(scenario), (edge_of(scenario),)
        self._rows = {ent.key: row for row, ent in enumerate(acting.ents)}
        self._columns = {name: column for column, name in enumerate(acting.names)}
        self._declarations = Declarations(scenario=scenario)
        self._news = [(a - self._start).total_seconds() for a in self._declarations.announcements()]
        self._rounds, self._readings = Rounds(system, acting.names), Readings(system, acting)
        self._memory = Memory(samples=Samples(complete_since=self._start - BEFORE_THE_START))
        self._windows: tuple[Window, ...] = ()
        self._windows_until = self._start
        self._forecasts: tuple[Forecast, ...] = ()
        self._forecasts_for: tuple[date, int] | None = None
        self._pending: dict[tuple[int, int], datetime] = {}
        self._revisions: dict[tuple[int, int], tuple[str, datetime | None]] = {}
        self._states: dict[tuple[int, int], ReplicaState] = {}
        self._look_at, self._wait_for = 0.0, 0.0
        self._as_seen = b""
        self._dead = False
        self.violations: list[Violation] = []
        self.plans = 0
        self.last_plan: Plan | None = None

    def next_ask(self, now: float) -> float:
        """Return until when the world may run on without asking."""
        if self._rounds.unsettled(now):
            return now + ROUND_SECONDS - now % ROUND_SECONDS
        return self._look_at

    def turn(self, now: float, *, new_scrape: bool) -> None:
        """Look, and plan if there is a reason to."""
        system = self._system
        self._rounds.turn(now)
        if system.faults.conditions.controller_dead:
            self._dead = True
            return
        if self._dead:
            # Restraints are in status, samples were in the process.
            self._memory, self._dead = Memory(sites=self._memory.sites, ents=self._memory.ents), False
            self._look_at = now
        if new_scrape and system.metrics.seen is not None:
            self._readings.take(system.metrics.seen, self._instant(system.metrics.seen.at))
        as_seen = system.pods.ready.tobytes()
        every_round = self._rounds.unsettled(now) and now % ROUND_SECONDS < 1
        if new_scrape or every_round or now >= self._look_at or as_seen != self._as_seen:
            self._as_seen = as_seen
            self._plan(now)

    def _instant(self, second: float) -> datetime:
        return self._start + timedelta(seconds=second)

    def _plan(self, second: float) -> None:
        now = self._instant(second)
        world = self._world(second, now)
        decided = plan(world, now)
        if decided.actions:  # the plan that does nothing breaks no rule
            found = violations(world, decided, now)
            self.violations += found
            decided = withhold_unsafe(decided, found, world)
        self._memory = decided.memory
        self._obey(decided, second)
        self.last_plan = decided
        self.plans += 1
        self._look_at = self._next_look(decided, now, second)

    def _next_look(self, decided: Plan, now: datetime, second: float) -> float:
        """Look again when the plan says so, cycles in which nothing is under way apart."""
        only_the_cycle = decided.next_look_at >= now + PLANNING_CYCLE
        if only_the_cycle and not decided.actions and not self._pending and not self._system.edges.moving:
            return second + 60.0
        return (decided.next_look_at - self._start).total_seconds()

    def _world(self, second: float, now: datetime) -> World:
        return World(
            sites=self._sites,
            ents=self._ents,
            edges=self._edges,
            windows=self._windows_at(now),
            forecasts=self._forecasts_at(now),
            readings=self._readings.shown,
            rounds=self._rounds.shown(second, self._start),
            replicas=self._replicas(now),
            routes=self._routes(),
            memory=self._memory,
            writable_sites=frozenset(self._acting.names),
        )

    def _windows_at(self, now: datetime) -> tuple[Window, ...]:
        announced = bool(self._news) and self._news[0] <= (now - self._start).total_seconds()
        while self._news and self._news[0] <= (now - self._start).total_seconds():
            self._news.pop(0)
        if announced or now >= self._windows_until:
            self._windows = self._declarations.windows(now, now - LOOK_BACK, now + LOOK_AHEAD)
            self._windows_until = now + WINDOWS_KEPT
            if announced:
                self._forecasts_for = None
        return self._windows

    def _forecasts_at(self, now: datetime) -> tuple[Forecast, ...]:
        local = now.astimezone(self._system.scenario.time_zone)
        if self._forecasts_for != (local.date(), local.hour):
            if self._forecasts_for is None or self._forecasts_for[0] != local.date():
                self._learn_yesterday(local.date() - timedelta(days=1))
                self._forecasts = self._past.forecasts(now)
            self._forecasts_for = (local.date(), local.hour)
        return self._forecasts

    def _learn_yesterday(self, day: date) -> None:
        """Add the day that has passed to the history, as far as the scenario covers it whole."""
        scenario = self._system.scenario
        begins = (scenario.utc(datetime.combine(day, datetime.min.time())) - self._start).total_seconds()
        if begins < 0:
            return
        ends = scenario.utc(datetime.combine(day + timedelta(days=1), datetime.min.time())) - self._start
        slot, course = SLOT.total_seconds(), self._system.course
        count = int((ends.total_seconds() - begins) // slot)
        instants = [begins + (n + 0.5) * slot for n in range(count)]
        seen: dict[EntKey, tuple[float, ...]] = {
            ent.key: tuple(float(course.open_loop[row, course.index(at)]) for at in instants)
            for ent, row in ((ent, self._rows[ent.key]) for ent in self._ents)
        }
        self._past.learn(day, seen)

    def _replicas(self, now: datetime) -> tuple[ReplicaState, ...]:
        """Return every workload as last seen: what cannot be reached grows old."""
        pods, conditions = self._system.pods, self._system.faults.conditions
        found = []
        for ent in self._ents:
            e = self._rows[ent.key]
            for placement in sorted(ent.placements, key=lambda p: p.site):
                s = self._columns[placement.site]
                if conditions.alive[s] or (e, s) not in self._states:
                    wanted, ready = int(pods.wanted[e, s]), int(pods.ready[e, s])
                    revision, since = self._revision(e, s, int(conditions.releases[s]), now)
                    self._states[e, s] = ReplicaState(
                        ent=ent.key,
                        site=placement.site,
                        wanted=wanted,
                        ready=ready,
                        seen_at=now,
                        pending_since=self._pending_since(e, s, now, pending=ready < wanted),
                        revision=revision,
                        revision_since=since,
                    )
                found.append(self._states[e, s])
        return tuple(found)

    def _pending_since(self, e: int, s: int, now: datetime, *, pending: bool) -> datetime | None:
        if not pending:
            self._pending.pop((e, s), None)
            return None
        return self._pending.setdefault((e, s), now)

    def _revision(self, e: int, s: int, release: int, now: datetime) -> tuple[str, datetime | None]:
        name = f"release-{release}"
        before = self._revisions.get((e, s))
        if before is None or before[0] != name:
            self._revisions[e, s] = (name, now if before is not None else None)
        return self._revisions[e, s]

    def _routes(self) -> tuple[Route, ...]:
        weights, caps = self._system.edges.weights, self._system.max_concurrent
        found = []
        for ent in self._ents:
            e = self._rows[ent.key]
            for placement in sorted(ent.placements, key=lambda p: p.site):
                s = self._columns[placement.site]
                cap = None if caps[e, s] == NO_CAP else int(caps[e, s])
                weight = int(weights[e, s])
                found.append(Route(ent=ent.key, edge=EDGE, site=placement.site, weight=weight, max_concurrent=cap))
        return tuple(found)

    def _obey(self, decided: Plan, second: float) -> None:
        """Do the actions in order; what waits for one that could not be done is not done."""
        failed: set[str] = set()
        for action in decided.actions:
            if failed.intersection(action.after) or not self._do(action, second):
                failed.add(action.id)

    def _do(self, action: Action, second: float) -> bool:
        e, why = self._rows[action.ent], action.because.text
        match action:
            case SetReplicas(site=site, replicas=replicas) | SetFloor(site=site, replicas=replicas):
                return self._acting.set_replicas(e, self._columns[site], replicas, second, why)
            case SetWeights(weights=weights):
                return self._acting.set_weights(e, {w.site: w.weight for w in weights}, second, why)
            case SetDnsTargets(targets=targets):
                share = {name: (1 if name in targets else 0) for name in self._acting.names}
                return self._acting.set_weights(e, share, second, why)
            case SetAdmission(site=site, max_concurrent=most):
                self._system.max_concurrent[e, self._columns[site]] = most
                return True
