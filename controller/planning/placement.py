"""Placement, the slow programme: shares and replicas on attainable capacity, with one loss already paid for.

For every ENT the normal case and the loss of each serving domain share the same replicas, so that what is in place
before the bell also absorbs the loss (design §5 stage 5). The programme itself is in `flows`.

Most ENTs bind nobody: neither the max of a placement nor the quota of a site matters to them. Such a programme grows
in proportion to its demand, so it is solved once for a demand of one and each shape of fleet, and multiplied. An answer
that keeps within all bounds is the optimum of the bounded programme too, since bounds only take answers away. Only ENTs
that would break a bound, and those that share a quota with them, are solved together.
"""

import math
from dataclasses import dataclass, replace

from controller.domain.explanation import Cut, Explained, Term
from controller.domain.fleet import Ent, Placement, ReservePolicy, Site
from controller.domain.memory import Verdict
from controller.domain.names import EntKey, SiteName
from controller.domain.reasons import Reason
from controller.planning.bottleneck import Ceiling
from controller.planning.data import data_can_serve
from controller.planning.demand import Demand
from controller.planning.facts import TARGET_UTILISATION, Facts
from controller.planning.flows import TIE_BREAK, UNLIMITED, Slot, Split, Wish, solve
from controller.planning.greedy import place_greedily
from controller.planning.health import Health
from controller.planning.programme import Unsolved

AWAY_FROM_HOME = 1.0
AT_A_SICK_SITE = 2.0
"""A degraded home is farther than a healthy stranger."""
ROUNDING = 1e-3
"""A solver's 7.0001 is 7 replicas, not 8: what the slack between two objectives leaves behind is arithmetic."""
LARGEST_PROGRAMME = 1500
"""Slots that are solved together at most; beyond, regret greedy. A bound in size, so that all machines decide alike:
this many take about a second on the slowest that we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where an ENT's demand should be served and how many replicas that takes."""

    shares: dict[SiteName, float]
    """Share of the demand in the normal case; sums to 1 unless nothing can serve."""
    replicas: dict[SiteName, int]
    unserved_per_second: float
    unserved_after_loss_per_second: float
    """For the worst loss of one serving domain."""
    explained: dict[SiteName, Explained]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attainable:
    """A placement that can take part, and the most replicas that it can reach."""

    placement: Placement
    site: Site
    most: int
    cut: Cut | None


def place(
    facts: Facts, demands: dict[EntKey, Demand], ceilings: dict[EntKey, Ceiling], health: dict[SiteName, Health]
) -> dict[EntKey, Placed]:
    """Solve the placement of all ENTs together: the quota of a site is shared."""
    attainable = {key: _attainable(facts, demand, health) for key, demand in demands.items()}
    costs = _costs(facts)
    wishes = {
        key: _wish(facts, demand, ceilings[key], attainable[key], health, costs) for key, demand in demands.items()
    }
    quotas = {name: float(s.quota_replicas) for name, s in facts.sites.items() if s.quota_replicas is not None}
    splits, how = _splits(wishes, quotas)
    return {
        key: _placed(facts, demand, wishes[key], attainable[key], splits[key], how.get(key, ""))
        for key, demand in demands.items()
    }


def _worth_growing_for(demand: Demand, ceiling: Ceiling) -> float:
    if ceiling.per_second is None:
        return demand.ahead_per_second
    return min(demand.ahead_per_second, ceiling.per_second)


def _attainable(facts: Facts, demand: Demand, health: dict[SiteName, Health]) -> tuple[Attainable, ...]:
    """Keep the placements that could serve: site alive and not drained, data able to serve."""
    found = []
    for placement in facts.placements[demand.ent.key]:
        site = facts.sites.get(placement.site)
        if site is None or health[site.name].gone or not data_can_serve(facts, demand.ent, placement):
            continue
        if site.drain is not None and site.drain.in_force(facts.now):
            continue
        most, cut = _most(facts, demand, placement)
        found.append(Attainable(placement=placement, site=site, most=most, cut=cut))
    return tuple(found)


def _most(facts: Facts, demand: Demand, placement: Placement) -> tuple[int, Cut | None]:
    """Replicas that stay Pending beyond the lead time are not to be had: plan them elsewhere."""
    state = facts.seen_freshly(demand.ent.key, placement.site)
    if state is None or state.pending_since is None or facts.now - state.pending_since <= demand.lead:
        return placement.max_replicas, None
    observed = max(state.ready, placement.min_replicas)
    detail = f"{state.wanted - state.ready} replicas Pending for longer than the lead time at {placement.site}"
    cut = Cut(reason=Reason.OBSERVED_CEILING, before=placement.max_replicas, after=observed, detail=detail)
    return min(placement.max_replicas, observed), cut


