"""What no plan may do, as one function with one named rule each (design §5, Invariants).

The rules are written against the world and the plan, not against the stages that made it, so that a mistake in a
stage is caught here: in every test, and as the last gate before acting.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from controller.domain.fleet import Placement
from controller.domain.memory import EntMemory, Move, MoveKind, Verdict
from controller.domain.names import ActionId, EdgeName, EntKey, SiteName
from controller.domain.plan import (
    Because,
    Plan,
    SetDnsTargets,
    SetFloor,
    SetReplicas,
    SetWeights,
    Withheld,
)
from controller.domain.readings import Fresh
from controller.domain.reasons import Reason
from controller.domain.world import World
from controller.planning.data import data_can_serve
from controller.planning.demand import Demand, demand_of
from controller.planning.edges import fallen_edges, without_edges
from controller.planning.facts import EMERGENCY_UTILISATION, Facts, facts_of
from controller.planning.guards import shrinks_or_moves
from controller.planning.health import Health, judge_sites
from controller.planning.reversals import reversals
from controller.planning.sequencing import without

TOLERANCE_PER_SECOND = 1e-3
"""Differences of demand below this are arithmetic, not users."""
PERCENT_ROUNDING = 0.01
"""Weights are whole percents: a share may be that much above the exact one."""
AT_MOST_ONE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule, the action that breaks it, and how."""

    rule: str
    action: ActionId
    text: str


@dataclass(frozen=True, slots=True)
class _Case:
    facts: Facts
    plan: Plan
    health: dict[SiteName, Health]

    demands: dict[EntKey, Demand]

    def demand(self, key: EntKey) -> Demand | None:
        return self.demands.get(key)


def violations(world: World, plan: Plan, now: datetime) -> tuple[Violation, ...]:
    """Return every violation of every rule; the empty plan has none."""
    facts = facts_of(world, now)
    health = judge_sites(facts)
    facts = without_edges(facts, fallen_edges(facts, health))
    touched = {action.ent for action in plan.actions}
    demands = {key: demand_of(facts, ent, health) for key, ent in facts.ents.items() if key in touched}
    case = _Case(facts, plan, health, demands)
    return tuple(violation for rule in RULES for violation in rule(case))


def withhold_unsafe(plan: Plan, found: tuple[Violation, ...], world: World) -> Plan:
    """Move the actions that break a rule to withheld, and those that wait for them; forget that they were planned."""
    if not found:
        return plan
    broken = {violation.action: violation for violation in found}
    also = {
        action.id: Withheld(
            action=action,
            because=Because(reason=Reason.INVARIANT, text=f"{broken[action.id].rule}: {broken[action.id].text}"),
        )
        for action in plan.actions
        if action.id in broken
    }
    actions, withheld = without(list(plan.actions), list(plan.withheld), also=also)
    unsafe = {held.action.ent for held in also.values()}
    before = {memory.ent: memory for memory in world.memory.ents}
    ents = tuple(before.get(m.ent, EntMemory(ent=m.ent)) if m.ent in unsafe else m for m in plan.memory.ents)
    memory = replace(plan.memory, ents=ents)
    return replace(plan, actions=tuple(actions), withheld=tuple(withheld), memory=memory)


def _destination_can_carry_it(case: _Case) -> Iterator[Violation]:
    """1. Share × demand ≤ 85 % of Ready at each destination whose share grows, and its data can serve."""
    for action in _weights(case):
        demand, ent = case.demand(action.ent), case.facts.ents.get(action.ent)
        if demand is None or ent is None or not action.was:
            continue
        before = {w.site: w.weight for w in action.was}
        whole = sum(w.weight for w in action.weights)
        for new in action.weights:
            placement = ent.placement(new.site)
            if new.weight <= before.get(new.site, 0) or placement is None or not whole:
                continue
            if not data_can_serve(case.facts, ent, placement):
                yield Violation(rule="data", action=action.id, text=f"the data at {new.site} cannot serve")
            load = (new.weight / whole - PERCENT_ROUNDING) * demand.now_per_second
            room = EMERGENCY_UTILISATION * case.facts.ready(ent.key, new.site) * ent.capacity_per_replica
            # A dead site's users arrive anyway; there the admission cap holds the line.
            if action.kind is not MoveKind.EVACUATION and load > room + TOLERANCE_PER_SECOND:
                text = f"{new.site} would carry {load:.1f}/s with room for {room:.1f}/s"
                yield Violation(rule="destination", action=action.id, text=text)


