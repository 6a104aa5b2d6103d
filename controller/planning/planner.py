"""The table of contents of the core: `plan(world, now)` and the order of its stages (design §5)."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from controller.domain.explanation import Explained, Explanation
from controller.domain.memory import Verdict
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Plan
from controller.domain.world import World
from controller.planning.admission import admission_of, caps_of
from controller.planning.bottleneck import ceiling_of
from controller.planning.conditions import conditions_of
from controller.planning.demand import Demand, demand_of
from controller.planning.edges import fallen_edges, held_for_edges, without_edges
from controller.planning.facts import Facts, facts_of
from controller.planning.guards import guarded
from controller.planning.health import Health, judge_sites
from controller.planning.placement import place
from controller.planning.remembering import memory_after
from controller.planning.returning import returns_at
from controller.planning.routing import last_move, route
from controller.planning.scaling import Target, targets_of
from controller.planning.sequencing import actions_of, without
from controller.planning.shifts import coming_shares, shifts_of

PLANNING_CYCLE = timedelta(seconds=5)
"""How long a plan is good for at most (design §3)."""


def plan(world: World, now: datetime) -> Plan:
    """Decide what to do. Same world, same instant: same plan."""
    facts = facts_of(world, now)
    health = judge_sites(facts)
    facts = without_edges(facts, fallen_edges(facts, health))
    measured = {key: demand_of(facts, ent, health) for key, ent in facts.ents.items()}
    demands = held_for_edges(facts, measured, health)
    ceilings = {key: ceiling_of(facts, demand) for key, demand in demands.items()}
    placed = place(facts, demands, ceilings, health)
    routed = route(facts, demands, placed, health)
    shifts = shifts_of(facts, demands, routed, health, ceilings)
    targets = targets_of(facts, demands, placed, health, coming_shares(shifts))
    proposed, held = actions_of(targets, shifts, caps_of(facts, demands, health))
    actions, withheld = without(proposed, held, also=guarded(facts, proposed))
    return Plan(
        actions=tuple(actions),
        withheld=tuple(sorted(withheld, key=lambda w: (w.action.id, w.because.reason))),
        conditions=conditions_of(facts, demands, ceilings, placed, targets, health),
        admission=admission_of(demands, routed, ceilings),
        memory=memory_after(facts, demands, ceilings, targets, shifts, actions, health),
        next_look_at=_next_look(facts, demands, health),
        explanation=Explanation(later=partial(_chains, demands, targets)),
    )


def _chains(demands: dict[EntKey, Demand], targets: list[Target]) -> Iterator[Explained]:
    """Every number with its chain: the demand of every ENT, then the replicas of every placement."""
    yield from (demand.explained for demand in demands.values())
    yield from (target.explained for target in targets)


def verdicts(world: World, now: datetime) -> Mapping[SiteName, Verdict]:
    """Give the verdicts alone: cheap enough for every evidence round, to plan at once when one changes."""
    return {site: health.verdict for site, health in judge_sites(facts_of(world, now)).items()}


def _next_look(facts: Facts, demands: dict[EntKey, Demand], health: dict[SiteName, Health]) -> datetime:
    """Look again after one cycle, or sooner when a window, a step or a hold time ends before that."""
    instants = [facts.now + PLANNING_CYCLE]
    # Few sites have anything to come back from: nothing is looked up for the others, whatever the ENTs.
    returning = [
        site for site in health.values() if site.fell_at is not None or facts.sites[site.site].drain is not None
    ]
    for key, demand in demands.items():
        for window in facts.windows.get(key, ()):
            instants += [window.start - demand.lead, window.start, window.end]
        for edge in demand.ent.edges:
            last = last_move(facts, demand.ent, edge)
            if last is not None:
                instants.append(last.at + demand.ent.shifting.step_interval)
        for site in returning:
            until = returns_at(facts, site, demand.ent.shifting.failback_hold)
            if until is not None:
                instants.append(until)
    return min(instant for instant in instants if instant > facts.now)
