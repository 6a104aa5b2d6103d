"""False shifts in partitions and lossy networks: `python -m tests.bench.partitions --cases 10000`.

Every case is a network of its own, drawn from a seed: two to four sites, with a witness or not (two sites have one),
one planner each, and a fault that begins after all have planned in peace: a partition, links lost one way, an observer
whose references fail, reports lost or late, sites that die alone or by twos, or none. Over all of it lies loss: every
question of a probe and every report is lost with up to 5 %, at one lossy observer with up to 60 %. A probe asks twice
(`controller.observe.probes`), on each of its two paths by itself. The union of all plans is held against the invariants
after every round, as in `test_many_planners`.

A *false shift* is an evacuation or a failover, or a verdict that would make one, away from a site that lives and that
at most one observer whose word counts has lost, by the fault or by loss at its own end; balancing what is left among
the living is none. Where two have lost it the protocol cannot know better: such verdicts are counted as `two_wrong`. An
*empty answer* is an edge whose weights do not sum to 100. *Missed* counts edges that still send users to a dead site at
the end though enough observers whose reports arrive have seen it die, where nothing is lost besides the fault. *Unsafe*
are unions that break an invariant.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import permutations

from controller.domain.memory import MoveKind, Verdict
from controller.domain.names import ObserverName, SiteName
from controller.domain.plan import Plan, SetWeights
from controller.domain.readings import Probe, ProbePath
from controller.domain.world import EvidenceRound
from controller.planning.votes import LEAST_OBSERVERS
from tests.builders import FINE, HUNG, ROUND
from tests.planning.network import FAULT_AT, WITNESS, Case, Network, Pair, at_step
from tests.planning.test_many_planners import lost_sight_of, may_be_held_for_down, must_be_left

STEPS = FAULT_AT + 12
"""Twenty-four seconds of fault: four times what a verdict takes."""
BACKGROUND = (0.0, 0.01, 0.05)
LOSSY = (0.3, 0.6)
QUESTIONS = (1, 2)
"""What one probe asks, one after the other, before it has failed."""
REFERENCES = 3
MOST_LATE = 2
"""Rounds: what is later than `SILENT_AFTER` is lost, and who hears nothing sees nothing."""
LEAVING = (MoveKind.EVACUATION, MoveKind.FAILOVER)
BAD = (Verdict.DOWN, Verdict.DEGRADED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How much is lost besides the fault."""

    seed: int
    background: float = 0.0
    lossy: str = ""
    """The observer at whose end much is lost."""
    loss: float = 0.0

    def lost(self, one: str, other: str, step: int, what: str) -> bool:
        """Tell whether this one message is lost: the same answer whenever asked."""
        share = self.loss if self.lossy == one else self.background
        return share > 0 and random.Random(f"{self.seed} {one} {other} {step} {what}").random() < share


@dataclass
class LossyNetwork(Network):
    """A network in which single messages are lost."""

    weather: Weather = field(default_factory=lambda: Weather(seed=0))

    def seen_by(self, name: str) -> EvidenceRound:
        """Probe every path by itself."""
        case, step, lost = self.case, self.step, partial(self.weather.lost, name)
        doubting = name in case.doubting and case.in_force(step)
        probes = []
        for site in case.sites:
            reached = site == name or case.reaches(name, site, step)
            for path in (ProbePath.API, ProbePath.PUBLIC):
                fine = reached and (site == name or not all(lost(site, step, f"{path} {q}") for q in QUESTIONS))
                probes.append(Probe(path=path, target=site, result=FINE if fine else HUNG))
        for number in range(REFERENCES):
            fine = not doubting and not all(lost(f"ref{number}", step, f"reference {q}") for q in QUESTIONS)
            probes.append(Probe(path=ProbePath.REFERENCE, target=f"ref{number}", result=FINE if fine else HUNG))
        return EvidenceRound(
            observer=ObserverName(name),
            sequence=step + 1,
            at=at_step(step) - timedelta(milliseconds=1900 * (ord(name) % 4) / 4),
            probes=tuple(probes),
            site=None if name == WITNESS else SiteName(name),
        )


@dataclass(frozen=True, slots=True)
class LossyCase(Case):
    """A case whose reports are lost like its probes."""

    weather: Weather = field(default_factory=lambda: Weather(seed=0))

    def reads(self, reader: str, writer: str, step: int) -> bool:
        """Tell whether a report arrives."""
        return Case.reads(self, reader, writer, step) and not self.weather.lost(reader, writer, step, "report")


