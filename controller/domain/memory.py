"""The remembered past: restraints, which live in status, and samples, which live in the process.

Restraints are written before the action they restrain (design §3). Samples are rebuilt after a restart; until
then nothing shrinks. Empty memory starts safe.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.domain.names import EdgeName, EntKey, SiteName

MEMORY_VERSION = 2
"""Version of the restraints as written to status."""


class Verdict(StrEnum):
    """What is held of a site. Unknown is never read as Down, nor as zero."""

    HEALTHY = "Healthy"
    DEGRADED = "Degraded"
    DOWN = "Down"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMemory:
    """The verdict in force on a site and its history, as far as later verdicts need it."""

    site: SiteName
    verdict: Verdict
    since: datetime
    healthy_since: datetime | None = None
    """Since when it is Healthy without interruption; None while it is not."""
    fell_at: datetime | None = None
    """When it was last Degraded or Down; None when never seen so."""


class MoveKind(StrEnum):
    """Why traffic was moved."""

    EVACUATION = "evacuation"
    FAILOVER = "failover"
    SWITCHOVER = "switchover"
    FAILBACK = "failback"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change of the weight of (ENT, site) at an edge, in percent of the ENT's traffic there."""

    edge: EdgeName
    site: SiteName
    before_percent: int
    after_percent: int
    at: datetime
    kind: MoveKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """A floor raised for a bell, kept until the window ends."""

    site: SiteName
    replicas: int
    until: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A raise under way, timed to learn the lead time."""

    site: SiteName
    before_replicas: int
    replicas: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedLead:
    """One measured lead time, rounded to 5 s.

    `step_class` is the doubling of the step: 0 for +1, 3 for +8 to +15.
    """

    site: SiteName
    step_class: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntMemory:
    """Restraints of one ENT; at most 4 KiB when written."""

    ent: EntKey
    moves: tuple[Move, ...] = ()
    latches: tuple[Latch, ...] = ()
    growths: tuple[Growth, ...] = ()
    leads: tuple[LearnedLead, ...] = ()
    data_ready: tuple[tuple[SiteName, datetime], ...] = ()
    """When each placement's data was last known able to serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """Replicas that were wanted at an instant, before stabilization."""

    ent: EntKey
    site: SiteName
    at: datetime
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandSample:
    """What the ENT saw at an instant, in the unit of its first signal; None where it was not Fresh."""

    ent: EntKey
    at: datetime
    demand_per_second: float | None
    first_attempts_per_second: float | None
    successes_per_second: float | None
    expected_per_second: float
    ready_capacity_per_second: float
    failing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Windows of the recent past, held in the process and rebuilt after a restart."""

    complete_since: datetime | None = None
    """Since when nothing is missing; None: just started, nothing may shrink."""
    recommendations: tuple[Recommendation, ...] = ()
    demand: tuple[DemandSample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All that is remembered."""

    version: int = MEMORY_VERSION
    sites: tuple[SiteMemory, ...] = ()
    ents: tuple[EntMemory, ...] = ()
    samples: Samples = Samples()
