"""Verdicts from reports as they are really read: through JSON, by other clocks, late, after a restart. Exhaustively."""

import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from controller.domain.memory import Memory, SiteMemory, Verdict
from controller.domain.names import ObserverName, SiteName
from controller.domain.report import Report
from controller.domain.world import EvidenceRound, World
from controller.observe.hearing import Hearing
from controller.observe.readings import Freshness
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from controller.planning.remembering import _site_memory
from controller.wire.report import read_report, write_report
from tests.builders import BELL, ROUND, a_site
from tests.planning.network import a_round

SITES = "abc"
SKEWS = (timedelta(0), timedelta(hours=5), -timedelta(hours=5))
FAULT = 6
STEPS = FAULT + 8


@dataclass
class Reader:
    """The instance at one site: its rounds, and what it has heard of the others."""

    me: str
    seconds: float = 0.0
    rounds: tuple[EvidenceRound, ...] = ()
    sites: tuple[SiteMemory, ...] = ()
    hearing: Hearing = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget everything but what stands in status."""
        self.hearing = Hearing(Freshness(), monotonic=lambda: self.seconds)
        self.rounds = ()

    def judge(self, now: datetime) -> dict[str, Verdict]:
        """Judge, and remember."""
        told = self.hearing.told(now, {})
        world = World(
            sites=tuple(map(a_site, SITES)),
            ents=(),
            rounds=(*self.rounds, *told.rounds),
            memory=Memory(sites=self.sites),
            self_site=SiteName(self.me),
        )
        health = judge_sites(facts_of(world, now))
        self.sites = tuple(_site_memory(h) for _, h in sorted(health.items()))
        return {str(site): h.verdict for site, h in health.items()}


@dataclass
class Air:
    """What is written where, by whose clock, and how late it comes."""

    skews: dict[str, timedelta]
    late: int
    published: dict[str, list[bytes]] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)

    def publish(self, observer: str, rounds: tuple[EvidenceRound, ...], now: datetime) -> None:
        """Write a report by the observer's own clock."""
        skew = self.skews.get(observer, timedelta(0))
        ours = tuple(replace(seen, at=seen.at + skew) for seen in rounds)
        report = Report(
            observer=ObserverName(observer),
            site=SiteName(observer),
            instance=self.instances.get(observer, "one"),
            sequence=rounds[-1].sequence,
            at=now + skew,
            rounds=ours,
        )
        self.published.setdefault(observer, []).append(json.dumps(write_report(report)).encode())

    def read(self, reader: Reader, observer: str) -> None:
        """Hear what the reader's watch tells of by now."""
        lying = self.published.get(observer, [])
        if len(lying) > self.late:
            sequence = json.loads(lying[-1 - self.late])["rounds"][-1]["sequence"]
            found = read_report(
                lying[-1 - self.late], observer=ObserverName(observer), site=SiteName(observer), sequence=sequence
            )
            reader.hearing.hear(found.report)


def run(
    skews: dict[str, timedelta], late: int, *, dead: str = "", blind: str = "", restarted: str = ""
) -> list[dict[str, dict[str, Verdict]]]:
    """Run a fault: sites die with their observers, or one observer sees nobody else from then on."""
    air, readers = Air(skews, late), {name: Reader(name) for name in SITES}
    history: list[dict[str, dict[str, Verdict]]] = []
    for step in range(STEPS):
        now = BELL + ROUND * step
        faulty = step >= FAULT
        living = [name for name in SITES if not (faulty and name in dead)]
        for name in living:
            reader = readers[name]
            reader.seconds = ROUND.total_seconds() * step
            if step == FAULT + 1 and name == restarted:
                reader.restart()
                air.instances[name] = "two"
            reached = "".join(s for s in SITES if s == name or (s in living and not (faulty and name == blind)))
            reader.rounds = (*reader.rounds, a_round(name, SITES, step, reached, doubting=False))[-5:]
            air.publish(name, reader.rounds, now)
        for name, other in itertools.permutations(living, 2):
            air.read(readers[name], other)
        if dead:
            for name, other in itertools.product(living, dead):
                air.read(readers[name], other)  # what the dead said last still lies in a cache somewhere
        history.append({name: readers[name].judge(now) for name in living})
    return history


EVERY_SKEW = [dict(zip("bc", pair, strict=True)) for pair in itertools.product(SKEWS, SKEWS)]


@pytest.mark.parametrize("skews", EVERY_SKEW)
@pytest.mark.parametrize("late", [0, 1, 2])
def test_a_dead_site_is_seen_in_time_whatever_the_clocks_say(skews: dict[str, timedelta], late: int) -> None:
    """Three rounds after the fault, and as many more as reports are late; never earlier."""
    history = run(skews, late, dead="c")
    down = [step for step, verdicts in enumerate(history) if verdicts["a"]["c"] is Verdict.DOWN]
    assert down
    assert down[0] == FAULT + 2 + late
    assert all(verdicts["a"]["b"] is not Verdict.DOWN for verdicts in history)


@pytest.mark.parametrize("skews", EVERY_SKEW[::2])
@pytest.mark.parametrize("late", [0, 2])
@pytest.mark.parametrize("restarted", ["", "a", "b"])
def test_one_blind_observer_makes_nobody_dead(skews: dict[str, timedelta], late: int, restarted: str) -> None:
    """It votes against everybody, alone: by no clock, no delay and no restart do its votes become two."""
    history = run(skews, late, blind="c", restarted=restarted)
    assert not [v for step in history for verdicts in step.values() for v in verdicts.values() if v is Verdict.DOWN]


@pytest.mark.parametrize("skews", EVERY_SKEW)
def test_a_reader_that_restarts_is_not_told_by_the_dead(skews: dict[str, timedelta]) -> None:
    """The last report of a dead observer is found by the new process, and says nothing about now."""
    history = run(skews, 0, dead="c", restarted="a")
    assert history[-1]["a"]["c"] is Verdict.DOWN, "a and b have both seen it since"
    air, reader = Air(skews, 0), Reader("a")
    seen = tuple(a_round("c", SITES, step, "c", doubting=False) for step in range(5))
    air.publish("c", seen, BELL)
    air.read(reader, "c")
    reader.rounds = tuple(a_round("a", SITES, step, "a", doubting=False) for step in range(5))
    assert Verdict.DOWN not in reader.judge(BELL + ROUND * 4).values()
