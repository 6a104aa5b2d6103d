"""How k8gb and Karmada leave a site and return to it, by their defaults.

k8gb `382afee`: `controllers/`, `docs/{strategy,splitbrain}.md`. Every 30 s each cluster answers with the addresses of
the clusters that are healthy; health is a Ready pod, seen by one observer; nothing asks whether they can carry it, and
it returns at once. Karmada `f8fdd02d`: `cmd/controller-manager/app/options`, `docs/.../failover`. A cluster is
unhealthy after 30 s; 300 s of toleration later its replicas are placed elsewhere, and they do not come back.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.domain.names import SiteName

WHOLE = 100
"""Weights of one ENT sum to this."""

K8GB_RECONCILE_SECONDS = 30.0
"""`reconcileRequeueSeconds`"""
K8GB_TTL_SECONDS = 30
"""`dnsTtlSeconds`: how long resolvers keep an answer."""

KARMADA_STATUS_SECONDS = 10.0
"""`--cluster-status-update-frequency`"""
KARMADA_FAILURE_THRESHOLD = timedelta(seconds=30)
"""`--cluster-failure-threshold`"""
KARMADA_SUCCESS_THRESHOLD = timedelta(seconds=30)
"""`--cluster-success-threshold`"""
KARMADA_TOLERATION = timedelta(seconds=300)
"""`tolerationSeconds` that the webhook injects for unreachable and not-ready clusters."""

Weights = Mapping[SiteName, int]


def answered(usual: Weights, healthy: AbstractSet[SiteName]) -> Weights | None:
    """Return the weights that k8gb's answers amount to: the usual ones among healthy sites.

    Where no healthy site has a usual weight, as with one primary, all healthy ones are answered alike. None when no
    site is healthy: the answer would be empty, and nobody is served by either.
    """
    if not healthy:
        return None
    kept = {site: weight for site, weight in usual.items() if site in healthy}
    if not sum(kept.values()):
        kept = dict.fromkeys(sorted(healthy), 1)
    return {**dict.fromkeys(usual, 0), **_in_hundredths(kept)}


def _in_hundredths(parts: Weights) -> dict[SiteName, int]:
    """Scale to a sum of 100 by largest remainder, ties by name."""
    total = sum(parts.values())
    floors = {site: part * WHOLE // total for site, part in parts.items()}
    by_remainder = sorted(parts, key=lambda site: (-(parts[site] * WHOLE % total), site))
    for site in by_remainder[: WHOLE - sum(floors.values())]:
        floors[site] += 1
    return floors


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What Karmada's control plane believes of one member cluster."""

    healthy: bool = True
    unlike_since: datetime | None = None
    """Since when probes say otherwise."""
    tainted_at: datetime | None = None

    def probed(self, now: datetime, *, ok: bool) -> "Watched":
        """Return what is believed after one more probe: it turns after 30 s of the contrary."""
        if ok is self.healthy:
            return Watched(healthy=self.healthy, tainted_at=self.tainted_at)
        since = self.unlike_since or now
        threshold = KARMADA_SUCCESS_THRESHOLD if ok else KARMADA_FAILURE_THRESHOLD
        if now - since < threshold:
            return Watched(healthy=self.healthy, unlike_since=since, tainted_at=self.tainted_at)
        return Watched(healthy=ok, tainted_at=None if ok else now)

    def evicts(self, now: datetime) -> bool:
        """Tell whether the toleration has run out."""
        return self.tainted_at is not None and now - self.tainted_at >= KARMADA_TOLERATION


def redistributed(lost: int, standing: Mapping[SiteName, int], room: Mapping[SiteName, int]) -> dict[SiteName, int]:
    """Return what each remaining site gets of evicted replicas: in proportion to what stands, as far as there is room.

    Karmada's `Divided` scheduling with dynamic weights; what fits nowhere stays pending, as there.
    """
    added = dict.fromkeys(sorted(standing), 0)
    for _ in range(lost):
        open_sites = [site for site in added if added[site] < room[site]]
        if not open_sites:
            break
        least = min(open_sites, key=lambda site: ((added[site] + 1) / max(1, standing[site]), site))
        added[least] += 1
    return added
