"""Who takes part: four sites, four ENTs, their users, and which times are shorter than in earnest; all numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tests.demo.story import Crowd, EntStory, Shortened, SiteStory, Story, Workload

SITES = ("a", "b", "c", "d")
DOMAINS = {"c": "campus-sud", "d": "campus-sud"}
"""c and d stand on one campus and may burn together; a and b stand alone."""
EDGES = ("edge-1", "edge-2")
USERS, OUTSIDE = "users", "outside"
ENTS = ("ent-est", "ent-nord", "ent-ouest", "ent-sud")

PORTAL_PORT, PROMETHEUS_PORT, AGENT_PORT, LISTEN_PORT = 8080, 9090, 9707, 8081
EDGE_PORT, STATISTICS_PORT, REFERENCE_PORT, DNS_PORT = 80, 8404, 8000, 53

REFERENCES = 3
NODES = 2
NODE_GRACE_SECONDS = 40
"""The default of Kubernetes: nothing of ours may hang on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What users do all the time; every ENT the same, so that no figure hides behind a large one."""

    sessions_per_second: float = 2.5
    """Per ENT. With three pages each, 30 requests a second in all."""
    pages: float = 3.0
    think_seconds: float = 1.5
    attempt_delay_seconds: float = 0.25
    """How long a browser waits for a connection before it tries the next address as well (RFC 8305)."""
    patience_seconds: float = 4.0
    """From click to page, all addresses included. In earnest 10 s or more; shorter is harder."""
    again: float = 0.8
    """How many of those who failed try again."""
    pause_median_seconds: float = 5.0
    pause_spread: float = 0.5
    most_tries: int = 6
    seed: int = 20210406

    @property
    def requests_per_second(self) -> float:
        """Return an ENT's load when nothing fails."""
        return self.sessions_per_second * self.pages


TRAFFIC = Traffic()

SHORT = Shortened(
    lead_time_seconds=45,
    stabilization_window_seconds=60,
    failback_hold_seconds=15,
    step_interval_seconds=3,
    max_step_percent=20,
    query_window_seconds=10,
    quarantine_seconds=12,
    query_every_seconds=2,
    plan_every_seconds=3,
    scrape_interval_seconds=1,
)

IN_EARNEST = {
    "failback_hold_seconds": 900,
    "step_interval_seconds": 10,
    "max_step_percent": 10,
    "query_window_seconds": 60,
    "quarantine_seconds": 60,
    "query_every_seconds": 5,
    "plan_every_seconds": 5,
    "lead_time_seconds": 180,
    "stabilization_window_seconds": 300,
}
"""The defaults beside which the shortened settings are told."""


def story() -> Story:
    """Return the cast as the demo's parts know it."""
    towns = ("Aubépine", "Bruyère", "Coquelicot", "Digitale")
    return Story(
        sites=tuple(
            SiteStory(name=name, provider=f"Hébergeur {name.upper()}", town=town)
            for name, town in zip(SITES, towns, strict=True)
        ),
        ents=tuple(
            EntStory(
                name=name,
                region=region,
                peak_per_second=TRAFFIC.requests_per_second,
                home=home,
                others=tuple(site for site in SITES if site != home),
                late_seconds=0.0,
            )
            for name, region, home in zip(ENTS, ("FR-GES", "FR-HDF", "FR-PDL", "FR-PAC"), SITES, strict=True)
        ),
        crowd=Crowd(),
        workload=Workload(capacity_per_replica=2.0, start_up_milliseconds=4000, min_replicas=6, max_replicas=20),
        shortened=SHORT,
    )


def shortened() -> dict[str, dict[str, float | int | None]]:
    """Return every shortened time with what it is here and in earnest."""
    return {name: {"here": here, "in_earnest": IN_EARNEST.get(name)} for name, here in asdict(SHORT).items()}
