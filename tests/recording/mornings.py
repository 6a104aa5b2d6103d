"""A few minutes of decisions in a row, each on the memory of the one before, as the loop makes them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from controller.domain.plan import Plan
from controller.domain.world import World
from controller.planning.decide import decide
from tests.builders import BELL, a_window, a_world, key


def a_morning(
    decisions: int = 12, *, begins: datetime = BELL - timedelta(minutes=6)
) -> Iterator[tuple[World, Plan, datetime]]:
    """Worlds half a minute apart towards a bell, with the plans made of them."""
    memory = a_world(begins).memory
    for count in range(decisions):
        now = begins + timedelta(seconds=30 * count)
        world = replace(a_world(now, windows=(a_window(key(), BELL, 30, 200.0),)), memory=memory)
        decided = decide(world, now)
        memory = decided.memory
        yield world, decided, now
