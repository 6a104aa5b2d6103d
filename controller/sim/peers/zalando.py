"""Zalando's ScalingSchedule: a scheduled value with ramps, and the side controller against the HPA's tolerance.

kube-metrics-adapter `1079c7d3`, `pkg/collector/scaling_schedule_collector.go` and
`pkg/controller/scheduledscaling/scheduled_scaling.go`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

SCALING_WINDOW = timedelta(minutes=10)
"""`--scaling-schedule-default-scaling-window`: the ramp before and after a schedule."""
RAMP_STEPS = 10
"""`--scaling-schedule-ramp-steps`"""
CONTROLLER_SECONDS = 10.0
"""How often the side controller looks."""
HPA_TOLERANCE = 0.1
"""`--horizontal-pod-autoscaler-tolerance`, which the side controller is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule of type OneTime with an end date."""

    start: datetime
    end: datetime
    value: int


def value_of(
    schedule: Schedule, now: datetime, scaling_window: timedelta = SCALING_WINDOW, steps: int = RAMP_STEPS
) -> int:
    """Return the value now: whole within the schedule, in steps on the ramps, so 90 % just before the start."""
    if schedule.start <= now < schedule.end:
        return schedule.value
    if schedule.start - scaling_window <= now < schedule.start:
        return _ramp(now - (schedule.start - scaling_window), scaling_window, steps, schedule.value)
    if schedule.end <= now < schedule.end + scaling_window:
        return _ramp(schedule.end + scaling_window - now, scaling_window, steps, schedule.value)
    return 0


def _ramp(elapsed: timedelta, scaling_window: timedelta, steps: int, value: int) -> int:
    return int(math.floor(elapsed / scaling_window * steps) * (value / steps))


def scheduled_value(
    schedules: Iterable[Schedule], now: datetime, scaling_window: timedelta = SCALING_WINDOW, steps: int = RAMP_STEPS
) -> int:
    """Return the largest value of all schedules."""
    return max((value_of(s, now, scaling_window, steps) for s in schedules), default=0)


def active_value(schedules: Iterable[Schedule], now: datetime, scaling_window: timedelta = SCALING_WINDOW) -> int:
    """Return the largest full value of the schedules that are active, their ramps included."""
    return max(
        (s.value for s in schedules if s.start - scaling_window <= now < s.end + scaling_window),
        default=0,
    )


def adjusted(*, current: int, value: int, target: int, max_replicas: int, tolerance: float = HPA_TOLERANCE) -> int:
    """Return what the side controller sets: the scheduled count, if it is more and the HPA would not see it."""
    if current == 0:
        return current
    expected = min(math.ceil(value / target), max_replicas)
    change = abs(1.0 - value / (target * current)) if expected > current else 0.0
    return expected if 0.0 < change <= tolerance else current
