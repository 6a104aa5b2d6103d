"""Refused is refused until something changes."""

from datetime import timedelta

from controller.actuate.actuators import Actuators, Instant
from controller.actuate.haproxy_board import AgentBoard
from controller.actuate.outcome import Refused
from controller.actuate.refusals import FORGOTTEN_AFTER, Refusals
from controller.actuate.scale import Scaler
from controller.domain.fleet import Edge, EdgeKind
from controller.domain.memory import MoveKind
from controller.domain.names import ActionId
from controller.domain.plan import Because, SetWeights
from controller.domain.reasons import Reason
from tests.actuate.test_haproxy_board import weights
from tests.builders import BELL, EDGE, key

ACTION, WHY = ActionId("replicas:nord:a"), Refused(why="forbidden")


def test_a_refusal_stands_until_a_spec_changes_or_time_has_passed() -> None:
    """Nobody is asked every five seconds for what they have refused; a mended role is noticed all the same."""
    refusals = Refusals()
    assert refusals.standing(ACTION, generation=1, now=BELL) is None
    refusals.remember(ACTION, WHY, BELL)
    later = BELL + FORGOTTEN_AFTER
    assert refusals.standing(ACTION, generation=1, now=later - timedelta(seconds=1)) == WHY
    assert refusals.standing(ACTION, generation=1, now=later) is None
    refusals.remember(ACTION, WHY, later)
    assert refusals.standing(ACTION, generation=2, now=later) is None


async def test_an_edge_that_cannot_be_written_is_refused_in_words() -> None:
    """The person learns which edge and which kind this version writes."""
    move = SetWeights(
        id=ActionId("w"),
        ent=key(),
        edge=EDGE,
        was=(),
        weights=weights(a=100),
        kind=MoveKind.BALANCE,
        because=Because(reason=Reason.TOWARDS_PLACEMENT, text="home"),
    )
    edges = (Edge(name=EDGE, kind=EdgeKind.HTTP_ROUTE),)
    scaler = Scaler(dict, lambda: BELL)
    actuators = Actuators(scaler, AgentBoard(), Refusals(), edges, Instant(now=BELL, generation=1))
    outcome = await actuators.act(move)
    assert outcome == Refused(why="edge front is HTTPRoute; this version writes edges of kind HAProxyAgent only")
