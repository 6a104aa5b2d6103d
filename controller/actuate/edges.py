"""What every kind of edge can do, behind one small protocol. A new kind is one file and one line in `edge_kinds`.

Level-based: `routes` tells the weights as they are in force now, read from where they live, and the planner goes on
from them, after a restart too. What has not been seen since a restart is as it was last decided, until it is seen.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from controller.actuate.outcome import Outcome, Refused
from controller.domain.fleet import EdgeKind
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.plan import SetAdmission, SetDnsTargets, SetWeights
from controller.domain.world import Route
from controller.kube.client import Cluster
from controller.policy.declared import DeclaredEdge

EdgeAction = SetWeights | SetDnsTargets | SetAdmission

ClusterAt = Callable[[SiteName | None], Cluster | None]
"""Gives the cluster of a site, None of one that is not connected; the management cluster for None."""


class EdgeWriter(Protocol):
    """All edges of one kind."""

    def follow(self, declared: Iterable[DeclaredEdge]) -> None:
        """Know which ENTs stand behind which edges from now on; the others are forgotten."""
        ...

    def restore(self, routes: Iterable[Route]) -> None:
        """Take over what was last decided, by a predecessor or by us, for what has not been seen."""
        ...

    def routes(self, now: datetime) -> tuple[Route, ...]:
        """Return the weights in force; the plan that comes of them is what `write` will be asked to do."""
        ...

    def decided(self) -> tuple[Route, ...]:
        """Return the weights that were decided last, which a successor must know; in force or not."""
        ...

    def settled(self) -> bool:
        """Tell whether everything declared has been seen, or cannot be."""
        ...

    async def write(self, action: EdgeAction) -> Outcome:
        """Do it once. What is not as the plan knew it is looked at again; what cannot be is refused in words."""
        ...

    async def close(self) -> None:
        """End whatever runs for it."""
        ...


class Edges:
    """Every action on an edge to the writer of its kind."""

    def __init__(self, writers: Mapping[EdgeKind, EdgeWriter]) -> None:
        self._writers = writers
        self._kinds: dict[tuple[EntKey, EdgeName], EdgeKind] = {}

    def follow(self, declared: Iterable[DeclaredEdge]) -> None:
        """Know what is declared from now on."""
        edges = tuple(declared)
        self._kinds = {(edge.ent, edge.name): edge.kind for edge in edges}
        for kind, writer in self._writers.items():
            writer.follow(edge for edge in edges if edge.kind is kind)

    def restore(self, routes: Iterable[Route]) -> None:
        """Take over what was last decided."""
        found = tuple(routes)
        for kind, writer in self._writers.items():
            mine = (route for route in found if self._kinds.get((route.ent, route.edge)) is kind)
            writer.restore(mine)

    def routes(self, now: datetime) -> tuple[Route, ...]:
        """Return the weights in force at all edges, sorted."""
        return _sorted(route for writer in self._writers.values() for route in writer.routes(now))

    def decided(self) -> tuple[Route, ...]:
        """Return the weights decided last at all edges, sorted."""
        return _sorted(route for writer in self._writers.values() for route in writer.decided())

    def settled(self) -> bool:
        """Tell whether everything declared has been seen, or cannot be."""
        return all(writer.settled() for writer in self._writers.values())

    async def write(self, action: EdgeAction) -> Outcome:
        """Do it once."""
        kind = self._kinds.get((action.ent, action.edge))
        if kind is None:
            return Refused(why=f"{action.ent} stands behind no edge {action.edge}")
        writer = self._writers.get(kind)
        if writer is None:
            written = ", ".join(sorted(self._writers))
            return Refused(why=f"edge {action.edge} is {kind}; this instance writes edges of kind {written}")
        return await writer.write(action)

    async def close(self) -> None:
        """End whatever runs for them."""
        for writer in self._writers.values():
            await writer.close()


def _sorted(routes: Iterable[Route]) -> tuple[Route, ...]:
    return tuple(sorted(routes, key=lambda route: (route.ent, route.edge, route.site)))
