"""Placement, the slow programme: shares and replicas on attainable capacity, with one loss already paid for.

For every ENT the normal case and the loss of each serving domain share the same replicas, so that what is in place
before the bell also absorbs the loss (design §5 stage 5). The programme itself is in `flows`, who is solved together in
`shapes`.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from controller.domain.explanation import Cut, Explained, Term
from controller.domain.fleet import Ent, Placement, ReservePolicy, Site
from controller.domain.memory import Verdict
from controller.domain.names import EntKey, SiteName
from controller.domain.reasons import Reason
from controller.planning.bottleneck import Ceiling
from controller.planning.data import data_can_serve
from controller.planning.demand import Demand
from controller.planning.facts import TARGET_UTILISATION, Facts
from controller.planning.flows import TIE_BREAK, UNLIMITED, Slot, Wish
from controller.planning.health import Health
from controller.planning.shapes import Answers, answers_to

AWAY_FROM_HOME = 1.0
AT_A_SICK_SITE = 2.0
"""A degraded home is farther than a healthy stranger."""
ROUNDING = 1e-3
"""A solver's 7.0001 is 7 replicas, not 8: what the slack between two objectives leaves behind is arithmetic."""


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
    found = answers_to(wishes, quotas)
    return {key: _placed(facts, demand, wishes[key], attainable[key], found) for key, demand in demands.items()}


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


def _placed(facts: Facts, demand: Demand, wish: Wish, attainable: tuple[Attainable, ...], found: Answers) -> Placed:
    split, unbounded, how = found.bounded[wish.key], found.unbounded.get(wish.key), found.how.get(wish.key, "")
    won = demand.explained.won
    source = (won.reason, won.detail) if won is not None else (Reason.PRESENT_DEMAND, "no demand")
    explained = {}
    for i, a in enumerate(attainable):
        bound = _bound(wish, a, split.replicas[i], unbounded.replicas[i]) if unbounded is not None else None
        explained[a.site.name] = _explain(
            wish, a, split.normal[i], split.replicas[i], split.sized_for[i], source, how, bound
        )
    normal, whole = sum(split.normal), sum(split.replicas)
    after = [
        whole - sum([n for s, n in zip(wish.slots, split.replicas, strict=True) if domain in s.domains])
        for domain in wish.domains
    ]
    return Placed(
        shares=_normal_shares(demand.ent, attainable, split.normal, normal, facts),
        replicas={site: round(number.value) for site, number in explained.items()},
        unserved_per_second=_short(wish, normal),
        unserved_after_loss_per_second=_short(wish, min(after, default=wish.units)),
        explained=explained,
    )


def _short(wish: Wish, carried: float) -> float:
    """Return the demand that is not carried; what is less than a thousandth of a replica is arithmetic."""
    missing = wish.units - carried
    return missing * wish.per_unit if missing > ROUNDING else 0.0


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


def _bound(wish: Wish, a: Attainable, replicas: float, would_be: float) -> Cut | None:
    """Say what the placement would have got if its bounds, or those of others, had not bound it."""
    before, after = math.ceil(would_be - ROUNDING), math.ceil(replicas - ROUNDING)
    if before <= after:
        return None
    if replicas >= a.most - ROUNDING:
        reason, detail = Reason.AT_MAX, f"max of the placement at {a.site.name}"
    elif wish.most_replicas < UNLIMITED:
        reason, detail = Reason.BOTTLENECK_ELSEWHERE, "a shared dependency bears no more replicas"
    else:
        reason, detail = Reason.QUOTA, f"the quota of {a.site.name}, or what others need of a quota"
    return Cut(reason=reason, before=before, after=after, detail=detail)


def _explain(
    wish: Wish,
    a: Attainable,
    flow: float,
    replicas: float,
    sized_for: str | None,
    source: tuple[Reason, str],
    how: str,
    bound: Cut | None,
) -> Explained:
    """Say which case decided the replicas of one placement: normal, a loss, or the minimum."""
    asked, detail = source
    terms = [_minimum(a.placement.min_replicas)]
    normally, value = math.ceil(flow - ROUNDING), math.ceil(replicas - ROUNDING)
    if normally > 0:
        terms.append(Term(reason=asked, value=normally, detail=f"{detail}; {_sized(wish, flow)}{how}"))
    if value > normally:
        lost = f"if {sized_for} is lost: " if sized_for is not None else "for the loss of a site: "
        terms.append(Term(reason=Reason.RESERVE, value=value, detail=f"{lost}{_sized(wish, replicas)}{how}; {detail}"))
    terms.sort(key=_by_value)
    value = max(value, a.placement.min_replicas)
    cuts = [cut for cut in (a.cut, bound) if cut is not None]
    if value > a.most:
        text = f"max of the placement at {a.site.name}"
        cuts.append(Cut(reason=Reason.AT_MAX, before=value, after=a.most, detail=text))
        value = a.most
    return Explained(
        subject=f"{wish.key} at {a.site.name}",
        quantity="replicas",
        value=value,
        unit="replicas",
        terms=tuple(terms),
        cuts=tuple(cuts),
    )


@lru_cache(maxsize=1024)
def _minimum(replicas: int) -> Term:
    return Term(reason=Reason.MINIMUM, value=replicas, detail="min of the placement")


def _by_value(term: Term) -> float:
    return -term.value


def _sized(wish: Wish, replicas: float) -> str:
    per_replica = wish.per_unit / TARGET_UTILISATION
    return f"{replicas * wish.per_unit:.1f}/s at {TARGET_UTILISATION:.0%} of {per_replica:g}/s per replica"
