"""A small network of sites with a planner each: links, references, reports that are late or lost, one edge per site.

The truth is here; what a planner knows of it is its own rounds and workloads, and what it has read of its peers.
Time goes in rounds of two seconds. In each round everybody probes, publishes and reads, then those whose turn it is
plan, and all they may write is written at once.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.domain.fleet import Edge, EdgeKind, Ent, Scaling
from controller.domain.intents import Intent, PeerPlan
from controller.domain.memory import EntMemory, EntSamples, Memory, Samples, SiteMemory, Verdict
from controller.domain.names import EdgeName, ObserverName, SiteName
from controller.domain.plan import Action, Plan, SetAdmission, SetFloor, SetReplicas, SetWeights
from controller.domain.readings import Fresh, Missing, Probe, ProbePath, Reading, ReadingReason, Stale
from controller.domain.reasons import Reason
from controller.domain.world import EvidenceRound, ReplicaState, Route, SignalReading, World
from controller.planning.facts import facts_of
from controller.planning.health import Health, judge_sites
from controller.planning.invariants import violations
from controller.planning.planner import plan
from controller.planning.remembering import _site_memory
from controller.planning.votes import SILENT_AFTER
from controller.runtime.peering import HEARD_WITHIN_ROUNDS
from controller.runtime.site_report import _intents
from tests.builders import BELL, FINE, HUNG, REQUESTS, ROUND, a_site, an_ent, replicas

WITNESS = "w"
ROUNDS_IN_REPORT = 5
PLAN_EVERY = 3
"""Rounds: about the planning cycle of five seconds."""
READING_FRESH = timedelta(seconds=30)
"""As `Freshness.max_age`: the longest that a dead peer's last word is believed."""
FAULT_AT = 3
"""The round in which the fault begins; before it every planner has planned in peace."""
STABILIZATION = timedelta(0)
"""Declared: none at all. What safety needs the planner keeps by itself among peers (`facts.LEAST_AMONG_PEERS`)."""
DEMAND_PER_SECOND = 60.0
REPLICAS = 30
"""At every site; 16 carry the demand at 75 %, so that everybody would like to shrink when the fault begins."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fault, and how reports travel."""

    sites: str
    witness: bool = False
    dead: str = ""
    cut: frozenset[Pair] = frozenset()
    """Links that are lost one way: the first cannot reach the second."""
    doubting: str = ""
    """Observers whose references do not answer."""
    delays: Mapping[str, int] = field(default_factory=dict)
    """By reader: how many rounds old its peers' reports are."""
    lost: frozenset[Pair] = frozenset()
    """Reports that never arrive from the fault on, as (reader, writer)."""
    home: str = "a"
    healed_at: int | None = None
    """The round from which everything is well again; None: never."""

    def in_force(self, step: int) -> bool:
        """Tell whether the fault has begun and not ended."""
        return step >= FAULT_AT and (self.healed_at is None or step < self.healed_at)

    @property
    def observers(self) -> str:
        """Everybody who probes."""
        return self.sites + (WITNESS if self.witness else "")

    def reaches(self, one: str, other: str, step: int) -> bool:
        """Tell whether a probe of one gets an answer of the other."""
        return not self.in_force(step) or (other not in self.dead and (one, other) not in self.cut)

    def alive(self, name: str, step: int) -> bool:
        """Tell whether the site, or the witness, runs."""
        return not self.in_force(step) or name not in self.dead

    def reads(self, reader: str, writer: str, step: int) -> bool:
        """Tell whether a report arrives. A witness leaves its report at the reader's site."""
        link = (writer, reader) if writer == WITNESS else (reader, writer)
        arrives = not self.in_force(step) or (reader, writer) not in self.lost
        return arrives and self.alive(writer, step) and self.reaches(*link, step)


def at_step(step: int) -> datetime:
    """The instant at which planners look: all rounds of the step have ended."""
    return BELL + ROUND * step


