"""The decision as it may leave the core: the plan, past the last gate."""

from datetime import datetime

from controller.domain.plan import Plan
from controller.domain.world import World
from controller.planning.invariants import violations, withhold_unsafe
from controller.planning.planner import plan


def decide(world: World, now: datetime) -> Plan:
    """Return the plan without what would break an invariant: the loop's gate, for those who ask from outside."""
    decided = plan(world, now)
    return withhold_unsafe(decided, violations(world, decided, now), world)
