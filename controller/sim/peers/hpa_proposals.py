"""What one metric proposes: a replica count, or nothing and why.

Kubernetes v1.37 `pkg/controller/podautoscaler/{replica_calculator,metrics/utilization}.go`. Integer divisions cut off
as they do there: they decide rows at the edge of the tolerance.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controller.sim.peers.hpa_pods import Tally

MOST_REPLICAS = 2**31 - 1
"""Replica counts are int32 in the API; what is larger stays at its edge."""
LARGEST_USAGE = 2**63 - 1
"""Usage is int64 milli-units; what is larger stays at its edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far the ratio of usage to target may lie from 1 before anything changes."""

    down: float = 0.1
    up: float = 0.1

    def covers(self, ratio: float) -> bool:
        """Tell whether the ratio is near enough to 1. NaN never is."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A replica count that one metric asks for, and the usage that is shown beside it."""

    replicas: int
    usage: int = 0


@dataclass(frozen=True, slots=True)
class NoProposal:
    """The metric gave nothing to reckon with."""

    why: str


Proposed = Proposal | NoProposal

_NO_SAMPLES = NoProposal("did not receive metrics for targeted pods (pods might be unready)")
_NO_KNOWN_PODS = NoProposal("no metrics returned matched known pods")


def for_utilisation(tally: Tally, *, target_percent: int, current: int, tolerance: Tolerance) -> Proposed:
    """Propose for a resource measured against what pods request, such as CPU at 70 %."""
    if not tally.samples:
        return _NO_SAMPLES
    if not tally.request:
        return _NO_KNOWN_PODS

    def ratio_with(usage: int, request: int, _samples: int) -> float:
        return (usage * 100 // request) / target_percent

    return _per_pod(
        tally,
        ratio_with,
        fill=[request * max(100, target_percent) // 100 for request in tally.missing_requests],
        current=current,
        tolerance=tolerance,
        usage=tally.usage * 100 // tally.request,
    )


def for_pod_average(tally: Tally, *, target_milli: int, current: int, tolerance: Tolerance) -> Proposed:
    """Propose for the mean of a plain metric over pods."""
    if not tally.samples:
        return _NO_SAMPLES

    def ratio_with(usage: int, _request: int, samples: int) -> float:
        return (usage // samples) / target_milli

    return _per_pod(
        tally,
        ratio_with,
        fill=[target_milli for _ in tally.missing_requests],
        current=current,
        tolerance=tolerance,
        usage=tally.usage // tally.samples,
    )


def _per_pod(
    tally: Tally,
    ratio_with: Callable[[int, int, int], float],
    *,
    fill: Sequence[int],
    current: int,
    tolerance: Tolerance,
    usage: int,
) -> Proposal:
    """Reckon first with what is known, then with the least favourable guess about the rest.

    Pods without a sample are guessed idle when growing and busy (`fill`) when shrinking; pods not ready are guessed
    idle when growing. A guess may damp the change and never turns its direction.
    """
    keep = Proposal(replicas=current, usage=usage)
    ratio = ratio_with(tally.usage, tally.request, tally.samples)
    grows_past_unready = tally.unready > 0 and ratio > 1.0
    if not grows_past_unready and not tally.missing_requests:
        return keep if tolerance.covers(ratio) else Proposal(replicas=math.ceil(ratio * tally.ready), usage=usage)

    total, request, samples = tally.usage, tally.request, tally.samples
    if ratio != 1.0:
        total += sum(fill) if ratio < 1.0 else 0
        request += sum(tally.missing_requests)
        samples += len(tally.missing_requests)
    if grows_past_unready:
        request += tally.unready_request
        samples += tally.unready

    guessed = ratio_with(total, request, samples)
    if tolerance.covers(guessed) or (ratio < 1.0 < guessed) or (guessed < 1.0 < ratio):
        return keep
    replicas = math.ceil(guessed * samples)
    if (guessed < 1.0 and replicas > current) or (guessed > 1.0 and replicas < current):
        return keep
    return Proposal(replicas=replicas, usage=usage)


def for_value(usage: int, *, target_milli: int, current: int, serving: int, tolerance: Tolerance) -> Proposed:
    """Propose for one value of an object or external metric: in proportion to the pods Running and Ready."""
    ratio = usage / target_milli
    if current == 0:
        return Proposal(replicas=_whole(ratio), usage=usage)
    if tolerance.covers(ratio):
        return Proposal(replicas=current, usage=usage)
    return Proposal(replicas=_whole(ratio * serving), usage=usage)


def for_average_value(usage: int, *, target_milli: int, created: int, tolerance: Tolerance) -> Proposed:
    """Propose for a total that is to be shared evenly: usage over target, whatever stands now.

    `created` is `status.replicas`, which counts pods that are not Ready too.
    """
    per_replica = float(target_milli) * created
    ratio = usage / per_replica if per_replica else math.inf
    replicas = created if tolerance.covers(ratio) else _whole(usage / target_milli)
    shown = usage
    if usage < LARGEST_USAGE:
        shown = math.ceil(usage / created) if created else 0
    return Proposal(replicas=replicas, usage=shown)


def total(values: Sequence[int]) -> int:
    """Add up the series of an external metric, staying within int64."""
    return min(sum(values), LARGEST_USAGE)


def _whole(replicas: float) -> int:
    return MOST_REPLICAS if replicas > MOST_REPLICAS else math.ceil(replicas)
