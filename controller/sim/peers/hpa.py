"""One HorizontalPodAutoscaler: from proposals to a replica count, sync by sync.

Kubernetes v1.37 `pkg/controller/podautoscaler/horizontal.go`, reconcileAutoscaler and computeReplicasForMetrics.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from controller.sim.peers import hpa_behavior as behaviors
from controller.sim.peers.hpa_behavior import Behavior, Events, Recommendation
from controller.sim.peers.hpa_proposals import Proposal, Proposed, Tolerance

SYNC_SECONDS = 15.0
"""`--horizontal-pod-autoscaler-sync-period`"""
DEFAULT_TOLERANCE = 0.1
"""`--horizontal-pod-autoscaler-tolerance`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """What the object's spec says, and the flags of its controller."""

    min_replicas: int = 1
    max_replicas: int
    behavior: Behavior | None = None
    scaled_to_zero: bool = False
    """The condition `ScaledToZero`: it was the HPA that went to 0, not a person."""
    has_shared_metric: bool = False
    """Whether a metric of an object or an external one is among its metrics: pods at 0 have none of their own."""
    scale_up_limit_factor: float = behaviors.SCALE_UP_LIMIT_FACTOR
    """The upstream tests set 8, not to run into it by accident."""

    @property
    def tolerance(self) -> Tolerance:
        """Each direction's own tolerance where it has one."""
        if self.behavior is None:
            return Tolerance(down=DEFAULT_TOLERANCE, up=DEFAULT_TOLERANCE)
        down, up = self.behavior.down.tolerance, self.behavior.up.tolerance
        return Tolerance(down=DEFAULT_TOLERANCE if down is None else down, up=DEFAULT_TOLERANCE if up is None else up)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the controller keeps of one autoscaler in its process. A restart loses it."""

    recommendations: tuple[Recommendation, ...] | None = None
    """None before the first sync."""
    events: Events = Events()


def synced(
    autoscaler: Autoscaler, remembered: Remembered, proposals: Sequence[Proposed], *, current: int, now: datetime
) -> tuple[int, Remembered]:
    """Return the replicas after one sync, and what is remembered. A target that a person set to 0 is left alone.

    Above maximum and below minimum no metric is asked, and neither stabilization nor rate limits apply.
    """
    if remembered.recommendations is None:
        remembered = replace(remembered, recommendations=(Recommendation(current, now),))
    if current == 0 and not _may_leave_zero(autoscaler):
        return 0, remembered
    if current > autoscaler.max_replicas:
        wanted = autoscaler.max_replicas
    elif 0 < current < autoscaler.min_replicas:
        wanted = autoscaler.min_replicas
    else:
        proposed = decided(proposals, current)
        if proposed is None:
            return current, remembered
        wanted, remembered = _normalised(autoscaler, remembered, current, proposed, now)
        if current == 0 and autoscaler.min_replicas:
            wanted = max(wanted, autoscaler.min_replicas)
    return wanted, _with_event(autoscaler, remembered, current, wanted, now)


def _may_leave_zero(autoscaler: Autoscaler) -> bool:
    return autoscaler.scaled_to_zero and (autoscaler.min_replicas != 0 or autoscaler.has_shared_metric)


def decided(proposals: Sequence[Proposed], current: int) -> int | None:
    """Return the largest proposal. None: no metric is valid, or one is not and the others would shrink."""
    valid = [p.replicas for p in proposals if isinstance(p, Proposal)]
    largest = max(valid, default=0)
    if not valid or (len(valid) < len(proposals) and largest < current):
        return None
    return largest


def _normalised(
    autoscaler: Autoscaler, remembered: Remembered, current: int, desired: int, now: datetime
) -> tuple[int, Remembered]:
    log = remembered.recommendations or ()
    least, most = autoscaler.min_replicas, autoscaler.max_replicas
    if autoscaler.behavior is None:
        stable, log = behaviors.stabilised(log, desired, now)
        limited = behaviors.without_behavior(
            current=current, desired=stable, least=least, most=most, factor=autoscaler.scale_up_limit_factor
        )
    else:
        stable, log = behaviors.stabilised_by(log, autoscaler.behavior, current=current, desired=desired, now=now)
        limited = behaviors.with_behavior(
            autoscaler.behavior, remembered.events, current=current, desired=stable, least=least, most=most, now=now
        )
    return limited.replicas, replace(remembered, recommendations=log)


def _with_event(autoscaler: Autoscaler, remembered: Remembered, current: int, wanted: int, now: datetime) -> Remembered:
    """Note the write for the rate limits; corrections to minimum and maximum count too."""
    if autoscaler.behavior is None or wanted == current:
        return remembered
    events = remembered.events
    if wanted > current:
        up = behaviors.stored(events.up, autoscaler.behavior.up, wanted - current, now)
        return replace(remembered, events=replace(events, up=up))
    down = behaviors.stored(events.down, autoscaler.behavior.down, current - wanted, now)
    return replace(remembered, events=replace(events, down=down))
