"""Predictive scaling that raises the minimum of an HPA on requests; dynamic scaling stays on, and the larger wins."""

from dataclasses import dataclass

from controller.domain.names import EntKey
from controller.sim.controller import Known, Seen, SeenPlacement
from controller.sim.peers import hpa
from controller.sim.peers.aws_predictive import Predictor, hourly_means
from controller.sim.peers.hpa_scalers import HpaScaler, on_requests
from controller.sim.peers.scaling import EachPlacement
from controller.sim.peers.sizing import Sizings


@dataclass(slots=True)
class AwsScaler:
    """One group: the ENT's forecast, this site's part of it, and the HPA behind."""

    sizings: Sizings
    predictor: Predictor
    hpa: HpaScaler

    def wanted(self, seen: SeenPlacement, all_seen: Seen) -> int:
        """Sync the HPA with the forecast as its minimum. The first placement of an ENT notes the ENT's load."""
        if self.predictor.observed_at != all_seen.now:
            self.predictor.observe(_load(seen.ent, all_seen), all_seen.now)
        expected = self.predictor.load(all_seen.now)
        floor = self.sizings.of(seen.ent, all_seen).replicas(expected, seen.site)
        return self.hpa.synced(seen, all_seen, floor=max(seen.min_replicas, floor))


def aws_predictive(known: Known) -> EachPlacement:
    """AWS-like predictive scaling over an HPA on requests."""
    sizings = Sizings(known)
    metrics = on_requests(known)
    predictors = {e.key: Predictor(hourly=hourly_means(known.history.get(e.key, ()))) for e in known.ents}

    def make(seen: SeenPlacement, _all: Seen) -> AwsScaler:
        return AwsScaler(sizings, predictors[seen.ent], HpaScaler(metrics))

    return EachPlacement("aws-predictive", hpa.SYNC_SECONDS, make)


def _load(ent: EntKey, seen: Seen) -> float | None:
    """Return the ENT's requests at all sites; None when one of them is not known."""
    total = 0.0
    for placement in seen.placements:
        if placement.ent == ent:
            if placement.requests_per_second is None:
                return None
            total += placement.requests_per_second
    return total
