"""k8gb and Karmada beside an HPA on requests in each cluster: they move traffic and placement, it scales."""

from collections.abc import Callable, Mapping

from controller.domain.names import EntKey, SiteName
from controller.sim.controller import Known, Seen, SeenPlacement, Wish
from controller.sim.peers import failover, hpa
from controller.sim.peers.failover import Watched
from controller.sim.peers.hpa_scalers import hpa_requests
from controller.sim.peers.scaling import EachPlacement

Key = tuple[EntKey, SiteName]


class Scaled:
    """An HPA at every site, and a rule that moves traffic and perhaps replicas between them."""

    def __init__(self, name: str, known: Known, moves: Callable[[Seen], Wish]) -> None:
        self.name = name
        self.interval_seconds = hpa.SYNC_SECONDS
        self._scaling: EachPlacement = hpa_requests(known)
        self._moves = moves

    def decide(self, seen: Seen) -> Wish:
        """Scale, then move; where both speak of replicas, the move has the last word."""
        scaled, moved = self._scaling.decide(seen), self._moves(seen)
        return Wish(replicas={**scaled.replicas, **moved.replicas}, weights=moved.weights)


def by_ent(seen: Seen) -> Mapping[EntKey, tuple[SeenPlacement, ...]]:
    """Return the placements of each ENT."""
    found: dict[EntKey, list[SeenPlacement]] = {}
    for placement in seen.placements:
        found.setdefault(placement.ent, []).append(placement)
    return {ent: tuple(of_ent) for ent, of_ent in found.items()}


class K8gbMoves:
    """Answers healthy sites only, every 30 s, and again as soon as they are back."""

    def __init__(self) -> None:
        self._usual: dict[EntKey, dict[SiteName, int]] = {}
        self._reconciled_at: float | None = None

    def __call__(self, seen: Seen) -> Wish:
        """Reconcile when it is due."""
        at = seen.now.timestamp()
        if self._reconciled_at is not None and at - self._reconciled_at < failover.K8GB_RECONCILE_SECONDS:
            return Wish(replicas={}, weights={})
        self._reconciled_at = at
        weights: dict[Key, int] = {}
        for ent, placements in by_ent(seen).items():
            in_force = {p.site: seen.weights.get((ent, p.site), 0) for p in placements}
            usual = self._usual.setdefault(ent, in_force)
            healthy = {p.site for p in placements if p.ready > 0 and p.probe_ok}
            wanted = failover.answered(usual, healthy)
            if wanted is not None and wanted != in_force:
                weights.update({(ent, site): weight for site, weight in wanted.items()})
        return Wish(replicas={}, weights=weights)


class KarmadaMoves:
    """Evicts a site whose toleration has run out, once, and never moves anything back."""

    def __init__(self) -> None:
        self._watched: dict[SiteName, Watched] = {}
        self._evicted: set[SiteName] = set()

    def __call__(self, seen: Seen) -> Wish:
        """Probe every site, and evict where it is due."""
        replicas: dict[Key, int] = {}
        weights: dict[Key, int] = {}
        ok = {p.site: p.probe_ok for p in seen.placements}
        for site in sorted(ok):
            self._watched[site] = self._watched.get(site, Watched()).probed(seen.now, ok=ok[site])
            if self._watched[site].healthy:
                self._evicted.discard(site)
        due = {site for site, watched in self._watched.items() if watched.evicts(seen.now)} - self._evicted
        self._evicted |= due
        for ent, placements in by_ent(seen).items():
            if any(p.site in due for p in placements):
                self._evict(ent, placements, seen, replicas, weights)
        return Wish(replicas=replicas, weights=weights)

    def _evict(
        self,
        ent: EntKey,
        placements: tuple[SeenPlacement, ...],
        seen: Seen,
        replicas: dict[Key, int],
        weights: dict[Key, int],
    ) -> None:
        standing = {p.site: p.wanted for p in placements if p.site not in self._evicted}
        lost = sum(p.wanted for p in placements if p.site in self._evicted)
        room = {p.site: max(0, p.max_replicas - p.wanted) for p in placements}
        added = failover.redistributed(lost, standing, room)
        replicas.update({(ent, site): standing[site] + more for site, more in added.items() if more})
        in_force = {p.site: seen.weights.get((ent, p.site), 0) for p in placements}
        wanted = failover.answered(in_force, set(standing))
        if wanted is not None:
            weights.update({(ent, site): weight for site, weight in wanted.items()})


def k8gb(known: Known) -> Scaled:
    """k8gb over HPAs on requests."""
    return Scaled("k8gb", known, K8gbMoves())


def karmada(known: Known) -> Scaled:
    """Karmada with taint eviction turned on, over HPAs on requests."""
    return Scaled("karmada", known, KarmadaMoves())
