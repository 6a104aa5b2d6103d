"""Declared windows as a platform team would enter them for a scheduled peer: dated, and early enough to be Ready."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from controller.domain.names import EntKey
from controller.domain.windows import Window
from controller.sim.controller import Known

MARGIN = timedelta(minutes=2)
"""Beyond the start delay: one HPA sync, a cron's whole minute, and a slow pod."""
_MINUTE = timedelta(minutes=1)


def lead(known: Known) -> timedelta:
    """Return how long before a window its capacity is asked for."""
    return timedelta(seconds=known.start_delay_seconds) + MARGIN


def by_ent(windows: Iterable[Window]) -> Mapping[EntKey, tuple[Window, ...]]:
    """Return each ENT's windows in order of time."""
    found: dict[EntKey, list[Window]] = {}
    for window in sorted(windows):
        found.setdefault(window.ent, []).append(window)
    return {ent: tuple(of_ent) for ent, of_ent in found.items()}


def whole_minutes(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return the interval widened to whole minutes, which is all that cron can say."""
    floor = start.replace(second=0, microsecond=0)
    ceiling = end.replace(second=0, microsecond=0)
    return floor, ceiling if ceiling == end else ceiling + _MINUTE
