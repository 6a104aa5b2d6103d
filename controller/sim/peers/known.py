"""What a peer may know beforehand. The same for all of them, so that none is favoured."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from controller.domain.fleet import Ent, Site
from controller.domain.names import EntKey
from controller.domain.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The fleet, what was declared, and what was measured before the run."""

    ents: tuple[Ent, ...]
    sites: tuple[Site, ...]
    windows: tuple[Window, ...]
    """Declared school windows, events included."""
    history: Mapping[EntKey, tuple[tuple[datetime, float], ...]]
    """Demand per second before the run, oldest first."""
    start_delay_seconds: float
    """From a new replica to Ready."""
    target_utilisation: float
    """Share of what a replica carries that is planned with."""
    capacity_per_replica: Mapping[EntKey, float]
    reserve: bool
    """Whether the loss of any one serving domain must be absorbed."""

    def ent(self, key: EntKey) -> Ent:
        """Return the ENT of that key."""
        return next(ent for ent in self.ents if ent.key == key)

    def useful_per_replica(self, key: EntKey) -> float:
        """Return the demand per second that one replica is planned with."""
        return self.capacity_per_replica[key] * self.target_utilisation
