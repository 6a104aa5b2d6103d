"""What goes wrong, as scripted: the conditions in force at an instant, and what happens at the edges of a fault."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from controller.sim.pods import Pods
from controller.sim.scenario import FaultKind, FaultSpec, Scenario

Array = NDArray[np.float64]

BLIND = (
    FaultKind.METRICS_GAP,
    FaultKind.METRICS_EMPTY,
    FaultKind.METRICS_NAN,
    FaultKind.METRICS_FROZEN,
    FaultKind.METRICS_HALF_WINDOW,
)
"""Faults of the metrics of a site."""
DEAD = (FaultKind.SITE_DOWN, FaultKind.CONTROLLER_SITE_DEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault at one site, in seconds from the start."""

    spec: FaultSpec
    site: int
    start: float
    until: float

    def in_force(self, now: float) -> bool:
        """Tell whether it lasts."""
        return self.start <= now < self.until


@dataclass(slots=True)
class Conditions:
    """What holds now, by site."""

    alive: NDArray[np.bool_]
    speed: Array
    """Factor of capacity."""
    slower: Array
    """Factor of how long answers take."""
    error_share: Array
    refuses_writes: NDArray[np.bool_]
    seen_dead: NDArray[np.bool_]
    """Probes fail, whatever is true."""
    no_data: NDArray[np.bool_]
    releases: NDArray[np.int64]
    blind: list[FaultKind | None]
    controller_dead: bool = False


@dataclass(slots=True)
class Faults:
    """All faults of a scenario."""

    faults: tuple[Fault, ...]
    sites: int
    conditions: Conditions = field(init=False)
    _begun: set[int] = field(default_factory=set)
    _ended: set[int] = field(default_factory=set)
    _changes: list[float] = field(init=False)

    def __post_init__(self) -> None:
        """Stand before the first fault."""
        self._changes = sorted({t for f in self.faults for t in (f.start, f.until)}, reverse=True)
        self.conditions = self._at(-1.0)

    @property
    def next_change(self) -> float:
        """Return when the next fault begins or ends."""
        return self._changes[-1] if self._changes else float("inf")

    def turn(self, now: float, pods: Pods) -> bool:
        """Let begin and end what is due; tell whether anything changed."""
        if now < self.next_change:
            return False
        while self._changes and self._changes[-1] <= now:
            self._changes.pop()
        for index, fault in enumerate(self.faults):
            if fault.start <= now and index not in self._begun:
                self._begun.add(index)
                _begin(fault, pods, now)
            if fault.until <= now and index not in self._ended:
                self._ended.add(index)
                _end(fault, pods, now)
        self.conditions = self._at(now)
        return True

    def blind_lately(self, site: int, now: float, seconds: float) -> bool:
        """Tell whether the metrics of the site were at fault now or until so long ago."""
        return any(f.site == site and f.spec.kind in BLIND and f.start <= now < f.until + seconds for f in self.faults)

    def _at(self, now: float) -> Conditions:
        found = Conditions(
            alive=np.ones(self.sites, dtype=bool),
            speed=np.ones(self.sites),
            slower=np.ones(self.sites),
            error_share=np.zeros(self.sites),
            refuses_writes=np.zeros(self.sites, dtype=bool),
            seen_dead=np.zeros(self.sites, dtype=bool),
            no_data=np.zeros(self.sites, dtype=bool),
            releases=np.zeros(self.sites, dtype=np.int64),
            blind=[None] * self.sites,
        )
        for fault in self.faults:
            if fault.in_force(now):
                _apply(fault, found)
        return found


def _apply(fault: Fault, to: Conditions) -> None:
    kind, site, spec = fault.spec.kind, fault.site, fault.spec
    _apply_to_service(kind, site, spec, to)
    if kind in (FaultKind.CONTROLLER_DEAD, FaultKind.CONTROLLER_SITE_DEAD):
        to.controller_dead = True
    if kind is FaultKind.API_REFUSES_WRITES:
        to.refuses_writes[site] = True
    if kind is FaultKind.FALSE_ALARM:
        to.seen_dead[site] = True
    if kind is FaultKind.DATA_NOT_REPLICATED:
        to.no_data[site] = True
    if kind in BLIND:
        to.blind[site] = kind


def _apply_to_service(kind: FaultKind, site: int, spec: FaultSpec, to: Conditions) -> None:
    if kind in DEAD:
        to.alive[site] = False
    if kind in (FaultKind.BROWN_OUT, FaultKind.SLOWER_RELEASE):
        to.speed[site] *= spec.factor
    if kind is FaultKind.SLOW_SITE:
        to.slower[site] *= spec.slower_by
    if kind is FaultKind.BAD_RELEASE:
        to.error_share[site] = max(to.error_share[site], spec.factor)
    if kind in (FaultKind.BAD_RELEASE, FaultKind.SLOWER_RELEASE):
        to.releases[site] += 1


def _begin(fault: Fault, pods: Pods, now: float) -> None:
    match fault.spec.kind:
        case FaultKind.HALF_NODES:
            pods.kill(fault.site, fault.spec.factor, now)
        case FaultKind.POOL_EXHAUSTED:
            pods.exhaust(fault.site, now, exhausted=True)
        case FaultKind.NEVER_READY:
            pods.hold_back(fault.site, now, held=True)
        case _:
            pass


def _end(fault: Fault, pods: Pods, now: float) -> None:
    match fault.spec.kind:
        case FaultKind.POOL_EXHAUSTED:
            pods.exhaust(fault.site, now, exhausted=False)
        case FaultKind.NEVER_READY:
            pods.hold_back(fault.site, now, held=False)
        case kind if kind in DEAD:
            pods.kill(fault.site, 0.0, now)  # a cluster that returns starts its pods anew
        case _:
            pass


def faults_of(scenario: Scenario) -> Faults:
    """Return the faults by site, waves apart."""
    names = [site.name for site in scenario.sites]
    start = scenario.utc(scenario.start)
    found: list[Fault] = []
    for spec in scenario.faults:
        begins = (scenario.utc(spec.start) - start).total_seconds()
        ends = (scenario.utc(spec.until) - start).total_seconds() if spec.until is not None else float("inf")
        for order, name in enumerate(spec.sites or names):
            wave = order * spec.wave.total_seconds() if spec.wave is not None else 0.0
            found.append(Fault(spec=spec, site=names.index(name), start=begins + wave, until=ends))
    return Faults(faults=tuple(found), sites=len(names))
