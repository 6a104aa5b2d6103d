"""How long one plan and its invariants take: `python -m tests.bench.planning [ENTS ...]`, CPU seconds."""

import sys
import time
from dataclasses import replace
from datetime import timedelta

from controller.domain.memory import DemandPoint, EntSamples, Samples
from controller.domain.names import EntKey
from controller.domain.world import World
from controller.planning.invariants import violations
from controller.planning.planner import plan
from tests.builders import BELL, a_site, a_window, a_world, an_ent

FLEETS = (50, 200)
RECENT, OLDER = 16, 20
"""Points of the recent past, as many as the planner keeps."""


def a_past(ent: EntKey) -> EntSamples:
    """All the points that are ever kept, flat but for a little noise."""
    ages = [160 + 30 * i for i in range(OLDER, 0, -1)] + [10 * i for i in range(RECENT, 0, -1)]
    points = tuple(
        DemandPoint(at=BELL - timedelta(seconds=age), demand_per_second=20.0 + age % 3, ready_capacity_per_second=100.0)
        for age in ages
    )
    return EntSamples(
        ent=ent, recent=points[OLDER:], older=points[:OLDER], known_per_second=20.0, known_at=points[-1].at
    )


def fleet(ents: int) -> World:
    """A bell for every ENT at three sites, with all the samples that are ever kept."""
    all_ents = [an_ent(f"e{i:05}", sites=("a", "b", "c")) for i in range(ents)]
    samples = tuple(a_past(ent.key) for ent in all_ents)
    world = a_world(
        ents=all_ents,
        sites=[a_site(name) for name in "abc"],
        windows=tuple(a_window(ent.key, BELL, 60, 60.0) for ent in all_ents),
    )
    return replace(world, memory=replace(world.memory, samples=Samples(complete_since=BELL, ents=samples)))


def main() -> None:
    """Print one line per size of fleet."""
    for ents in [int(argument) for argument in sys.argv[1:]] or FLEETS:
        world = fleet(ents)
        began = time.process_time()
        decided = plan(world, BELL)
        planned = time.process_time()
        found = violations(world, decided, BELL)
        checked = time.process_time()
        line = f"{ents} ENTs: plan {planned - began:.2f} s, invariants {checked - planned:.2f} s"
        print(f"{line}, {len(decided.actions)} actions, {len(found)} violations")


if __name__ == "__main__":
    main()
