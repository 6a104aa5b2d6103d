"""What the figures are called and how they are measured, for the report."""

from __future__ import annotations

from dataclasses import dataclass

GROUPS = {
    "prescale": "Before the bell",
    "metrics_outage": "A site unseen at the peak",
    "site_loss": "A site is lost",
    "failback": "It returns",
    "requests": "What users got",
    "controller": "The controller itself",
}


@dataclass(frozen=True, slots=True)
class Caption:
    """Words around one figure."""

    text: str
    unit: str
    definition: str


CAPTIONS = {
    "prescale.min_margin_seconds": Caption(
        "earlier than needed",
        " s",
        "For every ENT, site and second of the ramp (from its start until 20 s after the bell): how long the replicas "
        "which that second's demand needs, at 85 % use, had been Ready without interruption. The smallest counts.",
    ),
    "prescale.shortfall_replicas": Caption(
        "replicas missing at any second of the ramp", "", "The most replicas that any such second lacked."
    ),
    "metrics_outage.scale_downs": Caption(
        "scale-downs",
        "",
        "How often spec.replicas of any Deployment became less while the Prometheus was away or in quarantine.",
    ),
    "metrics_outage.moves": Caption(
        "moves of traffic", "", "How often any weight in force at HAProxy changed in that time."
    ),
    "site_loss.decided_seconds": Caption(
        "until it was decided", " s", "From the kill to the controller's log line for the last ENT that was there."
    ),
    "site_loss.traffic_moved_seconds": Caption(
        "until the users were elsewhere",
        " s",
        "From the kill until 99 % of the attempts of the next ten seconds were served by another site, last ENT.",
    ),
    "site_loss.max_destination_utilisation": Caption(
        "of Ready in use where they went, at most",
        "",
        "Admitted requests ÷ what the Ready replicas carry, over any ten seconds between kill and return, at the "
        "surviving sites of the ENTs concerned.",
    ),
    "failback.reversals": Caption(
        "reversals", "", "How often a weight at the returned site turned round by more than 2 %."
    ),
    "failback.largest_step_percent": Caption(
        "largest step", " %", "The most by which a weight at the returned site rose at once."
    ),
    "failback.home_after_seconds": Caption(
        "until all was home", " s", "From the site's return until the last ENT had its weight there again."
    ),
    "requests.total": Caption("first attempts", "", "Pages that users wanted, each counted once."),
    "requests.failed": Caption(
        "of them failed", "", "First attempts that got an error, or no answer within the user's patience."
    ),
    "requests.retries": Caption("retries", "", "Attempts after the first."),
    "requests.gave_up": Caption("users gave up", "", "Users who did not try again."),
    "requests.failed_outside_site_loss": Caption(
        "failures outside the loss",
        "",
        "Attempts of any number whose failure was seen outside of the 15 s that follow the kill.",
    ),
    "controller.cycle_p99_milliseconds": Caption(
        "99th percentile of a planning cycle",
        " ms",
        "From the histogram that the controller exports, straight within a bucket; actions included.",
    ),
    "controller.rss_megabytes": Caption("memory at most", " MB", "Largest resident size of its process."),
}

SHORTENED = {
    "lead_time_seconds": ("lead time, seconds", "learned; 5 min before anything was measured"),
    "stabilization_window_seconds": ("stabilization window, seconds", "300"),
    "failback_hold_seconds": ("hold before fail-back, seconds", "900"),
    "step_interval_seconds": ("pause between steps, seconds", "10"),
    "max_step_percent": ("largest step, percent", "10"),
    "query_window_seconds": ("window of queries, seconds", "60"),
    "quarantine_seconds": ("quarantine of a returned Prometheus, seconds", "60"),
    "query_every_seconds": ("questions to Prometheus every … seconds", "5"),
    "plan_every_seconds": ("planning cycle, seconds", "5"),
    "scrape_interval_seconds": ("scrape interval, seconds", "15 to 60"),
}
