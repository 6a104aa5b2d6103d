"""What stands between the simulated world and a controller in it: what it sees, what it wishes, what it knows.

Every peer is asked through this and sees no more than its real counterpart would: metrics as they were scraped,
replicas as the API server tells them, a health check from outside. Sonnerie itself is fed a `World` (`ours.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.domain.fleet import Ent, Site
from controller.domain.names import EntKey, SiteName
from controller.domain.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPlacement:
    """One ENT at one site, as a controller may see it."""

    ent: EntKey
    site: SiteName
    wanted: int
    """Replicas in the spec."""
    ready: int
    """Replicas that are Ready."""
    starting: int
    """Replicas created and not Ready."""
    min_replicas: int
    max_replicas: int
    cpu_utilisation: float | None
    """Of the request, mean over Ready pods (1.0 = 100 %); None when the metric is missing."""
    requests_per_second: float | None
    """All attempts arriving at the placement, as scraped; None when missing."""
    metric_at: datetime | None
    """When the metric was scraped."""
    probe_ok: bool
    """What an outside HTTP health check of the site says now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that a controller sees when it is asked."""

    now: datetime
    placements: tuple[SeenPlacement, ...]
    """Sorted by ENT and site."""
    weights: Mapping[tuple[EntKey, SiteName], int]
    """In force, 0 to 100 per ENT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a controller wants changed; what it leaves out stays."""

    replicas: Mapping[tuple[EntKey, SiteName], int]
    weights: Mapping[tuple[EntKey, SiteName], int]


class Controller(Protocol):
    """Decides on replicas and weights when it is asked, in virtual time."""

    name: str
    interval_seconds: float
    """How often it is asked."""

    def decide(self, seen: Seen) -> Wish:
        """Say what should change now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a controller may know beforehand; each uses what its real counterpart could be told."""

    ents: tuple[Ent, ...]
    sites: tuple[Site, ...]
    windows: tuple[Window, ...]
    """Declared school windows, events included, in UTC."""
    history: Mapping[EntKey, tuple[tuple[datetime, float], ...]]
    """Demand per second of the past weeks, hourly or finer, oldest first."""
    start_delay_seconds: float
    """From a pod's creation to Ready, as usually seen."""
    target_utilisation: float
    """Of Ready capacity, at which a tuned controller aims."""
    capacity_per_replica: Mapping[EntKey, float]
    """Demand per second that a Ready replica carries within the SLO."""
    reserve: bool
    """Whether the loss of any one site is to be absorbed."""
