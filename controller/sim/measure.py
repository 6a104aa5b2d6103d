"""The figures of a run, and its course for the picture."""

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from controller.sim.acting import Acting
from controller.sim.system import Step, System

Array = NDArray[np.float64]

SHIFTED_LATELY_SECONDS = 300.0
"""How long a site counts as the destination of a shift."""
NOISE_PER_SECOND = 1.0
"""A site with less than this to do is not overloaded by a chance request."""
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is told of one controller in one run."""

    overload_seconds: float
    """Per ENT: seconds in which at any serving site the routed demand exceeds Ready capacity; summed."""
    overload_seconds_worst_ent: float
    unserved_share: float
    """Of first attempts, weighed by their requests: those that were not served at their first try."""
    users_turned_away: float
    """Attempts whose user gave up."""
    replica_hours: float
    replica_hours_over_optimum: float | None
    weight_reversals: int
    replica_reversals: int
    scale_downs_on_bad_data: int
    shifts: int
    max_destination_utilisation: float
    """Of Ready capacity, at a site that got a larger share within five minutes, over a rolling ten seconds."""
    moves_on_bad_data: int = 0
    violations: int = 0
    """Actions that an invariant withheld."""
    logins_served: float = 0.0
    """Log-ins that got through, first and later tries."""


FIGURES = tuple(field.name for field in fields(Figures))
"""Their names, in the order in which they are told."""


@dataclass(slots=True)
class Course:
    """The run in points of equal length, for the picture; arrays grow point by point."""

    every_seconds: int
    seconds: list[float] = field(default_factory=list)
    demand: list[float] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    capacity: list[float] = field(default_factory=list)
    serving: list[float] = field(default_factory=list)
    """Ready capacity where users are sent; the rest is reserve."""
    failed: list[float] = field(default_factory=list)
    weights: list[list[int]] = field(default_factory=list)
    """Mean over the ENTs, by site."""


class Measure:
    """Watches a run."""

    def __init__(self, system: System, acting: Acting, every_seconds: int) -> None:
        self._system, self._acting = system, acting
        self.overload = np.zeros(system.ents)
        self.first = 0.0
        self.first_failed = 0.0
        self.replica_seconds = 0.0
        self.most_utilisation = 0.0
        self.course = Course(every_seconds=every_seconds)
        self._sums = np.zeros(5)
        self._summed_seconds = 0.0
        self._point_at = 0.0
        self._load, self._room = np.zeros((system.ents, system.sites)), np.zeros((system.ents, system.sites))
        self._load_seconds = 0.0

    def note(self, seen: Step, now: float) -> None:
        """Add one step that ended now."""
        system, seconds = self._system, seen.seconds
        over = (seen.arrived > seen.capacity + NOISE_PER_SECOND * seconds) & (system.edges.weights > 0)
        if over.any():
            self.overload += over.any(axis=1) * seconds
        self.first += float(seen.first.sum())
        self.first_failed += float(seen.first_failed.sum())
        # A site that is dead costs no more than one that is alive.
        self.replica_seconds += float(system.pods.wanted.sum()) * seconds
        self._destinations(seen, now)
        serving = seen.capacity[system.edges.weights > 0].sum()
        self._sums += (seen.first.sum(), seen.arrived.sum(), seen.capacity.sum(), serving, seen.failed.sum())
        self._summed_seconds += seconds
        if now - self._point_at >= self.course.every_seconds:
            self._add_point(now)

    def _destinations(self, seen: Step, now: float) -> None:
        self._load += seen.arrived
        self._room += seen.capacity
        self._load_seconds += seen.seconds
        if self._load_seconds < 10.0:
            return
        lately = (now - self._acting.received_at < SHIFTED_LATELY_SECONDS) & (self._room > 0)
        if lately.any():
            self.most_utilisation = max(self.most_utilisation, float((self._load[lately] / self._room[lately]).max()))
        self._load[:] = 0.0
        self._room[:] = 0.0
        self._load_seconds = 0.0

    def _add_point(self, now: float) -> None:
        course = self.course
        demand, arrived, capacity, serving, failed = (self._sums / self._summed_seconds).tolist()
        course.seconds.append(self._point_at)
        course.demand.append(round(demand, 1))
        course.arrived.append(round(arrived, 1))
        course.capacity.append(round(capacity, 1))
        course.serving.append(round(serving, 1))
        course.failed.append(round(failed, 1))
        course.weights.append([int(w) for w in self._system.edges.weights.mean(axis=0).round()])
        self._sums[:] = 0.0
        self._summed_seconds, self._point_at = 0.0, now

    def figures(self, *, optimum_hours: float | None, violations: int) -> Figures:
        """Return the figures at the end."""
        system, acting = self._system, self._acting
        hours = self.replica_seconds / SECONDS_PER_HOUR
        return Figures(
            overload_seconds=round(float(self.overload.sum()), 3),
            overload_seconds_worst_ent=round(float(self.overload.max()), 3),
            unserved_share=self.first_failed / self.first if self.first else 0.0,
            users_turned_away=round(float(system.users.given_up.sum()), 1),
            replica_hours=round(hours, 3),
            replica_hours_over_optimum=round(hours / optimum_hours, 4) if optimum_hours else None,
            weight_reversals=acting.weight_reversals,
            replica_reversals=acting.replica_reversals,
            scale_downs_on_bad_data=acting.scale_downs_on_bad_data,
            shifts=acting.shifts,
            max_destination_utilisation=round(self.most_utilisation, 4),
            moves_on_bad_data=acting.moves_on_bad_data,
            violations=violations,
            logins_served=round(system.logins_served, 1),
        )
