"""Our report is written once after a round, never more often, and only in office."""

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any

import pytest

from controller.domain.names import ObserverName, SiteName
from controller.kube.errors import ApiError, NotFound, Unavailable
from controller.kube.lease import LeaseLost
from controller.runtime.publishing import Desk, Publisher, troubles


class Server:
    """A cluster that keeps what it is asked, and fails as it is told."""

    name = "home"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.errors: list[ApiError | None] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def call(self, _method: str, path: str, **_more: Any) -> bytes:
        """Take one write."""
        self.asked.append(path.rsplit("/", 1)[-1])
        await self.may_answer.wait()
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        return b"{}"


def a_publisher(server: Server, *, may_create: bool = True) -> Publisher:
    """Of the instance at gra."""
    return Publisher(server, ObserverName("gra"), SiteName("gra"), may_create=may_create)  # type: ignore[arg-type]


async def through(work: Awaitable[None]) -> None:
    """In office."""
    await work


async def turns() -> None:
    """Let whatever can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_write_a_round_and_the_rounds_in_between_are_left_out() -> None:
    """While a write takes its time, rounds pass; the next write tells the newest."""
    server, told = Server(), [0]

    def status() -> dict[str, Any]:
        told[0] += 1
        return {"sequence": told[0]}

    publisher = a_publisher(server)
    task = asyncio.create_task(publisher.run(Desk(status=status, guard=lambda: through)))
    await turns()
    assert server.asked == [], "no round, no write"
    server.may_answer.clear()
    for _ in range(5):
        publisher.after_round()
        await turns()
    assert len(server.asked) == 1
    server.may_answer.set()
    await turns()
    assert (len(server.asked), publisher.written, told) == (2, 2, [2])
    assert publisher.bytes == len('{"sequence":2}')
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_who_is_not_in_office_writes_nothing() -> None:
    """A follower has the same evidence and no right to tell it; one that loses the Lease goes on afterwards."""
    server, office = Server(), [None, "lost", "held"]

    async def lost(work: Awaitable[None]) -> None:
        work.close()  # type: ignore[attr-defined]
        raise LeaseLost("gone")

    def guard() -> Any:
        return {None: None, "lost": lost, "held": through}[office[0]]

    publisher = a_publisher(server)
    task = asyncio.create_task(publisher.run(Desk(status=lambda: {"sequence": 1}, guard=guard)))
    for _ in range(3):
        publisher.after_round()
        await turns()
        office.append(office.pop(0))
    assert server.asked == ["status"]
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_the_object_is_made_when_it_is_missing_and_ours_to_make() -> None:
    """An instance makes its own; a witness may not, and says what is missing."""
    server = Server()
    server.errors = [NotFound("home", "no such object")]
    mine = a_publisher(server)
    await mine.write({})
    assert server.asked == ["status", "gra", "status"]
    assert mine.error is None
    server.errors = [NotFound("home", "no such object")]
    theirs = a_publisher(server, may_create=False)
    await theirs.write({})
    assert isinstance(theirs.error, NotFound)
    assert len(server.asked) == 4


@pytest.mark.parametrize("error", [Unavailable.unanswered("home", "no answer")])
async def test_what_cannot_be_written_is_told_and_not_tried_again_before_the_next_round(error: ApiError) -> None:
    """No retry loop; the next success ends the trouble."""
    server = Server()
    server.errors = [error]
    publisher = a_publisher(server)
    await publisher.write({})
    assert len(server.asked) == 1
    assert troubles([publisher]) == [str(error)]
    await publisher.write({})
    assert troubles([publisher]) == []
