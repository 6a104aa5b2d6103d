"""Predictive scaling as AWS documents it: hourly, at most 14 days of history, 48 hours ahead, and it only adds.

"How predictive scaling works" and the API reference of EC2 Auto Scaling. The forecast itself is not published; here
it is the mean of the same hour of the week, or of the day until a week is known.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
LEAST_HISTORY = timedelta(hours=24)
"""Before a day has been seen there is no forecast."""
LONGEST_HISTORY = timedelta(days=14)
HORIZON_HOURS = 48
REFRESH = timedelta(hours=6)
BUFFER = timedelta(seconds=300)
"""`SchedulingBufferTime`: how long before an hour its capacity is launched."""


def hour_of(at: datetime) -> datetime:
    """Return the beginning of the hour."""
    return at.replace(minute=0, second=0, microsecond=0)


def hourly_means(samples: Iterable[tuple[datetime, float]]) -> dict[datetime, float]:
    """Return the mean of each hour that has samples."""
    by_hour: dict[datetime, list[float]] = defaultdict(list)
    for at, value in samples:
        by_hour[hour_of(at)].append(value)
    return {hour: math.fsum(values) / len(values) for hour, values in by_hour.items()}


def forecast(hourly: Mapping[datetime, float], now: datetime) -> dict[datetime, float]:
    """Return the load expected in each of the next 48 hours; nothing until a day has been seen."""
    known = {hour: load for hour, load in hourly.items() if now - LONGEST_HISTORY <= hour < hour_of(now)}
    if not known or now - min(known) < LEAST_HISTORY:
        return {}
    hours = [hour_of(now) + HOUR * ahead for ahead in range(HORIZON_HOURS)]
    expected = {}
    for hour in hours:
        like_it = [load for at, load in known.items() if at.hour == hour.hour]
        same_weekday = [load for at, load in known.items() if at.hour == hour.hour and at.weekday() == hour.weekday()]
        if same_weekday or like_it:
            chosen = same_weekday or like_it
            expected[hour] = math.fsum(chosen) / len(chosen)
    return expected


@dataclass(slots=True)
class Predictor:
    """What was seen hour by hour, and the forecast in force."""

    hourly: dict[datetime, float]
    expected: dict[datetime, float] = field(default_factory=dict)
    refreshed_at: datetime | None = None
    current: list[float] = field(default_factory=list)
    hour: datetime | None = None
    observed_at: datetime | None = None

    def observe(self, load: float | None, now: datetime) -> None:
        """Note what is seen; an hour is known when it is over."""
        self.observed_at = now
        if self.hour != hour_of(now):
            if self.hour is not None and self.current:
                self.hourly[self.hour] = math.fsum(self.current) / len(self.current)
            self.hour, self.current = hour_of(now), []
        if load is not None:
            self.current.append(load)

    def load(self, now: datetime) -> float:
        """Return the load to have capacity for: this hour's, or the next one's once its buffer has begun."""
        if self.refreshed_at is None or now - self.refreshed_at >= REFRESH:
            self.refreshed_at = now
            self.expected = forecast(self.hourly, now)
        return max(self.expected.get(hour_of(now), 0.0), self.expected.get(hour_of(now + BUFFER), 0.0))
