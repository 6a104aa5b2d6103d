"""What KEDA itself decides: what its triggers say, when a failed one is replaced, and the steps from and to zero.

KEDA v2.21 `pkg/scalers/{cron,prometheus}_scaler.go`, `pkg/fallback/fallback.go`,
`pkg/scaling/executor/scale_scaledobjects.go`. From one replica on it is the HPA behind it that scales.
"""

import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from controller.sim.peers.keda_cron import Cron

POLLING_SECONDS = 30.0
"""`pollingInterval`: how often the operator itself looks; the HPA asks on its own every 15 s."""
COOLDOWN_SECONDS = 300.0
"""`cooldownPeriod`: how long after the last activity a target goes to zero or idle."""
_HTTP_SUCCESS = range(200, 300)
_TIME_AND_VALUE = 2
"""A sample of an instant query is a pair."""


@dataclass(frozen=True, slots=True)
class TriggerError:
    """The trigger gave no value."""

    why: str


def cron_is_active(start: Cron, end: Cron, now: datetime) -> bool:
    """Tell whether a cron trigger is active: unless its start comes before its end.

    That is the whole rule; it is why a Friday's start with a daily end may stay active until Sunday.
    """
    starts, ends = start.next(now), end.next(now)
    if starts is None or ends is None:
        return not (starts is None and ends is not None)
    return not starts < ends


def cron_value(start: Cron, end: Cron, desired_replicas: int, now: datetime) -> float:
    """Return the metric of a cron trigger; its target is an average value of 1."""
    return float(desired_replicas) if cron_is_active(start, end, now) else 0.0


def prometheus_value(status: int, body: str, *, ignore_null_values: bool) -> float | TriggerError:
    """Return what an answer to an instant query counts for. Nothing, NaN and infinity are 0 unless told otherwise."""
    if status not in _HTTP_SUCCESS:
        return TriggerError(f"prometheus query api returned error. status: {status}")
    series = json.loads(body).get("data", {}).get("result", [])
    if not series:
        return _nothing("the result is empty", ignored=ignore_null_values)
    if len(series) > 1:
        return TriggerError("prometheus query returned multiple elements")
    pair = series[0].get("value", [])
    if not pair:
        return _nothing("the value list is empty", ignored=ignore_null_values)
    if len(pair) < _TIME_AND_VALUE:
        return TriggerError("prometheus query didn't return enough values")
    return scalar_value(float(pair[1]), ignore_null_values=ignore_null_values)


def scalar_value(value: float | None, *, ignore_null_values: bool) -> float | TriggerError:
    """Return what one value, or none, counts for."""
    if value is None:
        return _nothing("the result is empty", ignored=ignore_null_values)
    if not math.isfinite(value):
        return _nothing(f"prometheus query returns {value}", ignored=ignore_null_values)
    return value


def _nothing(why: str, *, ignored: bool) -> float | TriggerError:
    return 0.0 if ignored else TriggerError(why)


class FallbackBehavior(StrEnum):
    """Which count stands in for a trigger that fails."""

    STATIC = "static"
    CURRENT = "currentReplicas"
    CURRENT_IF_HIGHER = "currentReplicasIfHigher"
    CURRENT_IF_LOWER = "currentReplicasIfLower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What replaces a trigger after it failed more than `failure_threshold` times in a row."""

    failure_threshold: int
    replicas: int
    behavior: FallbackBehavior = FallbackBehavior.STATIC

    @property
    def is_valid(self) -> bool:
        """An invalid fallback is as good as none."""
        return self.failure_threshold >= 0 and self.replicas >= 0

    def count(self, current: int) -> int:
        """Return the replicas that stand in."""
        match self.behavior:
            case FallbackBehavior.STATIC:
                return self.replicas
            case FallbackBehavior.CURRENT:
                return current
            case FallbackBehavior.CURRENT_IF_HIGHER:
                return max(current, self.replicas)
            case FallbackBehavior.CURRENT_IF_LOWER:
                return min(current, self.replicas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the HPA is told of one trigger, and how often it has failed in a row."""

    value: float | TriggerError
    failures: int
    falls_back: bool = False


def with_fallback(
    value: float | TriggerError, fallback: Fallback | None, *, failures: int, target: float, current: int
) -> Served:
    """Return the value, the error, or what stands in for it. Success forgets failures, if a fallback counts them."""
    counts = fallback is not None and fallback.is_valid
    if not isinstance(value, TriggerError):
        return Served(value=value, failures=0 if counts else failures)
    if fallback is None or not counts:
        return Served(value=value, failures=failures)
    if failures + 1 > fallback.failure_threshold:
        return Served(value=target * fallback.count(current), failures=failures + 1, falls_back=True)
    return Served(value=value, failures=failures + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledObject:
    """What the steps from and to zero depend on."""

    min_replicas: int = 0
    idle_replicas: int | None = None
    cooldown_seconds: float = COOLDOWN_SECONDS
    initial_cooldown_seconds: float = 0.0
    fallback: Fallback | None = None
    paused: bool = False
    scale_in_paused: bool = False
    scale_out_paused: bool = False
    forced_active: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What the triggers said at one poll."""

    active: bool
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """The replicas the operator itself sets, and when its triggers were last active."""

    replicas: int
    last_active: datetime | None


def requested(
    scaled: ScaledObject,
    activity: Activity,
    *,
    current: int,
    last_active: datetime | None,
    created: datetime,
    now: datetime,
) -> Requested:
    """Return what the operator sets at one poll; mostly what stands."""
    keep = Requested(replicas=current, last_active=last_active)
    if scaled.paused:
        return keep
    if activity.active or scaled.forced_active:
        return _when_active(scaled, activity, keep, now)
    return _when_inactive(scaled, activity, keep, created=created, now=now)


def _when_active(scaled: ScaledObject, activity: Activity, keep: Requested, now: datetime) -> Requested:
    below = scaled.idle_replicas is not None and keep.replicas < scaled.min_replicas
    if below or keep.replicas == 0:
        if scaled.scale_out_paused:
            return keep
        return Requested(replicas=max(scaled.min_replicas, 1), last_active=now)
    return keep if activity.failed else Requested(replicas=keep.replicas, last_active=now)


def _when_inactive(
    scaled: ScaledObject, activity: Activity, keep: Requested, *, created: datetime, now: datetime
) -> Requested:
    if activity.failed and (scaled.fallback is None or scaled.fallback.replicas != 0):
        return keep
    above_idle = scaled.idle_replicas is not None and keep.replicas > scaled.idle_replicas
    if above_idle or (keep.replicas > 0 and scaled.min_replicas == 0):
        return _deactivated(scaled, keep, created=created, now=now)
    if scaled.idle_replicas is None and keep.replicas < scaled.min_replicas:
        return Requested(replicas=scaled.min_replicas, last_active=keep.last_active)
    return keep


def _deactivated(scaled: ScaledObject, keep: Requested, *, created: datetime, now: datetime) -> Requested:
    if keep.last_active is None:
        cooled_down = created + timedelta(seconds=scaled.initial_cooldown_seconds) < now
    else:
        cooled_down = keep.last_active + timedelta(seconds=scaled.cooldown_seconds) < now
    if scaled.scale_in_paused or not cooled_down:
        return keep
    down_to = scaled.min_replicas if scaled.idle_replicas is None else scaled.idle_replicas
    return Requested(replicas=down_to, last_active=keep.last_active)
