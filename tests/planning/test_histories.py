"""Histories: time passes, sites are lost and return, readings fail, the controller restarts, actions break off.

A clockwork world stands in for the fleet: pods become Ready after a delay, users follow the weights, a dead site
answers nothing. After every plan the invariants are asked; at the end of each step so are the promises to users.
"""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controller.domain.fleet import Order
from controller.domain.memory import Memory, Samples
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Plan, SetAdmission, SetFloor, SetReplicas, SetWeights
from controller.domain.world import EvidenceRound, Orders, ReplicaState, Route, SignalReading, World
from controller.planning.invariants import violations
from controller.planning.planner import plan
from tests.builders import BELL, DEAD, EDGE, FINE, a_reading, a_site, a_window, a_world, an_ent, key, rounds

SITES = ("a", "b", "c")
START_UP = timedelta(seconds=40)
CYCLE = timedelta(seconds=6)
BELL_LASTS = timedelta(minutes=30)
"""Three rounds of evidence for every plan: time passes quickly enough to see holds end."""
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
EXAMPLES, STEPS = (2_400, 50) if NIGHTLY else (15, 20)
LEAST_NIGHTLY_STEPS = 100_000
"""What the nightly run promises."""


@dataclass
class Clockwork:
    """The fleet as it is, beside what is seen of it."""

    now: datetime = BELL - timedelta(minutes=20)
    alive: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(SITES, True))
    api: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(SITES, True))
    measured: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(SITES, True))
    references: bool = True
    drains: dict[str, Order] = field(default_factory=dict)
    orders: Orders = field(default_factory=Orders)
    revisions: dict[str, datetime] = field(default_factory=dict)
    """When a site last got a new release."""
    errors: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SITES, 0.0))
    wanted: dict[tuple[str, str], int] = field(default_factory=dict)
    ready: dict[tuple[str, str], int] = field(default_factory=dict)
    grown_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    seen: dict[tuple[str, str], ReplicaState] = field(default_factory=dict)
    weights: dict[tuple[str, str], int] = field(default_factory=dict)
    demand: dict[str, float] = field(default_factory=lambda: {"nord": 20.0, "sud": 10.0})
    sequence: int = 0
    evidence: tuple[EvidenceRound, ...] = ()
    memory: Memory = field(default_factory=Memory)

    ents = (an_ent("nord", sites=("a", "b", "c")), an_ent("sud", sites=("b", "c")))

    def tick(self) -> None:
        """Let one cycle pass: pods start, rounds are probed."""
        self.now += CYCLE
        for place, wanted in self.wanted.items():
            if not self.alive[place[1]]:
                self.ready[place] = 0
                self.grown_at[place] = self.now
            elif self.ready[place] > wanted or (
                self.ready[place] < wanted and self.now - self.grown_at[place] >= START_UP
            ):
                self.ready[place] = wanted
        down = {site: DEAD for site in SITES if not self.alive[site]}
        api = {**down, **{site: DEAD for site in SITES if not self.api[site]}}
        references = (FINE, FINE, FINE) if self.references else (DEAD, DEAD, DEAD)
        new = rounds(self.now, SITES, api=api, public=down, references=references, count=3, first=self.sequence + 1)
        self.sequence += len(new)
        self.evidence = (*self.evidence, *new)[-12:]

    def world(self) -> World:
        """Return what can be seen now."""
        for ent in self.ents:
            for p in ent.placements:
                place = (ent.key.name, p.site)
                if self.alive[p.site] and self.api[p.site]:
                    pending = self.grown_at[place] if self.ready[place] < self.wanted[place] else None
                    self.seen[place] = ReplicaState(
                        ent=ent.key,
                        site=p.site,
                        wanted=self.wanted[place],
                        ready=self.ready[place],
                        seen_at=self.now,
                        pending_since=pending,
                        revision=str(self.revisions.get(p.site, "")),
                        revision_since=self.revisions.get(p.site),
                    )
        return a_world(
            self.now,
            ents=self.ents,
            sites=[replace(a_site(site), drain=self.drains.get(site)) for site in SITES],
            orders=self.orders,
            windows=tuple(
                window
                for ent in self.ents
                for window in (
                    a_window(ent.key, BELL, BELL_LASTS.total_seconds() / 60, 80.0),
                    a_window(ent.key, BELL + timedelta(minutes=50), 30, 60.0),
                )
            ),
            readings=tuple(
                reading
                for ent in self.ents
                for p in ent.placements
                for reading in (self._reading(ent.key, p.site), self._errors(ent.key, p.site))
            ),
            rounds=self.evidence,
            replicas=tuple(self.seen.values()),
            routes=tuple(
                Route(ent=key(name), edge=EDGE, site=SiteName(site), weight=weight, max_concurrent=40)
                for (name, site), weight in self.weights.items()
            ),
            memory=self.memory,
        )

    def _reading(self, ent: EntKey, site: str) -> SignalReading:
        """Users follow the weights; those sent to a dead site are not counted by anybody."""
        whole = sum(weight for (name, _), weight in self.weights.items() if name == ent.name)
        share = self.weights.get((ent.name, site), 0) / whole if whole else 0.0
        known = self.alive[site] and self.measured[site]
        return a_reading(ent, site, self.demand[ent.name] * share if known else None, self.now)

    def _errors(self, ent: EntKey, site: str) -> SignalReading:
        known = self.alive[site] and self.measured[site]
        return a_reading(ent, site, self.errors[site] if known else None, self.now, "errors")

    def carry_out(self, decided: Plan, count: int) -> None:
        """Write the memory, then do the first `count` actions; what goes to a dead site is lost."""
        self.memory = decided.memory
        for action in decided.actions[:count]:
            match action:
                case SetReplicas(ent=ent, site=site, replicas=n) | SetFloor(ent=ent, site=site, replicas=n):
                    if self.alive[site] and self.api[site]:
                        if n > self.wanted[(ent.name, site)]:
                            self.grown_at[(ent.name, site)] = self.now
                        self.wanted[(ent.name, site)] = n
                case SetWeights(ent=ent, weights=weights):
                    for w in weights:
                        self.weights[(ent.name, w.site)] = w.weight
                case SetAdmission():
                    pass


