"""Knative's pod autoscaler: a stable window, a panic window a tenth as long, and no shrinking while in panic.

knative.dev/serving v0.51 `pkg/autoscaler/scaling/autoscaler.go`, `pkg/autoscaler/aggregation/bucketing.go`,
`pkg/autoscaler/config/config.go`.
"""

import math
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

TICK_SECONDS = 2.0
"""How often it decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """What one revision is scaled by; the defaults of the config map `config-autoscaler`."""

    target: float
    """What one pod is meant to carry."""
    max_scale_up_rate: float = 1000.0
    max_scale_down_rate: float = 2.0
    panic_threshold: float = 2.0
    """Wanted over Ready pods from which on it panics (`panic-threshold-percentage` 200)."""
    stable_window: timedelta = timedelta(seconds=60)
    panic_window: timedelta = timedelta(seconds=6)
    """A tenth of the stable window (`panic-window-percentage` 10)."""
    activation_scale: int = 1
    reachable: bool = True
    """Whether a route points to it; what is not reachable may shrink at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panic:
    """Since when it panics, and the most pods it wanted in this panic."""

    since: datetime | None = None
    most: int = 0

    @staticmethod
    def at_start(ready: int, now: datetime) -> "Panic":
        """A new autoscaler begins in panic when several pods stand, so as not to shrink before it has data."""
        return Panic(since=now if ready > 1 else None, most=ready)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """What is wanted, and the panic afterwards."""

    pods: int
    panic: Panic


def scaled(decider: Decider, panic: Panic, *, ready: int, stable: float, panicking: float, now: datetime) -> Scaled:
    """Return the pods wanted for the averages of both windows."""
    standing = max(1, ready)
    most = math.ceil(decider.max_scale_up_rate * standing)
    least = math.floor(standing / decider.max_scale_down_rate) if decider.reachable else 0
    by_stable = math.ceil(stable / decider.target)
    by_panic = math.ceil(panicking / decider.target)
    over = by_panic / standing >= decider.panic_threshold
    wanted = _activated(decider, by_stable, min(max(by_stable, least), most))
    wanted_in_panic = _activated(decider, by_panic, min(max(by_panic, least), most))

    if over:
        panic = replace(panic, since=now)
    elif panic.since is not None and panic.since + decider.stable_window < now:
        panic = Panic()
    if panic.since is None:
        return Scaled(pods=wanted, panic=panic)
    panic = replace(panic, most=max(panic.most, wanted, wanted_in_panic))
    return Scaled(pods=panic.most, panic=panic)


def _activated(decider: Decider, needed: int, wanted: int) -> int:
    return max(wanted, decider.activation_scale) if needed > 0 and decider.activation_scale > 1 else wanted


@dataclass(slots=True)
class Averages:
    """What was recorded within the stable window, one value per tick; a tick without a value counts as zero."""

    tick: timedelta = timedelta(seconds=TICK_SECONDS)
    recorded: deque[tuple[datetime, float]] = field(default_factory=deque)

    def record(self, at: datetime, value: float, keep: timedelta) -> None:
        """Add a value and forget what lies before the longest window."""
        self.recorded.append((at, value))
        while self.recorded[0][0] <= at - keep:
            self.recorded.popleft()

    def over(self, window: timedelta, now: datetime) -> float | None:
        """Return the average from the first to the last value within the window; None when it has none."""
        inside = [(at, value) for at, value in self.recorded if at > now - window]
        if not inside:
            return None
        ticks = round((inside[-1][0] - inside[0][0]) / self.tick) + 1
        return sum(value for _, value in inside) / ticks