def _somebody_answers(case: _Case) -> Iterator[Violation]:
    """2. Every ENT is answered by at least one site; never an empty answer."""
    for action in case.plan.actions:
        match action:
            case SetWeights(weights=weights) if not any(w.weight > 0 for w in weights):
                yield Violation(rule="answered", action=action.id, text="no site would be left with traffic")
            case SetDnsTargets(targets=()):
                yield Violation(rule="answered", action=action.id, text="the answer set would be empty")
            case _:
                pass


def _destinations_are_ready(case: _Case) -> Iterator[Violation]:
    """2. ... kept by last good weights, never by adding an unready destination."""
    for action in _weights(case):
        before = {w.site: w.weight for w in action.was}
        for new in action.weights:
            added = before and new.weight > 0 and not before.get(new.site)
            if added and not case.facts.ready(action.ent, new.site):
                yield Violation(rule="unready", action=action.id, text=f"no replica is Ready at {new.site}")


def _shrinks_on_fresh_evidence(case: _Case) -> Iterator[Violation]:
    """3. Nothing shrinks voluntarily on evidence that is not Fresh."""
    for action in _shrinks(case):
        ent = case.facts.ents.get(action.ent)
        stale = (
            []
            if ent is None or _blind_hold_is_over(case, action)
            else [p.site for p in ent.placements if _blind(case, action, p)]
        )
        if stale:
            text = f"no fresh reading at {', '.join(sorted(stale))}"
            yield Violation(rule="fresh", action=action.id, text=text)
        if case.facts.seen_freshly(action.ent, action.site) is None:
            text = f"the replicas at {action.site} were not seen lately"
            yield Violation(rule="fresh", action=action.id, text=text)
        if action.site in case.health and case.health[action.site].verdict is not Verdict.HEALTHY:
            text = f"{action.site} is {case.health[action.site].verdict}"
            yield Violation(rule="fresh", action=action.id, text=text)


def _blind_hold_is_over(case: _Case, action: SetReplicas | SetFloor) -> bool:
    """Tell whether demand was unknown for so long that the floor may be lowered all the same (design §5 stage 1)."""
    demand = case.demand(action.ent)
    return demand is not None and demand.blind is not None and demand.no_shrink is None


def _blind(case: _Case, action: SetReplicas | SetFloor, placement: Placement) -> bool:
    ent = case.facts.ents[action.ent]
    shares = case.facts.largest_shares(ent)
    if shares.get(placement.site, 0.0 if shares else 1.0) <= 0:
        return False
    return not all(
        isinstance(case.facts.reading(ent.key, placement.site, signal.signal), Fresh) for signal in ent.signals
    )


def _floors_hold(case: _Case) -> Iterator[Violation]:
    """4. Target ≥ min(floor in force, max, quota)."""
    for action in _shrinks(case):
        ent = case.facts.ents.get(action.ent)
        placement = ent.placement(action.site) if ent is not None else None
        latches = [
            latch
            for latch in case.facts.remembered(action.ent).latches
            if latch.site == action.site and case.facts.now < latch.until
        ]
        site = case.facts.sites.get(action.site)
        if placement is None or site is None or site.quota_replicas is not None:
            continue  # under a quota the floor gives way, by priority; the quota itself is checked by the API server
        floor = max([placement.min_replicas, *(latch.replicas for latch in latches)])
        if action.replicas < min(floor, placement.max_replicas):
            text = f"{action.replicas} is below the floor {floor} in force"
            yield Violation(rule="floor", action=action.id, text=text)


def _growth_is_clamped(case: _Case) -> Iterator[Violation]:
    """4. ... and nothing grows above max."""
    for action in case.plan.actions:
        if not isinstance(action, SetReplicas | SetFloor) or action.replicas <= action.was:
            continue
        ent = case.facts.ents.get(action.ent)
        placement = ent.placement(action.site) if ent is not None else None
        if placement is None or action.replicas > placement.max_replicas:
            yield Violation(rule="max", action=action.id, text=f"{action.replicas} is above the max of the placement")


