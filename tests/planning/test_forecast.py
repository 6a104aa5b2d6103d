"""The forecast: from past days of the same kind to a profile that may only add, or is set aside (design §5 stage 3)."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.forecast import Forecast, PastDay, SchoolDay
from controller.domain.schooldays import DayType
from controller.domain.windows import Window
from controller.planning.forecast import LEAST_DAYS, MOST_DAYS, forecast_of
from tests.builders import a_window, key

TODAY = datetime(2026, 9, 30, 22, 0, tzinfo=UTC)
"""Midnight in Paris."""
SLOTS = 288
PEAK_SLOT = 100
"""Twenty past eight."""
DAY = timedelta(days=1)


def a_day(ago: int = 0, *, kind: DayType = DayType.SCHOOL_DAY, eventful: bool = False) -> SchoolDay:
    start = TODAY - ago * DAY
    return SchoolDay(start=start, end=start + DAY, day_type=kind, eventful=eventful)


def past(ago: int, peak: float, *, base: float = 10.0, unknown: int = 0, **more: object) -> PastDay:
    """A flat day with one peak, of which the first slots were not measured."""
    values: list[float | None] = [base] * SLOTS
    values[PEAK_SLOT] = peak
    values[:unknown] = [None] * unknown
    return PastDay(day=a_day(ago, **more), per_second=tuple(values))  # type: ignore[arg-type]


def no_calendar(_day: SchoolDay) -> Sequence[Window]:
    return ()


def made(*days: PastDay, day: SchoolDay | None = None) -> Forecast | None:
    return forecast_of(key(), day or a_day(), days, no_calendar)


def peak_of(*days: PastDay) -> float:
    found = made(*days)
    assert found is not None
    return found.per_second[PEAK_SLOT]


def test_a_high_quantile_of_the_last_days() -> None:
    """Of eleven days with peaks 100 to 110 the second largest counts: high, and not the one odd day."""
    found = made(*(past(ago, 99.0 + ago) for ago in range(1, 12)))
    assert found is not None
    assert found.per_second[PEAK_SLOT] == pytest.approx(109.0, abs=0.5)
    assert found.per_second[0] == 10.0
    assert (found.days, found.start, len(found.per_second)) == (11, TODAY, SLOTS)
    assert found.set_aside == ""


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (past(2, 900.0, kind=DayType.WEDNESDAY), "another kind of day"),
        (past(2, 900.0, eventful=True), "a day that an event concerned"),
        (past(2, 900.0, unknown=40), "a day that was not measured"),
        (past(2, 900.0, base=1.0), "an outage: far below the others"),
        (past(-1, 900.0), "a day to come"),
    ],
)
def test_days_that_say_nothing_are_left_out(odd: PastDay, why: str) -> None:
    """Each for its own reason; with them the profile would be another."""
    ordinary = [past(ago, 100.0) for ago in (1, 3, 4, 5)]
    found, without = made(*ordinary, odd), made(*ordinary)
    assert found == without, why
    assert found is not None
    assert found.per_second[PEAK_SLOT] == 100.0


def test_one_flash_crowd_is_no_habit() -> None:
    """Of four days one with thirty times the peak: at most twice the median counts."""
    assert peak_of(past(1, 100.0), past(2, 3000.0), past(3, 100.0), past(4, 100.0)) == 200.0


@pytest.mark.parametrize(("recent", "before", "growth"), [(12.0, 10.0, 1.2), (10.0, 12.0, 1.0), (40.0, 22.0, 1.5)])
def test_growth_is_followed_within_bounds(recent: float, before: float, growth: float) -> None:
    """The last three days stand a fifth above all: so does the forecast. A falling level counts as steady."""
    days = [past(ago, recent, base=recent) for ago in (1, 2, 3)] + [past(a, before, base=before) for a in range(4, 12)]
    found = made(*days)
    assert found is not None
    flat = sorted([recent] * 3 + [before] * 8)
    assert found.per_second[0] == pytest.approx(min(flat[9], 2 * flat[5]) * growth, rel=1e-3)


@pytest.mark.parametrize(("count", "enough"), [(LEAST_DAYS - 1, False), (LEAST_DAYS, True)])
def test_it_takes_some_days(
    count: int,
    enough: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Below, nothing is said: a first day back has no like."""
    assert (made(*(past(ago, 100.0) for ago in range(1, count + 1))) is not None) is enough


def test_only_the_last_days_count() -> None:
    """Habits of another term are forgotten."""
    recent = [past(ago, 50.0) for ago in range(1, MOST_DAYS + 1)]
    old = [past(ago, 90.0) for ago in range(MOST_DAYS + 1, 30)]
    assert made(*recent, *old) == made(*recent)


def test_an_eventful_day_has_no_forecast() -> None:
    """What an event adds or takes away is said by the event."""
    assert made(*(past(ago, 100.0) for ago in range(1, 9)), day=a_day(eventful=True)) is None


