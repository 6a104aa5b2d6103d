"""A controller in this process, on a clock that is moved on by hand."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

from controller.kube.client import Cluster
from controller.kube.kubeconfig import read_kubeconfig
from controller.runtime.clock import SystemClock
from controller.runtime.journal import Journal, open_log
from controller.runtime.process import Controller, Outlets
from controller.runtime.settings import Settings

SEEN_SECONDS = 1.0
"""How long one step waits, in real time, for a watch to prove that it is alive; a broken one does not."""
ROUNDS_PER_STEP = 2


class MovedClock(SystemClock):
    """Stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self.passed = timedelta()

    def now(self) -> datetime:
        """Return the instant."""
        return self._start + self.passed

    def monotonic(self) -> float:
        """Return seconds since the start."""
        return self.passed.total_seconds()


class Log(io.StringIO):
    """The log of a day, of which the crashes are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.crashes: list[str] = []

    def write(self, text: str) -> int:
        """Keep the line if it tells of a crash."""
        if '"event": "crashed"' in text:
            self.crashes.append(text)
        return len(text)


@asynccontextmanager
async def running_controller(settings: Settings, clock: MovedClock, log: Log) -> AsyncIterator[Controller]:
    """Run everything of a controller that runs by itself; rounds, questions, Lease and cycles are for `step`."""
    assert settings.kubeconfig is not None
    outlets = Outlets(journal=lambda c: Journal(open_log(c.now, log)), on_plan=lambda _plan: None, clock=clock)
    async with AsyncExitStack() as stack:
        credentials = read_kubeconfig(settings.kubeconfig.read_bytes(), where="management")
        management = Cluster.connect(credentials, name="management cluster")
        stack.push_async_callback(management.close)
        controller = Controller(settings, outlets, management)
        stack.push_async_callback(controller.sites.close)
        stack.push_async_callback(controller.prober.close)
        assert controller.leadership is not None
        stack.push_async_callback(controller.leadership.elector._release)
        stack.push_async_callback(controller.leadership.close)
        tasks = [asyncio.create_task(controller.store.run()), asyncio.create_task(controller._follow_sites())]
        stack.push_async_callback(_cancelled, tasks)
        async with asyncio.timeout(30):
            while not controller._read.is_set():  # noqa: ASYNC110 - the controller's own state
                await asyncio.sleep(0.01)
        yield controller


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def step(
    controller: Controller, clock: MovedClock, duration: timedelta, tick: Callable[[], Awaitable[None]]
) -> None:
    """Move the clock on and do what the controller does in that time; `tick` changes something at every site."""
    for _ in range(ROUNDS_PER_STEP):
        clock.passed += duration / ROUNDS_PER_STEP
        await controller.prober.take_round()
    meters = [site.meter for site in controller.sites.sites.values() if site.meter is not None]
    await asyncio.gather(tick(), *(meter.ask() for meter in meters))
    await _watches_alive(controller, clock.now())
    assert controller.leadership is not None
    await controller.leadership.elector._attempt()
    controller.leadership.elector._tell()
    await controller.loop._cycle_or_crash()


async def _watches_alive(controller: Controller, now: datetime) -> None:
    """Wait for what the ticking objects of each site prove."""
    try:
        async with asyncio.timeout(SEEN_SECONDS):
            while any(  # noqa: ASYNC110 - the controller's own state
                site.trouble is None and (site.alive_at is None or site.alive_at < now)
                for site in controller.sites.sites.values()
            ):
                await asyncio.sleep(0.002)
    except TimeoutError:
        pass


def slope_per_day(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the straight line through points of (hours, value), per 24 hours."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    over = sum((x - mean_x) * (y - mean_y) for x, y in points)
    under = sum((x - mean_x) ** 2 for x, _ in points)
    return over / under * 24 if under else 0.0
