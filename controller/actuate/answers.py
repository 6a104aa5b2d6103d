"""From what an API server answers to how an action went: one table for everything that writes objects."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from controller.actuate.outcome import LookAgainAt, Outcome, Refused
from controller.kube.errors import ApiError, Conflict, Forbidden, Invalid, NotFound, Throttled

LOOK_AGAIN_AFTER = timedelta(seconds=5)
"""One planning cycle."""

LOOK_AGAIN_AFTER_CONFLICT = timedelta(seconds=1)
"""Somebody was writing at that moment, most often the object's own controller; a moment later nobody is."""

DEADLINE_SECONDS = 3.0
"""For reading and writing together: less than a planning cycle, so that a hanging site delays no other decision."""


def again(now: datetime, why: str) -> LookAgainAt:
    """Look again in the next cycle."""
    return LookAgainAt(at=now + LOOK_AGAIN_AFTER, why=why)


async def answered(work: Callable[[], Awaitable[Outcome]], *, name: str, now: Callable[[], datetime]) -> Outcome:
    """Do it once, within the deadline; whatever the API server `name` answers becomes an outcome."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await work()
    except (Forbidden, Invalid, NotFound) as error:
        return Refused(why=str(error))
    except Conflict as error:
        return LookAgainAt(at=now() + LOOK_AGAIN_AFTER_CONFLICT, why=str(error))
    except Throttled as error:
        return LookAgainAt(at=now() + timedelta(seconds=error.retry_after_seconds), why=str(error))
    except ApiError as error:
        return again(now(), str(error))
    except TimeoutError:
        return again(now(), f"{name}: no answer within {DEADLINE_SECONDS} s")
