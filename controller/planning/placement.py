"""Placement, the slow programme: shares and replicas on attainable capacity, with one loss already paid for.

For every ENT the flows of the normal case and of the loss of each serving domain share the same replicas, so that
what is in place before the bell also absorbs the loss. Lexicographic: unserved by priority, unserved after a loss,
distance from home, cost, movement (design §5 stage 5).
"""

import math
from dataclasses import dataclass

from controller.domain.explanation import Cut, Explained, Term
from controller.domain.fleet import Ent, Placement, ReservePolicy, Site
from controller.domain.memory import Verdict
from controller.domain.names import DomainName, EntKey, SiteName
from controller.domain.reasons import Reason
from controller.planning.bottleneck import Ceiling
from controller.planning.data import data_can_serve
from controller.planning.demand import Demand
from controller.planning.facts import TARGET_UTILISATION, Facts
from controller.planning.health import Health
from controller.planning.programme import Programme, Solution

AWAY_FROM_HOME = 1.0
AT_A_SICK_SITE = 2.0
"""A degraded home is farther than a healthy stranger."""
TIE_BREAK = 0.01
"""Between equals the earlier name weighs this much more, so that one answer is the best. Large beside the slack that
a solver leaves between objectives, small beside a difference that anybody declared."""
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


Scenario = DomainName | None
"""The serving domain that is lost; None is the normal case."""


def place(
    facts: Facts, demands: dict[EntKey, Demand], ceilings: dict[EntKey, Ceiling], health: dict[SiteName, Health]
) -> dict[EntKey, Placed]:
    """Solve the placement of all ENTs together: the quota of a site is shared."""
    attainable = {key: _attainable(facts, demand, health) for key, demand in demands.items()}
    wanted = {key: _worth_growing_for(demand, ceilings[key]) for key, demand in demands.items()}
    flows = _Flows(facts, demands, wanted, attainable, health).solve()
    return {
        key: _placed(demand, wanted[key], attainable[key], flows.get(key), facts) for key, demand in demands.items()
    }


def _worth_growing_for(demand: Demand, ceiling: Ceiling) -> float:
    if ceiling.per_second is None:
        return demand.ahead_per_second
    return min(demand.ahead_per_second, ceiling.per_second)


def _attainable(facts: Facts, demand: Demand, health: dict[SiteName, Health]) -> tuple[Attainable, ...]:
    """Keep the placements that could serve: site alive and not drained, data able to serve."""
    found = []
    for placement in sorted(demand.ent.placements, key=lambda p: p.site):
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


