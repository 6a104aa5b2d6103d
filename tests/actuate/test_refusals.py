"""Refused is refused until something changes."""

from dataclasses import replace
from datetime import timedelta

from controller.actuate.outcome import Refused
from controller.actuate.refusals import FORGOTTEN_AFTER, Refusals, wanted_of
from tests.actuate.test_apply import an_action
from tests.builders import BELL

ACTION, WHY = wanted_of(an_action("replicas:nord:a")), Refused(why="forbidden")


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


def test_a_refusal_says_nothing_of_another_wish() -> None:
    """Eight replicas were too many; whether five are is found out at once, and so is an evacuation to another site."""
    refusals = Refusals()
    assert refusals.standing(ACTION, generation=1, now=BELL) is None
    refusals.remember(ACTION, WHY, BELL)
    fewer = wanted_of(replace(an_action("replicas:nord:a"), replicas=5))
    assert refusals.standing(fewer, generation=1, now=BELL) is None


def test_refusals_do_not_pile_up() -> None:
    """A wish that changes with every cycle is remembered for as long as its refusal stands, and no longer."""
    refusals = Refusals()
    for number in range(50):
        wish = wanted_of(replace(an_action("replicas:nord:a"), replicas=number))
        refusals.remember(wish, WHY, BELL + FORGOTTEN_AFTER * number)
    assert len(refusals._refused) == 1
