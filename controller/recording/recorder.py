"""Recording beside the planning cycle: a decision is handed over, and written in a thread of its own.

The cycle never waits for the disk. Where writing falls behind, decisions are left out and counted; where it fails, the
controller goes on without, and says so.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from controller.domain.plan import Plan
from controller.domain.world import World
from controller.recording.files import Folder
from controller.recording.lines import write_decision
from controller.wire.errors import WireError

MOST_WAITING = 3
"""Decisions that may wait for the disk: more would be memory for a disk that does not keep up."""


class Recorder:
    """Keeps decisions in a folder."""

    def __init__(self, folder: Path, *, most_bytes: int, by: str) -> None:
        self._folder = Folder(folder, most_bytes=most_bytes)
        self._by = by
        self._thread = ThreadPoolExecutor(1, "recorder")
        self._places = threading.Semaphore(MOST_WAITING)
        self._counting = threading.Lock()
        self.left_out = 0
        """Decisions that were not recorded, because the disk did not keep up or refused."""
        self.trouble: str | None = None
        """Why the last decision was not recorded; None when it was."""

    def take(self, world: World, plan: Plan, now: datetime) -> None:
        """Record the decision soon."""
        len(plan.explanation)  # worked out here: it is not for two threads at once
        if not self._places.acquire(blocking=False):
            self._lost("the disk does not keep up")
            return
        self._thread.submit(self._write, world, plan, now).add_done_callback(self._written)

    def close(self) -> None:
        """Write what waits and end the file."""
        self._thread.submit(self._folder.close).add_done_callback(self._closed)
        self._thread.shutdown(wait=True)

    def _write(self, world: World, plan: Plan, now: datetime) -> None:
        self._folder.add(write_decision(world, plan, now, by=self._by), now)

    def _written(self, done: "Future[None]") -> None:
        self._places.release()
        error = done.exception()
        if error is None:
            self.trouble = None
        else:
            self._lost(_told(error))

    def _closed(self, done: "Future[None]") -> None:
        error = done.exception()
        if error is not None:
            self.trouble = _told(error)

    def _lost(self, why: str) -> None:
        with self._counting:
            self.left_out += 1
            self.trouble = why


def _told(error: BaseException) -> str:
    if isinstance(error, OSError | WireError):
        return str(error)
    return f"{type(error).__name__}: {error}"


Take = Callable[[World, Plan, datetime], None]
"""What the loop hands its decisions to."""