def _source_shrinks_after_traffic(case: _Case) -> Iterator[Violation]:
    """5. A drained source shrinks only after its traffic has left, a destination not below what is on its way."""
    coming = {
        (action.ent, new.site): new.weight / whole
        for action in _weights(case)
        if (whole := sum(weight.weight for weight in action.weights))
        for new in action.weights
    }
    for action in _shrinks(case):
        demand, ent = case.demand(action.ent), case.facts.ents.get(action.ent)
        if demand is None or ent is None:
            continue
        share = max(case.facts.largest_shares(ent).get(action.site, 0.0), coming.get((ent.key, action.site), 0.0))
        load = share * demand.now_per_second
        room = EMERGENCY_UTILISATION * action.replicas * ent.capacity_per_replica
        if load > room + TOLERANCE_PER_SECOND:
            text = f"{load:.1f}/s are still sent to {action.site}; {action.replicas} replicas carry {room:.1f}/s"
            yield Violation(rule="drained", action=action.id, text=text)


def _weights_do_not_flap(case: _Case) -> Iterator[Violation]:
    """6. The weight of (ENT, site) reverses by more than 2 % at most once in 30 minutes."""
    remembered = {memory.ent: memory.moves for memory in case.plan.memory.ents}
    for action in _weights(case):
        ent = case.facts.ents.get(action.ent)
        tracks: dict[tuple[EdgeName, SiteName], list[Move]] = {}
        for move in remembered.get(action.ent, ()):
            if move.edge == action.edge:
                tracks.setdefault((move.edge, move.site), []).append(move)
        for (_, site), moves in sorted(tracks.items()):
            window = ent.shifting.reversal_window if ent is not None else None
            just_now = any(move.at == case.facts.now for move in moves)
            if window is not None and just_now and reversals(moves, case.facts.now, window) > AT_MOST_ONE:
                yield Violation(rule="flap", action=action.id, text=f"the weight of {site} would turn round again")


def _orders_hold(case: _Case) -> Iterator[Violation]:
    """7. Under freeze nothing shrinks, traffic moves by evacuation or manual order; under pause nothing changes."""
    orders, now = case.facts.world.orders, case.facts.now
    for action in case.plan.actions:
        ent = case.facts.ents.get(action.ent)
        pauses = (orders.pause, ent.pause if ent is not None else None)
        if any(order is not None and order.in_force(now) for order in pauses):
            yield Violation(rule="pause", action=action.id, text="a pause is in force")
        if orders.freeze is not None and orders.freeze.in_force(now) and shrinks_or_moves(action):
            yield Violation(rule="freeze", action=action.id, text="a freeze is in force")


def _bell_is_provided_for(case: _Case) -> Iterator[Violation]:
    """8. What a bell needs is in the cluster a lead time before it: no shrink may take it away."""
    shrunk: dict[EntKey, dict[SiteName, SetReplicas | SetFloor]] = {}
    for action in _shrinks(case):
        shrunk.setdefault(action.ent, {})[action.site] = action
    for key, actions in shrunk.items():
        demand, ent = case.demand(key), case.facts.ents.get(key)
        if demand is None or ent is None or demand.scheduled_ahead_per_second <= 0:
            continue
        states = [case.facts.states_of(key).get(placement.site) for placement in ent.placements]
        before = {state.site: state.wanted for state in states if state is not None}
        after = before | {site: action.replicas for site, action in actions.items()}
        needed, room = demand.scheduled_ahead_per_second, ent.capacity_per_replica
        if sum(after.values()) * room < needed <= sum(before.values()) * room:
            text = f"{sum(after.values()) * room:.1f}/s would be left for a bell of {needed:.1f}/s"
            yield from (Violation(rule="bell", action=action.id, text=text) for action in actions.values())


def _weights(case: _Case) -> Iterator[SetWeights]:
    return (action for action in case.plan.actions if isinstance(action, SetWeights))


def _shrinks(case: _Case) -> Iterator[SetReplicas | SetFloor]:
    for action in case.plan.actions:
        if isinstance(action, SetReplicas | SetFloor) and action.replicas < action.was:
            yield action


RULES: tuple[Callable[[_Case], Iterator[Violation]], ...] = (
    _destination_can_carry_it,
    _somebody_answers,
    _destinations_are_ready,
    _shrinks_on_fresh_evidence,
    _floors_hold,
    _growth_is_clamped,
    _source_shrinks_after_traffic,
    _weights_do_not_flap,
    _orders_hold,
    _bell_is_provided_for,
)
