"""Election on a real Lease."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from controller.kube.client import Cluster as ApiServer
from controller.kube.lease import Elector, LeaseLost, LeaseTiming
from controller.kube.resources import LEASES, ObjectKey
from controller.runtime.clock import SystemClock
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.live.test_kube_informer import connect

pytestmark = pytest.mark.live

QUICK = LeaseTiming(duration_seconds=3.0, renew_deadline_seconds=2.0, retry_seconds=0.3, call_deadline_seconds=0.25)
"""A fifth of production's durations. Two cores that others use too may cost an attempt its deadline; six fit."""

DEADLINE_SECONDS = 20.0
CLOCK = SystemClock()


class Contender:
    """An elector that runs in a task which can be killed without a chance to release."""

    def __init__(self, api: ApiServer, key: ObjectKey, identity: str, monotonic: Callable[[], float]) -> None:
        self.elector = Elector(api, key, identity=identity, now=CLOCK.now, monotonic=monotonic, timing=QUICK)
        self.task = asyncio.create_task(self.elector.run())

    async def kill(self) -> None:
        """End it like `kill -9`: the Lease stays as it is."""
        self.elector._sure_until = float("-inf")
        await self.leave()

    async def leave(self) -> None:
        """End it in good order."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def api(control_plane: Fleet) -> AsyncIterator[ApiServer]:
    """Access to site a."""
    site: Cluster = control_plane.sites["a"]
    found = connect(site)
    yield found
    await found.close()


@asynccontextmanager
async def contending(api: ApiServer, namespace: str, *identities: str) -> AsyncIterator[list[Contender]]:
    """Contenders for one Lease, started one after the other."""
    key = ObjectKey(namespace, "sonnerie")
    contenders = [Contender(api, key, identity, CLOCK.monotonic) for identity in identities]
    try:
        yield contenders
    finally:
        for contender in contenders:
            await contender.leave()


async def until(condition: Callable[[], bool], what: str) -> float:
    """Wait, and return how long it took."""
    began = CLOCK.monotonic()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():  # noqa: ASYNC110 - the election's public state is what is waited for
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_SECONDS} s: {what}") from None
    return CLOCK.monotonic() - began


async def lease(api: ApiServer, namespace: str) -> dict[str, object]:
    """What stands in the Lease."""
    found = msgspec.json.decode(await api.call("GET", LEASES.path(ObjectKey(namespace, "sonnerie"))))
    spec: dict[str, object] = found["spec"]
    return spec


async def test_of_two_one_wins_and_stays(api: ApiServer, namespace: str) -> None:
    """Never two at once, over several renewals; the record is one that kubectl and client-go understand."""
    async with contending(api, namespace, "one", "two") as (one, two):
        await until(lambda: one.elector.holding or two.elector.holding, "a holder")
        winner = one if one.elector.holding else two
        renewed = (await lease(api, namespace))["renewTime"]
        for _ in range(100):
            assert one.elector.holding + two.elector.holding <= 1
            await asyncio.sleep(0.01)
        spec = await lease(api, namespace)
        assert spec["holderIdentity"] == winner.elector.identity
        assert spec["renewTime"] != renewed
        assert (spec["leaseDurationSeconds"], spec["leaseTransitions"]) == (3, 0)


async def test_a_killed_holder_is_followed_after_the_duration_and_not_before(api: ApiServer, namespace: str) -> None:
    """The successor waits until the old holder has surely stopped."""
    async with contending(api, namespace, "one") as (one,):
        await until(lambda: one.elector.holding, "a holder")
        async with contending(api, namespace, "two") as (two,):
            await until(lambda: two.elector.holder == "one", "the second sees the first")
            await one.kill()
            took = await until(lambda: two.elector.holding, "takeover")
            assert took > QUICK.renew_deadline_seconds - QUICK.retry_seconds
            spec = await lease(api, namespace)
            assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("two", 1)


async def test_a_released_lease_is_taken_at_once(api: ApiServer, namespace: str) -> None:
    """A rolling update does not cost the duration."""
    async with contending(api, namespace, "one") as (one,):
        await until(lambda: one.elector.holding, "a holder")
        async with contending(api, namespace, "two") as (two,):
            await until(lambda: two.elector.holder == "one", "the second sees the first")
            await one.leave()
            assert (await lease(api, namespace))["holderIdentity"] in ("", "two")
            took = await until(lambda: two.elector.holding, "takeover")
            assert took < QUICK.renew_deadline_seconds


async def test_a_holder_that_slept_does_not_believe_that_it_holds(api: ApiServer, namespace: str) -> None:
    """After SIGSTOP or suspension the first look says no, before any network is asked; guarded work is cancelled."""
    asleep_seconds = 0.0
    key = ObjectKey(namespace, "sonnerie")
    contender = Contender(api, key, "one", lambda: CLOCK.monotonic() + asleep_seconds)
    try:
        await until(lambda: contender.elector.holding, "a holder")
        work = asyncio.create_task(contender.elector.guard(asyncio.sleep(60)))
        await asyncio.sleep(0)
        asleep_seconds = QUICK.duration_seconds * 2
        assert not contender.elector.holding
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(work, DEADLINE_SECONDS)
    finally:
        await contender.leave()


async def test_work_under_guard_ends_when_the_api_server_hangs(control_plane: Fleet, namespace: str) -> None:
    """A holder whose calls hang stops by itself before anybody else may begin, and goes on afterwards."""
    site = control_plane.sites["a"]
    api = connect(site)
    async with contending(api, namespace, "one") as (one,):
        await until(lambda: one.elector.holding, "a holder")
        work = asyncio.create_task(one.elector.guard(asyncio.sleep(60)))
        site.hang()
        try:
            began = CLOCK.monotonic()
            with pytest.raises(LeaseLost):
                await asyncio.wait_for(work, DEADLINE_SECONDS)
            assert CLOCK.monotonic() - began < QUICK.duration_seconds
            assert one.elector.last_error is not None
        finally:
            site.go_on()
        await until(lambda: one.elector.holding, "the holder again")
    await api.close()
