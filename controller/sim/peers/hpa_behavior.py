"""How an HPA damps what its metrics propose: stabilization, then rate limits, then minimum and maximum.

Kubernetes v1.37 `pkg/controller/podautoscaler/horizontal.go` and `pkg/apis/autoscaling/v2/defaults.go`. Logs keep
their slots as upstream does: one that is too old is used again, the last such one, and the order is not that of time.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")

SCALE_UP_LIMIT_FACTOR = 2.0
"""Without `behavior`, one sync may at most double."""
SCALE_UP_LIMIT_MINIMUM = 4.0
"""Without `behavior`, one sync may always reach four."""
DOWNSCALE_STABILIZATION_SECONDS = 300
"""`--horizontal-pod-autoscaler-downscale-stabilization`"""


class PolicyKind(StrEnum):
    """The unit of a scaling policy."""

    PODS = "Pods"
    PERCENT = "Percent"


class Select(StrEnum):
    """Which policy wins when there are several."""

    MAX = "Max"
    MIN = "Min"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """At most so many pods, or so many percent, in a period."""

    kind: PolicyKind
    value: int
    period_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One direction of `spec.behavior`."""

    policies: tuple[Policy, ...]
    select: Select = Select.MAX
    stabilization_seconds: int = 0
    tolerance: float | None = None

    @property
    def longest_period_seconds(self) -> int:
        """Events older than this matter to no policy."""
        return max((p.period_seconds for p in self.policies), default=0)


DEFAULT_UP = Rules(
    policies=(
        Policy(kind=PolicyKind.PODS, value=4, period_seconds=15),
        Policy(kind=PolicyKind.PERCENT, value=100, period_seconds=15),
    )
)
"""What the API server fills in for `scaleUp` where `behavior` is given."""
DEFAULT_DOWN = Rules(
    policies=(Policy(kind=PolicyKind.PERCENT, value=100, period_seconds=15),),
    stabilization_seconds=DOWNSCALE_STABILIZATION_SECONDS,
)
"""The same for `scaleDown`; its window is the controller's flag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behavior:
    """`spec.behavior`, with defaults filled in."""

    up: Rules = DEFAULT_UP
    down: Rules = DEFAULT_DOWN


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What metrics proposed at an instant, before stabilization."""

    replicas: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ScaleEvent:
    """By how many replicas one write changed the target; never negative."""

    change: int
    at: datetime
    outdated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """A count after limits, and the reason of the condition `ScalingLimited`."""

    replicas: int
    reason: str


_WITHIN = "DesiredWithinRange"


def stabilised(
    log: tuple[Recommendation, ...], desired: int, now: datetime, window_seconds: int = DOWNSCALE_STABILIZATION_SECONDS
) -> tuple[int, tuple[Recommendation, ...]]:
    """Without `behavior`: the largest recommendation of the window wins."""
    cutoff = now - timedelta(seconds=window_seconds)
    largest = max((r.replicas for r in log if r.at >= cutoff), default=desired)
    old = [i for i, r in enumerate(log) if r.at < cutoff]
    return max(desired, largest), _noted(log, Recommendation(desired, now), old)


def stabilised_by(
    log: tuple[Recommendation, ...], behavior: Behavior, *, current: int, desired: int, now: datetime
) -> tuple[int, tuple[Recommendation, ...]]:
    """With `behavior`: the smallest of the up window bounds growth, then the largest of the down window shrinking."""
    up_cutoff = now - timedelta(seconds=behavior.up.stabilization_seconds)
    down_cutoff = now - timedelta(seconds=behavior.down.stabilization_seconds)
    least = min((r.replicas for r in log if r.at > up_cutoff), default=desired)
    most = max((r.replicas for r in log if r.at > down_cutoff), default=desired)
    recommended = min(max(current, min(least, desired)), max(most, desired))
    old = [i for i, r in enumerate(log) if r.at < up_cutoff and r.at < down_cutoff]
    return recommended, _noted(log, Recommendation(desired, now), old)


def _noted(log: tuple[T, ...], entry: T, reusable: Sequence[int]) -> tuple[T, ...]:
    if not reusable:
        return (*log, entry)
    last = reusable[-1]
    return (*log[:last], entry, *log[last + 1 :])


