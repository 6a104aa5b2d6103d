"""Every kind of action to whoever does it."""

from dataclasses import dataclass
from datetime import datetime

from controller.actuate.haproxy_board import AgentBoard
from controller.actuate.outcome import Done, Outcome, Refused
from controller.actuate.refusals import Refusals
from controller.actuate.scale import Scaler
from controller.domain.fleet import Edge, EdgeKind
from controller.domain.names import EdgeName
from controller.domain.plan import Action, SetAdmission, SetDnsTargets, SetFloor, SetReplicas, SetWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """When, and as of which generation of the policies, the plan was made."""

    now: datetime
    generation: int


class Actuators:
    """Does actions; made anew for every plan, so that it knows the edges the plan was made with."""

    def __init__(
        self, scaler: Scaler, board: AgentBoard, refusals: Refusals, edges: tuple[Edge, ...], instant: Instant
    ) -> None:
        self._scaler = scaler
        self._board = board
        self._refusals = refusals
        self._instant = instant
        self._kinds = {edge.name: edge.kind for edge in edges}

    async def act(self, action: Action) -> Outcome:
        """Do the action once, unless its refusal still stands."""
        instant = self._instant
        standing = self._refusals.standing(action.id, generation=instant.generation, now=instant.now)
        if standing is not None:
            return standing
        outcome = await self._do(action)
        if isinstance(outcome, Refused):
            self._refusals.remember(action.id, outcome, instant.now)
        return outcome

    async def _do(self, action: Action) -> Outcome:
        match action:
            case SetReplicas():
                return await self._scaler.set_replicas(action)
            case SetFloor():
                return await self._scaler.set_floor(action)
            case SetWeights(ent=ent, edge=edge, weights=weights):
                if not self._is_agent(edge):
                    return self._unknown_edge(edge)
                self._board.decide_weights(ent, edge, weights)
                return Done()
            case SetAdmission(ent=ent, edge=edge, site=site, max_concurrent=most):
                if self._is_agent(edge) and self._board.decide_cap(ent, edge, site, most):
                    return Done()
                return self._unknown_edge(edge)
            case SetDnsTargets(edge=edge):
                return self._unknown_edge(edge)

    def _is_agent(self, edge: EdgeName) -> bool:
        return self._kinds.get(edge) is EdgeKind.HAPROXY_AGENT

    def _unknown_edge(self, edge: EdgeName) -> Refused:
        kind = self._kinds.get(edge, "not declared")
        return Refused(why=f"edge {edge} is {kind}; this version writes edges of kind {EdgeKind.HAPROXY_AGENT} only")
