"""The loop of one controller in one world: virtual time, no sleeping, nothing drawn but from named streams.

Time moves by whole seconds, and by longer steps while nothing happens. A step never passes a scrape, a fault, a pod
that becomes Ready, or the time a controller wants to be asked.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from controller.sim.acting import Acting, Decision
from controller.sim.controller import Controller, Known
from controller.sim.demand import Course as DemandCourse
from controller.sim.foreign import Foreign
from controller.sim.measure import Course, Figures, Measure
from controller.sim.ours import Ours
from controller.sim.past import Past
from controller.sim.scenario import Scenario
from controller.sim.system import System

BUSY_UTILISATION = 0.85
"""Nearer to full every second counts."""
CALM_SHARE = 0.02
"""Below this share of the largest demand it is night."""
CALM_RISE, CALM_FOR_SECONDS = 1.1, 600.0
"""By day nothing happens as long as demand does not rise by more than this within so long."""
POINTS = 720
"""Of the picture: one a minute over twelve hours."""

Factory = Callable[[Known], Controller]
OURS = "sonnerie"


class Driver(Protocol):
    """Asks a controller and obeys it."""

    name: str

    def next_ask(self, now: float) -> float:
        """Return until when the world may run on without asking."""
        ...

    def turn(self, now: float, *, new_scrape: bool) -> None:
        """Look, and act if there is a reason to."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One controller in one run."""

    controller: str
    figures: Figures
    course: Course
    decisions: tuple[Decision, ...]
    violations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The world of one run before any controller: the same for all of them."""

    scenario: Scenario
    seed: int
    demand: DemandCourse
    optimum_hours: float | None


def run_one(drawn: Drawn, name: str, peers: Mapping[str, Factory], known: Known, past: Past) -> Outcome:
    """Run one controller through the world."""
    scenario = drawn.scenario
    system = System(scenario, drawn.demand, drawn.seed)
    acting = Acting(system)
    length = int((scenario.utc(scenario.until) - scenario.utc(scenario.start)).total_seconds())
    measure = Measure(system, acting, max(10, length // POINTS))
    ours = Ours(system, acting, past) if name == OURS else None
    driver: Driver = ours if ours is not None else Foreign(system, acting, peers[name](known))
    _live(system, driver, measure, length)
    violations = ours.violations if ours is not None else []
    return Outcome(
        controller=name,
        figures=measure.figures(optimum_hours=drawn.optimum_hours, violations=len(violations)),
        course=measure.course,
        decisions=tuple(acting.decisions),
        violations=tuple(f"{v.rule}: {v.action}: {v.text}" for v in violations),
    )


def _live(system: System, driver: Driver, measure: Measure, length: int) -> None:
    now, next_scrape = 0, 0
    most = system.course.open_loop.max(axis=1)
    system.metrics.scrape(0, system.faults.conditions)
    while now < length:
        system.faults.turn(now, system.pods)
        system.pods.turn(now)
        if now >= next_scrape:
            system.metrics.scrape(now, system.faults.conditions)
            next_scrape = now + _scrape_interval(system, now, most)
        new = system.metrics.turn(now)
        driver.turn(now, new_scrape=new)
        seconds = _step_length(system, driver, now, min(next_scrape, length))
        seen = system.step(now, seconds)
        now += seconds
        measure.note(seen, now)


def _scrape_interval(system: System, now: float, most: NDArray[np.float64]) -> int:
    """Scrape less often where steps are long and nothing is about to happen: a year has many such hours."""
    usual, longest = int(system.scenario.metrics.scrape_seconds), system.scenario.calm_step_seconds
    if longest <= usual or not system.quiet:
        return usual
    course = system.course
    i, ahead = course.index(now), course.index(now + CALM_FOR_SECONDS)
    demand, coming = course.open_loop[:, i], course.open_loop[:, i : ahead + 1].max(axis=1)
    calm = (demand < CALM_SHARE * most) | (coming <= demand * CALM_RISE)
    return longest if calm.all() else usual


def _step_length(system: System, driver: Driver, now: int, until: int) -> int:
    pending = system.metrics.next_visible
    longest = min(until, system.faults.next_change, system.pods.next_ready, driver.next_ask(now), pending) - now
    if longest <= 1:
        return 1
    if system.quiet_users and not system.edges.moving and _has_room(system, now):
        return max(1, min(math.ceil(longest), system.scenario.calm_step_seconds))
    return 1


def _has_room(system: System, now: float) -> bool:
    demand = system.course.open_loop[:, system.course.index(now)]
    load = demand[:, None] * system.edges.shares
    return bool((load <= BUSY_UTILISATION * system.capacity_rate()).all())
