"""How long one plan takes: `python -m tests.bench.planning [ENTSxSITES ...]`, CPU milliseconds, the best of a few.

Three mornings, since each walks other paths: *steady* (a school window, everything in place), *bell* (all placements
grow and nothing moves yet) and *lost* (a site has just died, every ENT at home there is evacuated). The garbage of the
worlds is frozen as the controller freezes its own after the start.
"""

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from controller.domain.memory import DemandPoint, EntSamples, Samples
from controller.domain.names import EntKey
from controller.domain.readings import ProbeResult
from controller.domain.world import World
from controller.planning.invariants import violations
from controller.planning.planner import plan
from tests.builders import BELL, DEAD, a_site, a_window, a_world, an_ent, rounds
from tests.planning.test_properties import applied

FLEETS = ((20, 3), (1000, 5), (10_000, 10))
BARS_MILLISECONDS = {(20, 3): 5.0, (1000, 5): 150.0, (10_000, 10): 2500.0}
"""What is promised of one core; other sizes have no bar."""
BEST_OF = 3
RECENT, OLDER = 16, 20
"""Points of the recent past, as many as the planner keeps."""
DEMAND_PER_SECOND = 20.0
REPLICAS_AT_FIRST = 6
"""What 20/s take at home, so that the first plans have little to do."""
SETTLED_AFTER = 3
"""Plans carried out until nothing is left to do."""
AT_THE_BELL_PER_SECOND = 60.0


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


def settled(ents: int, sites: int) -> World:
    """ENTs at home at one site each, spread over all, in a window, with everything in place and remembered."""
    names = [f"s{i}" for i in range(sites)]
    all_ents = [an_ent(f"e{i:05}", sites=names, home=names[i % sites]) for i in range(ents)]
    world = a_world(
        ents=all_ents,
        sites=[a_site(name) for name in names],
        counts={(ent.key.name, name): REPLICAS_AT_FIRST for ent in all_ents for name in names},
        windows=tuple(a_window(ent.key, BELL - timedelta(minutes=20), 60, DEMAND_PER_SECOND) for ent in all_ents),
    )
    samples = Samples(complete_since=BELL - timedelta(hours=1), ents=tuple(a_past(ent.key) for ent in all_ents))
    world = replace(world, memory=replace(world.memory, samples=samples))
    for _ in range(SETTLED_AFTER):
        decided = plan(world, BELL)
        world = applied(world, decided, len(decided.actions))
    return world


def at_the_bell(world: World) -> World:
    """Three times the demand is scheduled within the lead time."""
    later = BELL + timedelta(minutes=3)
    more = tuple(a_window(ent.key, later, 60, AT_THE_BELL_PER_SECOND) for ent in world.ents)
    return replace(world, windows=(*world.windows, *more))


def with_a_site_lost(world: World) -> World:
    """The first site has failed for three rounds."""
    names = [site.name for site in world.sites]
    gone: dict[str, ProbeResult] = {names[0]: DEAD}
    return replace(world, rounds=rounds(BELL, names, api=gone, public=gone))


MORNINGS: dict[str, Callable[[World], World]] = {
    "steady": lambda world: world,
    "bell": at_the_bell,
    "lost": with_a_site_lost,
}


def milliseconds(measured: Callable[[], object]) -> float:
    """CPU time of the fastest of a few calls."""
    best = float("inf")
    for _ in range(BEST_OF):
        began = time.process_time()
        measured()
        best = min(best, time.process_time() - began)
    return best * 1000


def main() -> None:
    """Print one line per size of fleet and morning."""
    asked = [tuple(map(int, argument.split("x"))) for argument in sys.argv[1:]] or list(FLEETS)
    for ents, sites in asked:
        calm = settled(ents, sites)
        for morning, happens in MORNINGS.items():
            world = happens(calm)
            gc.collect()
            gc.freeze()
            decided = plan(world, BELL)
            planned = milliseconds(partial(plan, world, BELL))
            checked = milliseconds(partial(violations, world, decided, BELL))
            promised = BARS_MILLISECONDS.get((ents, sites))
            bar = f" (bar {promised:g} ms)" if promised is not None and morning == "steady" else ""
            each = f"{planned * 1000 / ents / sites:.1f} µs a placement"
            line = f"{ents} x {sites}, {morning}: plan {planned:.1f} ms{bar}, {each}, invariants {checked:.1f} ms"
            print(f"{line}, {len(decided.actions)} actions")
            gc.unfreeze()


if __name__ == "__main__":
    main()