class _Flows:
    """Builds and solves the programme; the columns are kept by what they mean."""

    def __init__(
        self,
        facts: Facts,
        demands: dict[EntKey, Demand],
        wanted: dict[EntKey, float],
        attainable: dict[EntKey, tuple[Attainable, ...]],
        health: dict[SiteName, Health],
    ) -> None:
        self.facts, self.demands, self.wanted, self.attainable, self.health = facts, demands, wanted, attainable, health
        self.programme = Programme()
        self.flow: dict[tuple[EntKey, Scenario, SiteName], int] = {}
        self.unserved: dict[tuple[EntKey, Scenario], int] = {}
        self.replicas: dict[tuple[EntKey, SiteName], int] = {}
        self.movement: dict[int, float] = {}

    def solve(self) -> dict[EntKey, dict[tuple[Scenario, SiteName], float]]:
        """Return the flow per scenario and site of each ENT; empty when the programme could not be solved."""
        for key in self.demands:
            self._add_ent(key)
        self._add_quotas()
        solved = self.programme.solve(self._objectives())
        if not isinstance(solved, Solution):
            return {}
        flows: dict[EntKey, dict[tuple[Scenario, SiteName], float]] = {key: {} for key in self.demands}
        for (key, scenario, site), column in self.flow.items():
            flows[key][(scenario, site)] = solved.values[column]
        return flows

    def _add_ent(self, key: EntKey) -> None:
        ent, programme = self.demands[key].ent, self.programme
        room = TARGET_UTILISATION * ent.capacity_per_replica
        for a in self.attainable[key]:
            self.replicas[(key, a.site.name)] = programme.column(upper=float(a.most))
        for scenario in scenarios(ent, self.attainable[key]):
            total = {}
            for a in self.attainable[key]:
                if scenario is not None and scenario in a.site.serving_domains:
                    continue
                column = self.flow[(key, scenario, a.site.name)] = programme.column()
                programme.row({column: 1.0, self.replicas[(key, a.site.name)]: -room}, upper=0.0)
                total[column] = 1.0
            short = self.unserved[(key, scenario)] = programme.column()
            programme.equal({**total, short: 1.0}, self.wanted[key])
        self._add_movement(key)

    def _add_movement(self, key: EntKey) -> None:
        for site, share in self.facts.largest_shares(self.demands[key].ent).items():
            column = self.flow.get((key, None, site))
            if column is not None:
                for side in self.programme.distance(column, share * self.wanted[key]):
                    self.movement[side] = 1.0

    def _add_quotas(self) -> None:
        for name, site in self.facts.sites.items():
            here = {column: 1.0 for (_, at), column in self.replicas.items() if at == name}
            if site.quota_replicas is not None and here:
                self.programme.row(here, upper=float(site.quota_replicas))

    def _objectives(self) -> list[dict[int, float]]:
        priorities = sorted({demand.ent.priority for demand in self.demands.values()}, reverse=True)
        objectives = [self._unserved(priority, in_normal=True) for priority in priorities]
        objectives += [self._unserved(priority, in_normal=False) for priority in priorities]
        return [*objectives, self._distance_from_home(), self._cost(), self.movement]

    def _unserved(self, priority: int, *, in_normal: bool) -> dict[int, float]:
        """Who goes short under a quota: the lower priority, and among equals the later name, every time."""
        order = {key: index / len(self.demands) for index, key in enumerate(self.demands)}
        return {
            column: 1.0 - TIE_BREAK * order[key]
            for (key, scenario), column in self.unserved.items()
            if self.demands[key].ent.priority == priority and (scenario is None) is in_normal
        }

    def _distance_from_home(self) -> dict[int, float]:
        distances = {}
        for (key, scenario, site), column in self.flow.items():
            placement = self.demands[key].ent.placement(site)
            if scenario is None and placement is not None:
                sick = AT_A_SICK_SITE if self.health[site].verdict is Verdict.DEGRADED else 0.0
                distances[column] = sick + (0.0 if placement.home else AWAY_FROM_HOME)
        return {column: distance for column, distance in distances.items() if distance}

    def _cost(self) -> dict[int, float]:
        """Cost of replicas; a hundredth more for each later name keeps small shares together and ties unique."""
        order = {name: index for index, name in enumerate(self.facts.sites)}
        return {
            column: self.facts.sites[site].relative_cost_permille / 1000 + TIE_BREAK * order[site]
            for (_, site), column in self.replicas.items()
        }


def scenarios(ent: Ent, attainable: tuple[Attainable, ...]) -> tuple[Scenario, ...]:
    """Return the cases to be ready for: normal, and the loss of each serving domain the ENT stands on."""
    if ent.reserve is ReservePolicy.NONE:
        return (None,)
    return (None, *sorted({domain for a in attainable for domain in a.site.serving_domains}))


def _placed(
    demand: Demand,
    wanted: float,
    attainable: tuple[Attainable, ...],
    flows: dict[tuple[Scenario, SiteName], float] | None,
    facts: Facts,
) -> Placed:
    if flows is None:
        flows = _sized_for_all(demand.ent, wanted, attainable)
    explained = {a.site.name: _explain(demand, a, flows) for a in attainable}
    cases = scenarios(demand.ent, attainable)
    carried = {case: sum(flow for (scenario, _), flow in flows.items() if scenario == case) for case in cases}
    normal = carried.get(None, 0.0)
    losses = [wanted - carried[case] for case in cases if case is not None]
    return Placed(
        shares=_normal_shares(demand.ent, attainable, flows, normal, facts),
        replicas={site: round(number.value) for site, number in explained.items()},
        unserved_per_second=max(0.0, wanted - normal),
        unserved_after_loss_per_second=max([0.0, *losses]),
        explained=explained,
    )


