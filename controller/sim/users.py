"""Users: first attempts, sessions, and those who come back because they were not served.

Attempts are counted as fluid by class (log-in, page) and by how often they were tried before. A failed one comes back
with a probability after a lognormal time, at most so often; otherwise the user gives up, and is counted.
"""

import numpy as np
from numpy.typing import NDArray

from controller.sim.dayshapes import REQUESTS_PER_LOGIN, REQUESTS_PER_PAGE
from controller.sim.scenario import UsersSpec

Array = NDArray[np.float64]

LOGIN, PAGE = 0, 1
CLASSES = 2
WEIGHTS = np.array([REQUESTS_PER_LOGIN, REQUESTS_PER_PAGE])
"""Requests that one attempt of the class is made of."""
LONGEST_DELAY_SECONDS = 300
"""Whoever waits longer than this has a rounding error's probability: it is added to the last second."""
NOBODY = 1e-6
"""Fewer attempts than this are arithmetic: they come back at once, so that it ends."""


class Users:
    """Everybody who is not at a site right now: in a session, waiting to come back, or gone."""

    def __init__(self, spec: UsersSpec, ents: int) -> None:
        self._spec = spec
        self.tries = spec.most_tries
        self._delays = _delay_shares(spec)
        self._ring = np.zeros((LONGEST_DELAY_SECONDS, CLASSES, self.tries, ents))
        self._at = 0
        self.active = np.zeros(ents)
        """Sessions in which somebody is reading and clicking."""
        self.waiting = 0.0
        """Attempts that will come back."""
        self.given_up = np.zeros((CLASSES, ents))

    def come_back(self, seconds: int) -> Array | None:
        """Return the attempts due in the coming step, class × tries × ENT; None when nobody comes back."""
        if not self.waiting:
            self._at = (self._at + seconds) % LONGEST_DELAY_SECONDS
            return None
        due = np.zeros(self._ring.shape[1:])
        for slot in range(self._at, self._at + seconds):
            due += self._ring[slot % LONGEST_DELAY_SECONDS]
            self._ring[slot % LONGEST_DELAY_SECONDS] = 0.0
        self._at = (self._at + seconds) % LONGEST_DELAY_SECONDS
        self.waiting -= float(due.sum())
        if self.waiting < NOBODY:
            self.waiting = float(self._ring.sum())
            if self.waiting < NOBODY:
                due += self._ring.sum(axis=0)
                self._ring[:] = 0.0
                self.waiting = 0.0
        return due

    def fail(self, failed: Array) -> None:
        """Send those who failed away: some come back, some give up. A page given up ends the session."""
        returning = np.zeros_like(failed)
        returning[:, 1:] = failed[:, :-1] * self._spec.retry_share
        gone = failed.sum(axis=1) - returning.sum(axis=1)
        self.given_up += gone
        self.active = np.maximum(0.0, self.active - gone[PAGE])
        if returning.any():
            rest = LONGEST_DELAY_SECONDS - self._at
            self._ring[self._at :] += self._delays[:rest, None, None, None] * returning
            self._ring[: self._at] += self._delays[rest:, None, None, None] * returning
            self.waiting += float(returning.sum())

    def log_in(self, served: Array, visit_seconds: Array, seconds: float) -> None:
        """Begin sessions for log-ins that were served, and end those whose time is over."""
        kept = np.exp(-seconds / visit_seconds)
        self.active = self.active * kept + served * visit_seconds * (1.0 - kept) / seconds


def _delay_shares(spec: UsersSpec) -> Array:
    """Return how those who come back are spread over the seconds to come."""
    bounds = np.arange(1, LONGEST_DELAY_SECONDS)
    below = _lognormal_below(bounds, spec.retry_median_seconds, spec.retry_sigma)
    shares: Array = np.diff(np.concatenate(([0.0], below, [1.0])))
    return shares


def _lognormal_below(seconds: Array | NDArray[np.int64], median: float, sigma: float) -> Array:
    from math import erf, log, sqrt

    if sigma == 0.0:
        return np.where(seconds > median, 1.0, 0.0)
    return np.array([0.5 * (1.0 + erf(log(s / median) / (sigma * sqrt(2.0)))) for s in seconds.tolist()])
