"""What past days say of a day to come: values only; `planning/forecast.py` makes them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.domain.names import EntKey
from controller.domain.schooldays import DayType

SLOT = timedelta(minutes=5)
"""Resolution of history and forecast: a bell's burst is about two slots wide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolDay:
    """One local date in UTC, half-open, and what kind of day it is."""

    start: datetime
    end: datetime
    day_type: DayType
    eventful: bool = False
    """An event concerned the ENT: such a day says nothing of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDay:
    """First attempts of one day per slot from its start, in the unit of the first demand signal."""

    day: SchoolDay
    per_second: tuple[float | None, ...]
    """None where it was not measured at every site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """First attempts to be expected on one day of one ENT, per slot from its start. It may only ever add."""

    ent: EntKey
    start: datetime
    """When the day begins."""
    per_second: tuple[float, ...]
    """One value for each slot of five minutes from the start."""
    days: int
    """How many past days of the same kind it was made from."""
    set_aside: str = ""
    """Why it is not used, for people; empty: it is."""

    def at(self, instant: datetime) -> float:
        """Return what is expected at the instant; 0 outside the day."""
        slot = (instant - self.start) // SLOT
        return self.per_second[slot] if 0 <= slot < len(self.per_second) else 0.0

    def most(self, start: datetime, end: datetime) -> float:
        """Return the most that is expected at any instant of the closed interval; 0 outside the day."""
        first, last = (start - self.start) // SLOT, (end - self.start) // SLOT
        return max(self.per_second[max(0, first) : max(0, last + 1)], default=0.0)
