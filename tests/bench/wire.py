"""How long a line of a large fleet takes to read and to write: `python -m tests.bench.wire [ENTS]`, CPU seconds."""

import gc
import sys
import time
from collections.abc import Callable
from datetime import timedelta

from controller.cli.plans import GARBAGE_AFTER
from controller.domain.fleet import Edge, EdgeKind
from controller.domain.memory import EntMemory, Latch, Memory, Move, MoveKind, Samples
from controller.domain.names import ActionId
from controller.domain.plan import Because, Plan, SetReplicas
from controller.domain.reasons import Reason
from controller.domain.world import World
from controller.wire.plan import Answer, read_plan_line, write_plan_line
from controller.wire.world import Question, read_world_line, write_world_line
from tests.builders import BELL, EDGE, WORKLOAD, a_reading, a_site, a_window, a_world, an_ent

SITES = tuple("abcde")
SIGNALS = ("requests", "errors", "latencySeconds", "firstAttempts")
REPEATS = 5


def fleet(ents: int) -> World:
    """Every ENT at five sites with four signals at each, two bells, and restraints of a busy morning."""
    all_ents = [an_ent(f"e{i:05}", sites=SITES) for i in range(ents)]
    return a_world(
        ents=all_ents,
        sites=[a_site(name) for name in SITES],
        edges=(Edge(name=EDGE, kind=EdgeKind.HAPROXY_AGENT),),
        windows=tuple(
            a_window(ent.key, BELL + timedelta(hours=hour), 60, 60.0) for ent in all_ents for hour in range(2)
        ),
        readings=tuple(
            a_reading(ent.key, site, 20.0 + number % 7, BELL - timedelta(microseconds=number), signal)
            for number, ent in enumerate(all_ents)
            for site in SITES
            for signal in SIGNALS
        ),
        memory=Memory(
            ents=tuple(
                EntMemory(
                    ent=ent.key,
                    moves=tuple(
                        Move(
                            edge=EDGE,
                            site=p.site,
                            before_percent=10,
                            after_percent=20,
                            at=BELL,
                            kind=MoveKind.BALANCE,
                        )
                        for p in ent.placements
                    ),
                    latches=tuple(
                        Latch(site=p.site, replicas=9, until=BELL, source="schedule test: bell") for p in ent.placements
                    ),
                )
                for ent in all_ents
            ),
            samples=Samples(complete_since=BELL),
        ),
    )


def a_plan(world: World) -> Plan:
    """One raise per placement, with the memory that the world has: the largest answer in actions."""
    because = Because(reason=Reason.SCHEDULE, text="grow from 10 to 20: schedule test: bell")
    actions = tuple(
        SetReplicas(
            id=ActionId(f"replicas:{ent.key}:{p.site}"),
            ent=ent.key,
            site=p.site,
            target=WORKLOAD,
            was=10,
            replicas=20,
            because=because,
        )
        for ent in world.ents
        for p in ent.placements
    )
    return Plan(actions=actions, memory=world.memory, next_look_at=BELL)


def seconds(work: Callable[[], object]) -> float:
    """Return the least CPU seconds of a few runs."""
    found = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def main() -> None:
    """Print one line per direction."""
    gc.set_threshold(GARBAGE_AFTER)  # as the command does
    ents = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    question = Question(id="bench", now=BELL, world=fleet(ents))
    asked = write_world_line(question)
    answer = Answer(id="bench", plan=a_plan(question.world))
    answered = write_plan_line(answer)
    print(f"{ents} ENTs at {len(SITES)} sites: world {len(asked) / 1e6:.1f} MB, plan {len(answered) / 1e6:.1f} MB")
    print(f"read a world {seconds(lambda: read_world_line(asked)):.3f} s")
    print(f"write a plan {seconds(lambda: write_plan_line(answer)):.3f} s")
    print(f"write a world {seconds(lambda: write_world_line(question)):.3f} s")
    print(f"read a plan {seconds(lambda: read_plan_line(answered)):.3f} s")


if __name__ == "__main__":
    main()
