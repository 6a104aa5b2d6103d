"""How a sensible team would size each site for a known demand, and what reserve costs in target utilisation.

Every peer that is tuned by hand is tuned by these rules; docs/peers.md states them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from controller.domain.fleet import Ent
from controller.domain.names import DomainName, EntKey, SiteName
from controller.sim.controller import Seen
from controller.sim.peers.known import Known

_ROUNDING = 1e-9
"""Keeps 8.000000001 replicas from becoming nine."""

Shares = Mapping[SiteName, Fraction]
"""Which part of an ENT's traffic each of its sites gets; sums to 1."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """Sites with the ENT's usual shares of traffic."""

    known: Known
    ent: Ent
    shares: Shares

    def replicas(self, demand_per_second: float) -> dict[SiteName, int]:
        """Return what each site needs to carry its part of the demand, reserve included, within its limits."""
        useful = self.known.useful_per_replica(self.ent.key)
        return {
            p.site: min(
                max(
                    math.ceil(demand_per_second * float(self.largest_part(p.site)) / useful - _ROUNDING), p.min_replicas
                ),
                p.max_replicas,
            )
            for p in self.ent.placements
        }

    def largest_part(self, site: SiteName) -> Fraction:
        """Return the largest part of demand that may arrive at the site: its own, or with another domain lost."""
        usual = self.shares.get(site, Fraction(0))
        if not self.known.reserve:
            return usual
        domains = {domain for p in self.ent.placements for domain in self._domains(p.site)} - self._domains(site)
        return max([usual, *(self._part_without(site, domain) for domain in sorted(domains))])

    def headroom(self, site: SiteName) -> float:
        """Return by which factor usual load must stay below what stands, so that a lost domain is absorbed."""
        usual = self.shares.get(site, Fraction(0))
        return float(usual / self.largest_part(site)) if usual else 1.0

    def _part_without(self, site: SiteName, lost: DomainName) -> Fraction:
        standing = [p.site for p in self.ent.placements if lost not in self._domains(p.site)]
        total = sum((self.shares.get(s, Fraction(0)) for s in standing), Fraction(0))
        return self.shares.get(site, Fraction(0)) / total if total else Fraction(1, len(standing))

    def _domains(self, site: SiteName) -> set[DomainName]:
        return next((set(s.serving_domains) for s in self.known.sites if s.name == site), {DomainName(f"site:{site}")})


def usual_shares(seen: Seen, ent: Ent) -> Shares:
    """Return the shares that the weights in force give; evenly where they say nothing."""
    weights = {p.site: max(0, seen.weights.get((ent.key, p.site), 0)) for p in ent.placements}
    total = sum(weights.values())
    if not total:
        return {p.site: Fraction(1, len(ent.placements)) for p in ent.placements}
    return {site: Fraction(weight, total) for site, weight in weights.items()}


class Sizings:
    """The sizing of each ENT by the weights that were in force when it was first seen, and kept from then on."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._by_ent: dict[EntKey, Sizing] = {}

    def of(self, key: EntKey, seen: Seen) -> Sizing:
        """Return the ENT's sizing."""
        if key not in self._by_ent:
            ent = self._known.ent(key)
            self._by_ent[key] = Sizing(self._known, ent, usual_shares(seen, ent))
        return self._by_ent[key]
