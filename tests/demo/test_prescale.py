"""The margin of the pre-scale, on hand-made ramps, good and bad."""

from __future__ import annotations

import pytest

from tests.demo.builders import portal, recording
from tests.demo.figures.measured import NotMeasured
from tests.demo.figures.prescale import prescale


def ramp(second: int) -> int:
    """Nobody until the ramp begins at 50, then two more per second up to 34, which needs 10 replicas at 85 %."""
    return min(34, max(0, 2 * (second - 50)))


def test_margin_counts_from_the_last_second_that_was_not_ready() -> None:
    """Ready at 30: the first second that needs an eleventh replica would have had it for that long."""
    found = prescale(recording(seconds=portal("b", ready=lambda s: 2 if s < 30 else 12, arrived=ramp)))
    # From 54 on (mean of five seconds: 8, so 2.4 replicas) more than the two are needed that were always there.
    assert found.min_margin_seconds == pytest.approx(24.0, abs=1.0)
    assert found.shortfall_replicas == 0


def test_late_capacity_is_a_negative_margin_and_a_shortfall() -> None:
    """A controller that reacts to the burst misses the bar on both figures."""
    found = prescale(recording(seconds=portal("b", ready=lambda s: 2 if s < 75 else 12, arrived=ramp)))
    assert isinstance(found.min_margin_seconds, float)
    assert found.min_margin_seconds < -15
    assert found.shortfall_replicas == 8


def test_capacity_that_was_lost_and_came_back_counts_from_its_return() -> None:
    """Ready long ago, away for a moment: what counts is how long it has been there without interruption."""
    found = prescale(recording(seconds=portal("b", ready=lambda s: 2 if s == 50 else 12, arrived=ramp)))
    assert isinstance(found.min_margin_seconds, float)
    assert found.min_margin_seconds < 5


def test_the_worst_site_counts() -> None:
    """Plenty at one site does not excuse too little at another that gets the same traffic."""
    good = portal("a", ready=lambda _: 20, arrived=ramp)
    bad = portal("b", ready=lambda _: 9, arrived=ramp)
    assert prescale(recording(seconds=[*good, *bad])).shortfall_replicas == 1


def test_never_ready_is_counted_to_the_end() -> None:
    """Capacity that never comes is late by all that was recorded."""
    found = prescale(recording(seconds=portal("b", ready=lambda _: 0, arrived=ramp)))
    assert isinstance(found.min_margin_seconds, float)
    assert found.min_margin_seconds < -100


def test_nobody_came() -> None:
    """Without demand nothing was shown."""
    found = prescale(recording(seconds=portal("b", ready=lambda _: 9, arrived=lambda _: 0)))
    assert isinstance(found.min_margin_seconds, NotMeasured)
    assert isinstance(found.shortfall_replicas, NotMeasured)


def test_story_that_never_began() -> None:
    """Without a curtain there is no ramp."""
    found = prescale(recording(seconds=portal("b", ready=lambda _: 9, arrived=ramp), marks=()))
    assert isinstance(found.min_margin_seconds, NotMeasured)
