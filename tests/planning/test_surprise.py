"""Surprise: a morning above its curve raises the rest of itself, within limits (design §5 stage 3)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.fleet import Scaling
from controller.domain.forecast import Forecast
from controller.domain.memory import Morning
from controller.domain.reasons import Reason
from controller.domain.windows import Window
from controller.planning.demand import Demand, demand_of
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from controller.planning.surprise import morning_after, ratio
from tests.builders import BELL, a_window, a_world, an_ent, key
from tests.planning.past import a_morning, with_past

SOON = BELL + timedelta(minutes=3)
"""Within the lead time of five minutes."""
TWICE = a_morning(seen=12_000.0, foreseen=6_000.0)


def demand(
    morning: Morning | None,
    *windows: Window,
    most: float = 4.0,
    forecast: Forecast | None = None,
    by_forecast: Morning | None = None,
) -> Demand:
    ent = an_ent(scaling=Scaling(surprise_max=most))
    world = with_past(a_world(ents=[ent], windows=windows), morning=morning, morning_by_forecast=by_forecast)
    if forecast is not None:
        world = replace(world, forecasts=(forecast,))
    facts = facts_of(world, BELL)
    return demand_of(facts, ent, judge_sites(facts))


def bell(**more: object) -> Window:
    return replace(a_window(key(), SOON, 60, 100.0), **more)  # type: ignore[arg-type]


def surprise(found: Demand) -> float | None:
    return next((term.value for term in found.explained.terms if term.reason is Reason.SURPRISE), None)


def test_the_rest_of_the_morning_is_raised_before_the_peak() -> None:
    """Twice the curve for ten minutes raises the bell still to come, a little less than twice: shrunk towards 1."""
    found = demand(TWICE, bell())
    assert found.ahead_per_second == pytest.approx(100.0 * 12_200 / 6_200)
    assert found.explained.won is not None
    assert found.explained.won.reason is Reason.SURPRISE


@pytest.mark.parametrize(("most", "expected"), [(4.0, 400.0), (2.0, 200.0), (1.0, 100.0)])
def test_it_is_bounded(most: float, expected: float) -> None:
    """At most `surprise.max`, four times unless declared."""
    assert demand(a_morning(seen=500_000.0, foreseen=600.0), bell(), most=most).ahead_per_second == expected


@pytest.mark.parametrize(
    ("morning", "why"),
    [
        (None, "nothing was seen"),
        (a_morning(seen=199.0, foreseen=10.0), "under 200 attempts"),
        (a_morning(seen=9_000.0, foreseen=10.0, seconds=299.0), "under five minutes"),
        (a_morning(seen=9_000.0, foreseen=9_000.0), "as expected"),
        (a_morning(seen=900.0, foreseen=9_000.0), "below its curve"),
        (a_morning(seen=9_000.0, foreseen=10.0, at=BELL - timedelta(hours=3)), "another morning"),
        (a_morning(seen=9_000.0, foreseen=10.0, begun_at=BELL - timedelta(hours=12)), "a morning without end"),
    ],
)
def test_none_on_little_evidence(morning: Morning | None, why: str) -> None:
    """Every limit by itself."""
    assert surprise(demand(morning, bell())) is None, why


def test_exactly_two_hundred_attempts_in_exactly_five_minutes_are_enough() -> None:
    """The limits of the design belong to what counts."""
    assert surprise(demand(a_morning(seen=200.0, foreseen=100.0, seconds=300.0), bell())) is not None


@pytest.mark.parametrize("rings_in", [timedelta(minutes=-10), timedelta(minutes=4)])
def test_it_is_never_compounded_with_an_event(rings_in: timedelta) -> None:
    """An event under way or within the lead time says itself how many more will come."""
    event = a_window(key(), BELL + rings_in, 60, 120.0, by_event=True)
    found = demand(TWICE, bell(), event)
    assert surprise(found) is None
    assert found.ahead_per_second == 120.0


def test_what_an_event_brings_is_no_surprise_afterwards() -> None:
    """While an event is under way nothing is judged by the schedule's curve."""
    schedule, event = bell(start=BELL - timedelta(minutes=5)), bell(start=BELL - timedelta(minutes=5), by_event=True)
    assert demand(None, schedule).expected_per_second == 100.0
    assert demand(None, schedule, event).expected_per_second == 0.0


def test_a_bell_of_another_morning_is_not_raised() -> None:
    """What was seen three hours ago says nothing of a bell after the break."""
    morning = a_morning(seen=12_000.0, foreseen=6_000.0, at=BELL - timedelta(hours=2, minutes=58))
    assert surprise(demand(morning, bell(start=BELL + timedelta(minutes=1)))) is not None
    assert surprise(demand(morning, bell(start=BELL + timedelta(minutes=3)))) is None


