"""Pods: from a replica count to what is Ready, through start-up, nodes that must come first, and what goes wrong.

A pod for which a node has room is Ready after a lognormal start. Nodes are there for so many replicas of a site; what
exceeds that waits for a node first. Shrinking takes pods that are not Ready yet before those that are.
"""

from bisect import insort
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controller.sim.scenario import PodsSpec

NEVER = float("inf")
NODE_KEPT_SECONDS = 600.0
"""A node without pods goes after so long, as the cluster autoscaler's default has it."""


@dataclass(slots=True)
class SitePool:
    """Nodes of one site, in replicas."""

    spare: int
    nodes: int
    idle_since: float | None = None
    exhausted: bool = False


class Pods:
    """All placements, ENT × site."""

    def __init__(self, spec: PodsSpec, spare: list[int], wanted: NDArray[np.int64], draws: np.random.Generator) -> None:
        self._spec, self._draws = spec, draws
        self.wanted = wanted.copy()
        self.ready = wanted.copy()
        self.starting: list[list[list[float]]] = [[[] for _ in row] for row in wanted]
        """When each pod that is not Ready will be, ascending."""
        self._pools = [SitePool(spare=s, nodes=int(wanted[:, i].sum()) + s) for i, s in enumerate(spare)]
        self._next = NEVER
        self.never_ready = [False] * len(spare)

    def starting_at(self, ent: int, site: int) -> int:
        """Return how many are created and not Ready."""
        return len(self.starting[ent][site])

    @property
    def next_ready(self) -> float:
        """Return when the next pod will be Ready."""
        return self._next

    @property
    def any_starting(self) -> bool:
        """Tell whether anything is on its way."""
        return self._next < NEVER

    def set_wanted(self, ent: int, site: int, replicas: int, now: float) -> None:
        """Create what is missing, delete what is too many."""
        self.wanted[ent, site] = replicas
        starting = self.starting[ent][site]
        have = int(self.ready[ent, site]) + len(starting)
        if replicas > have:
            for due in self._dues(site, replicas - have, now):
                insort(starting, due)
            self._find_next()
        elif replicas < have:
            excess = have - replicas
            young = min(excess, len(starting))
            if young:
                del starting[len(starting) - young :]
                self._find_next()
            self.ready[ent, site] -= excess - young

    def turn(self, now: float) -> bool:
        """Let those be Ready whose time has come; tell whether anything changed."""
        self._forget_idle_nodes(now)
        if now < self._next:
            return False
        for e, row in enumerate(self.starting):
            for s, starting in enumerate(row):
                done = 0
                while done < len(starting) and starting[done] <= now:
                    done += 1
                if done:
                    del starting[:done]
                    self.ready[e, s] += done
        self._find_next()
        return True

    def kill(self, site: int, share_left: float, now: float) -> None:
        """Lose nodes and the pods on them; the replica count stays, so they are created anew where there is room."""
        pool = self._pools[site]
        pool.nodes = int(pool.nodes * share_left)
        for e in range(len(self.wanted)):
            self.ready[e, site] = int(self.ready[e, site] * share_left)
            kept = int(len(self.starting[e][site]) * share_left)
            del self.starting[e][site][kept:]
        for e in range(len(self.wanted)):
            self.set_wanted(e, site, int(self.wanted[e, site]), now)
        self._find_next()

    def exhaust(self, site: int, now: float, *, exhausted: bool) -> None:
        """Let no further nodes come, or again; pods that waited for one begin to."""
        self._pools[site].exhausted = exhausted
        if not exhausted:
            self._again(site, now)

    def hold_back(self, site: int, now: float, *, held: bool) -> None:
        """Let no pod of the site become Ready that is not yet, or again."""
        self.never_ready[site] = held
        if held:
            for row in self.starting:
                row[site][:] = [NEVER] * len(row[site])
            self._find_next()
        else:
            self._again(site, now)

    def _again(self, site: int, now: float) -> None:
        for row in self.starting:
            stuck = [due for due in row[site] if due == NEVER]
            if stuck:
                kept = [due for due in row[site] if due < NEVER]
                row[site][:] = kept
                row[site][:] = sorted([*kept, *self._dues(site, len(stuck), now)])
        self._find_next()

    def _dues(self, site: int, count: int, now: float) -> list[float]:
        pool, spec = self._pools[site], self._spec
        used = int(self.ready[:, site].sum()) + sum(len(row[site]) for row in self.starting)
        here = min(count, max(0, pool.nodes - used))
        starts = spec.start_median_seconds * np.exp(self._draws.normal(0.0, spec.start_sigma, count))
        dues = now + spec.write_seconds + starts
        if here < count:
            waits = spec.node_seconds * np.exp(self._draws.normal(0.0, spec.node_sigma))
            dues[here:] = NEVER if pool.exhausted else dues[here:] + waits
            if not pool.exhausted:
                pool.nodes += count - here
        if self.never_ready[site]:
            dues[:] = NEVER
        pool.idle_since = None
        return [float(due) for due in dues]

    def _forget_idle_nodes(self, now: float) -> None:
        for s, pool in enumerate(self._pools):
            used = int(self.wanted[:, s].sum())
            if pool.nodes <= used + pool.spare:
                pool.idle_since = None
            elif pool.idle_since is None:
                pool.idle_since = now
            elif now - pool.idle_since > NODE_KEPT_SECONDS:
                pool.nodes, pool.idle_since = used + pool.spare, None

    def _find_next(self) -> None:
        self._next = min((starting[0] for row in self.starting for starting in row if starting), default=NEVER)
