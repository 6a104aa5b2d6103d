"""From local days and times to UTC instants. The only place that asks a time zone.

A local time that the clock skips is the instant after the gap. A local time that comes twice has two instants, and
the caller says which one is meant.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
_MOST_REMEMBERED = 65_536
"""Conversions kept: a thousand ENTs share a few zones, bells and dates. The answers never change."""


class Occurrence(Enum):
    """Which one is meant when a local time comes twice."""

    FIRST = 0
    SECOND = 1


@lru_cache(maxsize=_MOST_REMEMBERED)
def to_utc(zone: ZoneInfo, day: date, at: time, occurrence: Occurrence) -> datetime:
    """Return the instant at which the clocks of the zone show `at` on `day`; the end of the gap if they never do."""
    shown = datetime.combine(day, at)
    first = shown.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if local(zone, first) != shown:
        return _end_of_gap(zone, shown)
    if occurrence is Occurrence.FIRST:
        return first
    return shown.replace(tzinfo=zone, fold=1).astimezone(UTC)


def local(zone: ZoneInfo, instant: datetime) -> datetime:
    """Return what the clocks of the zone show at the instant, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None)


def midnights(zone: ZoneInfo, first_day: date, last_day: date) -> tuple[datetime, datetime]:
    """Return the half-open interval of the local days, both included."""
    begins = to_utc(zone, first_day, time(0), Occurrence.FIRST)
    return begins, to_utc(zone, last_day + ONE_DAY, time(0), Occurrence.FIRST)


def _end_of_gap(zone: ZoneInfo, skipped: datetime) -> datetime:
    """Return the first instant at which the clocks of the zone show more than the skipped local time."""
    before = skipped.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = skipped.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if local(zone, middle) > skipped:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