def test_the_curve_rises_over_the_ramp() -> None:
    """Half way up the ramp half the demand is expected; capacity is wanted for all of it all the same."""
    found = demand(None, bell(start=BELL - timedelta(minutes=5), ramp_seconds=600.0))
    assert found.expected_per_second == pytest.approx(50.0)
    assert found.scheduled_ahead_per_second == 100.0


USUAL = Forecast(ent=key(), start=BELL, per_second=(30.0, 70.0), days=8)


def test_where_there_is_a_forecast_it_is_a_curve_of_its_own() -> None:
    """Twice what past days say raises what past days say is coming, not the schedule."""
    found = demand(None, bell(), forecast=USUAL, by_forecast=TWICE)
    assert (found.expected_per_second, found.forecast_per_second) == (0.0, 30.0)
    assert surprise(found) == pytest.approx(70.0 * 12_200 / 6_200)


def test_a_forecast_takes_no_surprise_away() -> None:
    """The schedule's curve goes on being judged by: whichever raises more wins."""
    assert surprise(demand(TWICE, bell(), forecast=USUAL)) == surprise(demand(TWICE, bell()))
    both = demand(TWICE, bell(), forecast=USUAL, by_forecast=TWICE)
    assert both.ahead_per_second == pytest.approx(100.0 * 12_200 / 6_200)


def test_neither_curve_judges_while_an_event_explains_what_is_seen() -> None:
    """Nor does a forecast that was set aside judge anything."""
    event = bell(start=BELL - timedelta(minutes=5), by_event=True)
    assert demand(None, event, forecast=USUAL).forecast_per_second == 0.0
    aside = demand(None, forecast=replace(USUAL, set_aside="it lost"), by_forecast=TWICE)
    assert aside.forecast_per_second == 0.0
    assert surprise(aside) is None


def after(minutes: float, attempts: float | None, expected: float = 20.0, start: Morning | None = None) -> Morning:
    """The sums after so many minutes of cycles of five seconds, the last of them at the bell."""
    morning = start
    for cycle in range(int(minutes * 12), -1, -1):
        instant = BELL - timedelta(seconds=5 * cycle)
        morning = morning_after(morning, instant, attempts=attempts, expected=expected)
    assert morning is not None
    return morning


def test_sums_are_rates_over_time() -> None:
    """Ten minutes at 40/s are 24,000 attempts."""
    morning = after(10, 40.0)
    assert (morning.seen, morning.foreseen, morning.watched_seconds) == (24_000.0, 12_000.0, 600.0)
    assert ratio(morning, BELL) == pytest.approx(24_200 / 12_200)


def test_a_quarter_of_an_hour_without_readings_changes_nothing() -> None:
    """A gap adds at most one short step of what was last seen, and loses nothing."""
    before = after(10, 40.0)
    later = BELL + timedelta(minutes=15)
    same = morning_after(before, later, attempts=None, expected=20.0)
    assert same == before
    back = morning_after(same, later, attempts=40.0, expected=20.0)
    assert back is not None
    assert back.watched_seconds == before.watched_seconds + 15.0
    assert ratio(back, later) == pytest.approx(ratio(before, BELL), rel=0.01)


@pytest.mark.parametrize(
    ("quiet", "kept"), [(timedelta(hours=2), True), (timedelta(hours=3), False), (timedelta(hours=14), False)]
)
def test_a_new_morning_begins_anew(
    quiet: timedelta,
    kept: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A lunch break does not end what is known of the day; a night does."""
    later = BELL + quiet
    morning = morning_after(after(10, 40.0), later, attempts=40.0, expected=20.0)
    assert morning is not None
    assert (morning.begun_at < BELL) is kept


def test_a_plan_made_twice_sees_the_same() -> None:
    """What is remembered at an instant gives the ratio that was seen at that instant."""
    before = after(10, 40.0)
    now = BELL + timedelta(seconds=5)
    once = morning_after(before, now, attempts=90.0, expected=20.0)
    assert ratio(before, now) == ratio(once, now)
    assert morning_after(once, now, attempts=90.0, expected=20.0) == once


def test_a_clock_set_back_takes_nothing_away() -> None:
    """Sums never shrink."""
    before = after(10, 40.0)
    back = morning_after(before, BELL - timedelta(minutes=1), attempts=40.0, expected=20.0)
    assert back is not None
    assert back.seen == before.seen