@functools.cache
def a_round(observer: str, sites: str, step: int, reached: str, *, doubting: bool) -> EvidenceRound:
    """What one observer saw; observers are a little out of step with each other."""
    probes = [
        Probe(path=path, target=site, result=FINE if site in reached else HUNG)
        for site in sites
        for path in (ProbePath.API, ProbePath.PUBLIC)
    ]
    probes += [Probe(path=ProbePath.REFERENCE, target=f"ref{i}", result=HUNG if doubting else FINE) for i in range(3)]
    return EvidenceRound(
        observer=ObserverName(observer),
        sequence=step + 1,
        at=at_step(step) - timedelta(milliseconds=1900 * (ord(observer) % 4) / 4),
        probes=tuple(probes),
        site=None if observer == WITNESS else SiteName(observer),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an instance publishes after a round."""

    at: datetime
    rounds: tuple[EvidenceRound, ...]
    reading: SignalReading | None = None
    state: ReplicaState | None = None
    routes: tuple[Route, ...] = ()
    site: str = ""
    intents: tuple[Intent, ...] = ()
    undecided: tuple[Intent, ...] = ()
    heard: Mapping[str, datetime] = field(default_factory=dict)
    """When the reports of others were written that the last plan was made of."""


_ANSWERS: dict[tuple[object, ...], tuple[dict[str, Verdict], tuple[SiteMemory, ...]]] = {}
"""What was judged before: judging is pure, and the same rounds (`a_round` makes each once) come up in many cases."""


@dataclass
class Network:
    """The fleet as it is, and what each planner remembers."""

    case: Case
    only_verdicts: bool = False
    """Nobody plans; reports carry rounds alone."""
    step: int = -1
    wanted: dict[str, int] = field(default_factory=dict)
    weights: dict[str, dict[str, int]] = field(default_factory=dict)
    """By edge, by site."""
    caps: dict[Pair, int] = field(default_factory=dict)
    rounds: dict[str, tuple[EvidenceRound, ...]] = field(default_factory=dict)
    published: dict[str, list[Report]] = field(default_factory=dict)
    read: dict[Pair, Report] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    verdicts: dict[str, dict[str, Verdict]] = field(default_factory=dict)
    plans: int = 0
    minds: dict[str, tuple[tuple[Intent, ...], tuple[Intent, ...], dict[str, datetime]]] = field(default_factory=dict)
    """By planner: what it would do at all edges, what it withholds, and whom it had heard when it planned."""
    held_by_peers: int = 0
    """Moves that waited because a peer would not move."""

    def __post_init__(self) -> None:
        for site in self.case.sites:
            self.wanted[site] = REPLICAS
            self.weights[site] = {s: 100 if s == self.case.home else 0 for s in self.case.sites}
            self.memory[site] = Memory()
        for name in self.case.observers:
            self.rounds[name], self.published[name] = (), []

    @functools.cached_property
    def ent(self) -> Ent:
        """One ENT, everywhere, with an edge at every site."""
        edges = tuple(EdgeName(f"edge-{s}") for s in self.case.sites)
        scaling = Scaling(stabilization_window=STABILIZATION)
        return an_ent(sites=tuple(self.case.sites), home=self.case.home, edges=edges, scaling=scaling)

    @property
    def now(self) -> datetime:
        """The instant of the present step."""
        return at_step(self.step)

    @property
    def living(self) -> str:
        """Sites that run."""
        return "".join(s for s in self.case.sites if self.case.alive(s, self.step))

    # -------------------------------------------------------------------------------------------- what happens

    def look(self) -> None:
        """Probe, publish, read."""
        self.step += 1
        case, step = self.case, self.step
        for name in case.observers:
            if case.alive(name, step):
                self.rounds[name] = (*self.rounds[name], self.seen_by(name))[-ROUNDS_IN_REPORT:]
                self.published[name].append(self._report(name))
        for reader in self.living:
            for writer in case.observers:
                delay = case.delays.get(reader, 0)
                if reader != writer and case.reads(reader, writer, step) and len(self.published[writer]) > delay:
                    self.read[(reader, writer)] = self.published[writer][-1 - delay]

    def seen_by(self, name: str) -> EvidenceRound:
        """What an observer sees in this step."""
        case, step = self.case, self.step
        reached = "".join(s for s in case.sites if s == name or case.reaches(name, s, step))
        doubting = name in case.doubting and case.in_force(step)
        return a_round(name, case.sites, step, reached, doubting=doubting)

    def _report(self, name: str) -> Report:
        if name == WITNESS or self.only_verdicts:
            return Report(at=self.now, rounds=self.rounds[name])
        state = replicas(self.ent.key, name, self.wanted[name], self.now)
        intents, undecided, heard = self.minds.get(name, ((), (), {}))
        return Report(
            at=self.now,
            rounds=self.rounds[name],
            reading=self._reading(name, Fresh(value=self._users_at(name), at=self.now)),
            state=state,
            routes=self._routes(name),
            site=name,
            intents=intents,
            undecided=undecided,
            heard=heard,
        )

    def _users_at(self, site: str) -> float:
        """Users come evenly through the edges that stand, and go where these send them."""
        edges = self.living
        return sum(DEMAND_PER_SECOND * self.weights[e][site] / 100 / len(edges) for e in edges)

    def judge(self) -> None:
        """Let every planner judge, without planning; remember the verdicts."""
        for me in self.living:
            seen = tuple(r for report in self._known_by(me) for r in report.rounds)
            sites = self.memory[me].sites
            question = (me, self.case.sites, self.step, tuple(map(id, seen)), sites)
            if question not in _ANSWERS:
                world = World(
                    sites=tuple(a_site(s) for s in self.case.sites),
                    ents=(),
                    rounds=seen,
                    memory=Memory(sites=sites),
                    self_site=SiteName(me),
                )
                health = judge_sites(facts_of(world, self.now))
                verdicts = {str(site): h.verdict for site, h in health.items()}
                _ANSWERS[question] = verdicts, tuple(_site_memory(h) for _, h in sorted(health.items()))
            self.verdicts[me], sites = _ANSWERS[question]
            self.memory[me] = Memory(sites=sites)

    def _note(self, me: str, health: Mapping[SiteName, Health]) -> bool:
        found = {str(site): h.verdict for site, h in health.items()}
        changed = self.verdicts.get(me) != found
        self.verdicts[me] = found
        return changed

    def plan(self) -> dict[str, Plan]:
        """Let everybody plan whose turn it is, check the union on the true world, and write all of it."""
        plans: dict[str, Plan] = {}
        for me in self.living:
            world = self.world_of(me)
            if self._note(me, judge_sites(facts_of(world, self.now))) or (self.step + ord(me)) % PLAN_EVERY == 0:
                plans[me] = plan(world, self.now)
                self.plans += 1
                assert violations(world, plans[me], self.now) == (), (self.case, me)
        self._check_union(plans)
        for me, decided in plans.items():
            self.memory[me] = decided.memory
            heard = {n: self.read[(me, n)].at for n in self.case.observers if (me, n) in self.read}
            self.minds[me] = (*_intents(decided), heard)
            self.held_by_peers += sum(h.because.reason is Reason.PEERS_DISAGREE for h in decided.withheld)
            for action in decided.actions:
                self._write(me, action)
        return plans

    def _check_union(self, plans: Mapping[str, Plan]) -> None:
        actions = tuple(action for _, decided in sorted(plans.items()) for action in decided.actions)
        if not actions:
            return
        ids = [action.id for action in actions]
        assert len(ids) == len(set(ids)), f"two planners write the same: {sorted(ids)} in {self.case}"
        moves = tuple(
            move
            for me in self.living
            for memory in (plans[me].memory if me in plans else self.memory[me]).ents
            for move in memory.moves
            if move.edge == f"edge-{me}"
        )
        memory = Memory(ents=tuple(replace(m, moves=moves) for m in self._ent_memory(plans)))
        union = Plan(actions=actions, memory=memory, next_look_at=self.now)
        found = violations(self.truth(), union, self.now)
        assert found == (), f"{found} in {self.case} at step {self.step}"

    def _ent_memory(self, plans: Mapping[str, Plan]) -> tuple[EntMemory, ...]:
        return next(iter(plans.values())).memory.ents

    def _write(self, me: str, action: Action) -> None:
        match action:
            case SetReplicas(site=site, replicas=count) | SetFloor(site=site, replicas=count):
                assert site == me, action
                self.wanted[me] = count
            case SetWeights(edge=edge, weights=weights):
                assert edge == f"edge-{me}", action
                self.weights[me] = {str(w.site): w.weight for w in weights}
            case SetAdmission(edge=edge, site=site, max_concurrent=cap):
                assert edge == f"edge-{me}", action
                self.caps[(me, str(site))] = cap

    # ------------------------------------------------------------------------------------------ what is known

    def _known_by(self, me: str) -> list[Report]:
        """Its own report, and the last one it has read of each peer."""
        peers = (self.read.get((me, name)) for name in self.case.observers if name != me)
        return [self.published[me][-1], *(report for report in peers if report is not None)]

    def world_of(self, me: str) -> World:
        """What the planner at one site knows."""
        known = self._known_by(me)
        return World(
            sites=tuple(a_site(s) for s in self.case.sites),
            ents=(self.ent,),
            edges=self._edges(),
            readings=tuple(self._aged(r.reading) for r in known if r.reading is not None),
            rounds=tuple(seen for r in known for seen in r.rounds),
            replicas=tuple(r.state for r in known if r.state is not None),
            routes=tuple(route for r in known for route in r.routes),
            memory=replace(self.memory[me], samples=self._samples(self.memory[me])),
            peers=tuple(self._opinions(me, known)),
            self_site=SiteName(me),
            writable_sites=frozenset({SiteName(me)}),
        )

    def _opinions(self, me: str, known: list[Report]) -> Iterator[PeerPlan]:
        """What peers would do that are heard and had heard this one when they planned."""
        for report in known[1:]:
            heard_me = report.heard.get(me)
            silent = self.now - report.at > SILENT_AFTER
            if (
                report.site
                and not silent
                and heard_me is not None
                and self.now - heard_me <= ROUND * HEARD_WITHIN_ROUNDS
            ):
                yield PeerPlan(site=SiteName(report.site), intents=report.intents, undecided=report.undecided)

    def truth(self) -> World:
        """The world as it is: the living are well, the dead are dead, and everything is known of both."""
        dead = "".join(s for s in self.case.sites if s not in self.living)
        seen = [
            a_round(name, self.case.sites, self.step - i, self.living, doubting=False)
            for name in ("x", "y")
            for i in range(ROUNDS_IN_REPORT)
        ]
        last_words = [self.published[s][-1].reading for s in dead]
        return World(
            sites=tuple(a_site(s) for s in self.case.sites),
            ents=(self.ent,),
            edges=self._edges(),
            readings=(
                *(self._reading(s, Fresh(value=self._users_at(s), at=self.now)) for s in self.living),
                *(self._aged(word) for word in last_words if word is not None),
            ),
            rounds=tuple(replace(r, site=None) for r in seen),
            replicas=tuple(
                replicas(self.ent.key, s, self.wanted[s], self.now, ready=None if s in self.living else 0)
                for s in self.case.sites
            ),
            routes=tuple(route for s in self.living for route in self._routes(s)),
            memory=Memory(samples=self._samples(Memory())),
            writable_sites=frozenset(SiteName(s) for s in self.case.sites),
        )

    def _samples(self, memory: Memory) -> Samples:
        """Nothing is missing of the past, and the demand was known a moment ago: the boldest memory there is."""
        before = next(iter(memory.samples.ents), EntSamples(ent=self.ent.key))
        known = replace(before, known_per_second=DEMAND_PER_SECOND, known_at=self.now - ROUND)
        return Samples(complete_since=self.now - timedelta(hours=1), ents=(known,))

    def _edges(self) -> tuple[Edge, ...]:
        return tuple(
            Edge(name=EdgeName(f"edge-{s}"), kind=EdgeKind.HAPROXY_AGENT, site=SiteName(s)) for s in self.case.sites
        )

    def _routes(self, edge: str) -> tuple[Route, ...]:
        return tuple(
            Route(
                ent=self.ent.key,
                edge=EdgeName(f"edge-{edge}"),
                site=SiteName(site),
                weight=weight,
                max_concurrent=self.caps.get((edge, site)),
            )
            for site, weight in self.weights[edge].items()
        )

    def _reading(self, site: str, reading: Reading) -> SignalReading:
        return SignalReading(site=SiteName(site), ent=self.ent.key, signal=REQUESTS, reading=reading)

    def _aged(self, seen: SignalReading) -> SignalReading:
        match seen.reading:
            case Fresh(value=value, at=at) if self.now - at > READING_FRESH:
                return replace(seen, reading=Stale(value=value, at=at, reason=ReadingReason.TOO_OLD))
            case Fresh() | Stale() | Missing():
                return seen
