"""The story: who takes part, what happens when, and which times are shorter than in earnest. All numbers stand here."""

from __future__ import annotations

from dataclasses import dataclass, field

NAMESPACE = "portails"
LEASE_NAMESPACE = "sonnerie-system"
SCHEDULE = "colleges-et-lycees"
CALENDAR = "zone-b"
TIME_ZONE = "Europe/Paris"
EDGE = "haproxy"
MANAGEMENT_SITE = "a"
"""Holds the custom resources and the Lease. It is not the one that is killed: without it nothing moves (design §6)."""
LOST_SITE = "b"
BLIND_SITE = "c"
"""Loses its Prometheus at the peak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteStory:
    """One site of the fleet. Providers and towns are made up."""

    name: str
    provider: str
    town: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntStory:
    """One ENT: what its users want and where it stands. `peak_per_second` is what its schedule declares."""

    name: str
    region: str
    peak_per_second: float
    home: str
    others: tuple[str, ...]
    late_seconds: float
    """Its pupils come this much after the first: bells are a staircase, not one instant."""

    @property
    def sites(self) -> tuple[str, ...]:
        """Name all sites it is placed on, sorted."""
        return tuple(sorted((self.home, *self.others)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When what happens, in seconds since the curtain rises."""

    bell: float = 80.0
    ramp: float = 30.0
    """How long before the bell the first come; the policy says so too."""
    steepest_before_bell: float = 4.0
    steepness: float = 3.0
    """Scale of the logistic burst: from a tenth to nine tenths in 4.4 times this."""
    fall_after_bell: float = 45.0
    fall: float = 20.0
    """Scale of the fall from the peak to the rest of the lesson."""
    metrics_stop: float = 82.0
    metrics_return: float = 110.0
    kill: float = 132.0
    site_return: float = 160.0
    last: float = 300.0
    """The curtain falls at the latest."""
    calm: float = 10.0
    """It falls this long after the traffic is home again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How users behave. In earnest a page is waited for 10 s or more and tried again after half a minute."""

    requests_per_session: float = 3.0
    think_seconds: float = 1.5
    share_of_declared_peak: float = 0.85
    """Schedules are written with room: the real peak stays below the declared one."""
    quiet_share: float = 0.13
    """What of the peak is there before school."""
    rest_share: float = 0.55
    """What of the peak stays for the rest of the lesson."""
    patience_seconds: float = 4.0
    returns: float = 0.8
    """How many of those who failed try again."""
    return_median_seconds: float = 8.0
    return_spread: float = 0.6
    """Standard deviation of the logarithm of that pause."""
    most_tries: int = 12
    seed: int = 20210406


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a replica is."""

    capacity_per_replica: float = 4.0
    start_up_milliseconds: int = 8000
    min_replicas: int = 2
    max_replicas: int = 20
    service_seconds: float = 0.06
    """What an answer takes when nobody waits."""
    longest_wait_seconds: float = 1.0
    """Who would wait longer is refused at once: a refusal is cheap, a queue without end is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortened:
    """Times that are shorter than in earnest, so that a morning fits into minutes. The summary prints them."""

    lead_time_seconds: int = 45
    stabilization_window_seconds: int = 60
    failback_hold_seconds: int = 10
    step_interval_seconds: int = 4
    max_step_percent: int = 20
    """Longer steps than the default, because there are fewer of them."""
    query_window_seconds: int = 10
    quarantine_seconds: int = 12
    query_every_seconds: int = 2
    plan_every_seconds: int = 3
    scrape_interval_seconds: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One whole morning."""

    sites: tuple[SiteStory, ...] = (
        SiteStory(name="a", provider="Hébergeur Alpha", town="Aubépine"),
        SiteStory(name="b", provider="Hébergeur Boréal", town="Bruyère"),
        SiteStory(name="c", provider="Hébergeur Cigogne", town="Coquelicot"),
    )
    ents: tuple[EntStory, ...] = (
        EntStory(
            name="ent-est",
            region="FR-GES",
            peak_per_second=26.0,
            home="c",
            others=("a",),
            late_seconds=2.0,
        ),
        EntStory(
            name="ent-nord",
            region="FR-HDF",
            peak_per_second=38.0,
            home="a",
            others=("b", "c"),
            late_seconds=0.0,
        ),
        EntStory(
            name="ent-ouest",
            region="FR-PDL",
            peak_per_second=30.0,
            home="b",
            others=("a", "c"),
            late_seconds=3.0,
        ),
        EntStory(
            name="ent-sud",
            region="FR-PAC",
            peak_per_second=22.0,
            home="b",
            others=("c",),
            late_seconds=1.0,
        ),
    )
    times: Times = field(default_factory=Times)
    crowd: Crowd = field(default_factory=Crowd)
    workload: Workload = field(default_factory=Workload)
    shortened: Shortened = field(default_factory=Shortened)

    def ent(self, name: str) -> EntStory:
        """Return the ENT of that name."""
        return next(ent for ent in self.ents if ent.name == name)
