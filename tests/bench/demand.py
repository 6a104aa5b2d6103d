"""What demand and memory cost per ENT and cycle: `python -m tests.bench.demand [ENTS]`, CPU microseconds."""

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from controller.domain.memory import EntMemory, LearnedLead, Memory
from controller.domain.names import SiteName
from controller.domain.readings import Fresh
from controller.domain.world import World
from controller.planning.bottleneck import ceiling_of
from controller.planning.demand import demand_of
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from controller.planning.placement import place
from controller.planning.planner import plan
from controller.planning.remembering import memory_after
from controller.planning.scaling import targets_of
from tests.builders import BELL, a_reading, a_site, a_window, a_world, an_ent, replicas
from tests.planning.test_properties import applied

SITES = ("a", "b", "c", "d", "e")
SIGNALS = ("requests", "firstAttempts", "successes")
CYCLE = timedelta(seconds=5)
CYCLES = 80
"""Enough to fill every window of the past: the longest is twelve minutes at every sixth cycle."""
ROUNDS = 20
BELLS_A_DAY = 8


def steady(ents: int) -> World:
    """Five placements each, three signals and errors at every site, three days of bells, learned lead times."""
    all_ents = [an_ent(f"e{i:05}", sites=SITES) for i in range(ents)]
    readings = [
        a_reading(e.key, site, 4.0 + i % 3, BELL, signal)
        for i, e in enumerate(all_ents)
        for site in SITES
        for signal in SIGNALS
    ]
    readings += [a_reading(e.key, site, 0.0, BELL, "errors") for e in all_ents for site in SITES]
    windows = [
        a_window(e.key, BELL + timedelta(days=day, hours=hour - 1), 50, 60.0, ramp_seconds=600.0)
        for e in all_ents
        for day in (-1, 0, 1, 2)
        for hour in range(BELLS_A_DAY)
    ]
    leads = tuple(LearnedLead(site=SiteName(s), rows=((2, 9, 45, 40, 60), (5, 3, 90, 80, 120))) for s in SITES)
    world = a_world(
        ents=all_ents,
        sites=[a_site(name) for name in SITES],
        weights={(e.key.name, site): 20 for e in all_ents for site in SITES},
        windows=tuple(windows),
    )
    memory = Memory(ents=tuple(EntMemory(ent=e.key, leads=leads) for e in all_ents), samples=world.memory.samples)
    return replace(world, readings=tuple(readings), memory=memory)


def later(world: World, now: datetime) -> World:
    """Return the same world, seen again, with all replicas Ready."""
    readings = tuple(
        replace(r, reading=Fresh(value=r.reading.value, at=now)) if isinstance(r.reading, Fresh) else r
        for r in world.readings
    )
    return replace(
        world, readings=readings, replicas=tuple(replicas(r.ent, r.site, r.wanted, now) for r in world.replicas)
    )


def per_ent(ents: int, work: Callable[[], object]) -> float:
    """Return the CPU microseconds per ENT, the best of some rounds, without the garbage collector as `timeit` does."""
    best = float("inf")
    gc.disable()
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    gc.enable()
    return best / ents * 1e6


def main() -> None:
    """Print one line per stage."""
    ents = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    world, now = steady(ents), BELL
    for _ in range(CYCLES):
        now += CYCLE
        decided = plan(world, now)
        world = later(applied(world, decided, len(decided.actions)), now)
    facts = facts_of(world, now)
    health = judge_sites(facts)
    demands = {key: demand_of(facts, ent, health) for key, ent in facts.ents.items()}
    ceilings = {key: ceiling_of(facts, demand) for key, demand in demands.items()}
    targets = targets_of(facts, demands, place(facts, demands, ceilings, health), health, {})
    points = max(len(s.recent) + len(s.older) for s in world.memory.samples.ents)
    stages: dict[str, Callable[[], object]] = {
        "demand": lambda: [demand_of(facts, ent, health) for ent in facts.ents.values()],
        "ceilings": lambda: [ceiling_of(facts, demand) for demand in demands.values()],
        "memory": lambda: memory_after(facts, demands, ceilings, targets, [], [], health),
    }
    figures = {name: per_ent(ents, work) for name, work in stages.items()}
    line = ", ".join(f"{name} {figure:.1f}" for name, figure in figures.items())
    print(
        f"{ents} ENTs at {len(SITES)} sites, {points} points each: {line}, sum {sum(figures.values()):.1f} us per ENT"
    )


if __name__ == "__main__":
    main()
