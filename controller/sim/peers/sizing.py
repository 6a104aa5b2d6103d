"""How a sensible team would size each site for a known demand, and what reserve costs in target utilisation.

Every peer that is tuned by hand is tuned by these rules; docs/peers.md states them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from controller.domain.fleet import Ent, Site
from controller.domain.names import DomainName, EntKey, SiteName
from controller.sim.controller import Known, Seen

_ROUNDING = 1e-9
"""Keeps 8.000000001 replicas from becoming nine."""

Shares = Mapping[SiteName, Fraction]
"""Which part of an ENT's traffic each of its sites gets; sums to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSizing:
    """What one site must be able to carry, as parts of the ENT's demand."""

    usual_part: float
    largest_part: float
    """Its own part, or what arrives when the worst other serving domain is lost and reserve is asked for."""
    min_replicas: int
    max_replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """One ENT's sites, and what a replica is planned with."""

    sites: Mapping[SiteName, SiteSizing]
    useful_per_replica: float

    def replicas(self, demand_per_second: float, site: SiteName) -> int:
        """Return what the site needs to carry its largest part of the demand, within its limits."""
        of = self.sites[site]
        needed = math.ceil(demand_per_second * of.largest_part / self.useful_per_replica - _ROUNDING)
        return min(max(needed, of.min_replicas), of.max_replicas)

    def headroom(self, site: SiteName) -> float:
        """Return by which factor usual load must stay below what stands, so that a lost domain is absorbed."""
        of = self.sites[site]
        return of.usual_part / of.largest_part if of.usual_part else 1.0


def sized(known: Known, ent: Ent, shares: Shares) -> Sizing:
    """Return the sizing of an ENT whose traffic is usually shared like this."""
    domains = {p.site: _domains(known.sites, p.site) for p in ent.placements}
    sites = {}
    for p in ent.placements:
        usual = shares.get(p.site, Fraction(0))
        others = sorted(set().union(*domains.values()) - domains[p.site]) if known.reserve else []
        largest = max([usual, *(_part_without(domain, p.site, shares, domains) for domain in others)])
        sites[p.site] = SiteSizing(
            usual_part=float(usual),
            largest_part=float(largest),
            min_replicas=p.min_replicas,
            max_replicas=p.max_replicas,
        )
    return Sizing(sites=sites, useful_per_replica=useful_per_replica(known, ent.key))


def _part_without(
    lost: DomainName, site: SiteName, shares: Shares, domains: Mapping[SiteName, set[DomainName]]
) -> Fraction:
    """Return the site's part once a domain is lost: in proportion to shares, evenly where nobody standing has one."""
    standing = [other for other, of in domains.items() if lost not in of]
    total = sum((shares.get(other, Fraction(0)) for other in standing), Fraction(0))
    return shares.get(site, Fraction(0)) / total if total else Fraction(1, len(standing))


def _domains(sites: tuple[Site, ...], name: SiteName) -> set[DomainName]:
    return next((set(site.serving_domains) for site in sites if site.name == name), {DomainName(f"site:{name}")})


def usual_shares(seen: Seen, ent: Ent) -> Shares:
    """Return the shares that the weights in force give; evenly where they say nothing."""
    weights = {p.site: max(0, seen.weights.get((ent.key, p.site), 0)) for p in ent.placements}
    total = sum(weights.values())
    if not total:
        return {p.site: Fraction(1, len(ent.placements)) for p in ent.placements}
    return {site: Fraction(weight, total) for site, weight in weights.items()}


def useful_per_replica(known: Known, ent: EntKey) -> float:
    """Return the demand per second that one replica is planned with."""
    return known.capacity_per_replica[ent] * known.target_utilisation


class Sizings:
    """The sizing of each ENT by the weights that were in force when it was first seen, and kept from then on."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._by_ent: dict[EntKey, Sizing] = {}

    def of(self, key: EntKey, seen: Seen) -> Sizing:
        """Return the ENT's sizing."""
        if key not in self._by_ent:
            ent = next(ent for ent in self._known.ents if ent.key == key)
            self._by_ent[key] = sized(self._known, ent, usual_shares(seen, ent))
        return self._by_ent[key]
