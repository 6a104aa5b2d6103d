"""What is logged: changes, each once."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.actuate.outcome import Done, LookAgainAt
from controller.domain.memory import Memory, SiteMemory, Verdict
from controller.domain.names import ActionId, SignalName, SiteName
from controller.domain.plan import Because, Plan, Withheld
from controller.domain.readings import Fresh, Missing, Reading, ReadingReason
from controller.domain.reasons import Reason
from controller.domain.world import SignalReading, World
from controller.runtime.journal import Journal, open_log
from tests.actuate.test_apply import a_plan, an_action
from tests.builders import BELL, key


class Log:
    """A journal whose lines can be read."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.journal = Journal(open_log(lambda: BELL, self._stream))

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines written since the last look."""
        written = [json.loads(line) for line in self._stream.getvalue().splitlines()]
        self._stream.seek(0)
        self._stream.truncate()
        return written


@pytest.fixture
def log() -> Log:
    """An empty log."""
    return Log()


def test_a_line_is_json_with_its_instant(log: Log) -> None:
    """Machines read logs; times are UTC."""
    log.journal.note("started", identity="me")
    assert log.lines() == [{"at": "2026-09-01T07:00:00.000Z", "level": "info", "event": "started", "identity": "me"}]


def test_a_plan_that_stays_the_same_is_logged_once(log: Log) -> None:
    """Steady state is silence, also when the sentence counts along."""
    first = an_action("grow")
    log.journal.plan(a_plan(first), {ActionId("grow"): Done()})
    assert [(line["event"], line["outcome"], line["replicas"]) for line in log.lines()] == [("action", "Done", 2)]
    reworded = replace(first, because=Because(reason=Reason.SCHEDULE, text="in 59 s"))
    news = log.journal.plan(a_plan(reworded), {ActionId("grow"): Done()})
    assert (log.lines(), news.actions) == ([], ())


def test_another_outcome_is_news(log: Log) -> None:
    """That an action now fails is worth a line, with why."""
    plan = a_plan(an_action("grow"))
    log.journal.plan(plan, {ActionId("grow"): Done()})
    log.lines()
    log.journal.plan(plan, {ActionId("grow"): LookAgainAt(at=BELL, why="HTTP 503")})
    (line,) = log.lines()
    assert (line["outcome"], line["why"]) == ("LookAgainAt", "HTTP 503")


def test_what_is_withheld_is_logged_when_it_begins(log: Log) -> None:
    """Once per action and reason; again if it comes back after it had ended."""
    held = Withheld(action=an_action("shrink"), because=Because(reason=Reason.FROZEN, text="until noon"))
    plan = Plan(withheld=(held,), memory=Memory(), next_look_at=BELL)
    for plans, lines in (([plan, plan], 1), ([a_plan(), plan], 1)):
        for each in plans:
            log.journal.plan(each, {})
        assert len(log.lines()) == lines


def test_verdicts_are_logged_when_they_change(log: Log) -> None:
    """With the reason and what it was before."""
    memory = Memory(sites=(SiteMemory(site=SiteName("a"), verdict=Verdict.HEALTHY, since=BELL),))
    log.journal.verdicts(memory, {SiteName("a"): "answers"})
    down = replace(memory, sites=(replace(memory.sites[0], verdict=Verdict.DOWN),))
    log.lines()
    assert log.journal.verdicts(down, {SiteName("a"): "both paths fail"}) == {"a": "Down"}
    (line,) = log.lines()
    assert (line["was"], line["verdict"], line["because"]) == ("Healthy", "Down", "both paths fail")
    assert log.journal.verdicts(down, {}) == {}


def test_quality_of_readings_is_one_line_per_site_and_change(log: Log) -> None:
    """A Prometheus that dies is one line, not one per ENT and signal."""

    def world(*readings: Reading) -> World:
        signals = (
            SignalReading(site=SiteName("a"), ent=key(str(n)), signal=SignalName("requests"), reading=reading)
            for n, reading in enumerate(readings)
        )
        return World(sites=(), ents=(), readings=tuple(signals))

    fresh = Fresh(value=1.0, at=BELL)
    log.journal.readings(world(fresh, fresh))
    log.journal.readings(world(fresh, replace(fresh, value=2.0, at=BELL + timedelta(seconds=5))))
    missing = Missing(reason=ReadingReason.TIMED_OUT)
    log.journal.readings(world(missing, missing))
    first, second = log.lines()
    assert first["now"] == {"Fresh": 2}
    assert (second["was"], second["now"]) == ({"Fresh": 2}, {"MissingTimedOut": 2})


def test_a_crash_names_the_line_and_no_more(log: Log) -> None:
    """Where in our code, without values that may be secret."""
    try:
        open_log(None)  # type: ignore[arg-type]
        Journal(None).note("x")
    except AttributeError as error:
        log.journal.crash("planning cycle", error)
    (line,) = log.lines()
    assert line["level"] == "error"
    assert line["line"].startswith("controller.runtime.journal:")
    assert "AttributeError" in line["traceback"]
    assert "in note" in line["traceback"]


def test_a_crash_names_the_errors_inside_a_group(log: Log) -> None:
    """A task group's own text says only how many there are."""
    log.journal.crash("policies", ExceptionGroup("unhandled errors", [KeyError("spec"), ValueError("odd")]))
    (line,) = log.lines()
    assert "KeyError: 'spec'" in line["traceback"]
    assert "ValueError: odd" in line["traceback"]
