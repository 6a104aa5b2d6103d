"""Edges of kind HAProxyAgent: what is decided is put on the board, and every HAProxy asks for it."""

from collections.abc import Iterable
from datetime import datetime

from controller.actuate.edges import EdgeAction
from controller.actuate.haproxy_board import AgentBoard
from controller.actuate.outcome import Done, Outcome, Refused
from controller.domain.plan import SetAdmission, SetDnsTargets, SetWeights
from controller.domain.world import Route
from controller.policy.declared import DeclaredEdge


class HaproxyEdges:
    """The board as an edge like any other. A cap is held by HAProxy itself, when we are dead too."""

    def __init__(self, board: AgentBoard) -> None:
        self._board = board

    def follow(self, declared: Iterable[DeclaredEdge]) -> None:
        """Forget what was decided about others."""
        self._board.keep({(edge.ent, edge.name) for edge in declared})

    def restore(self, routes: Iterable[Route]) -> None:
        """Answer as was last decided."""
        self._board.restore(routes)

    def routes(self, now: datetime) -> tuple[Route, ...]:
        """Return what the HAProxy furthest behind was told."""
        return self._board.routes(now)

    def decided(self) -> tuple[Route, ...]:
        """Return what is answered from now on."""
        return self._board.decided

    def settled(self) -> bool:
        """HAProxy asks us; there is nothing to wait for."""
        return True

    async def write(self, action: EdgeAction) -> Outcome:
        """Put it on the board."""
        match action:
            case SetWeights(ent=ent, edge=edge, weights=weights):
                if not any(weight.weight > 0 for weight in weights):
                    return Refused(why=f"edge {edge}: all weights of {ent} would be 0, and somebody must answer")
                self._board.decide_weights(ent, edge, weights)
                return Done()
            case SetAdmission(ent=ent, edge=edge, site=site, max_concurrent=most):
                if self._board.decide_cap(ent, edge, site, most):
                    return Done()
                return Refused(why=f"edge {edge} has no weight of {ent} at {site} yet, and a cap goes with one")
            case SetDnsTargets(edge=edge):
                return Refused(why=f"edge {edge} is HAProxyAgent, which splits by weight and answers no names")

    async def close(self) -> None:
        """Nothing runs for it here; the agent is the Lease holder's."""
