"""Forecast: what past days of the same kind say of a day, as a profile of slots. It may only ever add (design §5).

Left out are days of another kind, days that an event concerned, days that were not measured nearly whole, and days
far below the others: an outage is no forecast. First days back and eventful days have no like, so they have no
forecast. Of what is left a high quantile counts, cut where a single day stands out, and raised by recent growth.

The profile is judged before it is used: made for the last such day from the days before it, it must not have been
farther from that day's first attempts than the plain calendar. If it was, it is set aside for this kind of day, and
judged anew when the next one has passed. Nothing is remembered for this: history and calendar say it all.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from controller.domain.forecast import SLOT, Forecast, PastDay, SchoolDay
from controller.domain.names import EntKey
from controller.domain.windows import Window

LEAST_DAYS = 3
"""Days of the same kind that make a profile: in four weeks of history a Wednesday has four, one may be left out."""
MOST_DAYS = 12
"""The last of them: three weeks of ordinary school days, so that a term's habits are followed."""
QUANTILE = 0.9
"""High, since too little costs a school day; not the largest, which is one odd day."""
MEDIAN = 0.5
OUTLIER_FACTOR = 2.0
"""The profile is at most this times the median of its slot: one flash crowd is no habit."""
LEAST_COVERAGE = 0.9
"""Share of the slots that must have been measured."""
OUTAGE_LEVEL = 0.5
"""A day below this share of the median day was an outage, or a day that no calendar knew."""
GROWTH_DAYS = 3
"""The last days, whose level is compared with that of all."""
MOST_GROWTH = 1.5
"""Bound of the growth ratio: beyond it is extrapolation."""

Profile = NDArray[np.float64]
Calendar = Callable[[SchoolDay], Sequence[Window]]
"""Gives the windows of a day, as the calendar stands now."""


def forecast_of(ent: EntKey, day: SchoolDay, past: Sequence[PastDay], calendar: Calendar) -> Forecast | None:
    """Return the forecast of one day; None where too little is known of days like it."""
    alike = _alike(day, past)
    if day.eventful or len(alike) < LEAST_DAYS:
        return None
    profile = _profile(alike, _slots(day))
    return Forecast(
        ent=ent,
        start=day.start,
        per_second=tuple(round(value, 3) for value in profile.tolist()),
        days=len(alike),
        set_aside=_lost(alike, calendar),
    )


def _alike(day: SchoolDay, past: Sequence[PastDay]) -> list[PastDay]:
    """Return the last days like this one, oldest first."""
    found = sorted(
        (
            p
            for p in past
            if p.day.day_type is day.day_type and not p.day.eventful and p.day.end <= day.start and _is_covered(p)
        ),
        key=lambda p: p.day.start,
    )
    levels = [_level(p) for p in found]
    usual = float(np.median(levels)) if levels else 0.0
    return [p for p, level in zip(found, levels, strict=True) if level >= OUTAGE_LEVEL * usual][-MOST_DAYS:]


def _is_covered(past: PastDay) -> bool:
    known = sum(value is not None for value in past.per_second)
    return known >= max(1, math.ceil(LEAST_COVERAGE * _slots(past.day)))


def _level(past: PastDay) -> float:
    known = [value for value in past.per_second if value is not None]
    return sum(known) / len(known)


def _slots(day: SchoolDay) -> int:
    """Return how many slots the day has: 288, and twelve more or fewer when the clocks change."""
    return math.ceil((day.end - day.start) / SLOT)


def _profile(days: Sequence[PastDay], slots: int) -> Profile:
    """Return the high quantile per slot, cut at outliers, times the growth; 0 where a slot was hardly ever measured."""
    values = np.full((len(days), slots), np.nan)
    for row, past in enumerate(days):
        known = [math.nan if value is None else value for value in past.per_second[:slots]]
        values[row, : len(known)] = known
    measured = np.count_nonzero(~np.isnan(values), axis=0) >= LEAST_DAYS
    profile = np.zeros(slots)
    whole = ~np.isnan(values).any(axis=0)
    # Slots without gaps all at once; numpy goes through the others one by one.
    for slots_alike, quantile in ((whole, np.quantile), (measured & ~whole, np.nanquantile)):
        if slots_alike.any():
            high, middle = quantile(values[:, slots_alike], (QUANTILE, MEDIAN), axis=0)
            profile[slots_alike] = np.minimum(high, OUTLIER_FACTOR * middle)
    return profile * _growth(days)


def _growth(days: Sequence[PastDay]) -> float:
    """Return how far the last days stand above all; never below 1, since a forecast may only add."""
    levels = [_level(past) for past in days]
    usual = float(np.median(levels))
    if usual <= 0.0:
        return 1.0
    return float(min(max(float(np.median(levels[-GROWTH_DAYS:])) / usual, 1.0), MOST_GROWTH))


def _lost(alike: Sequence[PastDay], calendar: Calendar) -> str:
    """Say how the forecast lost to the plain calendar on the last day like this one; empty when it did not."""
    *earlier, last = alike
    if len(earlier) < LEAST_DAYS:
        return ""
    windows = [window for window in calendar(last.day) if not window.by_event]
    profile = _profile(earlier, _slots(last.day))
    by_forecast = by_calendar = 0.0
    for slot, actual in enumerate(last.per_second[: len(profile)]):
        if actual is not None:
            middle = last.day.start + (slot + 0.5) * SLOT
            planned = max((window.expected_at(middle) for window in windows), default=0.0)
            by_forecast += abs(actual - float(profile[slot]))
            by_calendar += abs(actual - planned)
    if by_forecast <= by_calendar:
        return ""
    known = sum(value is not None for value in last.per_second)
    noon = last.day.start + (last.day.end - last.day.start) / 2  # its date is the local one, wherever that is
    return (
        f"set aside: on {noon:%Y-%m-%d} it was off by {by_forecast / known:.1f}/s on average, "
        f"the plain calendar by {by_calendar / known:.1f}/s"
    )
