"""Which pods count in an HPA's arithmetic: those with a usable sample, those not ready, those without a sample.

Kubernetes v1.37 `pkg/controller/podautoscaler/replica_calculator.go`, groupPods. Values are milli-units, as there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Phase(StrEnum):
    """The phases of a pod that matter here."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """What the HPA reads of one pod."""

    name: str
    phase: Phase = Phase.RUNNING
    deleting: bool = False
    started_at: datetime | None = None
    ready: bool | None = None
    """None when the pod has no Ready condition."""
    ready_changed_at: datetime | None = None
    request_milli: int = 0

    @property
    def is_serving(self) -> bool:
        """Running and Ready."""
        return self.phase is Phase.RUNNING and self.ready is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One pod's metric."""

    value_milli: int
    at: datetime
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the controller distrusts the CPU of a young pod (flags of kube-controller-manager)."""

    cpu_initialisation: timedelta = timedelta(minutes=5)
    """`--horizontal-pod-autoscaler-cpu-initialization-period`"""
    initial_readiness: timedelta = timedelta(seconds=30)
    """`--horizontal-pod-autoscaler-initial-readiness-delay`"""


PRODUCTION_PATIENCE = Patience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The pods by how they count."""

    ready_count: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The sums that proposals are made of."""

    usage: int
    """Of all samples that count."""
    request: int
    """Of the pods whose samples count."""
    samples: int
    ready: int
    unready: int = 0
    unready_request: int = 0
    missing_requests: tuple[int, ...] = ()
    """The request of each pod without a sample."""


def group(
    pods: Sequence[Pod], samples: Mapping[str, Sample], now: datetime, patience: Patience, *, of_cpu: bool
) -> Groups:
    """Sort pods by the first rule that fits: gone, pending, without a sample, not ready, ready."""
    ready_count = 0
    unready: set[str] = set()
    missing: set[str] = set()
    ignored: set[str] = set()
    for pod in pods:
        sample = samples.get(pod.name)
        if pod.deleting or pod.phase is Phase.FAILED:
            ignored.add(pod.name)
        elif pod.phase is Phase.PENDING:
            unready.add(pod.name)
        elif sample is None:
            missing.add(pod.name)
        elif of_cpu and _is_unready(pod, sample, now, patience):
            unready.add(pod.name)
        else:
            ready_count += 1
    return Groups(
        ready_count=ready_count, unready=frozenset(unready), missing=frozenset(missing), ignored=frozenset(ignored)
    )


def _is_unready(pod: Pod, sample: Sample, now: datetime, patience: Patience) -> bool:
    """Tell whether the CPU of the pod is not yet its own: it is starting, or its sample covers the start."""
    if pod.ready is None or pod.started_at is None or pod.ready_changed_at is None:
        return True
    if pod.started_at + patience.cpu_initialisation > now:
        return not pod.ready or sample.at < pod.ready_changed_at + sample.window
    return not pod.ready and pod.started_at + patience.initial_readiness > pod.ready_changed_at


def tally(
    pods: Sequence[Pod], samples: Mapping[str, Sample], now: datetime, patience: Patience, *, of_cpu: bool
) -> Tally:
    """Add up the samples of the pods that count. A sample of no known pod counts in usage of plain metrics only."""
    groups = group(pods, samples, now, patience, of_cpu=of_cpu)
    requests = {pod.name: pod.request_milli for pod in pods}
    counted = {name: s for name, s in samples.items() if name not in groups.unready and name not in groups.ignored}
    known = [name for name in counted if name in requests] if of_cpu else list(counted)
    return Tally(
        usage=sum(counted[name].value_milli for name in known),
        request=sum(requests.get(name, 0) for name in known),
        samples=len(counted),
        ready=groups.ready_count,
        unready=len(groups.unready),
        unready_request=sum(requests[name] for name in groups.unready),
        missing_requests=tuple(requests[name] for name in sorted(groups.missing)),
    )
