"""The memory after this plan: restraints for what it takes, samples of what it saw."""

from datetime import datetime

from controller.domain.fleet import DataMode, Ent
from controller.domain.memory import EntMemory, Latch, Memory, Move, Samples, SiteMemory
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Action, SetFloor, SetReplicas
from controller.planning.bottleneck import Ceiling
from controller.planning.data import last_data_ready
from controller.planning.demand import Demand
from controller.planning.facts import Facts
from controller.planning.health import Health
from controller.planning.lead import learn
from controller.planning.reversals import remembered
from controller.planning.samples import samples_after
from controller.planning.scaling import Target
from controller.planning.shifts import Shift


def memory_after(
    facts: Facts,
    demands: dict[EntKey, Demand],
    ceilings: dict[EntKey, Ceiling],
    targets: list[Target],
    shifts: list[Shift],
    actions: list[Action],
    health: dict[SiteName, Health],
) -> Memory:
    """Return the memory to be written before the actions are taken."""
    acting = {action.id for action in actions}
    moves: dict[EntKey, list[Move]] = {}
    for shift in shifts:
        if shift.action.id in acting:
            moves.setdefault(shift.action.ent, []).extend(shift.moves)
    raises: dict[EntKey, dict[SiteName, tuple[int, int]]] = {}
    for action in actions:
        if isinstance(action, SetReplicas | SetFloor) and action.replicas > action.was:
            raises.setdefault(action.ent, {})[action.site] = (action.was, action.replicas)
    mine = _by_ent(targets)
    complete_since = facts.world.memory.samples.complete_since
    return Memory(
        sites=tuple(_site_memory(h) for _, h in sorted(health.items())),
        ents=tuple(
            _ent_memory(facts, demand.ent, mine.get(key, []), moves.get(key, []), raises.get(key, {}))
            for key, demand in demands.items()
        ),
        samples=Samples(
            complete_since=complete_since if complete_since is not None else facts.now,
            ents=tuple(
                samples_after(facts, demand, ceilings[key].bottleneck, mine.get(key, []))
                for key, demand in demands.items()
            ),
        ),
    )


def _by_ent(targets: list[Target]) -> dict[EntKey, list[Target]]:
    """Group the targets, which come by ENT and then by site."""
    mine: dict[EntKey, list[Target]] = {}
    last: Ent | None = None
    run: list[Target] = []
    for target in targets:
        if target.ent is not last:
            last = target.ent
            run = mine.setdefault(last.key, [])
        run.append(target)
    return mine


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
    facts: Facts, ent: Ent, targets: list[Target], new: list[Move], raises: dict[SiteName, tuple[int, int]]
) -> EntMemory:
    before = facts.remembered(ent.key)
    growths, leads = learn(facts, before, raises)
    return EntMemory(
        ent=ent.key,
        moves=remembered(before.moves, new, facts.now, ent.shifting.reversal_window) if before.moves or new else (),
        latches=_latches(ent, before, targets, facts.now),
        growths=growths,
        leads=leads,
        data_ready=last_data_ready(facts, ent) if before.data_ready or not _stateless(ent) else (),
    )


def _latches(ent: Ent, before: EntMemory, targets: list[Target], now: datetime) -> tuple[Latch, ...]:
    latches = [t.latch for t in targets if t.latch is not None]
    if before.latches and len(targets) < len(ent.placements):
        # A workload that is out of sight for a moment keeps its floor.
        decided = {t.placement.site for t in targets}
        latches += [latch for latch in before.latches if latch.site not in decided and now < latch.until]
        latches.sort(key=_site_of_latch)
    return tuple(latches)


def _site_of_latch(latch: Latch) -> SiteName:
    return latch.site


def _stateless(ent: Ent) -> bool:
    return all(placement.data_mode is DataMode.STATELESS for placement in ent.placements)