class History(RuleBasedStateMachine):
    """Anything may happen, in any order."""

    steps = 0
    plans = 0

    def __init__(self) -> None:
        super().__init__()
        self.fleet = Clockwork()
        self.taken = 0

    @initialize()
    def settle(self) -> None:
        """Start with ten replicas everywhere and traffic at home."""
        for ent in self.fleet.ents:
            for p in ent.placements:
                place = (ent.key.name, str(p.site))
                self.fleet.wanted[place] = self.fleet.ready[place] = 10
                self.fleet.grown_at[place] = self.fleet.now
                self.fleet.weights[place] = 100 if p.home else 0

    def _cycle(self, done: int | None = None) -> None:
        world = self.fleet.world()
        decided = plan(world, self.fleet.now)
        History.plans += 1
        assert violations(world, decided, self.fleet.now) == ()
        before = dict(self.fleet.wanted)
        self.fleet.carry_out(decided, len(decided.actions) if done is None else done)
        frozen = self.fleet.orders.freeze is not None and self.fleet.orders.freeze.in_force(self.fleet.now)
        for (name, site), wanted in self.fleet.wanted.items():
            assert wanted >= before[(name, site)] or not frozen, "shrank under a freeze"
            sees = all(self.fleet.measured[s] and self.fleet.alive[s] for s in self._serving(name))
            assert wanted >= before[(name, site)] or sees, "shrank while blind"

    def _serving(self, name: str) -> list[str]:
        return [site for (n, site), weight in self.fleet.weights.items() if n == name and weight > 0]

    @rule(cycles=st.integers(1, 30))
    def pass_time(self, cycles: int) -> None:
        """Let some cycles pass."""
        for _ in range(cycles):
            self.fleet.tick()
            self._cycle()

    @rule(done=st.integers(0, 3))
    def break_off(self, done: int) -> None:
        """Die in the middle of a plan; the restraints are written, the samples are gone."""
        self.fleet.tick()
        self._cycle(done)
        self.fleet.memory = replace(self.fleet.memory, samples=Samples())

    @rule(name=st.sampled_from(["nord", "sud"]), per_second=st.floats(0, 200))
    def users_come_and_go(self, name: str, per_second: float) -> None:
        """Demand jumps."""
        self.fleet.demand[name] = per_second

    @rule(site=st.sampled_from(SITES))
    @precondition(lambda self: all(self.fleet.alive.values()))
    def lose_site(self, site: str) -> None:
        """A site burns, with its metrics and its API."""
        self.fleet.alive[site] = False

    @rule(site=st.sampled_from(SITES), minutes=st.integers(1, 30))
    def drain(self, site: str, minutes: int) -> None:
        """A person drains a site for a while."""
        until = self.fleet.now + timedelta(minutes=minutes)
        self.fleet.drains[site] = Order(until=until, reason="work on the power", by="ops")

    @rule(minutes=st.integers(1, 10), pause=st.booleans())
    def freeze_or_pause(self, minutes: int, pause: bool) -> None:  # noqa: FBT001 - as hypothesis calls it
        """A person stops what may be stopped."""
        order = Order(until=self.fleet.now + timedelta(minutes=minutes), reason="exams", by="ops")
        self.fleet.orders = Orders(pause=order) if pause else Orders(freeze=order)

    @rule(site=st.sampled_from(SITES), errors=st.sampled_from([0.0, 0.005, 0.2, 1.0]))
    def fail_requests(self, site: str, errors: float) -> None:
        """Requests fail at a site, or stop failing."""
        self.fleet.errors[site] = errors

    @rule(sites=st.sets(st.sampled_from(SITES), min_size=1))
    def release(self, sites: set[str]) -> None:
        """A new image is rolled out."""
        self.fleet.revisions.update(dict.fromkeys(sites, self.fleet.now))

    @rule()
    def bring_sites_back(self) -> None:
        """Everything answers again."""
        for site in SITES:
            self.fleet.alive[site] = self.fleet.api[site] = self.fleet.measured[site] = True
        self.fleet.references = True

    @rule(site=st.sampled_from(SITES))
    def lose_metrics(self, site: str) -> None:
        """A Prometheus stops."""
        self.fleet.measured[site] = False

    @rule(site=st.sampled_from(SITES))
    def lose_api(self, site: str) -> None:
        """An API server stops; users are served all the same."""
        self.fleet.api[site] = False

    @rule()
    def be_cut_off(self) -> None:
        """The controller itself loses the world."""
        self.fleet.references = False

    def teardown(self) -> None:
        """Count, so that a run can say how much it has tried."""
        History.steps += self.taken

    @invariant()
    def somebody_answers(self) -> None:
        """Every ENT has a site with traffic at any time."""
        self.taken += 1
        for ent in self.fleet.ents:
            if self.fleet.weights:
                assert self._serving(ent.key.name)


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)


