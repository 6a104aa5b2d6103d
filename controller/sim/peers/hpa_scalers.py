"""HPAs on CPU and on requests, by default and tuned, as they stand in each cluster."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from controller.sim.controller import Known, Seen, SeenPlacement
from controller.sim.peers import hpa, hpa_metrics
from controller.sim.peers.hpa import Autoscaler, Remembered
from controller.sim.peers.hpa_behavior import Behavior, Policy, PolicyKind, Rules
from controller.sim.peers.hpa_metrics import ReadyLately
from controller.sim.peers.hpa_proposals import Proposed, Tolerance
from controller.sim.peers.scaling import EachPlacement
from controller.sim.peers.sizing import Sizings, useful_per_replica

PERCENT = 100
TUNED_PERCENT = 900
"""Ten times as many at once: the usual advice against flash crowds."""
TUNED = Behavior(
    up=Rules(policies=(Policy(kind=PolicyKind.PERCENT, value=TUNED_PERCENT, period_seconds=15),), tolerance=0.0)
)
"""No tolerance upwards, 900 % per 15 s; downwards as by default."""

Metrics = Callable[[SeenPlacement, Seen, Tolerance], Sequence[Proposed]]


@dataclass(slots=True)
class HpaScaler:
    """One HPA: its metrics, its behaviour and its memory."""

    metrics: Metrics
    behavior: Behavior | None = None
    remembered: Remembered = field(default_factory=Remembered)

    def wanted(self, seen: SeenPlacement, all_seen: Seen) -> int:
        """Sync once."""
        return self.synced(seen, all_seen, floor=seen.min_replicas)

    def synced(self, seen: SeenPlacement, all_seen: Seen, *, floor: int) -> int:
        """Sync once with this minimum, which somebody may have raised."""
        autoscaler = Autoscaler(min_replicas=floor, max_replicas=seen.max_replicas, behavior=self.behavior)
        proposals = self.metrics(seen, all_seen, autoscaler.tolerance)
        wanted, self.remembered = hpa.synced(
            autoscaler, self.remembered, proposals, current=seen.wanted, now=all_seen.now
        )
        return wanted


def on_cpu(known: Known) -> Metrics:
    """CPU at the target utilisation, less the headroom that the reserve asks for."""
    sizings = Sizings(known)
    lately: dict[tuple[object, object], ReadyLately] = {}

    def metrics(seen: SeenPlacement, all_seen: Seen, tolerance: Tolerance) -> Sequence[Proposed]:
        headroom = sizings.of(seen.ent, all_seen).headroom(seen.site)
        target = max(1, int(known.target_utilisation * headroom * PERCENT))
        young = lately.setdefault((seen.ent, seen.site), ReadyLately()).young(seen, all_seen.now)
        return [hpa_metrics.for_cpu(seen, target_percent=target, young=young, tolerance=tolerance)]

    return metrics


def on_requests(known: Known) -> Metrics:
    """Requests per replica at the target utilisation, less the headroom that the reserve asks for."""
    sizings = Sizings(known)

    def metrics(seen: SeenPlacement, all_seen: Seen, tolerance: Tolerance) -> Sequence[Proposed]:
        target = target_per_second(known, sizings, seen, all_seen)
        return [hpa_metrics.for_requests(seen, target_per_second=target, tolerance=tolerance)]

    return metrics


def target_per_second(known: Known, sizings: Sizings, seen: SeenPlacement, all_seen: Seen) -> float:
    """Return what one replica at the placement is meant to get."""
    return useful_per_replica(known, seen.ent) * sizings.of(seen.ent, all_seen).headroom(seen.site)


def hpa_cpu(known: Known) -> EachPlacement:
    """HPA on CPU, default behaviour."""
    metrics = on_cpu(known)
    return EachPlacement("hpa-cpu", hpa.SYNC_SECONDS, lambda _seen, _all: HpaScaler(metrics))


def hpa_requests(known: Known) -> EachPlacement:
    """HPA on requests per replica, default behaviour."""
    metrics = on_requests(known)
    return EachPlacement("hpa-requests", hpa.SYNC_SECONDS, lambda _seen, _all: HpaScaler(metrics))


def hpa_tuned(known: Known) -> EachPlacement:
    """HPA on requests per replica, tuned for speed."""
    metrics = on_requests(known)
    return EachPlacement("hpa-tuned", hpa.SYNC_SECONDS, lambda _seen, _all: HpaScaler(metrics, TUNED))
