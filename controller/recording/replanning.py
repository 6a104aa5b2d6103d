"""The same morning under other policies: what would have been decided in each of the situations that were recorded.

What the fleet did stays as recorded: readings, probes, replicas, weights and forecasts. What was declared is replaced,
and the memory is that of the other decisions, so that their latches and hold times count. It answers "what would have
been wanted", not "how would it have gone": that is what the simulator is for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from controller.domain.memory import Memory
from controller.domain.names import SiteName
from controller.domain.plan import Plan
from controller.domain.schooltime import resolve
from controller.domain.windows import Window
from controller.domain.world import World
from controller.planning.explain import is_well, subject_of
from controller.policy.declared import Declared
from controller.recording.replay import Decide
from controller.wire.world import Question

LOOK_BACK = timedelta(hours=24)
LOOK_AHEAD = timedelta(hours=48)
"""How far the windows of a world reach (design §3)."""
LONGEST_GAP = timedelta(minutes=1)
"""A decision counts until the next, at most so long: over a gap in the recording nothing is known."""

Place = tuple[str, str]
"""An ENT and a site."""


class OtherPolicies:
    """Decides on recorded worlds as if other policies had been declared; to be asked in the order of time."""

    def __init__(self, declared: Declared, decide: Decide) -> None:
        self._declared = declared
        self._decide = decide
        self._memory: Memory | None = None
        self._windows: tuple[Window, ...] = ()
        self._made_for: datetime | None = None

    def plan(self, question: Question) -> Plan:
        """Return what would have been decided."""
        declared, now = self._declared, question.now
        world = replace(
            question.world,
            sites=declared.sites,
            ents=declared.ents,
            edges=declared.edges,
            windows=self._windows_at(now),
            orders=replace(question.world.orders, freeze=declared.freeze),
            memory=self._memory or question.world.memory,
            writable_sites=_writable(question.world, declared),
        )
        decided = self._decide(_consistent(world), now)
        self._memory = decided.memory
        return decided

    def _windows_at(self, now: datetime) -> tuple[Window, ...]:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if self._made_for != midnight:
            end = midnight + timedelta(days=1) + LOOK_AHEAD
            resolved = (resolve(school, midnight - LOOK_BACK, end) for school in self._declared.school)
            self._windows = tuple(sorted(window for each in resolved for window in each.windows))
            self._made_for = midnight
        return tuple(window for window in self._windows if window.overlaps(now - LOOK_BACK, now + LOOK_AHEAD))


def _writable(world: World, declared: Declared) -> frozenset[SiteName]:
    if world.self_site is not None:
        return world.writable_sites
    return frozenset(site.name for site in declared.sites)


def _consistent(world: World) -> World:
    """Leave out what was seen of ENTs and sites that are not declared now."""
    ents, sites = {ent.key for ent in world.ents}, {site.name for site in world.sites}
    placed = {(ent.key, placement.site) for ent in world.ents for placement in ent.placements}
    edges = {(ent.key, edge) for ent in world.ents for edge in ent.edges}
    return replace(
        world,
        readings=tuple(r for r in world.readings if (r.ent, r.site) in placed),
        replicas=tuple(r for r in world.replicas if (r.ent, r.site) in placed),
        routes=tuple(r for r in world.routes if (r.ent, r.edge) in edges and (r.ent, r.site) in placed),
        forecasts=tuple(forecast for forecast in world.forecasts if forecast.ent in ents),
        memory=replace(
            world.memory,
            sites=tuple(m for m in world.memory.sites if m.site in sites),
            ents=tuple(m for m in world.memory.ents if m.ent in ents),
        ),
    )


@dataclass(slots=True)
class PlaceTally:
    """What was wanted at one placement over the recording."""

    most_replicas: int = 0
    replica_hours: float = 0.0
    actions: int = 0


@dataclass(slots=True)
class Tally:
    """What one line of decisions wanted, summed over the recording."""

    places: dict[Place, PlaceTally]
    not_well_seconds: dict[tuple[str, str], float]
    """By object and type of condition."""

    @classmethod
    def empty(cls) -> "Tally":
        """Return the tally of nothing."""
        return cls({}, {})

    def add(self, plan: Plan, seconds: float) -> None:
        """Count the plan for as long as it was in force."""
        for place, replicas in wanted(plan).items():
            tally = self.places.setdefault(place, PlaceTally())
            tally.most_replicas = max(tally.most_replicas, replicas)
            tally.replica_hours += replicas * seconds / 3600
        for action in plan.actions:
            place = (str(action.ent), str(getattr(action, "site", "")))
            self.places.setdefault(place, PlaceTally()).actions += 1
        for condition in plan.conditions:
            if not is_well(condition):
                key = (str(condition.of), str(condition.type))
                self.not_well_seconds[key] = self.not_well_seconds.get(key, 0.0) + seconds


def wanted(plan: Plan) -> Mapping[Place, int]:
    """Return the replicas that the plan wants at each placement."""
    found: dict[Place, int] = {}
    for number in plan.explanation:
        ent, site = subject_of(number)
        if site is not None and number.quantity == "replicas":
            found[(ent, site)] = round(number.value)
    return found


def in_force_seconds(now: datetime, following: datetime | None) -> float:
    """Return how long a decision counts: until the next one."""
    if following is None:
        return 0.0
    return max(0.0, min(following - now, LONGEST_GAP).total_seconds())
