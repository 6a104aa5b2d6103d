"""The way home, on hand-made weights."""

from __future__ import annotations

import pytest

from tests.demo.builders import MARKS, recording, weights
from tests.demo.figures.failback import failback, turns
from tests.demo.figures.measured import NotMeasured


def home_by(step: int, *, every: int = 4) -> list[int]:
    """Return the weight at the lost site per second: all, none after the evacuation, back by steps from 180 on."""
    return [100 if s < 137 else 0 if s < 180 else min(100, step * (1 + (s - 180) // every)) for s in range(250)]


def test_bounded_steps_without_turning() -> None:
    """Five steps of twenty."""
    track = home_by(20)
    found = failback(recording(weights=weights(lambda s: track[s])))
    assert (found.reversals, found.largest_step_percent) == (0, 20)
    assert found.home_after_seconds == pytest.approx(26.0)


def test_a_jump_is_seen() -> None:
    """All at once is one step of a hundred."""
    track = home_by(100)
    assert failback(recording(weights=weights(lambda s: track[s]))).largest_step_percent == 100


def test_going_away_again_is_a_reversal() -> None:
    """Up to sixty, down to twenty, up to all: two turns."""
    track = home_by(20)
    track[192:200] = [20] * 8
    assert failback(recording(weights=weights(lambda s: track[s]))).reversals == 2


def test_traffic_that_stays_away_is_not_measured() -> None:
    """No reversal because nothing returned is no merit."""
    found = failback(recording(weights=weights(lambda s: 100 if s < 137 else 0)))
    assert isinstance(found.reversals, NotMeasured)
    assert isinstance(found.largest_step_percent, NotMeasured)


def test_no_return() -> None:
    """Without the mark the site never came back."""
    marks = tuple(mark for mark in MARKS if mark.what != "site-returned")
    track = home_by(20)
    assert isinstance(failback(recording(weights=weights(lambda s: track[s]), marks=marks)).reversals, NotMeasured)


@pytest.mark.parametrize(
    ("track", "expected"),
    [
        ([], 0),
        ([50], 0),
        ([0, 20, 40], 0),
        ([0, 20, 18, 40], 0),  # two percent are noise
        ([0, 20, 17, 40], 2),
        ([100, 80, 60, 80], 1),
        ([0, 2, 0, 2, 0], 0),
        ([40, 39, 38, 37, 36], 0),  # a slow fall is one way
        ([0, 50, 49, 48, 47, 46], 1),  # a slow fall after a rise is a turn
    ],
)
def test_turns(track: list[int], expected: int) -> None:
    """A turn is a change of direction by more than two percent from the last extreme."""
    assert turns(track) == expected
