"""Waiting for a condition with a deadline: the only way a test or a start-up lets time pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

LOOK_AGAIN_SECONDS = 0.1  # short beside every deadline, long beside one look


def wait_until(condition: Callable[[], Value], deadline_seconds: float, what: str) -> Value:
    """Gives the condition's first true value; raises, naming `what`, when the deadline passes first.

    The condition is looked at once more at the deadline, so a slow machine fails only what is really not so.
    """
    end = time.monotonic() + deadline_seconds
    while True:
        last_look = time.monotonic() >= end
        if value := condition():
            return value
        if last_look:
            message = f"waited {deadline_seconds:g} s in vain for: {what}"
            raise TimeoutError(message)
        time.sleep(LOOK_AGAIN_SECONDS)
