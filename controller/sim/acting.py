"""What a controller's decisions do to the system, and the record of them, the same for everybody.

A write is refused where the cluster cannot be reached or refuses it. What nobody may do, nobody does: replicas stay
within the placement's bounds and the site's quota, as the API server would see to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from controller.domain.fleet import Ent
from controller.domain.names import EntKey, SiteName
from controller.sim.fleet import ents_of
from controller.sim.system import System

BAD_FOR_SECONDS = 60.0
"""A rate is wrong for a window after its source returned: what shrinks then shrinks on bad data."""
REVERSAL_SECONDS = 1800.0
"""Design §5, invariant 6."""
LEAST_REVERSAL_PERCENT = 2
LEAST_REVERSAL_REPLICAS = 2
"""One replica more and one less is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One change, for the picture."""

    second: float
    ent: str
    site: str
    text: str
    moves_traffic: bool = False


@dataclass(slots=True)
class Track:
    """The last turn of one number."""

    direction: int = 0
    at: float = -1e9
    value: int = 0


@dataclass(slots=True)
class Acting:
    """Writes to the system, and counts."""

    system: System
    decisions: list[Decision] = field(default_factory=list)
    shifts: int = 0
    weight_reversals: int = 0
    replica_reversals: int = 0
    scale_downs_on_bad_data: int = 0
    moves_on_bad_data: int = 0
    refused_writes: int = 0
    ents: tuple[Ent, ...] = ()
    names: list[SiteName] = field(default_factory=list)
    received_at: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    """When each placement was last sent a larger share of users."""
    _replica_tracks: dict[tuple[int, int], Track] = field(default_factory=dict)
    _weight_tracks: dict[tuple[int, int], Track] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Name the rows and columns of the system."""
        scenario = self.system.scenario
        declared = {ent.key.name: ent for ent in ents_of(scenario)}
        self.ents = tuple(declared[spec.name] for spec in scenario.ents)
        self.names = [SiteName(site.name) for site in scenario.sites]
        self.received_at = np.full((self.system.ents, self.system.sites), -1e9)

    def row(self, key: EntKey) -> int:
        """Return the row of the portal."""
        return next(i for i, ent in enumerate(self.ents) if ent.key == key)

    def set_replicas(self, e: int, s: int, replicas: int, now: float, why: str) -> bool:
        """Write a replica count; tell whether the cluster took it."""
        system, conditions = self.system, self.system.faults.conditions
        if not conditions.alive[s] or conditions.refuses_writes[s]:
            self.refused_writes += 1
            return False
        spec = system.scenario.ents[e]
        was = int(system.pods.wanted[e, s])
        replicas = min(max(replicas, spec.min), spec.max, self._room(e, s))
        if replicas == was:
            return True
        if replicas < was and self._bad_data(e, now):
            self.scale_downs_on_bad_data += 1
        self.replica_reversals += self._turned(
            self._replica_tracks.setdefault((e, s), Track()), was, replicas, now, LEAST_REVERSAL_REPLICAS
        )
        system.pods.set_wanted(e, s, replicas, now)
        text = f"{was} → {replicas} replicas: {why}"
        self.decisions.append(Decision(second=now, ent=spec.name, site=self.names[s], text=text))
        return True

    def _room(self, e: int, s: int) -> int:
        quota = self.system.scenario.sites[s].quota
        if quota is None:
            return 1_000_000
        others = int(self.system.pods.wanted[:, s].sum()) - int(self.system.pods.wanted[e, s])
        return max(0, quota - others)

    def set_weights(self, e: int, weights: Mapping[SiteName, int], now: float, why: str) -> bool:
        """Write the weights of one portal; what is not named stays."""
        edges = self.system.edges
        was = edges.weights[e].copy()
        new = was.copy()
        for s, name in enumerate(self.names):
            if name in weights:
                new[s] = weights[name]
        if new.sum() <= 0 or (new == was).all():
            return bool(new.sum() > 0)
        losing = [s for s in range(len(new)) if new[s] < was[s]]
        if losing:
            self.shifts += 1
            if any(self._bad_data_at(s, now) for s in losing if self.system.faults.conditions.alive[s]):
                self.moves_on_bad_data += 1
        for s in range(len(new)):
            track = self._weight_tracks.setdefault((e, s), Track())
            self.weight_reversals += self._turned(track, int(was[s]), int(new[s]), now, LEAST_REVERSAL_PERCENT)
            if new[s] > was[s]:
                self.received_at[e, s] = now
        edges.decide(e, new, now)
        parts = ", ".join(f"{name} {a} → {b} %" for name, a, b in zip(self.names, was, new, strict=True) if a != b)
        ent = self.system.scenario.ents[e].name
        self.decisions.append(Decision(second=now, ent=ent, site="", text=f"{parts}: {why}", moves_traffic=True))
        return True

    def _turned(self, track: Track, was: int, new: int, now: float, least: int) -> int:
        """Count a change that takes back, within half an hour, one the other way."""
        if abs(new - was) < least:
            return 0
        direction = 1 if new > was else -1
        turned = track.direction == -direction and now - track.at < REVERSAL_SECONDS
        track.direction, track.at = direction, now
        return int(turned)

    def _bad_data(self, e: int, now: float) -> bool:
        """Tell whether what is measured of the portal, where it has users, is bad now."""
        return any(self._bad_data_at(s, now) for s in np.flatnonzero(self.system.edges.weights[e] > 0).tolist())

    def _bad_data_at(self, s: int, now: float) -> bool:
        return self.system.faults.blind_lately(s, now, BAD_FOR_SECONDS)