def test_slots_that_were_hardly_measured_add_nothing() -> None:
    """Missing is not a number: such a slot expects nothing, and adds nothing."""
    found = made(*(past(ago, 100.0, unknown=20) for ago in range(1, 9)))
    assert found is not None
    assert found.per_second[:20] == (0.0,) * 20


@pytest.mark.parametrize("hours", [23, 25])
def test_days_on_which_the_clocks_change_have_their_own_length(hours: int) -> None:
    """Slots count from local midnight in real time."""
    long = replace(a_day(), end=TODAY + timedelta(hours=hours))
    found = made(*(past(ago, 100.0) for ago in range(1, 9)), day=long)
    assert found is not None
    assert len(found.per_second) == hours * 12


def judged(flat: float, *, ramp_seconds: float = 0.0, last: PastDay | None = None) -> str:
    """Why a forecast from steady days is set aside beside a calendar that says `flat` for the whole day."""

    def calendar(day: SchoolDay) -> Sequence[Window]:
        whole = a_window(key(), day.start, 24 * 60, flat, ramp_seconds=ramp_seconds)
        return (whole, replace(whole, demand_per_second=99.0, by_event=True))

    days = [last or past(1, 100.0)] + [past(ago, 100.0) for ago in (2, 3, 4, 5)]
    found = forecast_of(key(), a_day(), days, calendar)
    assert found is not None
    return found.set_aside


def test_a_forecast_that_loses_to_the_calendar_for_a_day_is_set_aside_and_says_so() -> None:
    """Yesterday was at 20 all day, as the calendar said; the forecast said 10."""
    lost = judged(20.0, last=past(1, 20.0, base=20.0))
    assert lost == "set aside: on 2026-09-30 it was off by 10.2/s on average, the plain calendar by 0.0/s"


def test_a_forecast_that_wins_is_used() -> None:
    """Yesterday was as always, and the calendar, careful as it must be, was farther off. Equally near is no loss."""
    assert judged(20.0) == ""
    assert judged(10.0, last=past(1, 10.0, base=10.0)) != ""
    exact = [past(ago, 10.0) for ago in range(1, 6)]
    tie = forecast_of(key(), a_day(), exact, lambda day: (a_window(key(), day.start, 24 * 60, 10.0),))
    assert tie is not None
    assert tie.set_aside == ""


def test_it_comes_back_when_it_wins_again() -> None:
    """The day after the lost one is as always: the forecast is judged by that one alone."""
    lost, usual = past(2, 20.0, base=20.0), past(1, 100.0)
    days = [past(ago, 100.0) for ago in (3, 4, 5, 6)]

    def calendar(day: SchoolDay) -> Sequence[Window]:
        return (a_window(key(), day.start, 24 * 60, 20.0),)

    then = forecast_of(key(), a_day(1), [lost, *days], calendar)
    now = forecast_of(key(), a_day(), [usual, lost, *days], calendar)
    assert then is not None
    assert now is not None
    assert then.set_aside != ""
    assert now.set_aside == ""


def test_without_a_day_to_judge_by_it_is_used() -> None:
    """Three days make a profile, and none is left to try it on: it may only add."""
    days = [past(ago, 20.0, base=20.0) for ago in (1, 2, 3)]
    found = forecast_of(key(), a_day(), days, lambda day: (a_window(key(), day.start, 24 * 60, 20.0),))
    assert found is not None
    assert found.set_aside == ""


slots = st.lists(st.none() | st.floats(0, 1e6), min_size=SLOTS, max_size=SLOTS)


@given(st.lists(slots, max_size=6), st.randoms(use_true_random=False))
def test_it_is_finite_never_negative_and_the_same_in_any_order(days: list[list[float | None]], random: object) -> None:
    """Whatever history holds."""
    history = [PastDay(day=a_day(ago + 1), per_second=tuple(values)) for ago, values in enumerate(days)]
    found = made(*history)
    random.shuffle(history)  # type: ignore[attr-defined]
    assert made(*history) == found
    if found is not None:
        assert all(math.isfinite(value) and value >= 0.0 for value in found.per_second)


@pytest.mark.parametrize(
    ("start", "end", "most"),
    [(-60, -1, 0.0), (-60, 0, 1.0), (0, 299, 1.0), (0, 300, 5.0), (299, 600, 5.0), (600, 9000, 2.0), (900, 9000, 0.0)],
)
def test_the_most_of_an_interval(start: int, end: int, most: float) -> None:
    """Both ends belong to it; outside its day a forecast says nothing."""
    found = Forecast(ent=key(), start=TODAY, per_second=(1.0, 5.0, 2.0), days=3)
    assert found.most(TODAY + timedelta(seconds=start), TODAY + timedelta(seconds=end)) == most
    assert found.at(TODAY + timedelta(seconds=300)) == 5.0
    assert found.at(TODAY - timedelta(seconds=1)) == found.at(TODAY + timedelta(seconds=900)) == 0.0