def _normal_shares(
    ent: Ent,
    attainable: tuple[Attainable, ...],
    flows: dict[tuple[Scenario, SiteName], float],
    normal: float,
    facts: Facts,
) -> dict[SiteName, float]:
    """Shares of the normal case. Without demand: home, or where the traffic is, so that the first user finds a site."""
    if normal > ROUNDING:
        return {a.site.name: max(0.0, flows.get((None, a.site.name), 0.0)) / normal for a in attainable}
    homes = [a.site.name for a in attainable if a.placement.home]
    current = facts.largest_shares(ent)
    chosen = (
        homes
        or [a.site.name for a in attainable if current.get(a.site.name)]
        or [a.site.name for a in attainable if facts.ready(ent.key, a.site.name)]
        or [a.site.name for a in attainable[:1]]
    )
    return {a.site.name: (1.0 / len(chosen) if a.site.name in chosen else 0.0) for a in attainable}


def _sized_for_all(
    ent: Ent, wanted: float, attainable: tuple[Attainable, ...]
) -> dict[tuple[Scenario, SiteName], float]:
    """Without a solution size every placement for all the demand: dear, and safe under any loss."""
    homes = [a for a in attainable if a.placement.home] or list(attainable)
    room = {a.site.name: a.most * TARGET_UTILISATION * ent.capacity_per_replica for a in attainable}
    flows: dict[tuple[Scenario, SiteName], float] = {}
    for a in homes:
        flows[(None, a.site.name)] = min(wanted / len(homes), room[a.site.name])
    for scenario in scenarios(ent, attainable):
        for a in attainable:
            if scenario is not None and scenario not in a.site.serving_domains:
                flows[(scenario, a.site.name)] = min(wanted, room[a.site.name])
    return flows


def _explain(demand: Demand, a: Attainable, flows: dict[tuple[Scenario, SiteName], float]) -> Explained:
    """Say which case decided the replicas of one placement: normal, a loss, or the minimum."""
    won = demand.explained.won
    source = won.detail if won is not None else "no demand"
    capacity = demand.ent.capacity_per_replica * TARGET_UTILISATION
    terms = [Term(reason=Reason.MINIMUM, value=a.placement.min_replicas, detail="min of the placement")]
    for (scenario, site), flow in flows.items():
        replicas = math.ceil(flow / capacity - ROUNDING)
        if site != a.site.name or replicas <= 0:
            continue
        sized = f"{flow:.1f}/s at {TARGET_UTILISATION:.0%} of {demand.ent.capacity_per_replica:g}/s per replica"
        if scenario is None:
            reason = won.reason if won is not None else Reason.PRESENT_DEMAND
            terms.append(Term(reason=reason, value=replicas, detail=f"{source}; {sized}"))
        else:
            terms.append(
                Term(reason=Reason.RESERVE, value=replicas, detail=f"if {scenario} is lost: {sized}; {source}")
            )
    value = max(term.value for term in terms)
    cuts = [a.cut] if a.cut is not None else []
    if value > a.most:
        cuts.append(
            Cut(reason=Reason.AT_MAX, before=value, after=a.most, detail=f"max of the placement at {a.site.name}")
        )
        value = a.most
    return Explained(
        subject=f"{demand.ent.key} at {a.site.name}",
        quantity="replicas",
        value=value,
        unit="replicas",
        terms=tuple(sorted(terms, key=lambda term: -term.value)),
        cuts=tuple(cuts),
    )
