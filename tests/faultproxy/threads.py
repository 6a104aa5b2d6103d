"""A proxy beside a test that is not asynchronous: in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Generic, TypeVar

P = TypeVar("P")
T = TypeVar("T")

START_SECONDS = 10.0


class Threaded(Generic[P]):
    """A running proxy and the loop it runs in."""

    def __init__(self, proxy: P, loop: asyncio.AbstractEventLoop) -> None:
        self.proxy = proxy
        self._loop = loop

    def call(self, work: Callable[[P], Coroutine[Any, Any, T]]) -> T:
        """Does something asynchronous with the proxy and waits for it."""
        return asyncio.run_coroutine_threadsafe(work(self.proxy), self._loop).result(START_SECONDS)

    def now(self, work: Callable[[P], object]) -> None:
        """Does something in the proxy's own thread, such as `cut`."""

        async def do(proxy: P) -> None:
            work(proxy)

        self.call(do)


@contextmanager
def in_thread(make: Callable[[], AbstractAsyncContextManager[P]]) -> Iterator[Threaded[P]]:
    """Runs the proxy for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    manager = make()
    try:
        proxy = asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop).result(START_SECONDS)
        yield Threaded(proxy, loop)
    finally:
        asyncio.run_coroutine_threadsafe(manager.__aexit__(None, None, None), loop).result(START_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
