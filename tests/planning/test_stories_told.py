"""Every story is told as it was: a change of any number, reason or sentence is seen by whoever makes it."""

import pytest

from controller.planning.invariants import violations
from controller.planning.planner import plan
from tests.builders import BELL
from tests.planning.stories import TOLD, stories, told

NAMES = sorted(stories())


@pytest.mark.parametrize("name", NAMES)
def test_the_story_is_told_as_it_was(name: str) -> None:
    """`python -m tests.planning.stories --write` where the change is meant, and read what it changes."""
    assert told(stories()[name]) == (TOLD / f"{name}.json").read_text("utf-8")


def test_no_story_is_told_that_is_not_there() -> None:
    """A file that nothing compares proves nothing."""
    assert {path.stem for path in TOLD.glob("*.json")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_no_story_breaks_a_rule(name: str) -> None:
    """What is written down is safe as well."""
    world = stories()[name]
    assert violations(world, plan(world, BELL), BELL) == ()
