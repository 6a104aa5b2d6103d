"""Refused is refused until something changes."""

from datetime import timedelta

from controller.actuate.outcome import Refused
from controller.actuate.refusals import FORGOTTEN_AFTER, Refusals
from controller.domain.names import ActionId
from tests.builders import BELL

ACTION, WHY = ActionId("replicas:nord:a"), Refused(why="forbidden")


def test_a_refusal_stands_until_a_spec_changes_or_time_has_passed() -> None:
    """Nobody is asked every five seconds for what they have refused; a mended role is noticed all the same."""
    refusals = Refusals()
    assert refusals.standing(ACTION, generation=1, now=BELL) is None
    refusals.remember(ACTION, WHY, BELL)
    later = BELL + FORGOTTEN_AFTER
    assert refusals.standing(ACTION, generation=1, now=later - timedelta(seconds=1)) == WHY
    assert refusals.standing(ACTION, generation=1, now=later) is None
    refusals.remember(ACTION, WHY, later)
    assert refusals.standing(ACTION, generation=2, now=later) is None
