"""A controller that scales each placement by itself, as an autoscaler inside each cluster does."""

from collections.abc import Callable
from typing import Protocol

from controller.domain.names import EntKey, SiteName
from controller.sim.controller import Seen, SeenPlacement, Wish


class Scaler(Protocol):
    """Scales one placement and remembers what it must."""

    def wanted(self, seen: SeenPlacement, all_seen: Seen) -> int:
        """Return the replicas it wants now."""
        ...


class EachPlacement:
    """One scaler per placement, made when the placement is first seen. Weights are left alone."""

    def __init__(self, name: str, interval_seconds: float, make: Callable[[SeenPlacement, Seen], Scaler]) -> None:
        self.name = name
        self.interval_seconds = interval_seconds
        self._make = make
        self._scalers: dict[tuple[EntKey, SiteName], Scaler] = {}

    def decide(self, seen: Seen) -> Wish:
        """Ask every scaler, and wish for what differs from what stands."""
        replicas = {}
        for placement in seen.placements:
            key = (placement.ent, placement.site)
            if key not in self._scalers:
                self._scalers[key] = self._make(placement, seen)
            wanted = self._scalers[key].wanted(placement, seen)
            if wanted != placement.wanted:
                replicas[key] = wanted
        return Wish(replicas=replicas, weights={})
