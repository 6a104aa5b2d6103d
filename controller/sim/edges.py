"""The edge: which site a user is sent to. Weights take a moment to be followed; DNS answers live on in clients."""

import numpy as np
from numpy.typing import NDArray

from controller.sim.scenario import EdgeKindSpec, EdgeSpec

Array = NDArray[np.float64]

SETTLED = 1e-4
"""Shares closer than this to what is decided are the same."""


class Edges:
    """Shares of every ENT over the sites; ENT × site."""

    def __init__(self, spec: EdgeSpec, weights: NDArray[np.int64]) -> None:
        self._spec = spec
        self.weights = weights.copy()
        """As decided, 0 to 100 per ENT."""
        self._followed = weights / 100.0
        self.shares: Array = self._followed.copy()
        """As users are sent."""
        self._coming: list[tuple[float, int, Array]] = []
        self._settled = True

    @property
    def moving(self) -> bool:
        """Tell whether shares are still on their way."""
        return not self._settled

    def decide(self, ent: int, weights: NDArray[np.int64], now: float) -> None:
        """Write the weights of one ENT."""
        self.weights[ent] = weights
        self._coming.append((now + self._spec.apply_seconds, ent, weights / weights.sum()))
        self._settled = False

    def turn(self, now: float, seconds: float) -> None:
        """Follow what was decided, at once or as fast as answers grow old."""
        if self._settled:
            return
        due = [each for each in self._coming if each[0] <= now]
        self._coming = [each for each in self._coming if each[0] > now]
        for _, ent, shares in due:
            self._followed[ent] = shares
        if self._spec.kind is EdgeKindSpec.HAPROXY:
            self.shares[:] = self._followed
        else:
            # A client asks again at some instant of the time an answer lives.
            step = 1.0 - np.exp(-seconds / (self._spec.ttl_seconds / 2.0))
            self.shares += (self._followed - self.shares) * step
        if not self._coming and float(np.abs(self._followed - self.shares).max()) < SETTLED:
            self.shares[:] = self._followed
            self._settled = True
