"""Holt-Winters smoothing with an additive trend and additive seasons, one value at a time.

What `statsmodels` computes for the Predictive Horizontal Pod Autoscaler at given alpha, beta and gamma; that project
lets it estimate the first level, trend and season by least squares, here they are the usual means of whole seasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothing:
    """How fast level, trend and season follow what is new."""

    alpha: float
    beta: float
    gamma: float


@dataclass(slots=True, kw_only=True)
class Model:
    """Level, trend, and one season; `position` is the place in the season of the value that comes next."""

    smoothing: Smoothing
    level: float
    trend: float
    season: list[float]
    position: int = 0

    def next_value(self) -> float:
        """Return the forecast one step ahead."""
        return self.level + self.trend + self.season[self.position]

    def learn(self, value: float) -> None:
        """Take in the value of the step that was forecast."""
        s, seasonal = self.smoothing, self.season[self.position]
        before = self.level + self.trend
        level = s.alpha * (value - seasonal) + (1 - s.alpha) * before
        self.season[self.position] = s.gamma * (value - before) + (1 - s.gamma) * seasonal
        self.trend = s.beta * (level - self.level) + (1 - s.beta) * self.trend
        self.level = level
        self.position = (self.position + 1) % len(self.season)


def least_values(periods: int) -> int:
    """Return how many values upstream asks for before it forecasts."""
    return 10 + 2 * (periods // 2)


def fitted(series: Sequence[float], periods: int, smoothing: Smoothing) -> Model | None:
    """Return a model that has learned the series; None while it is too short.

    One season gives the first level and season; a second one the first trend.
    """
    if len(series) < max(periods, least_values(periods)):
        return None
    first = series[:periods]
    level = sum(first) / periods
    second = series[periods : 2 * periods]
    trend = (sum(second) / periods - level) / periods if len(second) == periods else 0.0
    model = Model(smoothing=smoothing, level=level, trend=trend, season=[value - level for value in first])
    for value in series:
        model.learn(value)
    return model
