"""From what is seen of a placement to the proposals of its HPA.

The simulator shows counts and means, not pods: pods of one placement are alike, so that sums say the same.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.sim.controller import SeenPlacement
from controller.sim.peers import hpa_proposals as proposals
from controller.sim.peers.hpa_pods import Tally
from controller.sim.peers.hpa_proposals import NoProposal, Proposed, Tolerance

METRIC_WINDOW = timedelta(seconds=15)
"""What one CPU sample is a mean of: `--metric-resolution` of metrics-server."""
REQUEST_MILLI = 1000
"""What a pod requests; only ratios to it matter."""
MILLI = 1000
"""Quantities reach the HPA in milli-units."""

_CPU_MISSING = NoProposal("unable to get metrics for resource cpu")
_REQUESTS_MISSING = NoProposal("unable to get external metric requests")


def for_requests(seen: SeenPlacement, *, target_per_second: float, tolerance: Tolerance) -> Proposed:
    """Propose by requests per second, shared evenly: an External metric with an AverageValue target."""
    if seen.requests_per_second is None:
        return _REQUESTS_MISSING
    return for_share(seen, value=seen.requests_per_second, target=target_per_second, tolerance=tolerance)


def for_share(seen: SeenPlacement, *, value: float, target: float, tolerance: Tolerance) -> Proposed:
    """Propose by any value that replicas share evenly."""
    return proposals.for_average_value(
        round(value * MILLI),
        target_milli=max(1, round(target * MILLI)),
        created=seen.ready + seen.starting,
        tolerance=tolerance,
    )


@dataclass(slots=True)
class ReadyLately:
    """How many Ready pods are so young that their CPU sample covers a time before they were Ready."""

    counts: deque[tuple[datetime, int]] = field(default_factory=deque)

    def young(self, seen: SeenPlacement, now: datetime) -> int:
        """Note what is Ready now, and return how many of them became so within the sample's window."""
        self.counts.append((now, seen.ready))
        sampled_from = (seen.metric_at or now) - METRIC_WINDOW
        while len(self.counts) > 1 and self.counts[1][0] <= sampled_from:
            self.counts.popleft()
        return seen.ready - min(ready for _, ready in self.counts)


def for_cpu(seen: SeenPlacement, *, target_percent: int, young: int, tolerance: Tolerance) -> Proposed:
    """Propose by CPU utilisation. Pods that start and pods that just became Ready count as not ready."""
    if seen.cpu_utilisation is None:
        return _CPU_MISSING
    counted = seen.ready - young
    tally = Tally(
        usage=round(seen.cpu_utilisation * REQUEST_MILLI * counted),
        request=REQUEST_MILLI * counted,
        samples=counted,
        ready=counted,
        unready=seen.starting + young,
        unready_request=REQUEST_MILLI * (seen.starting + young),
    )
    return proposals.for_utilisation(tally, target_percent=target_percent, current=seen.wanted, tolerance=tolerance)
