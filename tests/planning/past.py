"""Pasts of one ENT, as the planner would remember them."""

from dataclasses import replace
from datetime import datetime, timedelta

from controller.domain.memory import DemandPoint, EntSamples, Memory, Morning, Samples
from controller.domain.world import World
from tests.builders import BELL, key

LONG_AGO = BELL - timedelta(hours=1)


def points(
    *,
    seconds: int = 140,
    spacing: int = 10,
    per_second: float = 20.0,
    rise: float = 0.0,
    attempts: float | None = None,
    attempts_rise: float = 0.0,
    successes: float | None = None,
    ready: float = 50.0,
    until: datetime = BELL,
) -> tuple[DemandPoint, ...]:
    """Regular points up to just before `until`, rising by `rise` per second squared."""
    return tuple(
        DemandPoint(
            at=until - timedelta(seconds=age),
            demand_per_second=per_second - rise * age,
            first_attempts_per_second=None if attempts is None else attempts - attempts_rise * age,
            successes_per_second=successes,
            ready_capacity_per_second=ready,
        )
        for age in range(seconds, 0, -spacing)
    )


def a_morning(
    *,
    seen: float,
    foreseen: float,
    seconds: float = 600.0,
    at: datetime = BELL,
    begun_at: datetime | None = None,
) -> Morning:
    """Sums of a morning whose last look is `at`."""
    return Morning(
        begun_at=begun_at or at - timedelta(seconds=seconds),
        at=at,
        attempts_per_second=0.0,
        expected_per_second=0.0,
        seen=seen,
        foreseen=foreseen,
        watched_seconds=seconds,
    )


def with_past(world: World, samples: EntSamples | None = None, **more: object) -> World:
    """The world with this past of its first ENT, complete for an hour."""
    past = replace(samples or EntSamples(ent=key()), **more)  # type: ignore[arg-type]
    memory = Memory(ents=world.memory.ents, samples=Samples(complete_since=LONG_AGO, ents=(past,)))
    return replace(world, memory=replace(memory, sites=world.memory.sites))
