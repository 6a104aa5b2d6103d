"""Tasks that run until they are cancelled: one that crashes is reported and started again after a pause."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

PAUSE_SECONDS = 1.0
"""A bug that crashes at once must not fill the disk with its reports."""


class Spawner:
    """Starts tasks; `report` is told of every crash."""

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._report = report

    def __call__(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Start the work."""
        return asyncio.create_task(self._keep_running(name, work), name=name)

    async def _keep_running(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await work()
                return
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the other sites' tasks go on
                self._report(name, error)
            await asyncio.sleep(PAUSE_SECONDS)
