"""Tasks that keep running."""

import asyncio
import time
from collections.abc import Callable

import pytest
from aiohttp import web

from controller.domain.names import ObserverName, SiteName
from controller.domain.readings import Answered, Fresh
from controller.kube.informer import Informer, Surroundings
from controller.kube.lease import Elector
from controller.kube.resources import DEPLOYMENTS, ObjectKey
from controller.observe.metering import MeterPlan, SignalQuery, SiteMeter
from controller.observe.probes import Prober, RoundTiming
from controller.observe.prometheus import PrometheusSource
from controller.observe.prometheus_address import PrometheusAddress
from controller.observe.readings import Freshness, LabelNames
from controller.runtime import spawning
from controller.runtime.spawning import Spawner
from tests.builders import BELL, REQUESTS, key
from tests.kube.scripted import serving
from tests.observe.answers import answering


async def test_a_crashed_task_is_reported_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in one site's watch neither ends the process nor goes unseen."""
    monkeypatch.setattr(spawning, "PAUSE_SECONDS", 0.0)
    crashes: list[str] = []
    attempts = 0
    second = asyncio.Event()

    async def work() -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise RuntimeError("a bug")
        second.set()
        await asyncio.Event().wait()

    task = Spawner(lambda name, error: crashes.append(f"{name}: {error}"))("watch", work)
    await asyncio.wait_for(second.wait(), 5)
    assert crashes == ["watch: a bug"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Crashing:
    """A spawner, and a bug that strikes once."""

    def __init__(self) -> None:
        self.crashes: list[str] = []
        self.spawn = Spawner(lambda name, error: self.crashes.append(f"{name}: {error}"))

    def once(self, *_: object) -> None:
        """Crash at the first call."""
        if not self.crashes:
            raise RuntimeError("a bug")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - public state is what is waited for
            await asyncio.sleep(0.01)


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel the task."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> Crashing:
    """A spawner that starts again at once."""
    monkeypatch.setattr(spawning, "PAUSE_SECONDS", 0.0)
    return Crashing()


async def fine(_request: web.Request) -> web.Response:
    """Answer anything."""
    return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})


async def test_evidence_goes_on_after_a_crash(crashing: Crashing) -> None:
    """The session that the crash closed is opened again."""
    async with serving(fine) as cluster:
        address = cluster._api.configuration.host
        prober = Prober(
            ObserverName("me"),
            [address],
            timing=RoundTiming(every_seconds=0.01),
            now=lambda: BELL,
            monotonic=time.perf_counter,
            on_round=crashing.once,
        )
        task = crashing.spawn("evidence", prober.run)
        await until(lambda: bool(crashing.crashes) and len(prober.rounds) > 2)
        assert isinstance(prober.rounds[-1].probes[0].result, Answered)
        await ended(task)
    assert crashing.crashes == ["evidence: a bug"]


async def test_metering_goes_on_after_a_crash(crashing: Crashing) -> None:
    """The source stays open until its site is closed."""
    vector = b'{"data":{"result":[{"metric":{"namespace":"ents","ent":"nord"},"value":[1788246000,"5"]}]}}'
    plan = MeterPlan(
        site=SiteName("a"),
        queries=(SignalQuery(signal=REQUESTS, promql="up"),),
        labels=LabelNames(namespace="namespace", ent="ent"),
        freshness=Freshness(),
        every_seconds=0.01,
    )
    asked = 0

    async def sleep(_seconds: float) -> None:
        nonlocal asked
        asked += 1
        crashing.once()
        await asyncio.sleep(0.01)

    with answering(200, vector) as url:
        meter = SiteMeter(
            plan, PrometheusSource(PrometheusAddress(url=url), deadline_seconds=2.0), now=lambda: BELL, sleep=sleep
        )
        task = crashing.spawn("metrics", meter.run)
        await until(lambda: asked > 2)
        assert meter.readings([key()], BELL)[0].reading == Fresh(value=5.0, at=BELL)
        await ended(task)
        await meter.close()
    assert crashing.crashes == ["metrics: a bug"]


async def test_watching_goes_on_after_a_crash(crashing: Crashing) -> None:
    """The cache is kept and the stream opened again."""
    asked = 0

    async def sleep(_seconds: float) -> None:
        nonlocal asked
        asked += 1
        crashing.once()
        await asyncio.sleep(0.01)

    async with serving(fine) as cluster:
        around = Surroundings(now=lambda: BELL, monotonic=time.perf_counter, random=lambda: 0.0, sleep=sleep)
        informer = Informer(cluster, DEPLOYMENTS, bytes, around)
        task = crashing.spawn("watch", informer.run)
        await until(lambda: asked > 2)
        assert informer.synced
        await ended(task)
    assert crashing.crashes == ["watch: a bug"]


async def test_the_election_goes_on_after_a_crash(crashing: Crashing) -> None:
    """The lease is taken again."""
    lease: dict[str, object] = {}

    async def answer(request: web.Request) -> web.Response:
        if request.method != "GET":
            lease.update(await request.json())
            lease["metadata"] = {"resourceVersion": "1"}
        return web.json_response(lease) if lease else web.Response(status=404)

    async with serving(answer) as cluster:
        elector = Elector(
            cluster,
            ObjectKey("n", "sonnerie"),
            identity="me",
            now=lambda: BELL,
            monotonic=time.perf_counter,
            on_change=crashing.once,
        )
        task = crashing.spawn("lease", elector.run)
        await until(lambda: bool(crashing.crashes) and elector.holding)
        await ended(task)
    assert crashing.crashes == ["lease: a bug"]