def _costs(facts: Facts) -> dict[SiteName, float]:
    """Cost of a replica; up to a hundredth more for later names keeps small shares together and ties unique."""
    count = len(facts.sites)
    return {
        name: site.relative_cost_permille / 1000 + TIE_BREAK * index / count
        for index, (name, site) in enumerate(facts.sites.items())
    }


def _wish(
    facts: Facts,
    demand: Demand,
    ceiling: Ceiling,
    attainable: tuple[Attainable, ...],
    health: dict[SiteName, Health],
    costs: dict[SiteName, float],
) -> Wish:
    ent = demand.ent
    shares = facts.largest_shares(ent)
    per_unit = TARGET_UTILISATION * ent.capacity_per_replica
    return Wish(
        key=ent.key,
        priority=ent.priority,
        units=_worth_growing_for(demand, ceiling) / per_unit,
        per_unit=per_unit,
        reserve=ent.reserve is not ReservePolicy.NONE,
        most_replicas=_most_together(ceiling, len(attainable)),
        slots=tuple(
            [
                Slot(
                    site=a.site.name,
                    most=float(a.most),
                    distance=_distance(a.placement, health[a.site.name]),
                    cost=costs[a.site.name],
                    domains=a.site.serving_domains,
                    held=shares.get(a.site.name, 0.0),
                )
                for a in attainable
            ]
        ),
    )


def _most_together(ceiling: Ceiling, sites: int) -> float:
    """Replicas are rounded up at every site: leave room for that, or the dependency gets one too many."""
    if ceiling.most_replicas is None:
        return UNLIMITED
    return float(max(0, ceiling.most_replicas - max(0, sites - 1)))


def _distance(placement: Placement, health: Health) -> float:
    sick = AT_A_SICK_SITE if health.verdict is Verdict.DEGRADED else 0.0
    return sick + (0.0 if placement.home else AWAY_FROM_HOME)


def _splits(wishes: dict[EntKey, Wish], quotas: dict[SiteName, float]) -> tuple[dict[EntKey, Split], dict[EntKey, str]]:
    """Return the answer to every wish, and a word on how it was found where that was not the programme."""
    shapes: dict[object, Split | None] = {}
    splits: dict[EntKey, Split] = {}
    how: dict[EntKey, str] = {}
    for key, wish in wishes.items():
        unbounded = _unbounded(wish, shapes)
        if unbounded is not None and _keeps_bounds(wish, unbounded):
            splits[key] = unbounded
        else:
            _solve_together([wish], {}, splits, how)
    together = _entangled(wishes, splits, quotas)
    if together:
        _solve_together(together, quotas, splits, how)
    return splits, how


def _keeps_bounds(wish: Wish, split: Split) -> bool:
    return sum(split.replicas) <= wish.most_replicas and all(
        count <= slot.most for count, slot in zip(split.replicas, wish.slots, strict=True)
    )


def _unbounded(wish: Wish, shapes: dict[object, Split | None]) -> Split | None:
    """Return the optimum without bounds: that of a demand of one, multiplied. None when a solver finds none."""
    shape = (wish.reserve, tuple([(slot.site, slot.distance, slot.held) for slot in wish.slots]))
    if shape not in shapes:
        slots = tuple(replace(slot, most=UNLIMITED) for slot in wish.slots)
        one = replace(wish, priority=0, units=1.0, per_unit=1.0, most_replicas=UNLIMITED, slots=slots)
        solved = solve([one], {})
        shapes[shape] = None if isinstance(solved, Unsolved) else solved[wish.key]
    unit = shapes[shape]
    return None if unit is None else unit.times(wish.units)


def _solve_together(
    wishes: list[Wish], quotas: dict[SiteName, float], splits: dict[EntKey, Split], how: dict[EntKey, str]
) -> None:
    """Solve some wishes as one programme, or greedily when it is too large or has no answer within its limits."""
    slots = sum(len(wish.slots) for wish in wishes)
    solved = solve(wishes, quotas) if slots <= LARGEST_PROGRAMME else Unsolved(why=f"{slots} placements share a quota")
    if isinstance(solved, Unsolved):
        how.update({wish.key: f" (by regret greedy: {solved.why})" for wish in wishes})
        solved = place_greedily(wishes, quotas)
    splits.update(solved)