def drawn(seed: int) -> LossyCase:
    """Draw a case."""
    dice = random.Random(seed)
    sites = dice.choice(("ab", "abc", "abc", "abcd", "abcd"))
    witness = sites == "ab" or dice.random() < 0.3
    observers = sites + (WITNESS if witness else "")
    weather = Weather(seed=seed, background=dice.choice(BACKGROUND))
    if dice.random() < 0.5:
        weather = replace(weather, lossy=dice.choice(observers), loss=dice.choice(LOSSY))
    dead, cut, doubting, lost = "", set[Pair](), "", set[Pair]()
    fault = dice.choice(("none", "partition", "one way", "one way", "doubt", "dead", "two dead", "reports"))
    if fault == "partition":
        group = "".join(dice.sample(observers, dice.randint(1, len(observers) - 1)))
        other = "".join(o for o in observers if o not in group)
        cut = {pair for one in group for two in other for pair in ((one, two), (two, one))}
    elif fault == "one way":
        pairs = list(permutations(observers, 2))
        cut = set(dice.sample(pairs, dice.randint(1, max(1, len(pairs) // 3))))
    elif fault == "dead":
        dead = dice.choice(sites)
    elif fault == "two dead" and len(sites) > 2:
        dead = "".join(dice.sample(sites, 2))
    if fault == "doubt" or dice.random() < 0.2:
        doubting = "".join(dice.sample(observers, dice.randint(1, 2)))
    if fault == "reports" or dice.random() < 0.2:
        pairs = list(permutations(observers, 2))
        lost = set(dice.sample(pairs, dice.randint(1, max(1, len(pairs) // 2))))
    delays = {site: dice.randint(0, 3) for site in sites} if dice.random() < 0.4 else {}
    return LossyCase(
        sites=sites,
        witness=witness,
        dead=dead,
        cut=frozenset(cut),
        doubting=doubting,
        delays=delays,
        lost=frozenset(lost),
        home=dice.choice(dead or sites),  # the users of what dies are what matters
        weather=weather,
    )


@dataclass
class Tally:
    """What was counted."""

    cases: int = 0
    plans: int = 0
    steps: int = 0
    deaths: int = 0
    evacuations: int = 0
    missed: int = 0
    false_shifts: int = 0
    empty_answers: int = 0
    unsafe: int = 0
    two_wrong: int = 0
    """Verdicts, by planner and round, on living sites that two observers had lost, one by loss at its own end."""
    examples: list[str] = field(default_factory=list)

    def note(self, seed: int, what: str) -> None:
        """Keep the first few, to be run again."""
        if len(self.examples) < 10:
            self.examples.append(f"seed {seed}: {what}")


def excused(case: LossyCase, site: str) -> bool:
    """Tell whether leaving the site would be no mistake of the protocol."""
    return may_be_held_for_down(case, site) or two_lost_it(case, site)


def two_lost_it(case: LossyCase, site: str) -> bool:
    """Tell whether one observer has lost the site by the fault and another by the loss at its own end."""
    lossy = {case.weather.lossy} - {"", site, *case.doubting, *case.dead}
    return len(lost_sight_of(case, site) | lossy) >= LEAST_OBSERVERS


def run_case(seed: int, tally: Tally) -> None:
    """Run one case and count."""
    case = drawn(seed)
    network = LossyNetwork(case, weather=case.weather)
    for _ in range(STEPS):
        network.look()
        try:
            plans = network.plan()
        except AssertionError as error:
            tally.unsafe += 1
            tally.note(seed, str(error).splitlines()[0][:300])
            return
        for me in network.living:
            _count_step(seed, network, me, plans.get(me), tally)
    tally.cases += 1
    tally.steps += STEPS
    tally.plans += network.plans
    tally.deaths += len(case.dead)
    in_time = max(case.delays.values(), default=0) <= MOST_LATE
    quiet = in_time and replace(case.weather, background=0.0, lossy="") == case.weather
    for me in network.living:
        for site in case.dead:
            left = network.weights[me][site] == 0
            tally.evacuations += left and case.home == site
            if quiet and not left and must_be_left(case, me, site):
                tally.missed += 1
                tally.note(seed, f"{me} still sends users to {site}")


def _count_step(seed: int, network: Network, me: str, planned: Plan | None, tally: Tally) -> None:
    case, weights = network.case, network.weights[me]
    assert isinstance(case, LossyCase)
    if sum(weights.values()) != 100:
        tally.empty_answers += 1
        tally.note(seed, f"the edge at {me} answers nobody")
    for site in network.case.sites:
        judged = network.verdicts.get(me, {}).get(site) in BAD
        tally.two_wrong += judged and not may_be_held_for_down(case, site) and two_lost_it(case, site)
        if judged and not (excused(case, site) and case.in_force(network.step)):
            tally.false_shifts += 1
            tally.note(seed, f"{me} holds {site} for sick at step {network.step}")
    for action in planned.actions if planned is not None else ():
        if isinstance(action, SetWeights) and action.kind in LEAVING and not _for_cause(case, action):
            tally.false_shifts += 1
            tally.note(seed, f"{me} leaves somebody at step {network.step}: {action.because.text}"[:300])


def _for_cause(case: LossyCase, action: SetWeights) -> bool:
    """Tell whether the move leaves a site that may be left; on the way the others are balanced anew."""
    after = {weight.site: weight.weight for weight in action.weights}
    return any(w.weight > after.get(w.site, 0) and excused(case, str(w.site)) for w in action.was)


def main(arguments: list[str]) -> int:
    """Run so many cases; 0: no false shift, no empty answer, nothing unsafe, none missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    asked = parser.parse_args(arguments)
    tally, began = Tally(), time.monotonic()
    for seed in range(asked.first, asked.first + asked.cases):
        run_case(seed, tally)
        if tally.cases % 500 == 0:
            print(f"{tally.cases} of {asked.cases}, {tally.false_shifts} false shifts", file=sys.stderr)
    fault_seconds = tally.steps * ROUND.total_seconds()
    summary = vars(tally) | {"simulated_seconds": fault_seconds, "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps(summary))
    return int(bool(tally.false_shifts or tally.empty_answers or tally.missed or tally.unsafe))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
