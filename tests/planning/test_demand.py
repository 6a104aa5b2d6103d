"""Demand: which term wins, and what is never compounded."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.fleet import DemandSignal
from controller.domain.forecast import Forecast
from controller.domain.names import SignalName, SiteName
from controller.domain.readings import ReadingReason, Stale
from controller.domain.reasons import Reason
from controller.domain.world import SignalReading, World
from controller.planning.demand import Demand, demand_of
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from tests.builders import (
    BELL,
    CAPACITY,
    DEAD,
    REQUESTS,
    a_reading,
    a_site,
    a_window,
    a_world,
    an_ent,
    key,
    rounds,
)
from tests.planning.past import points, with_past

LOGINS = SignalName("logins")


def demand(world: World) -> Demand:
    facts = facts_of(world, BELL)
    return demand_of(facts, world.ents[0], judge_sites(facts))


def read(world: World, signal: str, *values: float | None) -> World:
    """The world with this signal read at its sites `a`, `b` and so on."""
    more = tuple(a_reading(key(), site, value, BELL, signal) for site, value in zip("abcd", values, strict=False))
    known = {(r.site, r.signal) for r in more}
    return replace(world, readings=(*(r for r in world.readings if (r.site, r.signal) not in known), *more))


def present_detail(found: Demand) -> str:
    return next(term.detail for term in found.explained.terms if term.reason is Reason.PRESENT_DEMAND)


def test_the_largest_term_wins_and_is_named() -> None:
    """Schedule 80, event 120, present 20: the event, by name."""
    windows = (a_window(key(), BELL, 60, 80.0), a_window(key(), BELL, 60, 120.0, by_event=True, source="event strike"))
    found = demand(a_world(windows=windows))
    assert found.ahead_per_second == 120.0
    assert found.explained.won is not None
    assert found.explained.won.reason is Reason.EVENT
    assert found.explained.won.detail == "event strike"


@pytest.mark.parametrize(
    ("requests", "logins", "need", "named"),
    [(20.0, 10.0, 50.0, "10.0/s of logins"), (60.0, 10.0, 60.0, "60.0/s of requests"), (50.0, 10.0, 50.0, "requests")],
)
def test_the_largest_need_of_several_signals_wins_and_is_named(
    requests: float, logins: float, need: float, named: str
) -> None:
    """Ten log-ins per second at one per replica need as much as fifty requests at five (design §5 stage 3)."""
    signals = (
        DemandSignal(signal=REQUESTS, capacity_per_replica=CAPACITY),
        DemandSignal(signal=LOGINS, capacity_per_replica=1.0),
    )
    world = read(read(a_world(ents=[an_ent(signals=signals)]), "requests", requests, 0.0), "logins", logins, 0.0)
    found = demand(world)
    assert found.ahead_per_second == pytest.approx(need)
    assert named in present_detail(found)


def test_every_signal_must_be_known() -> None:
    """Log-ins that nobody counts may be the larger need: demand is not known as a whole, and its bound still counts."""
    signals = (
        DemandSignal(signal=REQUESTS, capacity_per_replica=CAPACITY),
        DemandSignal(signal=LOGINS, capacity_per_replica=1.0),
    )
    found = demand(a_world(ents=[an_ent(signals=signals)]))
    assert found.present_per_second is None
    assert found.now_per_second == 20.0
    assert found.blind is not None
    assert "logins at a is missing" in found.blind.text


def test_retries_count_for_capacity_and_not_for_what_users_want() -> None:
    """Sixty arrive, twenty of them for the first time: sixty are carried, the rise of retries is not followed."""
    storm = points(per_second=60.0, rise=0.3, attempts=20.0)
    world = with_past(read(read(a_world(), "requests", 60.0, 0.0), "firstAttempts", 20.0, 0.0), recent=storm)
    found = demand(world)
    assert found.ahead_per_second == 60.0
    assert found.first_attempts_per_second == 20.0


def test_where_first_attempts_are_not_known_demand_itself_is_followed() -> None:
    """Without a count of retries the rise of all requests is what there is."""
    found = demand(with_past(read(a_world(), "requests", 60.0, 0.0), recent=points(per_second=60.0, rise=0.1)))
    assert found.ahead_per_second == pytest.approx(90.0)


@pytest.mark.parametrize(
    ("at_a", "at_b", "total"), [(20.0, 5.0, 25.0), (20.0, None, 20.0), (None, 5.0, None), (None, None, None)]
)
def test_totals_are_known_where_traffic_is_heard(at_a: float | None, at_b: float | None, total: float | None) -> None:
    """A standby without traffic need not speak; a silent site with traffic makes the total unknown, never smaller."""
    assert demand(read(a_world(), "firstAttempts", at_a, at_b)).first_attempts_per_second == total


@pytest.mark.parametrize(
    ("signal", "ratio", "held"),
    [("errors", 0.2, True), ("loginFailures", 0.2, True), ("errors", 0.01, False), ("loginFailures", 0.0, False)],
)
def test_falling_demand_under_errors_is_no_reason_to_shrink(
    signal: str,
    ratio: float,
    held: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Users who cannot get in are not users who left (design §5 stage 3)."""
    found = demand(read(a_world(), signal, ratio))
    assert (found.no_shrink is not None) is held
    assert found.failing is held


