"""Plays one fault once, on a world that stands, and reads back what was seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from tests.controlplane import wait_until
from tests.demo.recording import read_decision
from tests.demo.records import PortalSecond, portal_file
from tests.faults import controllers, traces
from tests.faults.cast import SITES
from tests.faults.doing import Hands
from tests.faults.figures import Trace
from tests.faults.steps import SkewClock
from tests.faults.table import Fault
from tests.faults.traces import Answer, Request, Weight, read_lines
from tests.faults.world import World

CALM_SECONDS = 60.0
TICK_SECONDS = 0.25
REPAIR_SECONDS = 90.0
Show = Callable[[str, float], None]
"""What happens, and the share of the run that is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Instants of one run."""

    began: float
    fault: float
    heal: float
    end: float


def play(world: World, fault: Fault, run: int, show: Show) -> Trace:
    """Play it and return what was seen."""
    hands = Hands(world)
    began = world.mark("calm", fault.name, run)
    planned = began + fault.before
    at = planned
    show("all is well", 0.0)
    with ThreadPoolExecutor(max_workers=1) as pool:
        under_way: list[Future[None]] = []
        try:
            for after, step in sorted(fault.steps, key=lambda pair: pair[0]):
                _sleep_until(planned + after, world)
                if after == 0.0 and at == planned:
                    at = world.mark("fault", fault.name, run)
                show(type(step).__name__, (fault.before + after) / fault.seconds)
                under_way.append(pool.submit(hands.do, step))
            _sleep_until(planned + fault.lasts, world)
            for future in under_way:
                future.result(REPAIR_SECONDS)
        finally:
            heal = world.mark("heal", fault.name, run)
            show("repairing", (fault.before + fault.lasts) / fault.seconds)
            pool.submit(hands.repair).result(REPAIR_SECONDS)
    _sleep_until(heal + fault.watch, world)
    end = world.mark("end", fault.name, run)
    return read_trace(world, fault, Times(began=began, fault=at, heal=heal, end=end))


def _sleep_until(instant: float, world: World) -> None:
    while (left := instant - time.time()) > 0:
        if not world.users_alive:
            world.stage.troupe.expect_alive()
        time.sleep(min(left, TICK_SECONDS))


def await_calm(world: World) -> None:
    """Return when every ENT is served where it lives."""
    wait_until(world.calm, CALM_SECONDS, "every ENT is served where it lives")


def read_trace(world: World, fault: Fault, times: Times) -> Trace:
    """Read what was written down of a run."""
    folder = world.folder

    def within(at: float) -> bool:
        return times.began <= at < times.end

    skewed = {step.site for _, step in fault.steps if isinstance(step, SkewClock)}
    seconds = [s for site in SITES for s in read_lines(folder / portal_file(site), PortalSecond) if within(s.at)]
    logs = {
        site: world.stage.troupe.folder / controllers.log(site)
        for site in controllers.where(world.topology)
        if not (fault.dead and site in fault.sick) and site not in skewed
    }
    decisions = {
        site: tuple(
            decision
            for line in log.read_text(errors="replace").splitlines()
            if (decision := read_decision(line)) is not None and within(decision.at)
        )
        for site, log in logs.items()
    }
    return Trace(
        began=times.began,
        fault=times.fault,
        heal=times.heal,
        end=times.end,
        sick=frozenset(fault.sick),
        dead=frozenset(fault.sick if fault.dead else ()),
        doubted=frozenset(fault.doubted),
        requests=tuple(r for r in read_lines(folder / traces.REQUESTS, Request) if within(r.at)),
        answers=tuple(a for a in read_lines(folder / traces.ANSWERS, Answer) if within(a.at)),
        weights=tuple(w for w in read_lines(folder / traces.WEIGHTS, Weight) if w.at < times.end),
        seconds=tuple(seconds),
        decisions=decisions,
        capacity_per_replica=world.story.workload.capacity_per_replica,
        site_of={world.stage.address(site): site for site in SITES},
    )
