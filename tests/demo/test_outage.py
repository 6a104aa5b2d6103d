"""Scale-downs and moves while a Prometheus is away; and outages that would show nothing."""

from __future__ import annotations

from tests.demo.builders import BLINDED, MARKS, REFUGE, decision, portal, recording, weights
from tests.demo.figures.measured import NotMeasured
from tests.demo.figures.outage import metrics_outage

STEADY = weights(lambda _: 50)


def steady(_second: int) -> int:
    """The same all the time."""
    return 8


def test_nothing_happened() -> None:
    """Growth is no scale-down."""
    seconds = portal(REFUGE, ready=steady, arrived=steady, wanted=lambda s: 8 if s < 105 else 9)
    found = metrics_outage(recording(seconds=seconds, weights=STEADY, decisions=[BLINDED]))
    assert (found.scale_downs, found.moves) == (0, 0)


def test_a_scale_down_is_seen_in_the_quarantine_too() -> None:
    """The window lasts until the returned Prometheus is believed, after 110."""
    seconds = portal(REFUGE, ready=steady, arrived=steady, wanted=lambda s: 9 if s < 120 else 8)
    assert metrics_outage(recording(seconds=seconds, weights=STEADY, decisions=[BLINDED])).scale_downs == 1


def test_a_scale_down_before_or_after_is_not_the_outages() -> None:
    """Only what happens while nobody can know counts."""
    seconds = portal(REFUGE, ready=steady, arrived=steady, wanted=lambda s: 10 if s < 90 else 9 if s < 130 else 8)
    assert metrics_outage(recording(seconds=seconds, weights=STEADY, decisions=[BLINDED])).scale_downs == 0


def test_a_move_counts_at_both_sites() -> None:
    """Ten percent from one to the other change two weights."""
    seconds = portal(REFUGE, ready=steady, arrived=steady)
    moved = weights(lambda s: 50 if s < 105 else 40)
    assert metrics_outage(recording(seconds=seconds, weights=moved, decisions=[BLINDED])).moves == 2


def test_an_outage_that_the_controller_did_not_notice_shows_nothing() -> None:
    """One signal of several that is not Fresh is no outage: then 0 would be no merit."""
    seconds = portal(REFUGE, ready=steady, arrived=steady)
    half = decision(102, "readings", site=REFUGE, now={"Fresh": 3, "StaleUnreachable": 1})
    for decisions in ([], [half]):
        found = metrics_outage(recording(seconds=seconds, weights=STEADY, decisions=decisions))
        assert isinstance(found.scale_downs, NotMeasured)
        assert isinstance(found.moves, NotMeasured)


def test_an_outage_without_traffic_or_watch_shows_nothing() -> None:
    """Nothing to move, or nobody who would have seen it."""
    idle = portal(REFUGE, ready=steady, arrived=lambda _: 0)
    busy = portal(REFUGE, ready=steady, arrived=steady)
    found = metrics_outage(recording(seconds=idle, weights=STEADY, decisions=[BLINDED]))
    assert isinstance(found.moves, NotMeasured)
    found = metrics_outage(recording(seconds=busy, decisions=[BLINDED]))
    assert isinstance(found.moves, NotMeasured)


def test_no_outage() -> None:
    """Without the marks there was none."""
    marks = tuple(mark for mark in MARKS if "metrics" not in mark.what)
    assert isinstance(metrics_outage(recording(weights=STEADY, marks=marks)).moves, NotMeasured)
