"""The parts of the demo that need no process: queue, shape, files, edge, sentences."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.demo import haproxy, records
from tests.demo.builders import decision, evacuation
from tests.demo.phases import phase_at, phases
from tests.demo.queueing import Queue
from tests.demo.records import Attempt, Mark, PortalSecond, Tail
from tests.demo.sentences import because, sentence
from tests.demo.shape import most_per_second, wanted_per_second
from tests.demo.story import LOST_SITE, MANAGEMENT_SITE, Story

STORY = Story()


def mean_wait_seconds(utilisation: float) -> tuple[float, float]:
    """Return the mean wait and the refused share of Poisson arrivals at a capacity of 40 per second."""
    chance, queue, at = random.Random(1), Queue(longest_wait_seconds=1.0), 0.0
    waits = []
    for _ in range(20_000):
        at += chance.expovariate(40 * utilisation)
        waits.append(queue.admit(at, 40.0))
    admitted = [wait for wait in waits if wait is not None]
    return sum(admitted) / len(admitted), 1 - len(admitted) / len(waits)


def test_latency_rises_before_anybody_is_refused() -> None:
    """At 50, 75 and 95 % the wait grows, as M/D/1 has it; only above 100 % people are turned away."""
    half, refused_half = mean_wait_seconds(0.5)
    full, refused_full = mean_wait_seconds(0.95)
    over, refused_over = mean_wait_seconds(1.3)
    assert half == pytest.approx(0.5 / (2 * 0.5) / 40, rel=0.1)
    assert half < mean_wait_seconds(0.75)[0] < full < over <= 1.0
    assert refused_half == 0 <= refused_full < 0.001
    assert refused_over == pytest.approx(1 - 1 / 1.3, abs=0.03)


def test_nothing_ready_refuses_everybody_and_forgets_the_queue() -> None:
    """Replicas that are gone do not work off what waited for them."""
    queue = Queue(longest_wait_seconds=1.0)
    assert queue.admit(0.0, 0.0) is None
    assert queue.admit(0.1, 4.0) == 0.0


def test_the_day_is_quiet_then_at_its_peak_then_calmer() -> None:
    """Every ENT follows the same shape and never wants more than its bound."""
    times = STORY.times
    for ent in STORY.ents:
        quiet, peak, later = (
            wanted_per_second(STORY, ent, second) for second in (10.0, times.bell + 20, times.bell + 150)
        )
        assert quiet < later < peak <= most_per_second(STORY, ent) < ent.peak_per_second


def test_the_loss_of_any_site_leaves_every_ent_a_site() -> None:
    """The story must be one that can end well; and the lost site is somebody's home, but not the Lease's."""
    assert all(len(ent.sites) >= 2 for ent in STORY.ents)
    assert any(ent.home == LOST_SITE for ent in STORY.ents)
    assert LOST_SITE != MANAGEMENT_SITE


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    """A half line at the end, as of a process that was killed, is no record."""
    second = PortalSecond(12.5, "a", "ent-nord", 3, 2, 9, 8, 1)
    path = tmp_path / "portal.csv"
    path.write_text(PortalSecond.header() + second.text() + "13.5,a,ent")
    assert records.read_lines(path, PortalSecond) == [second]
    assert records.read_lines(tmp_path / "none.csv", Attempt) == []


def test_tail_waits_for_the_other_half_of_a_line(tmp_path: Path) -> None:
    """What is written while we look is read once, and whole."""
    path = tmp_path / "log"
    tail = Tail(path)
    assert list(tail.new_lines()) == []
    path.write_text("one\ntw")
    assert list(tail.new_lines()) == ["one"]
    with path.open("a") as file:
        file.write("o\n")
    assert list(tail.new_lines()) == ["two"]


def test_every_site_of_an_ent_has_a_server_line_of_weight_100() -> None:
    """The agent answers in percent of the configured weight, so it must be 100; and HAProxy says whom it asks about."""
    ports = haproxy.EdgePorts(users=1, statistics=2, agent=3)
    text = haproxy.configuration(STORY, ports, {"a": 11, "b": 12, "c": 13}, Path("busy.http"))
    for ent in STORY.ents:
        for site, port in zip("abc", (11, 12, 13), strict=True):
            line = f'server {site} 127.0.0.1:{port} weight 100 agent-send "portails/{ent.name}/{site}\\n"'
            assert (line in text) is (site in ent.sites)


def test_weights_are_read_from_the_statistics() -> None:
    """Only server lines of ENTs count; a server that HAProxy holds for down has a weight all the same."""
    statistics = (
        "# pxname,svname,status,weight\n"
        "users,FRONTEND,OPEN,\n"
        "ent-nord,a,UP 1/2,75\n"
        "ent-nord,b,DOWN,25\n"
        "ent-nord,BACKEND,UP,100\n"
    )
    found = haproxy.weights_of(statistics, STORY, 5.0)
    assert [(w.site, w.weight, w.up) for w in found] == [("a", 75, 1), ("b", 25, 0)]


def test_the_busy_answer_is_whole_and_in_french() -> None:
    """HAProxy sends it as it stands."""
    head, _, page = haproxy.busy_answer().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.0 503")
    assert "Retry-After:" in head
    assert '<html lang="fr">' in page


def test_decisions_read_as_sentences() -> None:
    """No glossary, and no repetition of what the sentence has said already."""
    assert sentence(evacuation(1)) == "ent-essai: traffic leaves a dead site, b 100 → 0 %, c 0 → 100 %"
    grown = decision(1, "action", action="SetReplicas", outcome="Done", ent="p/x", site="a", was=2, replicas=9,
                     because="grow from 2 to 9: the bell")  # fmt: skip
    assert (sentence(grown), because(grown)) == ("x at a: 2 → 9 replicas", "the bell")
    moved = decision(1, "action", action="SetWeights", because="evacuation: b 100 → 0 % (b is gone (3 rounds))")
    assert because(moved) == "b is gone (3 rounds)"
    assert sentence(decision(1, "action", action="SetAdmission")) is None
    assert sentence(decision(1, "withheld", action="SetWeights", reason="StepInterval")) is None


def test_acts_follow_what_was_really_done() -> None:
    """A late kill is told when it happened."""
    marks = (Mark(100.0, records.CURTAIN), Mark(250.0, records.SITE_KILLED, "b"), Mark(300.0, records.END))
    acts = phases(STORY, marks)
    assert [act.name for act in acts] == ["before school", "ramp", "bell", "b lost"]
    assert acts[-1].start == 150.0
    assert acts[-1].end == 200.0
    found = phase_at(acts, 149.0)
    assert found is not None
    assert found.name == "bell"
    assert phases(STORY, ()) == ()
