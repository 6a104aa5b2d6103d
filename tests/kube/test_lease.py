"""What the elector does when things go wrong, against a server that says what the test wants."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from controller.kube.lease import Elector, LeaseLost
from controller.kube.resources import ObjectKey
from tests.builders import BELL
from tests.kube.scripted import serving


@asynccontextmanager
async def electing(lease: dict[str, Any]) -> AsyncIterator[Elector]:
    """An elector at a server that keeps this Lease; none yet if it is empty."""

    async def answer(request: web.Request) -> web.Response:
        if request.method != "GET":
            lease.clear()
            lease.update(await request.json())
            lease["metadata"] = {"resourceVersion": str(time.perf_counter())}
        return web.json_response(lease) if lease else web.Response(status=404)

    async with serving(answer) as cluster:
        yield Elector(cluster, ObjectKey("n", "sonnerie"), identity="me", now=lambda: BELL, monotonic=time.perf_counter)


async def test_work_whose_lease_was_lost_is_lost_also_if_it_is_held_again() -> None:
    """The work takes a while to unwind; meanwhile the lease has been regained."""
    async with electing({}) as elector:
        await elector._attempt()

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                await elector._attempt()

        guarded = asyncio.create_task(elector.guard(work()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        elector._sure_until = float("-inf")
        elector._tell()
        with pytest.raises(LeaseLost):
            await guarded
        assert elector.holding


async def test_work_that_is_cancelled_by_others_is_cancelled() -> None:
    """The lease has nothing to do with it."""
    async with electing({}) as elector:
        await elector._attempt()
        guarded = asyncio.create_task(elector.guard(asyncio.sleep(60)))
        await asyncio.sleep(0)
        guarded.cancel()
        with pytest.raises(asyncio.CancelledError):
            await guarded


async def test_a_gap_that_nobody_noticed_is_told() -> None:
    """A process that was stopped past its certainty and renews at once has still lost its lease in between."""
    told: list[bool] = []
    async with electing({}) as elector:
        elector._on_change = told.append
        await elector._attempt()
        elector._tell()
        elector._sure_until = float("-inf")
        await elector._attempt()
        elector._tell()
    assert told == [True, False, True]


@pytest.mark.parametrize(
    "lease",
    [
        {"metadata": {}},
        {"metadata": {"resourceVersion": "1"}, "spec": "x"},
        {"metadata": {"resourceVersion": "1"}, "spec": {"leaseDurationSeconds": "long"}},
        {"metadata": {"resourceVersion": "1"}, "spec": {"leaseTransitions": ["x"]}},
    ],
)
async def test_an_answer_that_is_no_lease_is_an_error_and_no_crash(lease: dict[str, Any]) -> None:
    """Whatever stands between us and the API server."""
    async with electing(lease) as elector:
        await elector._attempt()
        assert not elector.holding
        assert "could not be used" in str(elector.last_error)


async def test_who_stands_aside_lets_others_take_the_lease() -> None:
    """Until the time is over."""
    lease: dict[str, Any] = {}
    async with electing(lease) as elector:
        await elector._attempt()
        elector.stand_aside(60)
        task = asyncio.create_task(elector.run())
        async with asyncio.timeout(5):
            while elector.holding or lease["spec"]["holderIdentity"]:  # noqa: ASYNC110 - public state is waited for
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
