"""The clairvoyant optimum: the least replica-hours with no overload, for somebody who knows the demand.

It has the start delay, limits, quotas, target utilisation and reserve of everybody else, places freely, and pays for
a replica from its creation on. What stands at the beginning costs no start.

Without a binding quota the dynamic programme over replica counts has a closed form, ENT by ENT:

1. Replicas filled in evenly over failure domains carry, with the worst domain lost, all but the fullest domain. That
   grows with every replica, so each demand has a least total, and a larger total is as good.
2. A replica that is not needed for a while is better kept than started again if the while is shorter than the start
   delay. So the totals are their least ones with all valleys filled that are narrower than the delay.

Any plan has at least these totals, and pays a delay for each of their rises: it is exact. Where quotas bind or domains
overlap, what is returned is a plan that can be followed and a lower bound (`optimum_lp`); their gap is stated.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controller.domain.fleet import Ent, ReservePolicy, Site
from controller.domain.names import DomainName, EntKey, SiteName
from controller.sim import optimum_lp
from controller.sim.controller import Known

Counts = NDArray[np.int64]
_SECONDS_PER_HOUR = 3600.0
_ROUNDING = 1e-9
"""Keeps 8.000000001 replicas from becoming nine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """The yardstick, and how sure it is."""

    replica_hours: float
    """Of a plan that can be followed while nothing is short, starting replicas included."""
    lower_bound: float
    """No plan needs fewer."""
    exact: bool
    """Whether the two are the same by proof."""
    short_seconds: float
    """Summed over ENTs: how long limits do not let the demand be carried; where quotas do not let all peaks be carried
    together, how long the plan is above them."""
    ready: Mapping[EntKey, Counts]
    """Ready replicas of the plan at each step, all sites together."""

    @property
    def gap(self) -> float:
        """Return by how much the plan may lie above the true optimum, as a share of the lower bound."""
        return self.replica_hours / self.lower_bound - 1.0 if self.lower_bound else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one ENT may have at one site, and the domains with which the site falls."""

    least: int
    most: int
    domains: frozenset[DomainName]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Replicas of one ENT from its minimum to its maximum, one by one, as evenly as limits allow."""

    totals: Counts
    by_site: Mapping[SiteName, Counts]
    carried: Counts
    """Replicas that still serve with the worst domain lost; never falls along the fill."""

    def least_totals(self, needed: Counts) -> Counts:
        """Return the least total that carries each need; everything where nothing does."""
        found = np.minimum(np.searchsorted(self.carried, needed), len(self.totals) - 1)
        return self.totals[found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One ENT's replicas over time and what they cost."""

    totals: Counts
    replica_steps: float
    """Starting replicas included."""
    by_site: Mapping[SiteName, Counts]
    short_steps: int


def optimum(demand: Mapping[EntKey, NDArray[np.float64]], step_seconds: float, known: Known) -> Optimum:
    """Return the least replica-hours for this demand per second of first attempts, given step by step."""
    delay_steps = known.start_delay_seconds / step_seconds
    ents = [ent for ent in sorted(known.ents, key=lambda e: e.key) if ent.key in demand]
    needs = {ent.key: needed(ent, demand[ent.key], known) for ent in ents}
    limits = {ent.key: limits_of(ent, known.sites) for ent in ents}
    reserves = {ent.key: known.reserve and ent.reserve is not ReservePolicy.NONE for ent in ents}

    alone = {key: planned(needs[key], limits[key], delay_steps, reserve=reserves[key]) for key in needs}
    quotas = {site.name: site.quota_replicas for site in known.sites if site.quota_replicas is not None}
    partitions = not any(reserves.values()) or all(_is_partition(of) for of in limits.values())
    plans: Mapping[EntKey, Planned] = alone
    exact = partitions
    bound = sum(plan.replica_steps for plan in alone.values()) if partitions else 0.0
    over_quota = 0
    if _steps_above(alone, quotas) or not partitions:
        plans, bound, exact = _with_quotas(needs, limits, reserves, quotas, delay_steps, alone, bound)
        over_quota = _steps_above(plans, quotas)
    hours = step_seconds / _SECONDS_PER_HOUR
    return Optimum(
        replica_hours=sum(plan.replica_steps for plan in plans.values()) * hours,
        lower_bound=bound * hours,
        exact=exact,
        short_seconds=(over_quota + sum(plan.short_steps for plan in plans.values())) * step_seconds,
        ready={key: plan.totals for key, plan in plans.items()},
    )


def needed(ent: Ent, demand: NDArray[np.float64], known: Known) -> Counts:
    """Return how many Ready replicas carry the demand at target utilisation."""
    useful = known.capacity_per_replica[ent.key] * known.target_utilisation
    return np.ceil(np.maximum(demand, 0.0) / useful - _ROUNDING).astype(np.int64)


def limits_of(ent: Ent, sites: Sequence[Site]) -> dict[SiteName, Limits]:
    """Return the ENT's limits at each of its sites."""
    domains = {site.name: frozenset(site.serving_domains) for site in sites}
    quotas = {site.name: site.quota_replicas for site in sites}
    found = {}
    for p in sorted(ent.placements, key=lambda placement: placement.site):
        quota = quotas.get(p.site)
        most = p.max_replicas if quota is None else min(p.max_replicas, quota)
        alone = frozenset({DomainName(f"site:{p.site}")})
        found[p.site] = Limits(least=min(p.min_replicas, most), most=most, domains=domains.get(p.site, alone))
    return found


def _is_partition(limits: Mapping[SiteName, Limits]) -> bool:
    return all(len(of.domains) == 1 for of in limits.values())


def planned(needs: Counts, limits: Mapping[SiteName, Limits], delay_steps: float, *, reserve: bool) -> Planned:
    """Return the cheapest plan of one ENT by itself."""
    fill = filled(limits, reserve=reserve)
    totals = without_narrow_valleys(fill.least_totals(needs), delay_steps)
    index = totals - fill.totals[0]
    return Planned(
        totals=totals,
        replica_steps=cost(totals, delay_steps),
        by_site={site: counts[index] for site, counts in fill.by_site.items()},
        short_steps=int(np.count_nonzero(fill.carried[index] < needs)),
    )


def filled(limits: Mapping[SiteName, Limits], *, reserve: bool) -> Fill:
    """Fill in replicas one by one, each in the emptiest domain that has room, and there at the emptiest site."""
    domains = sorted(frozenset().union(*(of.domains for of in limits.values())))
    lost = [d for d in domains if any(d not in of.domains for of in limits.values())] if reserve else []
    counts = {site: of.least for site, of in limits.items()}
    steps = [dict(counts)]
    while open_sites := [site for site, of in limits.items() if counts[site] < of.most]:
        load = {d: sum(counts[s] for s, of in limits.items() if d in of.domains) for d in domains}
        site = min(open_sites, key=lambda s: (max(load[d] for d in limits[s].domains), counts[s], s))
        counts[site] += 1
        steps.append(dict(counts))
    totals = np.array([sum(step.values()) for step in steps], dtype=np.int64)
    carried = totals.copy()
    for domain in lost:
        gone = [sum(n for s, n in step.items() if domain in limits[s].domains) for step in steps]
        carried = np.minimum(carried, totals - np.array(gone, dtype=np.int64))
    by_site = {site: np.array([step[site] for step in steps], dtype=np.int64) for site in limits}
    return Fill(totals=totals, by_site=by_site, carried=np.maximum.accumulate(carried))


def without_narrow_valleys(totals: Counts, delay_steps: float) -> Counts:
    """Raise the totals where they fall for less time than a new replica needs to start; the end is no valley.

    That is the morphological closing by the delay: the least over all windows of that width of the most within each.
    """
    width = max(1, math.ceil(delay_steps - _ROUNDING))
    if width == 1 or not len(totals):
        return totals
    before = np.full(width - 1, np.iinfo(np.int64).max)
    after = np.zeros(width - 1, dtype=np.int64)
    most = _sliding(np.maximum, np.concatenate([before, totals, after]), width)
    return _sliding(np.minimum, most, width)


def _sliding(extreme: np.ufunc, values: Counts, width: int) -> Counts:
    """Return the extreme of every window, by doubling its width."""
    reached, found = 1, values
    while reached < width:
        step = min(reached, width - reached)
        found = extreme(found[:-step], found[step:])
        reached += step
    return found


def cost(totals: Counts, delay_steps: float) -> float:
    """Return replica-steps: what is Ready, and a delay for every replica that is started."""
    starts = np.maximum(np.diff(totals), 0).sum()
    return float(totals.sum() + delay_steps * starts)


def _steps_above(plans: Mapping[EntKey, Planned], quotas: Mapping[SiteName, int]) -> int:
    """Return how many steps need more at some site than its quota allows."""
    above: list[NDArray[np.bool_]] = []
    for site, quota in quotas.items():
        used = [plan.by_site[site] for plan in plans.values() if site in plan.by_site]
        if used:
            above.append(np.sum(used, axis=0) > quota)
    return int(np.count_nonzero(np.any(above, axis=0))) if above else 0


def _with_quotas(
    needs: Mapping[EntKey, Counts],
    limits: Mapping[EntKey, Mapping[SiteName, Limits]],
    reserves: Mapping[EntKey, bool],
    quotas: Mapping[SiteName, int],
    delay_steps: float,
    alone: Mapping[EntKey, Planned],
    bound: float,
) -> tuple[Mapping[EntKey, Planned], float, bool]:
    """Share quotas out for good so that every peak fits, plan within the shares, and bound from below."""
    coupled = optimum_lp.Coupled(
        needs=needs,
        limits={
            key: {site: optimum_lp.Bounds(of.least, of.most, of.domains) for site, of in by_site.items()}
            for key, by_site in limits.items()
        },
        reserves=reserves,
        quotas=quotas,
        delay_steps=delay_steps,
    )
    bound = max(bound, optimum_lp.lower_bound(coupled))
    shares = optimum_lp.shared_quotas(coupled)
    if shares is None:
        return alone, bound, False
    plans = {}
    for key, by_site in limits.items():
        shared = {
            site: Limits(least=of.least, most=shares[key, site], domains=of.domains) for site, of in by_site.items()
        }
        plans[key] = planned(needs[key], shared, delay_steps, reserve=reserves[key])
    reached = sum(plan.replica_steps for plan in plans.values())
    return plans, min(bound, reached), reached <= bound + _ROUNDING
