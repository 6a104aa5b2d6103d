"""School peaks and blocked windows: when traffic is not to be moved without need."""

from datetime import timedelta

import pytest

from controller.domain.peaks import AROUND, PEAK_PERCENT, blocked_at, peak_at
from tests.builders import BELL, a_window, key

MINUTE = timedelta(minutes=1)
ENT = key()
MORNING = a_window(ENT, BELL, 40, 100.0)
LESSONS = a_window(ENT, BELL + 40 * MINUTE, 60, 40.0)
LATE_BELL = a_window(ENT, BELL + 100 * MINUTE, 20, float(PEAK_PERCENT))


@pytest.mark.parametrize(
    ("minutes", "peak"),
    [(-1, None), (0, MORNING), (39, MORNING), (40, None), (99, None), (100, LATE_BELL), (119, LATE_BELL), (120, None)],
)
def test_the_bells_of_a_day_are_its_peaks(minutes: int, peak: object) -> None:
    """What comes near the largest is one, the lessons between are none; half-open, as windows are."""
    assert peak_at([LESSONS, MORNING, LATE_BELL], BELL + minutes * MINUTE) == peak


def test_yesterday_is_not_measured_against_today() -> None:
    """A quiet day has peaks of its own."""
    quiet = a_window(ENT, BELL + 2 * AROUND, 30, 10.0)
    assert peak_at([MORNING, quiet], quiet.start) == quiet


def test_a_time_without_demand_is_no_peak() -> None:
    """A window that says nothing of demand, and a day with nothing else, has none."""
    blocked = a_window(ENT, BELL, 40, 0.0, no_moves=True)
    assert peak_at([blocked], BELL) is None
    assert peak_at([], BELL) is None


def test_blocked_is_what_somebody_declared() -> None:
    """Half-open; a bell alone blocks nothing."""
    blocked = a_window(ENT, BELL, 40, 0.0, no_moves=True)
    assert blocked_at([MORNING, blocked], BELL) == blocked
    assert blocked_at([MORNING, blocked], blocked.end) is None
    assert blocked_at([MORNING], BELL) is None
