"""Placement, the slow programme: shares and replicas on attainable capacity, with one loss already paid for.

For every ENT the normal case and the loss of each serving domain share the same replicas, so that what is in place
before the bell also absorbs the loss (design §5 stage 5). The programme itself is in `flows`, who is solved together in
`shapes`, and why a size is what it is in `sizes`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from controller.domain.explanation import Cut, Explained
from controller.domain.fleet import DataMode, Ent, Placement, ReservePolicy, Site
from controller.domain.memory import Verdict
from controller.domain.names import EntKey, SiteName
from controller.domain.reasons import Reason
from controller.domain.world import ReplicaState
from controller.planning.bottleneck import Ceiling
from controller.planning.data import data_can_serve
from controller.planning.demand import Demand
from controller.planning.facts import TARGET_UTILISATION, Facts
from controller.planning.flows import TIE_BREAK, UNLIMITED, Slot, Split, Wish
from controller.planning.health import Health
from controller.planning.shapes import Answer, Shape, Unit, answer, entangled, unbounded, unit_of
from controller.planning.sizes import NO_CEILINGS, ROUNDING, Sizing, whole

AWAY_FROM_HOME = 1.0
AT_A_SICK_SITE = 2.0
"""A degraded home is farther than a healthy stranger."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an ENT's demand should be served and how many replicas that takes."""

    shares: dict[SiteName, float]
    """Share of the demand in the normal case; sums to 1 unless nothing can serve."""
    replicas: dict[SiteName, int]
    asked: dict[SiteName, int]
    """The same before the max of the placement cut it."""
    unserved_per_second: float
    unserved_after_loss_per_second: float
    """For the worst loss of one serving domain."""
    bound: bool
    """A bound binds somewhere: a number may have been cut."""
    work_out: Callable[[], Sizing]

    @property
    def explained(self) -> dict[SiteName, Explained]:
        """The chain behind each number."""
        sizing = self.work_out()
        return {p.site: sizing.explained(index) for index, p in enumerate(sizing.placements)}

    def explained_at(self, site: SiteName) -> Explained | None:
        """The chain behind the number at the site; None where nothing was planned."""
        sizing = self.work_out()
        return next((sizing.explained(index) for index, p in enumerate(sizing.placements) if p.site == site), None)


