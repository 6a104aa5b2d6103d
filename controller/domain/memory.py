"""The remembered past: restraints, which live in status, and samples, which live in the process.

Restraints are written before the action they restrain (design §3). Samples are rebuilt after a restart; until
then nothing shrinks. Empty memory starts safe.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.domain.names import EdgeName, EntKey, SiteName

MEMORY_VERSION = 2
"""Version of the restraints as written to status. 2: leads are rows by class of step, per site."""


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
    well_since: datetime | None = None
    """While Degraded or Down: since when nothing but health is seen; None while it is not, and at other times."""
    relapses: int = 0
    """How often it fell again before the fall before was forgiven; each doubles the hold before fail-back."""


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


LeadRow = tuple[int, int, int, int, int]
"""What is known of one class of steps: the class, observations in the block under way, its slowest, its second
slowest, and the 95th percentile of the block before (0: there was none). Seconds are multiples of 5; a bare row of
numbers, because ten sites have to share 4 KiB of status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedLead:
    """How long growing took at one site, by class of step: the doubling of the step, 0 for +1, 3 for +8 to +15."""

    site: SiteName
    rows: tuple[LeadRow, ...]
    """Ascending by class."""


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
    """Replicas that were wanted at a site at an instant, before stabilization."""

    site: SiteName
    at: datetime
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandPoint:
    """What an ENT saw at an instant, in the unit of its first signal; None where it was not Fresh as a whole."""

    at: datetime
    demand_per_second: float
    """What users asked for, retries included."""
    first_attempts_per_second: float | None = None
    """The same without retries."""
    successes_per_second: float | None = None
    """What got through."""
    ready_capacity_per_second: float = 0.0
    """What Ready replicas carried at the sites with traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Morning:
    """First attempts of this morning beside their expected curve, as running sums up to `at`.

    The two rates are those seen at `at`; they count from then on until the next ones are known.
    """

    begun_at: datetime
    """When counting began."""
    at: datetime
    attempts_per_second: float
    """First attempts as seen at `at`."""
    expected_per_second: float
    """What the curve said at `at`."""
    seen: float = 0.0
    """First attempts counted since the morning began."""
    foreseen: float = 0.0
    """What the curve said of the same time."""
    watched_seconds: float = 0.0
    """How much of the morning was counted: gaps in the readings are left out of both sums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """Growth that did not help, as long as its errors last."""

    since: datetime
    failed_at: datetime
    """When errors were last above the SLO."""
    ready_before_per_second: float
    """What Ready replicas carried before the growth."""
    ready_after_per_second: float
    """The same after it."""
    successes_per_second: float
    """The most that got through, before and since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntSamples:
    """The recent past of one ENT: bounded, and appended to without a look at any other."""

    ent: EntKey
    recent: tuple[DemandPoint, ...] = ()
    """Close together, since demand was last not known as a whole, oldest first."""
    older: tuple[DemandPoint, ...] = ()
    """What came before, farther apart."""
    known_per_second: float | None = None
    """Demand when it was last known as a whole."""
    known_at: datetime | None = None
    """When that was."""
    failing_since: datetime | None = None
    """Since when errors have been above the SLO without interruption."""
    morning: Morning | None = None
    """Judged by the schedule's curve, with its ramps."""
    morning_by_forecast: Morning | None = None
    """Judged by what is usual on such days, where that is known."""
    bottleneck: Bottleneck | None = None
    """Growth that was seen not to help, while its errors last."""
    recommendations: tuple[Recommendation, ...] = ()
    """By site, then oldest first; each larger than all that follow it at its site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Windows of the recent past, held in the process and rebuilt after a restart."""

    complete_since: datetime | None = None
    """Since when nothing is missing; None: just started, nothing may shrink."""
    ents: tuple[EntSamples, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All that is remembered."""

    version: int = MEMORY_VERSION
    sites: tuple[SiteMemory, ...] = ()
    ents: tuple[EntMemory, ...] = ()
    samples: Samples = Samples()
