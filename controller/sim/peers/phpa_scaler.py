"""The Predictive Horizontal Pod Autoscaler: an HPA, and Holt-Winters on the replicas that the HPA asked for.

jthomperoo/predictive-horizontal-pod-autoscaler `c91d0609`. It learns replica counts, not demand: what it was too late
for last week it learns too late, and above `maxReplicas` it sees nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.sim.controller import Known, Seen, SeenPlacement
from controller.sim.peers import holt_winters, hpa
from controller.sim.peers.holt_winters import Model, Smoothing
from controller.sim.peers.hpa_scalers import HpaScaler, on_requests
from controller.sim.peers.scaling import EachPlacement
from controller.sim.peers.sizing import Sizing, Sizings

STEP = timedelta(minutes=10)
"""One value of the series; the forecast is one step ahead, so this is how early it can be."""
WEEK_STEPS = 7 * 24 * 6
"""Steps of a season: school days differ from week-ends."""
SMOOTHING = Smoothing(alpha=0.3, beta=0.0, gamma=0.3)
"""A level that follows within half an hour, no trend (a morning's slope would be carried into the night), and a season
that has forgotten a week after two."""


@dataclass(slots=True)
class PhpaScaler:
    """One autoscaler: its HPA and its model. `decisionType: maximum`."""

    hpa: HpaScaler
    series: list[float]
    model: Model | None
    step_ends: datetime
    most_asked: int = 0
    predicted: int = 0

    def wanted(self, seen: SeenPlacement, all_seen: Seen) -> int:
        """Take the larger of what the HPA asks for and what the model expects, within limits."""
        calculated = self.hpa.wanted(seen, all_seen)
        self.most_asked = max(self.most_asked, calculated)
        if all_seen.now >= self.step_ends:
            self._learned(float(self.most_asked))
            self.most_asked = calculated
            self.step_ends += STEP
        return min(max(calculated, self.predicted, seen.min_replicas), seen.max_replicas)

    def _learned(self, asked: float) -> None:
        if self.model is None:
            self.series.append(asked)
            self.model = holt_winters.fitted(self.series, WEEK_STEPS, SMOOTHING)
        else:
            self.model.learn(asked)
        self.predicted = 0 if self.model is None else math.ceil(self.model.next_value())


def past_replicas(
    history: Sequence[tuple[datetime, float]], sizing: Sizing, seen: SeenPlacement, until: datetime
) -> list[float]:
    """Return what the HPA would have asked for in whole steps up to `until`, from demand measured before the run."""
    if not history:
        return []
    steps = int((until - history[0][0]) / STEP)
    replicas, index = [], 0
    for step in range(steps):
        ends = until - STEP * (steps - step - 1)
        while index + 1 < len(history) and history[index + 1][0] < ends:
            index += 1
        replicas.append(float(sizing.replicas(history[index][1], seen.site)))
    return replicas


def phpa(known: Known) -> EachPlacement:
    """PHPA over an HPA on requests."""
    sizings = Sizings(known)
    metrics = on_requests(known)

    def make(seen: SeenPlacement, all_seen: Seen) -> PhpaScaler:
        sizing = sizings.of(seen.ent, all_seen)
        series = past_replicas(known.history.get(seen.ent, ()), sizing, seen, all_seen.now)
        model = holt_winters.fitted(series, WEEK_STEPS, SMOOTHING)
        scaler = PhpaScaler(HpaScaler(metrics), series, model, step_ends=all_seen.now + STEP)
        scaler.predicted = 0 if model is None else math.ceil(model.next_value())
        return scaler

    return EachPlacement("phpa", hpa.SYNC_SECONDS, make)
