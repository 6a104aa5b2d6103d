"""Did anything shrink or move while a site's Prometheus was away?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.demo import records
from tests.demo.figures.measured import Figure, NotMeasured
from tests.demo.recording import READINGS, Recording
from tests.demo.records import PortalSecond, Weight
from tests.demo.story import BLIND_SITE


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsOutage:
    """What happened from the moment it stopped until it was believed again: one window of queries and the quarantine
    after its return, or until a site was killed, whichever came first."""

    scale_downs: Figure
    """How often `spec.replicas` of any ENT at any site became less, as the sites' own API servers said."""
    moves: Figure
    """How often the weight of any ENT and site changed, as HAProxy had it in force."""


def metrics_outage(recording: Recording) -> MetricsOutage:
    """Count what must not happen, if it could have been seen and the controller was really blind."""
    stopped, returned = recording.marked(records.METRICS_STOPPED), recording.marked(records.METRICS_RETURNED)
    if stopped is None or returned is None:
        return _not_measured("no Prometheus was stopped and started again")
    short = recording.story.shortened
    believed = returned + short.query_window_seconds + short.quarantine_seconds
    end = min(believed, recording.marked(records.SITE_KILLED) or believed)
    seconds = [second for second in recording.seconds if stopped <= second.at < end]
    weights = [weight for weight in recording.weights if stopped <= weight.at < end]
    if why := _in_vain(recording, seconds, weights, stopped, end):
        return _not_measured(why)
    return MetricsOutage(scale_downs=_scale_downs(seconds), moves=_moves(weights))


def _not_measured(why: str) -> MetricsOutage:
    return MetricsOutage(scale_downs=NotMeasured(why), moves=NotMeasured(why))


def _in_vain(
    recording: Recording, seconds: Sequence[PortalSecond], weights: Sequence[Weight], stopped: float, end: float
) -> str | None:
    """Return why the outage would have shown nothing; None when it counts."""
    lost_sight = any(
        decision.event == READINGS
        and decision.get("site") == BLIND_SITE
        and stopped <= decision.at <= end
        and "Fresh" not in (decision.fields.get("now") or {})
        for decision in recording.decisions
    )
    if not lost_sight:
        return f"the controller's log does not say that it lost sight of {BLIND_SITE}"
    if not weights:
        return "HAProxy was not watched"
    if not any(second.admitted for second in seconds if second.site == BLIND_SITE):
        return f"there was no traffic at {BLIND_SITE} that could have moved"
    return None


def _scale_downs(seconds: Sequence[PortalSecond]) -> int:
    before: dict[tuple[str, str], int] = {}
    found = 0
    for second in seconds:
        key = (second.ent, second.site)
        found += second.wanted < before.get(key, second.wanted)
        before[key] = second.wanted
    return found


def _moves(weights: Sequence[Weight]) -> int:
    before: dict[tuple[str, str], int] = {}
    found = 0
    for weight in weights:
        key = (weight.ent, weight.site)
        found += weight.weight != before.get(key, weight.weight)
        before[key] = weight.weight
    return found
