"""When traffic is not to be moved without need: at school peaks, and in windows that somebody declared for it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from controller.domain.windows import Window

PEAK_PERCENT = 80
"""Of the largest demand around the instant: the bells of a morning are all peaks, the plateau between them is none."""

AROUND = timedelta(hours=12)
"""The school day of an instant, whichever side of it the instant lies on."""


def peak_at(windows: Iterable[Window], instant: datetime) -> Window | None:
    """Return the window that makes a school peak of the instant; `windows` are those of one ENT."""
    near = [w for w in windows if w.demand_per_second > 0 and w.overlaps(instant - AROUND, instant + AROUND)]
    covering = [window for window in near if window.covers(instant)]
    if not covering:
        return None
    largest = max(window.demand_per_second for window in near)
    highest = max(covering, key=lambda window: (window.demand_per_second, window.source))
    return highest if highest.demand_per_second * 100 >= PEAK_PERCENT * largest else None


def blocked_at(windows: Iterable[Window], instant: datetime) -> Window | None:
    """Return the window in which somebody declared that nothing goes back."""
    return next((window for window in windows if window.no_moves and window.covers(instant)), None)
