"""The memory after this plan: restraints for what it takes, samples of what it saw."""

from datetime import datetime, timedelta

from controller.domain.memory import (
    DemandSample,
    EntMemory,
    Memory,
    Move,
    Recommendation,
    Samples,
    SiteMemory,
)
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Action, SetFloor, SetReplicas
from controller.planning.data import last_data_ready
from controller.planning.demand import Demand, sample_of
from controller.planning.facts import Facts
from controller.planning.health import Health
from controller.planning.lead import learn
from controller.planning.reversals import remembered
from controller.planning.scaling import Target
from controller.planning.shifts import Shift

SAMPLES_KEPT = timedelta(minutes=15)
"""Three times the longest look-back of a rule (the surprise's five minutes), so that one gap does not blind it."""


def memory_after(
    facts: Facts,
    demands: dict[EntKey, Demand],
    targets: list[Target],
    shifts: list[Shift],
    actions: list[Action],
    health: dict[SiteName, Health],
) -> Memory:
    """Return the memory to be written before the actions are taken."""
    acting = {action.id for action in actions}
    mine: dict[EntKey, list[Target]] = {key: [] for key in demands}
    for target in targets:
        mine[target.ent.key].append(target)
    moves: dict[EntKey, list[Move]] = {key: [] for key in demands}
    for shift in shifts:
        if shift.action.id in acting:
            moves[shift.action.ent] += shift.moves
    raises: dict[EntKey, dict[SiteName, tuple[int, int]]] = {key: {} for key in demands}
    for action in actions:
        if isinstance(action, SetReplicas | SetFloor) and action.replicas > action.was:
            raises[action.ent][action.site] = (action.was, action.replicas)
    return Memory(
        sites=tuple(_site_memory(h) for _, h in sorted(health.items())),
        ents=tuple(_ent_memory(facts, key, mine[key], moves[key], raises[key]) for key in demands),
        samples=_samples(facts, demands, targets),
    )


def _site_memory(health: Health) -> SiteMemory:
    return SiteMemory(
        site=health.site,
        verdict=health.verdict,
        since=health.since,
        healthy_since=health.healthy_since,
        fell_at=health.fell_at,
        well_since=health.well_since,
        relapses=health.relapses,
    )


def _ent_memory(
    facts: Facts, key: EntKey, targets: list[Target], new: list[Move], raises: dict[SiteName, tuple[int, int]]
) -> EntMemory:
    ent, before = facts.ents[key], facts.remembered(key)
    window = ent.shifting.reversal_window
    latches = [t.latch for t in targets if t.latch is not None]
    # A workload that is out of sight for a moment keeps its floor.
    decided = {t.placement.site for t in targets}
    latches += [latch for latch in before.latches if latch.site not in decided and facts.now < latch.until]
    memory = EntMemory(
        ent=key,
        moves=remembered(before.moves, new, facts.now, window),
        latches=tuple(sorted(latches, key=lambda latch: latch.site)),
        growths=before.growths,
        leads=before.leads,
        data_ready=last_data_ready(facts, ent),
    )
    return learn(facts, memory, raises)


def _samples(facts: Facts, demands: dict[EntKey, Demand], targets: list[Target]) -> Samples:
    before = facts.world.memory.samples
    return Samples(
        complete_since=before.complete_since if before.complete_since is not None else facts.now,
        recommendations=_recommendations(facts, demands, targets),
        demand=_demand_samples(facts, demands, before.demand),
    )


def _recommendations(facts: Facts, demands: dict[EntKey, Demand], targets: list[Target]) -> tuple[Recommendation, ...]:
    """Keep, per placement, those that a later maximum may still need: each is larger than all that follow it."""
    kept: list[Recommendation] = []
    for target in sorted(targets, key=lambda t: (t.ent.key, t.placement.site)):
        key, site = target.ent.key, target.placement.site
        # While the demand is not known what stands is recommended, so that nothing shrinks for a whole
        # stabilization window after a source returns (design §5 stage 1).
        blind = demands[key].no_shrink is not None
        replicas = max(target.recommended, target.state.wanted) if blind else target.recommended
        newest = Recommendation(ent=key, site=site, at=facts.now, replicas=replicas)
        since = facts.now - target.ent.scaling.stabilization_window
        mine = facts.recommendations.get((key, site), ())
        kept += [r for r in mine if since <= r.at < facts.now and r.replicas > replicas]
        kept.append(newest)
    return tuple(kept)


def _demand_samples(
    facts: Facts, demands: dict[EntKey, Demand], before: tuple[DemandSample, ...]
) -> tuple[DemandSample, ...]:
    since: datetime = facts.now - SAMPLES_KEPT
    kept = [s for s in before if since <= s.at < facts.now and s.ent in demands]
    for key, demand in demands.items():
        expected = max((w.demand_per_second for w in facts.windows.get(key, ()) if w.covers(facts.now)), default=0.0)
        ready = sum(facts.ready(key, p.site) for p in demand.ent.placements) * demand.ent.capacity_per_replica
        kept.append(sample_of(demand, facts.now, ready_capacity=ready, expected=expected))
    return tuple(kept)
