"""Zalando's ramps, AWS-like forecasts, Holt-Winters and failover, each by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.names import SiteName
from controller.sim.peers import failover, holt_winters, zalando
from controller.sim.peers.aws_predictive import BUFFER, Predictor, forecast
from controller.sim.peers.holt_winters import Smoothing
from controller.sim.peers.zalando import Schedule

NOW = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)
A, B, C = SiteName("a"), SiteName("b"), SiteName("c")
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (-10 * MINUTE - timedelta(seconds=1), 0),
        (-10 * MINUTE, 0),
        (-9 * MINUTE, 10),
        (-5 * MINUTE, 50),
        (-timedelta(seconds=1), 90),
        (timedelta(0), 100),
        (59 * MINUTE, 100),
        (60 * MINUTE, 100),
        (61 * MINUTE, 90),
        (69 * MINUTE, 10),
        (70 * MINUTE, 0),
    ],
)
def test_a_schedule_ramps_in_steps(offset: timedelta, value: int) -> None:
    """Ten steps before and after; one second before its start a schedule is at 90 %."""
    schedule = Schedule(start=NOW, end=NOW + 60 * MINUTE, value=100)
    assert zalando.value_of(schedule, NOW + offset) == value


@pytest.mark.parametrize(
    ("current", "value", "most", "expected"),
    [
        (95, 100, 100, 100),
        (91, 100, 100, 100),
        (91, 100, 95, 95),
        (90, 100, 100, 90),
        (100, 95, 100, 100),
        (0, 5, 9, 0),
    ],
)
def test_the_side_controller_only_closes_small_gaps_upwards(current: int, value: int, most: int, expected: int) -> None:
    """It raises what is short by no more than the tolerance (10 for 9 is 11 % and too much), within the maximum."""
    assert zalando.adjusted(current=current, value=value, target=1, max_replicas=most) == expected


def test_a_forecast_is_the_mean_of_the_same_hours() -> None:
    """Two weeks are known: each hour ahead is the mean of the same hour of the same weekday."""
    hours = [NOW - timedelta(hours=h) for h in range(1, 14 * 24 + 1)]
    hourly = {hour: float(hour.weekday() * 100 + hour.hour) for hour in hours}
    expected = forecast(hourly, NOW)
    assert len(expected) == 48
    assert all(load == hour.weekday() * 100 + hour.hour for hour, load in expected.items())


def test_there_is_no_forecast_before_a_day_is_known() -> None:
    """Less than 24 hours of history forecast nothing."""
    assert forecast({NOW - timedelta(hours=h): 5.0 for h in range(1, 24)}, NOW) == {}


def test_capacity_for_an_hour_comes_a_buffer_before_it() -> None:
    """300 seconds before an hour its load counts, not earlier."""
    hourly = {NOW - timedelta(hours=h): (100.0 if (NOW - timedelta(hours=h)).hour == 8 else 1.0) for h in range(1, 337)}
    bell = NOW + timedelta(hours=1)
    predictor = Predictor(hourly=hourly)
    assert predictor.load(bell - BUFFER - timedelta(seconds=1)) == 1.0
    assert predictor.load(bell - BUFFER) == 100.0


def test_holt_winters_repeats_a_season_without_noise() -> None:
    """A series that only repeats is forecast without error."""
    season = [2.0, 2.0, 9.0, 5.0, 4.0, 3.0, 2.0, 2.0, 2.0, 2.0]
    model = holt_winters.fitted(season * 4, len(season), Smoothing(alpha=0.3, beta=0.1, gamma=0.2))
    assert model is not None
    for value in season:
        assert model.next_value() == pytest.approx(value)
        model.learn(value)


def test_holt_winters_by_hand() -> None:
    """One step of the recursion is the textbook's: level, trend and season."""
    model = holt_winters.Model(
        smoothing=Smoothing(alpha=0.5, beta=0.4, gamma=0.2), level=10.0, trend=1.0, season=[2.0, -2.0]
    )
    assert model.next_value() == 13.0
    model.learn(15.0)
    assert model.level == 0.5 * (15 - 2) + 0.5 * 11
    assert model.trend == pytest.approx(0.4 * (12.0 - 10.0) + 0.6 * 1.0)
    assert model.season[0] == pytest.approx(0.2 * (15 - 11) + 0.8 * 2.0)
    assert model.next_value() == pytest.approx(12.0 + 1.4 - 2.0)


def test_too_short_a_series_is_not_fitted() -> None:
    """Upstream asks for 10 + 2 × ⌊season / 2⌋ values."""
    assert holt_winters.least_values(144) == 154
    assert holt_winters.fitted([1.0] * 153, 144, Smoothing(alpha=0.3, beta=0.0, gamma=0.3)) is None


@given(
    usual=st.dictionaries(st.sampled_from([A, B, C]), st.integers(0, 100), min_size=1),
    healthy=st.sets(st.sampled_from([A, B, C])),
)
def test_answers_sum_to_a_hundred_among_the_healthy(usual: dict[SiteName, int], healthy: set[SiteName]) -> None:
    """Whatever the usual weights, only healthy sites are answered, and all of the traffic is."""
    standing = healthy & set(usual)
    found = failover.answered(usual, standing)
    if not standing:
        assert found is None
        return
    assert found is not None
    assert sum(found.values()) == 100
    assert all(weight == 0 for site, weight in found.items() if site not in standing)


def test_evicted_replicas_go_where_there_is_room() -> None:
    """Ten evicted replicas are shared in proportion to what stands, and no site goes above its room."""
    assert failover.redistributed(10, {A: 20, B: 10}, {A: 100, B: 100}) == {A: 7, B: 3}
    assert failover.redistributed(10, {A: 20, B: 10}, {A: 2, B: 4}) == {A: 2, B: 4}
