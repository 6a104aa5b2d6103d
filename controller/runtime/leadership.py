"""What a leader has that a follower has not: the inherited memory, the open agent, the writers. One per term.

A term begins only after the statuses have been read afresh: what the predecessor wrote last must be known before the
first action. Until then this process holds the Lease and does nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from controller.actuate.events import EventTeller
from controller.actuate.haproxy_agent import AgentServer
from controller.actuate.status_writer import StatusWriter
from controller.domain.memory import Memory
from controller.domain.world import Route
from controller.kube.client import Cluster
from controller.kube.lease import Elector
from controller.observe.policies import CustomObject
from controller.runtime.journal import Journal
from controller.runtime.remembering import inherited


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """The writers of one term."""

    statuses: StatusWriter
    events: EventTeller


class Restorable(Protocol):
    """Whatever goes on from weights that a predecessor decided."""

    def restore(self, routes: Iterable[Route]) -> None:
        """Take over what was last decided."""
        ...


class Leadership:
    """Begins and ends terms; at most one at a time."""

    def __init__(
        self,
        elector: Elector,
        management: Cluster,
        edges: Restorable,
        agent: AgentServer,
        reread: Callable[[], Awaitable[Iterable[CustomObject]]],
        journal: Journal,
    ) -> None:
        self._elector = elector
        self._management = management
        self._edges = edges
        self._agent = agent
        self._reread = reread
        self._journal = journal
        self._term: Term | None = None
        self._losses = 0
        self._closing: asyncio.Task[None] | None = None

    @property
    def elector(self) -> Elector:
        """The election this process takes part in."""
        return self._elector

    @property
    def term(self) -> Term | None:
        """The term, as long as the Lease is surely held."""
        return self._term if self._elector.holding else None

    async def begin(self) -> Memory | None:
        """Begin a term if the Lease is held and there is none; return the memory it begins with.

        Raises:
            ApiError: the statuses cannot be read; the next cycle tries again.
            OSError: the agent's address cannot be had.
        """
        if self._term is not None or not self._elector.holding:
            return None
        if self._closing is not None:
            await self._closing
        losses = self._losses
        memory, routes = inherited(await self._reread(), self._warn)
        if self._lost_since(losses):
            return None  # somebody else may have decided since
        self._edges.restore(routes)
        await self._agent.open()
        if self._lost_since(losses):
            await self._agent.close()
            return None
        self._term = Term(
            statuses=StatusWriter(self._management),
            events=EventTeller(self._management, instance=self._elector.identity),
        )
        self._journal.note("term began", identity=self._elector.identity, weights_restored=len(routes))
        return memory

    def lost(self) -> None:
        """End the term at once: from now on the agent refuses."""
        self._losses += 1
        if self._term is None:
            return
        self._term = None
        self._closing = asyncio.ensure_future(self._agent.close())
        self._journal.warn("term ended", identity=self._elector.identity)

    async def close(self) -> None:
        """End the term and wait until the agent is closed."""
        self.lost()
        if self._closing is not None:
            await self._closing
        await self._agent.close()  # a term that was about to begin has opened it

    def _lost_since(self, losses: int) -> bool:
        return self._losses != losses or not self._elector.holding

    def _warn(self, about: str, why: str) -> None:
        self._journal.warn("memory not readable", object=about, why=why, instead="starts empty")