@pytest.fixture(scope="module", autouse=True)
def _tell_how_much_was_tried() -> Iterator[None]:
    """Print the count; a nightly run that tried less than it promises fails."""
    yield
    print(f"\nhistories: {History.steps} steps, {History.plans} plans")  # noqa: T201 - the figure of the nightly run
    assert not NIGHTLY or History.steps == 0 or History.steps >= LEAST_NIGHTLY_STEPS


def _fleet() -> Clockwork:
    machine = History()
    machine.settle()
    return machine.fleet


def _run(fleet: Clockwork, cycles: int) -> None:
    for _ in range(cycles):
        fleet.tick()
        world = fleet.world()
        decided = plan(world, fleet.now)
        assert violations(world, decided, fleet.now) == ()
        fleet.carry_out(decided, len(decided.actions))


def test_a_lost_home_is_left_within_ten_seconds_and_returned_to_by_steps() -> None:
    """Loss: decided at the third round, six seconds; return: after hold and bell, ten percent a step, no reversal."""
    fleet = _fleet()
    _run(fleet, 60)
    fleet.alive["a"] = False
    _run(fleet, 1)
    assert fleet.weights[("nord", "a")] == 0, "three rounds are one cycle here"
    _run(fleet, 20)
    fleet.alive["a"] = True
    seen = [0]
    while fleet.now < BELL + BELL_LASTS:
        assert seen[-1] == 0, "nothing goes back while a bell rings"
        _run(fleet, 1)
        seen.append(fleet.weights[("nord", "a")])
    for _ in range(100):
        _run(fleet, 1)
        seen.append(fleet.weights[("nord", "a")])
    steps = [after - before for before, after in itertools.pairwise(seen) if after != before]
    assert seen[-1] == 100
    assert set(steps) == {10}


def test_a_bell_is_ready_before_it_rings_with_the_loss_of_a_site_paid_for() -> None:
    """At the bell every site but any one carries the whole demand at 75 % of Ready."""
    fleet = _fleet()
    while fleet.now < BELL:
        _run(fleet, 1)
    for ent in fleet.ents:
        ready = {p.site: fleet.ready[(ent.key.name, p.site)] * 5.0 * 0.75 for p in ent.placements}
        for lost in ready:
            assert sum(room for site, room in ready.items() if site != lost) >= 80.0 - 1e-6
