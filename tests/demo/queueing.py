"""A portal's capacity: a queue that drains at the rate of its Ready replicas. Latency rises first, refusals follow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Queue:
    """The waiting line of one ENT at one site, as a fluid: it needs no tasks and no timers.

    With Poisson arrivals at a share u of its capacity C the mean wait is u / (2 (1 - u)) / C (M/D/1), so answers get
    slow before anybody is refused.
    """

    longest_wait_seconds: float
    waiting: float = 0.0
    looked_at: float = 0.0

    def admit(self, at: float, capacity_per_second: float) -> float | None:
        """Let one more request in and return how long it waits; None: refused."""
        self.waiting = max(0.0, self.waiting - (at - self.looked_at) * capacity_per_second)
        self.looked_at = at
        if capacity_per_second <= 0.0:
            self.waiting = 0.0
            return None
        wait = self.waiting / capacity_per_second
        if wait > self.longest_wait_seconds:
            return None
        self.waiting += 1.0
        return wait
