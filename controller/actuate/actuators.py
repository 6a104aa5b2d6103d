"""Every kind of action to whoever does it."""

from dataclasses import dataclass
from datetime import datetime

from controller.actuate.edges import Edges
from controller.actuate.floor import FloorWriter
from controller.actuate.outcome import Outcome, Refused
from controller.actuate.refusals import Refusals, wanted_of
from controller.actuate.scale import Scaler
from controller.domain.plan import Action, SetAdmission, SetDnsTargets, SetFloor, SetReplicas, SetWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """When, and as of which generation of the policies, the plan was made."""

    now: datetime
    generation: int


class Actuators:
    """Does actions; made anew for every plan, since refusals stand as of an instant."""

    def __init__(self, scaler: Scaler, floors: FloorWriter, edges: Edges, refusals: Refusals, instant: Instant) -> None:
        self._scaler = scaler
        self._floors = floors
        self._edges = edges
        self._refusals = refusals
        self._instant = instant

    async def act(self, action: Action) -> Outcome:
        """Do the action once, unless its refusal still stands."""
        instant, wanted = self._instant, wanted_of(action)
        standing = self._refusals.standing(wanted, generation=instant.generation, now=instant.now)
        if standing is not None:
            return standing
        outcome = await self._do(action)
        if isinstance(outcome, Refused):
            self._refusals.remember(wanted, outcome, instant.now)
        return outcome

    async def _do(self, action: Action) -> Outcome:
        match action:
            case SetReplicas():
                return await self._scaler.set_replicas(action)
            case SetFloor():
                return await self._floors.set_floor(action)
            case SetWeights() | SetDnsTargets() | SetAdmission():
                return await self._edges.write(action)