def _entangled(wishes: dict[EntKey, Wish], splits: dict[EntKey, Split], quotas: dict[SiteName, float]) -> list[Wish]:
    """Return the ENTs that share a quota with one that is exceeded, directly or through others; none if none is."""
    if not quotas:
        return []
    asked = dict.fromkeys(quotas, 0.0)
    for key, split in splits.items():
        for slot, count in zip(wishes[key].slots, split.replicas, strict=True):
            if slot.site in asked:
                asked[slot.site] += count
    tight = {site for site, count in asked.items() if count > quotas[site] + ROUNDING}
    found: dict[EntKey, Wish] = {}
    while True:
        new = [w for k, w in wishes.items() if k not in found and any(s.site in tight for s in w.slots)]
        if not new:
            return [wish for key, wish in wishes.items() if key in found]
        found.update({wish.key: wish for wish in new})
        tight |= {slot.site for wish in new for slot in wish.slots if slot.site in quotas}


def _placed(
    facts: Facts, demand: Demand, wish: Wish, attainable: tuple[Attainable, ...], split: Split, how: str
) -> Placed:
    explained = {
        a.site.name: _explain(demand, wish, a, split.normal[i], split.replicas[i], split.sized_for[i], how)
        for i, a in enumerate(attainable)
    }
    normal, whole = sum(split.normal), sum(split.replicas)
    after = [
        whole - sum([n for s, n in zip(wish.slots, split.replicas, strict=True) if domain in s.domains])
        for domain in wish.domains
    ]
    return Placed(
        shares=_normal_shares(demand.ent, attainable, split.normal, normal, facts),
        replicas={site: round(number.value) for site, number in explained.items()},
        unserved_per_second=max(0.0, (wish.units - normal) * wish.per_unit),
        unserved_after_loss_per_second=max(0.0, (wish.units - min(after, default=wish.units)) * wish.per_unit),
        explained=explained,
    )


def _normal_shares(
    ent: Ent, attainable: tuple[Attainable, ...], flows: tuple[float, ...], normal: float, facts: Facts
) -> dict[SiteName, float]:
    """Shares of the normal case. Without demand: home, or where the traffic is, so that the first user finds a site."""
    if normal > ROUNDING:
        return {a.site.name: flow / normal for a, flow in zip(attainable, flows, strict=True)}
    homes = [a.site.name for a in attainable if a.placement.home]
    current = facts.largest_shares(ent)
    chosen = (
        homes
        or [a.site.name for a in attainable if current.get(a.site.name)]
        or [a.site.name for a in attainable if facts.ready(ent.key, a.site.name)]
        or [a.site.name for a in attainable[:1]]
    )
    return {a.site.name: (1.0 / len(chosen) if a.site.name in chosen else 0.0) for a in attainable}


def _explain(
    demand: Demand, wish: Wish, a: Attainable, flow: float, replicas: float, sized_for: str | None, how: str
) -> Explained:
    """Say which case decided the replicas of one placement: normal, a loss, or the minimum."""
    won = demand.explained.won
    source = won.detail if won is not None else "no demand"
    terms = [Term(reason=Reason.MINIMUM, value=a.placement.min_replicas, detail="min of the placement")]
    normally, value = math.ceil(flow - ROUNDING), math.ceil(replicas - ROUNDING)
    if normally > 0:
        reason = won.reason if won is not None else Reason.PRESENT_DEMAND
        terms.append(Term(reason=reason, value=normally, detail=f"{source}; {_sized(wish, flow)}{how}"))
    if value > normally:
        lost = f"if {sized_for} is lost: " if sized_for is not None else "for the loss of a site: "
        terms.append(Term(reason=Reason.RESERVE, value=value, detail=f"{lost}{_sized(wish, replicas)}{how}; {source}"))
    terms.sort(key=_by_value)
    value = max(value, a.placement.min_replicas)
    cuts = [a.cut] if a.cut is not None else []
    if value > a.most:
        detail = f"max of the placement at {a.site.name}"
        cuts.append(Cut(reason=Reason.AT_MAX, before=value, after=a.most, detail=detail))
        value = a.most
    return Explained(
        subject=f"{demand.ent.key} at {a.site.name}",
        quantity="replicas",
        value=value,
        unit="replicas",
        terms=tuple(terms),
        cuts=tuple(cuts),
    )


def _by_value(term: Term) -> float:
    return -term.value


def _sized(wish: Wish, replicas: float) -> str:
    per_replica = wish.per_unit / TARGET_UTILISATION
    return f"{replicas * wish.per_unit:.1f}/s at {TARGET_UTILISATION:.0%} of {per_replica:g}/s per replica"
