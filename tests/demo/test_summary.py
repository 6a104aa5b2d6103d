"""Requests, the shape of the summary, and bars that can be missed."""

from __future__ import annotations

import json

import pytest

from tests.demo.builders import CURTAIN, STORY, at, attempts, recording
from tests.demo.figures.bars import bars, judge
from tests.demo.figures.captions import CAPTIONS, GROUPS, SHORTENED
from tests.demo.figures.service import requests
from tests.demo.figures.summary import summarise
from tests.demo.operator import cycle_p99_milliseconds
from tests.demo.recording import read_decision
from tests.demo.records import Attempt

ISSUE_KEYS = {
    "prescale": {"min_margin_seconds", "shortfall_replicas"},
    "metrics_outage": {"scale_downs", "moves"},
    "site_loss": {"decided_seconds", "traffic_moved_seconds", "max_destination_utilisation"},
    "failback": {"reversals"},
    "requests": {"total", "failed", "failed_outside_site_loss"},
    "controller": {"cycle_p99_milliseconds", "rss_megabytes"},
}


def failure(second: float, attempt: int = 1, seconds: float = 0.1, then: str = "again") -> Attempt:
    """Return a failed attempt that began at this second."""
    return Attempt(at(second), "ent-essai", attempt, 503, seconds, "", then)


def test_first_attempts_and_retries_are_told_apart() -> None:
    """A user who fails twice is one request, one failure and one retry that failed."""
    found = requests(recording(attempts=[*attempts(lambda _: "b"), failure(131), failure(133, 2, then="gave-up")]))
    assert (found.total, found.failed, found.retries, found.retries_failed, found.gave_up) == (2501, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("second", "outside"), [(129.5, 1), (129.95, 0), (130.0, 0), (144.8, 0), (145.0, 1), (200.0, 1)]
)
def test_the_loss_window_is_kill_to_fifteen_seconds_later(second: float, outside: int) -> None:
    """What counts is when the user saw it fail: a request that the kill cut off belongs to the loss."""
    assert requests(recording(attempts=[failure(second)])).failed_outside_site_loss == outside


def test_a_failed_retry_outside_counts_too() -> None:
    """The effect of a loss must not go on in the retries."""
    assert requests(recording(attempts=[failure(150, 2)])).failed_outside_site_loss == 1


def test_a_late_answer_is_a_failure() -> None:
    """Status 0 is what the load generator writes when patience ran out."""
    assert Attempt(CURTAIN, "ent-essai", 1, 0, 4.0, "", "gave-up").failed


def test_every_key_is_there_with_null_and_why_where_nothing_was_measured() -> None:
    """An empty recording gives a whole summary without a single figure, and no zero."""
    summary = summarise(recording(marks=()))
    assert summary["schema_version"] == 1
    assert summary["shortened"]
    for group, keys in ISSUE_KEYS.items():
        for key in keys:
            assert summary[group][key] is None
            assert summary[group]["why"][key]
    json.dumps(summary, allow_nan=False)


def test_what_was_not_measured_misses_every_bar() -> None:
    """Silence is no success."""
    judged = judge(summarise(recording(marks=())), STORY)
    assert judged
    assert not any(one.met for one in judged)
    assert "not measured" in str(judged[0])


def test_every_bar_can_be_missed_and_met() -> None:
    """A check that cannot fail is a defect."""
    for bar in bars(STORY):
        assert {bar.holds(value) for value in (-1000, -1, 0, 0.5, 1, 5, 1000)} == {True, False}


def test_report_names_every_figure_and_setting() -> None:
    """Nothing in the summary is without words in the report."""
    summary = summarise(recording())
    named = {(group, key) for group in GROUPS for key in summary[group] if key != "why"}
    assert {f"{group}.{key}" for group, key in named} - {"requests.retries_failed"} == set(CAPTIONS)
    assert set(summary["shortened"]) == set(SHORTENED)


def test_cycle_percentile_lies_within_its_bucket() -> None:
    """99 of 100 cycles up to 0.1 s: the percentile is that bound; beyond the last bound nothing is said."""
    line = 'sonnerie_cycle_duration_seconds_bucket{{le="{}"}} {}\n'
    figures = line.format("0.03", 50.0) + line.format("0.1", 99.0) + line.format("+Inf", 100.0)
    assert cycle_p99_milliseconds(figures) == pytest.approx(100.0)
    slow = line.format("0.1", 90.0) + line.format("+Inf", 100.0)
    assert cycle_p99_milliseconds(slow) is None
    assert cycle_p99_milliseconds("") is None


def test_lines_that_are_no_decisions_are_passed_over() -> None:
    """A traceback in the log must not stop the measuring."""
    assert read_decision("Traceback (most recent call last):") is None
    assert read_decision('{"event": "action"}') is None
    found = read_decision('{"at": "2026-11-24T11:02:39.383Z", "event": "action", "ent": "portails/ent-nord"}')
    assert found is not None
    assert (found.ent, found.at) == ("ent-nord", 1795518159.383)