@pytest.mark.parametrize(
    ("at_a", "at_b", "everywhere"), [(0.2, 0.2, True), (0.2, 0.0, False), (0.0, 0.2, False), (0.2, None, False)]
)
def test_errors_are_everywhere_only_if_at_every_site_with_traffic(
    at_a: float,
    at_b: float | None,
    everywhere: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """One sick site is that site's own matter, and a silent one says nothing."""
    world = a_world(weights={("nord", "a"): 50, ("nord", "b"): 50})
    assert demand(read(world, "errors", at_a, at_b)).failing_everywhere is everywhere


def test_what_fell_silent_is_still_there() -> None:
    """The last demand that was known as a whole counts for as long as nothing newer is known."""
    found = demand(with_past(read(a_world(), "requests", None, 0.0), known_per_second=80.0, known_at=BELL))
    assert found.now_per_second == 80.0
    assert found.present_per_second is None
    assert found.no_shrink is not None
    assert found.no_shrink.reason is Reason.EVIDENCE_NOT_FRESH


@pytest.mark.parametrize(
    ("known_ago", "window_in", "held"),
    [
        (timedelta(hours=11, minutes=59), None, True),
        (timedelta(hours=12, seconds=1), None, False),
        (timedelta(hours=12, seconds=1), timedelta(minutes=-5), True),
        (timedelta(hours=12, seconds=1), timedelta(minutes=4), True),
        (timedelta(hours=12, seconds=1), timedelta(hours=2), False),
        (None, None, True),
    ],
)
def test_blindness_holds_for_twelve_hours_and_through_school(
    known_ago: timedelta | None,
    window_in: timedelta | None,
    held: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """`blindHold` ends outside school windows only, and counts from the start of a process that never saw demand."""
    windows = () if window_in is None else (a_window(key(), BELL + window_in, 30, 10.0),)
    world = with_past(
        read(a_world(windows=windows), "requests", None, 0.0),
        known_per_second=None if known_ago is None else 80.0,
        known_at=None if known_ago is None else BELL - known_ago,
    )
    found = demand(world)
    assert (found.no_shrink is not None) is held
    assert found.blind is not None, "it is still not known, whatever may be done about it"


def test_after_the_blind_hold_what_was_known_counts_no_more() -> None:
    """Half a day later the last demand says nothing; errors would still forbid to shrink."""
    world = with_past(
        read(a_world(), "requests", None, 0.0), known_per_second=80.0, known_at=BELL - timedelta(hours=13)
    )
    assert demand(world).now_per_second == 0.0
    sick = demand(read(world, "errors", 0.5))
    assert sick.no_shrink is not None
    assert sick.no_shrink.reason is Reason.ERRORS_PERSIST


def test_the_users_of_a_dead_site_are_not_known() -> None:
    """Its last word would count them twice: they arrive elsewhere."""
    down = rounds(BELL, "ab", api={"a": DEAD}, public={"a": DEAD})
    world = a_world(sites=[a_site("a"), a_site("b")], rounds=down, demand={("nord", "b"): 7.0})
    found = demand(world)
    assert found.present_per_second is None
    assert found.now_per_second == 7.0
    assert found.blind is not None
    assert "a is down" in found.blind.text


def a_forecast(*per_second: float, set_aside: str = "") -> Forecast:
    """A forecast whose slots begin at the bell."""
    return Forecast(ent=key(), start=BELL, per_second=per_second, days=8, set_aside=set_aside)


@pytest.mark.parametrize(
    ("slots", "ahead"), [((5.0, 5.0), 20.0), ((5.0, 90.0), 90.0), ((90.0, 5.0), 90.0), ((5.0, 5.0, 90.0), 20.0)]
)
def test_a_forecast_only_adds(slots: tuple[float, ...], ahead: float) -> None:
    """Below the rest it changes nothing; above it, anywhere within the lead time of five minutes, it wins."""
    assert demand(replace(a_world(), forecasts=(a_forecast(*slots),))).ahead_per_second == ahead


def test_a_forecast_that_was_set_aside_is_named_and_does_not_count() -> None:
    """It lost to the plain calendar: it stays in the explanation, worth nothing, with the reason."""
    found = demand(replace(a_world(), forecasts=(a_forecast(90.0, set_aside="it lost on 31 August"),)))
    assert found.ahead_per_second == 20.0
    aside = [term for term in found.explained.terms if term.reason is Reason.FORECAST_SET_ASIDE]
    assert [(term.value, term.detail) for term in aside] == [(0.0, "it lost on 31 August")]
    assert found.forecast_per_second == 0.0


def test_where_nothing_was_ever_seen_demand_is_what_the_schedule_says() -> None:
    """No reading, no past: the schedule stands, and nothing may shrink."""
    world = with_past(a_world(windows=(a_window(key(), BELL, 60, 80.0),), readings=()))
    found = demand(world)
    assert (found.now_per_second, found.ahead_per_second) == (80.0, 80.0)
    assert found.no_shrink is not None


def test_a_site_without_traffic_is_not_asked_and_not_counted() -> None:
    """What a site last said before its traffic left it must not be added to those who now go elsewhere."""
    world = a_world()
    old = SignalReading(
        site=SiteName("b"),
        ent=key(),
        signal=REQUESTS,
        reading=Stale(value=500.0, at=BELL - timedelta(minutes=1), reason=ReadingReason.QUARANTINED),
    )
    readings = tuple(r for r in world.readings if r.site != "b")
    found = demand(replace(world, readings=(*readings, old)))
    assert found.present_per_second == 20.0
    assert found.no_shrink is None
