"""When a write is proven, and for how long a proof is believed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from aiohttp import web

from controller.actuate.proofs import (
    AT_ONCE,
    BELIEVED_FOR,
    CONFLICT_AGAIN_AFTER,
    GOOD_FOR,
    REFUSED_AGAIN_AFTER,
    UNANSWERED_AGAIN_AFTER,
    Prover,
)
from controller.domain.fleet import ReplicaOwner
from controller.domain.names import SiteName
from controller.domain.plan import Because, ConditionStatus
from controller.domain.reasons import Reason
from controller.kube.binding import Binding
from tests.builders import BELL, a_placement, an_ent
from tests.kube.scripted import serving
from tests.kube.test_autoscalers import a_scaled_object

A = SiteName("a")
ENT = an_ent(sites=("a",))


class Server:
    """An API server that answers writes as told, and a clock that is set."""

    def __init__(self) -> None:
        self.status = 200
        self.message = "no"
        self.asked: list[dict[str, object]] = []
        self.now: datetime = BELL
        self.binding = Binding()
        self.prover: Prover

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer reads well and writes as told."""
        if request.method == "GET":
            return web.json_response({"metadata": {"resourceVersion": "7"}, "spec": {"replicas": 2}})
        assert request.query["dryRun"] == "All"
        self.asked.append((await request.json())["spec"])
        return web.json_response({"message": self.message}, status=self.status)

    async def proves(self, *ents: object) -> int:
        """Prove what is due and return how many requests that took."""
        before = len(self.asked)
        await self.prover.prove(ents or (ENT,))  # type: ignore[arg-type]
        return len(self.asked) - before

    def condition(self) -> tuple[ConditionStatus, Reason]:
        """Status and reason."""
        found = self.prover.condition(ENT)
        return found.status, found.because.reason


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server and a prover that has proven nothing."""
    found = Server()
    async with serving(found.answer) as cluster:
        found.prover = Prover(lambda: {A: cluster}, lambda *_where: found.binding, lambda: found.now)
        yield found


async def test_what_was_not_tried_is_not_known(server: Server) -> None:
    """Unknown is never well."""
    assert server.condition() == (ConditionStatus.UNKNOWN, Reason.NOT_PROVEN)


async def test_the_maximum_is_asked_for_and_again_after_six_hours(server: Server) -> None:
    """A policy that would refuse the bell's number refuses the maximum, half a day before."""
    assert await server.proves() == 1
    assert server.asked == [{"replicas": ENT.placements[0].max_replicas}]
    assert server.condition() == (ConditionStatus.TRUE, Reason.ALL_WELL)
    server.now = BELL + GOOD_FOR - timedelta(seconds=1)
    assert await server.proves() == 0
    server.now = BELL + GOOD_FOR
    assert await server.proves() == 1


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (422, "denied by policy", Reason.WRITE_REFUSED),
        (403, "exceeded quota: few", Reason.WRITE_REFUSED),
        (403, 'User "x" cannot update resource "deployments/scale"', Reason.NOT_PERMITTED),
        (404, "not found", Reason.TARGET_MISSING),
    ],
)
async def test_a_refusal_is_told_and_tried_again_soon(
    server: Server, status: int, message: str, reason: Reason
) -> None:
    """Whoever mends it sees it within minutes; RBAC is told from admission."""
    server.status, server.message = status, message
    await server.proves()
    assert server.condition() == (ConditionStatus.FALSE, reason)
    assert message in server.prover.condition(ENT).because.text
    server.now, server.status = BELL + REFUSED_AGAIN_AFTER, 200
    assert await server.proves() == 1
    assert server.condition()[0] is ConditionStatus.TRUE


@pytest.mark.parametrize(("status", "wait"), [(503, UNANSWERED_AGAIN_AFTER), (409, CONFLICT_AGAIN_AFTER)])
async def test_no_answer_is_no_refusal(server: Server, status: int, wait: timedelta) -> None:
    """The last proof counts for twelve hours; then nothing is known."""
    await server.proves()
    server.status = status
    server.now = BELL + GOOD_FOR
    assert await server.proves() == 1
    assert server.condition()[0] is ConditionStatus.TRUE
    server.now += wait
    assert await server.proves() == 1
    server.now = BELL + BELIEVED_FOR
    assert server.condition() == (ConditionStatus.UNKNOWN, Reason.NOT_PROVEN)


async def test_another_maximum_is_another_proof(server: Server) -> None:
    """What was proven for eight says nothing of eighty."""
    await server.proves()
    more = replace(ENT, placements=(a_placement("a", home=True, most=80),))
    assert server.prover.condition(more).status is ConditionStatus.UNKNOWN
    assert await server.proves(more) == 1


async def test_an_obstacle_needs_no_question(server: Server) -> None:
    """What is known from the watch is told at once; what cannot be watched is not known."""
    text = "an HPA targets it"
    server.binding = Binding(obstacle=Because(reason=Reason.AUTOSCALER_PRESENT, text=text))
    assert await server.proves() == 0
    assert server.condition() == (ConditionStatus.FALSE, Reason.AUTOSCALER_PRESENT)
    server.binding = Binding(known=False)
    assert await server.proves() == 0
    assert server.condition() == (ConditionStatus.UNKNOWN, Reason.NOT_PROVEN)


async def test_a_floor_below_which_keda_goes_is_none(server: Server) -> None:
    """With `idleReplicaCount` KEDA leaves the floor whenever no trigger is active."""
    server.binding = Binding(autoscaler=a_scaled_object(idleReplicaCount=0, minReplicaCount=2))
    ent = replace(ENT, owner=ReplicaOwner.KEDA_FLOOR)
    assert server.prover.condition(ent).because.reason is Reason.FLOOR_NOT_HELD


async def test_a_large_fleet_is_proven_little_by_little(server: Server) -> None:
    """Nobody's API server is asked a thousand things at once, and an ENT that is gone is forgotten."""
    fleet = [an_ent(f"ent-{number}", sites=("a",)) for number in range(AT_ONCE + 3)]
    assert await server.proves(*fleet) == AT_ONCE
    assert await server.proves(*fleet) == 3
    assert await server.proves(*fleet) == 0
    assert await server.proves(*fleet[1:]) == 0
    assert await server.proves(*fleet) == 1
