"""What a controller sees of the simulated world, and what it may wish for.

Ours and its peers stand behind this one interface, so that all get the same delays, metrics and limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.domain.names import EntKey, SiteName


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPlacement:
    """One ENT at one site, as metrics and the cluster tell it."""

    ent: EntKey
    site: SiteName
    wanted: int
    """Replicas in the spec."""
    ready: int
    starting: int
    """Created but not Ready."""
    min_replicas: int
    max_replicas: int
    cpu_utilisation: float | None
    """Of the request, mean over Ready pods; 1.0 is 100 %. None when the metric is missing."""
    requests_per_second: float | None
    """All attempts arriving at the placement, as scraped. None when the metric is missing."""
    metric_at: datetime | None
    """When the metrics were scraped."""
    probe_ok: bool
    """What an outside HTTP health check of the site says now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything a controller is shown at one instant."""

    now: datetime
    placements: tuple[SeenPlacement, ...]
    """Sorted by ENT and site."""
    weights: Mapping[tuple[EntKey, SiteName], int]
    """In force, 0..100 per ENT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a controller wants changed; what it does not name stays."""

    replicas: Mapping[tuple[EntKey, SiteName], int]
    weights: Mapping[tuple[EntKey, SiteName], int]


class Controller(Protocol):
    """Decides, whenever it is asked, what it wants changed."""

    name: str
    interval_seconds: float
    """How often it is asked."""

    def decide(self, seen: Seen) -> Wish:
        """Return what is wanted; a controller remembers what it needs between calls."""
        ...
