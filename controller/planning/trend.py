"""Where demand is heading over the lead time: a straight line through the last two minutes, upwards only, bounded.

The points are those since demand was last not known as a whole: after a source returns the trend starts empty.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from controller.domain.memory import DemandPoint

TREND_SPAN = timedelta(minutes=2)
"""Look-back of the trend: a bell's burst doubles within it, a single noisy scrape does not bend it."""
LEAST_TREND_SECONDS = 25.0
"""A line needs some length: half a minute, less one planning cycle."""
LEAST_TREND_POINTS = 4
"""Two would take every noise for a direction; these are what half a minute holds."""
TREND_MAX_FACTOR = 2.0
"""A trend may at most double the present: beyond that it is extrapolation, and the schedule's business."""


def slope_per_second(points: Sequence[DemandPoint], now: datetime, *, of_first_attempts: bool) -> float:
    """Return the slope of a straight line through the points before now; a falling line counts as flat.

    Where first attempts are known the line goes through them: retries arrive, but they say nothing of what users
    will want.
    """
    since = now - TREND_SPAN
    count, newest, oldest = 0, 0.0, 0.0
    ages = values = squares = products = 0.0
    for point in reversed(points):
        at = point.at
        if at < since:
            break
        value = point.first_attempts_per_second if of_first_attempts else point.demand_per_second
        if value is None or at >= now:
            continue
        oldest = (now - at).total_seconds()
        newest = newest or oldest
        count += 1
        ages += oldest
        values += value
        squares += oldest * oldest
        products += oldest * value
    if count < LEAST_TREND_POINTS or oldest - newest < LEAST_TREND_SECONDS:
        return 0.0
    return max(0.0, (ages * values - count * products) / (count * squares - ages * ages))


def grown(present: float, slope: float, lead: timedelta) -> float:
    """Return the demand a lead time ahead: at least the present, at most twice that."""
    return max(present, min(present + slope * lead.total_seconds(), present * TREND_MAX_FACTOR))