def place(
    facts: Facts, demands: dict[EntKey, Demand], ceilings: dict[EntKey, Ceiling], health: dict[SiteName, Health]
) -> dict[EntKey, Placed]:
    """Solve the placement of all ENTs together: the quota of a site is shared."""
    fleet = _Fleet(facts, health)
    quotas = {name: float(s.quota_replicas) for name, s in facts.sites.items() if s.quota_replicas is not None}
    free = {key: _by_shape(fleet, demand, ceilings[key]) for key, demand in demands.items()}
    drafts = {key: _draft(fleet, demands[key], ceilings[key]) for key, found in free.items() if found is None}
    answers = {key: _alone(draft.wish) for key, draft in drafts.items()}
    for key in entangled(_asked(free, answers, drafts) if quotas else {}, quotas):
        drafts.setdefault(key, _draft(fleet, demands[key], ceilings[key]))
        answers.pop(key, None)
    together = [draft.wish for key, draft in sorted(drafts.items()) if key not in answers]
    if together:
        answers |= answer(together, quotas)
    return {
        key: _placed(facts, drafts[key], answers[key]) if key in drafts or found is None else found.placed
        for key, found in free.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenSite:
    """A site that takes part, as the programme sees it: for an ENT at home there, and for any other."""

    site: Site
    cost: float
    sick: float

    def distance(self, placement: Placement) -> float:
        return self.sick + (0.0 if placement.home else AWAY_FROM_HOME)


class _Fleet:
    """The sites that could serve, and the answers to the shapes met in this plan."""

    def __init__(self, facts: Facts, health: dict[SiteName, Health]) -> None:
        self.facts = facts
        self.open: dict[SiteName, _OpenSite] = {}
        count = len(facts.sites)
        for index, (name, site) in enumerate(facts.sites.items()):
            drained = site.drain is not None and site.drain.in_force(facts.now)
            if health[name].gone or drained:
                continue
            self.open[name] = _OpenSite(
                site=site,
                # Up to a hundredth more for later names keeps small shares together and ties unique.
                cost=site.relative_cost_permille / 1000 + TIE_BREAK * index / count,
                sick=AT_A_SICK_SITE if health[name].verdict is Verdict.DEGRADED else 0.0,
            )
        self._units: dict[tuple[object, ...], Unit | None] = {}

    def taking_part(self, ent: Ent) -> tuple[Placement, ...]:
        """Return the placements that could serve: site alive and not drained, data able to serve."""
        placements = self.facts.placements[ent.key]
        found = [
            p
            for p in placements
            if p.site in self.open and (p.data_mode is DataMode.STATELESS or data_can_serve(self.facts, ent, p))
        ]
        return placements if len(found) == len(placements) else tuple(found)

    def unit(self, ent: Ent, taking: tuple[Placement, ...], shares: dict[SiteName, float]) -> Unit | None:
        """Return the answer to a demand of one; within a plan equal shapes are told by sites, homes and shares."""
        reserve = ent.reserve is not ReservePolicy.NONE
        key = (
            reserve,
            *[p.site for p in taking],
            *[p.home for p in taking],
            *[shares.get(p.site, 0.0) for p in taking],
        )
        try:
            return self._units[key]
        except KeyError:
            found = self._units[key] = unit_of(self._shape(taking, shares), reserve) if taking else None
            return found

    def _shape(self, taking: tuple[Placement, ...], shares: dict[SiteName, float]) -> Shape:
        found = []
        for p in taking:
            at = self.open[p.site]
            found.append((p.site, at.distance(p), at.cost, at.site.serving_domains, shares.get(p.site, 0.0)))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Free:
    """An ENT that binds nobody, and what it takes of its sites, before rounding."""

    placed: Placed
    counts: list[float]


def _by_shape(fleet: _Fleet, demand: Demand, ceiling: Ceiling) -> _Free | None:
    """Multiply the answer to a demand of one; None where a bound binds or no solver found one."""
    facts, ent = fleet.facts, demand.ent
    taking = fleet.taking_part(ent)
    shares = facts.largest_shares(ent)
    unit = fleet.unit(ent, taking, shares)
    if unit is None:
        return None
    per_unit = TARGET_UTILISATION * ent.capacity_per_replica
    units = _worth_growing_for(demand, ceiling) / per_unit
    if ceiling.most_replicas is not None and unit.replicas * units > _most_together(ceiling, len(taking)):
        return None
    counts = [each * units for each in unit.split.replicas]
    replicas = _whole_counts(facts, demand, taking, counts)
    if replicas is None:
        return None
    carried = unit.carried * units
    placed = Placed(
        unit.shares if carried > ROUNDING else _resting_shares(facts, ent, taking),
        replicas,
        replicas,
        _short(units, per_unit, carried),
        _short(units, per_unit, unit.after_loss * units),
        False,  # noqa: FBT003 - by position, for there are as many as ENTs
        partial(_free_sizing, demand, per_unit, taking, unit, units),
    )
    return _Free(placed, counts)


def _whole_counts(
    facts: Facts, demand: Demand, taking: tuple[Placement, ...], counts: list[float]
) -> dict[SiteName, int] | None:
    """Round up to whole replicas, the minimum at least; None where a bound of a placement binds."""
    states = facts.states_of(demand.ent.key)
    replicas: dict[SiteName, int] = {}
    for p, count in zip(taking, counts, strict=True):
        site = p.site
        state = states.get(site)
        if state is not None and state.pending_since is not None and _is_stuck(facts, demand, state):
            return None
        if count > p.max_replicas or p.min_replicas > p.max_replicas:
            return None
        number = math.ceil(count - ROUNDING)
        replicas[site] = max(p.min_replicas, number)
    return replicas


def _free_sizing(demand: Demand, per_unit: float, taking: tuple[Placement, ...], unit: Unit, units: float) -> Sizing:
    split = unit.split.times(units)
    return Sizing(demand=demand, per_unit=per_unit, placements=taking, split=split, ceilings=NO_CEILINGS)


@dataclass(frozen=True, slots=True)
class _Draft:
    """An ENT that may be bound, its wish, and the placements of the wish's slots."""

    demand: Demand
    taking: tuple[Placement, ...]
    ceilings: dict[SiteName, Cut]
    wish: Wish


def _draft(fleet: _Fleet, demand: Demand, ceiling: Ceiling) -> _Draft:
    ent, shares = demand.ent, fleet.facts.largest_shares(demand.ent)
    taking = fleet.taking_part(ent)
    ceilings = _observed_ceilings(fleet.facts, demand, taking)
    per_unit = TARGET_UTILISATION * ent.capacity_per_replica
    slots = []
    for p in taking:
        at, stuck = fleet.open[p.site], ceilings.get(p.site)
        slots.append(
            Slot(
                site=p.site,
                most=float(p.max_replicas) if stuck is None else min(float(p.max_replicas), stuck.after),
                distance=at.distance(p),
                cost=at.cost,
                domains=at.site.serving_domains,
                held=shares.get(p.site, 0.0),
            )
        )
    wish = Wish(
        key=ent.key,
        priority=ent.priority,
        units=_worth_growing_for(demand, ceiling) / per_unit,
        per_unit=per_unit,
        reserve=ent.reserve is not ReservePolicy.NONE,
        most_replicas=_most_together(ceiling, len(taking)),
        slots=tuple(slots),
    )
    return _Draft(demand, taking, ceilings, wish)


def _worth_growing_for(demand: Demand, ceiling: Ceiling) -> float:
    if ceiling.per_second is None:
        return demand.ahead_per_second
    return min(demand.ahead_per_second, ceiling.per_second)


def _observed_ceilings(facts: Facts, demand: Demand, taking: tuple[Placement, ...]) -> dict[SiteName, Cut]:
    """Replicas that stay Pending beyond the lead time are not to be had: plan them elsewhere."""
    found = {}
    for p in taking:
        state = facts.states_of(demand.ent.key).get(p.site)
        if state is not None and _is_stuck(facts, demand, state):
            observed = max(state.ready, p.min_replicas)
            detail = f"{state.wanted - state.ready} replicas Pending for longer than the lead time at {p.site}"
            found[p.site] = Cut(reason=Reason.OBSERVED_CEILING, before=p.max_replicas, after=observed, detail=detail)
    return found


def _is_stuck(facts: Facts, demand: Demand, state: ReplicaState) -> bool:
    pending = state.pending_since
    return pending is not None and facts.now - pending > demand.lead and state.seen_at >= facts.fresh_since


def _most_together(ceiling: Ceiling, sites: int) -> float:
    """Replicas are rounded up at every site: leave room for that, or the dependency gets one too many."""
    if ceiling.most_replicas is None:
        return UNLIMITED
    return float(max(0, ceiling.most_replicas - max(0, sites - 1)))


def _alone(wish: Wish) -> Answer:
    """Answer a wish without quotas: multiplied where no bound binds, else by a programme of its own."""
    found = unbounded(wish)
    if found is not None and _keeps_bounds(wish, found):
        return Answer(bounded=found, unbounded=None)
    return answer([wish], {})[wish.key]


def _keeps_bounds(wish: Wish, split: Split) -> bool:
    return sum(split.replicas) <= wish.most_replicas and all(
        count <= slot.most for count, slot in zip(split.replicas, wish.slots, strict=True)
    )


def _asked(
    free: dict[EntKey, _Free | None], answers: dict[EntKey, Answer], drafts: dict[EntKey, _Draft]
) -> dict[EntKey, dict[SiteName, float]]:
    """Return what each ENT would take of every site if there were no quotas."""
    asked = {}
    for key, found in free.items():
        if found is not None:
            asked[key] = dict(zip(found.placed.replicas, found.counts, strict=True))
        else:
            slots, split = drafts[key].wish.slots, answers[key].bounded
            asked[key] = {slot.site: count for slot, count in zip(slots, split.replicas, strict=True)}
    return asked


def _placed(facts: Facts, draft: _Draft, found: Answer) -> Placed:
    wish, split, taking = draft.wish, found.bounded, draft.taking
    normal, together = sum(split.normal), sum(split.replicas)
    after = [
        together - sum([n for s, n in zip(wish.slots, split.replicas, strict=True) if domain in s.domains])
        for domain in wish.domains
    ]
    sizing = Sizing(
        demand=draft.demand,
        per_unit=wish.per_unit,
        placements=taking,
        split=split,
        ceilings=draft.ceilings,
        unbounded=found.unbounded,
        how=found.how,
        bound_by_dependency=wish.most_replicas < UNLIMITED,
    )
    asked = {p.site: max(whole(n), p.min_replicas) for p, n in zip(taking, split.replicas, strict=True)}
    resting = normal <= ROUNDING
    return Placed(
        shares=_resting_shares(facts, draft.demand.ent, taking)
        if resting
        else {p.site: flow / normal for p, flow in zip(taking, split.normal, strict=True)},
        replicas={p.site: min(asked[p.site], sizing.most(p)) for p in taking},
        asked=asked,
        unserved_per_second=_short(wish.units, wish.per_unit, normal),
        unserved_after_loss_per_second=_short(wish.units, wish.per_unit, min(after, default=wish.units)),
        bound=True,
        work_out=lambda: sizing,
    )


def _short(units: float, per_unit: float, carried: float) -> float:
    """Return the demand that is not carried; what is less than a thousandth of a replica is arithmetic."""
    missing = units - carried
    return missing * per_unit if missing > ROUNDING else 0.0


def _resting_shares(facts: Facts, ent: Ent, taking: tuple[Placement, ...]) -> dict[SiteName, float]:
    """Without demand: home, or where the traffic is, so that the first user finds a site."""
    current = facts.largest_shares(ent)
    chosen = (
        [p.site for p in taking if p.home]
        or [p.site for p in taking if current.get(p.site)]
        or [p.site for p in taking if facts.ready(ent.key, p.site)]
        or [p.site for p in taking[:1]]
    )
    return {p.site: (1.0 / len(chosen) if p.site in chosen else 0.0) for p in taking}
