"""What a site's Prometheus says of the portals there: rates over a window, late, and at times not at all.

Counters run in the world; a scrape takes them every so often. Controllers see the last scrape that can be asked for.
Faults act here, as they would: a gap is no sample, a frozen counter is a rate that falls to zero within a window, and
after any silence the first window is half empty and so too low.
"""

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from controller.domain.readings import ReadingReason
from controller.sim.faults import Conditions
from controller.sim.scenario import FaultKind, MetricsSpec

Array = NDArray[np.float64]


WARM_SCRAPES = 10
"""Before the start, so that the longest window in use is full."""


class Counter(IntEnum):
    """What is counted for every placement."""

    REQUESTS = 0
    FIRST_ATTEMPTS = 1
    SUCCESSES = 2
    FAILURES = 3
    LOGINS = 4
    LOGIN_FAILURES = 5
    WORK = 6
    """Of replicas, in requests."""
    ROOM = 7
    """What Ready replicas could have done."""
    LATENCY = 8
    """Seconds times requests."""


SILENT: dict[FaultKind, ReadingReason] = {
    FaultKind.METRICS_GAP: ReadingReason.UNREACHABLE,
    FaultKind.METRICS_EMPTY: ReadingReason.EMPTY,
    FaultKind.METRICS_NAN: ReadingReason.NOT_A_NUMBER,
}
"""Faults of which no number comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """One look at all sites. Rates are counter × ENT × site."""

    at: float
    rates: Array
    cpu: Array
    """Share of the request, mean over Ready pods; NaN where no pod is Ready."""
    missing: tuple[ReadingReason | None, ...]
    """By site: why there is no number."""
    doubted: tuple[ReadingReason | None, ...]
    """By site: why a number that is there must not be believed, as far as a careful reader can tell."""


class Metrics:
    """The scrapes of a run."""

    def __init__(self, spec: MetricsSpec, ents: int, sites: int) -> None:
        self._spec = spec
        self.counters = np.zeros((len(Counter), ents, sites))
        self._past: deque[tuple[float, Array]] = deque(maxlen=64)
        self._silent_since: list[float | None] = [None] * sites
        self._back_since: list[float | None] = [None] * sites
        self._waiting: deque[Scrape] = deque()
        self.seen: Scrape | None = None

    def warm(self, rates: Array) -> None:
        """Let the world have run as it is now for long enough that every window is full."""
        for back in range(WARM_SCRAPES, 0, -1):
            before = -back * self._spec.scrape_seconds
            self._past.append((before, rates * before))

    def scrape(self, now: float, conditions: Conditions) -> None:
        """Take the counters; what is seen of them comes a moment later."""
        self._past.append((now, self.counters.copy()))
        rates = self._rates(now, self._spec.window_seconds)
        short = self._rates(now, self._spec.cpu_window_seconds)
        with np.errstate(divide="ignore", invalid="ignore"):
            cpu = short[Counter.WORK] / short[Counter.ROOM]
        missing: list[ReadingReason | None] = []
        doubted: list[ReadingReason | None] = []
        for site in range(rates.shape[2]):
            why, doubt = self._quality(site, now, conditions, rates)
            missing.append(why)
            doubted.append(doubt)
        self._waiting.append(
            Scrape(at=now, rates=rates, cpu=np.minimum(cpu, 1.0), missing=tuple(missing), doubted=tuple(doubted))
        )

    def turn(self, now: float) -> bool:
        """Let be seen what can be asked for by now; tell whether there is anything new."""
        new = False
        while self._waiting and self._waiting[0].at + self._spec.delay_seconds <= now:
            self.seen = self._waiting.popleft()
            new = True
        return new

    @property
    def next_visible(self) -> float:
        """Return when the next scrape can be asked for."""
        return self._waiting[0].at + self._spec.delay_seconds if self._waiting else float("inf")

    def _rates(self, now: float, window: float) -> Array:
        before = self._past[0]
        for instant, counters in reversed(self._past):
            if now - instant >= window - 1e-9:
                before = (instant, counters)
                break
        elapsed = now - before[0]
        if elapsed <= 0.0:
            return np.zeros_like(self.counters)
        found: Array = (self._past[-1][1] - before[1]) / elapsed
        return found

    def _quality(
        self, site: int, now: float, conditions: Conditions, rates: Array
    ) -> tuple[ReadingReason | None, ReadingReason | None]:
        """Bend the rates of the site as its fault does, and say what a careful reader would know of it."""
        fault = conditions.blind[site]
        silent = ReadingReason.UNREACHABLE if not conditions.alive[site] else SILENT.get(fault) if fault else None
        window = self._spec.window_seconds
        if silent is not None or fault is FaultKind.METRICS_FROZEN:
            since = self._silent_since[site]
            self._silent_since[site] = since = now if since is None else since
            self._back_since[site] = None
            if silent is not None:
                return silent, silent
            left = max(0.0, 1.0 - (now - since) / window)
            rates[:, :, site] *= left
            return None, ReadingReason.FROZEN_COUNTER if left == 0.0 else None
        if self._silent_since[site] is not None:
            self._silent_since[site], self._back_since[site] = None, now
        if fault is FaultKind.METRICS_HALF_WINDOW:
            rates[:, :, site] *= 0.5
            self._back_since[site] = now
            return None, ReadingReason.HALF_WINDOW
        back = self._back_since[site]
        if back is not None and now - back < window:
            rates[:, :, site] *= max(0.0, (now - back) / window)
            return None, ReadingReason.QUARANTINED
        return None, None