def without_behavior(
    *, current: int, desired: int, least: int, most: int, factor: float = SCALE_UP_LIMIT_FACTOR
) -> Limited:
    """Keep within minimum, maximum, and twice what stands now. No period is counted: each sync may double again."""
    limit = int(max(factor * current, SCALE_UP_LIMIT_MINIMUM))
    allowed, reason = (limit, "ScaleUpLimit") if most > limit else (most, "TooManyReplicas")
    if desired < least:
        return Limited(replicas=least, reason="TooFewReplicas")
    if desired > allowed:
        return Limited(replicas=allowed, reason=reason)
    return Limited(replicas=desired, reason=_WITHIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What was scaled lately, by direction."""

    up: tuple[ScaleEvent, ...] = ()
    down: tuple[ScaleEvent, ...] = ()

    def start_of(self, period_seconds: int, current: int, now: datetime) -> int:
        """Return how many replicas stood when the period began."""
        cutoff = now - timedelta(seconds=period_seconds)
        return current - changed_since(self.up, cutoff) + changed_since(self.down, cutoff)


def changed_since(events: tuple[ScaleEvent, ...], cutoff: datetime) -> int:
    """Return by how many replicas the events after the cut-off changed the target."""
    return sum(e.change for e in events if e.at > cutoff)


def with_behavior(
    behavior: Behavior, events: Events, *, current: int, desired: int, least: int, most: int, now: datetime
) -> Limited:
    """Keep within the rate of the direction that is wanted, and within minimum or maximum."""
    if desired > current:
        limit = max(current, up_limit(behavior.up, events, current, now))
        allowed, reason = (limit, "ScaleUpLimit") if most > limit else (most, "TooManyReplicas")
        return Limited(replicas=allowed, reason=reason) if desired > allowed else _as_wanted(desired)
    if desired < current:
        limit = min(current, down_limit(behavior.down, events, current, now))
        allowed, reason = (limit, "ScaleDownLimit") if least < limit else (least, "TooFewReplicas")
        return Limited(replicas=allowed, reason=reason) if desired < allowed else _as_wanted(desired)
    return _as_wanted(desired)


def _as_wanted(desired: int) -> Limited:
    return Limited(replicas=desired, reason=_WITHIN)


def up_limit(rules: Rules, events: Events, current: int, now: datetime) -> int:
    """Return the most replicas that the policies allow now; percents are rounded up, or one could never leave 1."""

    def allowed(policy: Policy) -> int:
        start = events.start_of(policy.period_seconds, current, now)
        if policy.kind is PolicyKind.PODS:
            return start + policy.value
        return math.ceil(start * (1 + policy.value / 100))

    return _selected(rules, allowed, current, widest=max, narrowest=min)


def down_limit(rules: Rules, events: Events, current: int, now: datetime) -> int:
    """Return the fewest replicas that the policies allow now; percents are cut off."""

    def allowed(policy: Policy) -> int:
        start = events.start_of(policy.period_seconds, current, now)
        if policy.kind is PolicyKind.PODS:
            return start - policy.value
        return int(start * (1 - policy.value / 100))

    return _selected(rules, allowed, current, widest=min, narrowest=max)


def _selected(
    rules: Rules,
    allowed: Callable[[Policy], int],
    current: int,
    *,
    widest: Callable[[Sequence[int]], int],
    narrowest: Callable[[Sequence[int]], int],
) -> int:
    if rules.select is Select.DISABLED:
        return current
    limits = [allowed(policy) for policy in rules.policies]
    return narrowest(limits) if rules.select is Select.MIN else widest(limits)


def stored(events: tuple[ScaleEvent, ...], rules: Rules, change: int, now: datetime) -> tuple[ScaleEvent, ...]:
    """Return the events with one more, in place of one that no policy looks at any more."""
    cutoff = now - timedelta(seconds=rules.longest_period_seconds)
    marked = tuple(replace(e, outdated=True) if e.at < cutoff else e for e in events)
    return _noted(marked, ScaleEvent(change, now), [i for i, e in enumerate(marked) if e.outdated])
