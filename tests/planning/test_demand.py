"""Demand: which term wins, and what is never compounded."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.fleet import DemandSignal, Dependency, Ent, Scaling
from controller.domain.memory import DemandSample, EntMemory, LearnedLead, Samples
from controller.domain.names import SignalName, SiteName
from controller.domain.readings import ReadingReason, Stale
from controller.domain.reasons import Reason
from controller.domain.world import SignalReading, World
from controller.planning.bottleneck import ceiling_of
from controller.planning.demand import Demand, demand_of
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from controller.planning.lead import lead_time, step_class
from tests.builders import BELL, CAPACITY, REQUESTS, a_reading, a_window, a_world, an_ent, key


def demand(world: World) -> Demand:
    facts = facts_of(world, BELL)
    return demand_of(facts, world.ents[0], judge_sites(facts))


def samples(
    world: World,
    *,
    seconds: int = 600,
    per_second: float = 20.0,
    rise: float = 0.0,
    attempts: float | None = None,
    expected: float = 0.0,
    successes: float | None = None,
    capacity: tuple[float, float] = (50.0, 50.0),
    failing: bool = False,
) -> World:
    """A past of regular samples up to now, rising by `rise` per second squared."""
    ages = range(seconds, 0, -5)
    found = tuple(
        DemandSample(
            ent=key(),
            at=BELL - timedelta(seconds=age),
            demand_per_second=per_second - rise * age,
            first_attempts_per_second=attempts,
            successes_per_second=successes,
            expected_per_second=expected,
            ready_capacity_per_second=capacity[0] if age > seconds / 2 else capacity[1],
            failing=failing,
        )
        for age in ages
    )
    return replace(world, memory=replace(world.memory, samples=Samples(complete_since=BELL, demand=found)))


def test_the_largest_term_wins_and_is_named() -> None:
    """Schedule 80, event 120, present 20: the event, by name."""
    windows = (a_window(key(), BELL, 60, 80.0), a_window(key(), BELL, 60, 120.0, by_event=True, source="event strike"))
    found = demand(a_world(windows=windows))
    assert found.ahead_per_second == 120.0
    assert found.explained.won is not None
    assert found.explained.won.reason is Reason.EVENT
    assert found.explained.won.detail == "event strike"


def test_a_rising_demand_is_followed_over_the_lead_time_and_bounded() -> None:
    """A trend is looked ahead by the lead time, and at most doubles the present."""
    ent = an_ent(scaling=Scaling(lead_time=timedelta(minutes=1)))
    slow = demand(samples(a_world(ents=[ent]), rise=0.1))
    assert slow.ahead_per_second == pytest.approx(26.0, abs=0.5)
    fast = demand(samples(a_world(ents=[ent]), rise=2.0, seconds=120))
    assert fast.ahead_per_second == pytest.approx(40.0)


def test_a_falling_demand_is_not_followed_down() -> None:
    """The present counts in full however fast it falls."""
    assert demand(samples(a_world(), per_second=20.0, rise=-0.5)).ahead_per_second == pytest.approx(20.0)


def test_a_surprise_raises_the_rest_of_the_morning_before_the_peak() -> None:
    """First attempts at twice their curve for ten minutes raise the bell that is still to come."""
    bell = a_window(key(), BELL + timedelta(minutes=3), 60, 100.0)
    found = demand(samples(a_world(windows=(bell,)), attempts=40.0, expected=20.0))
    assert found.explained.won is not None
    assert found.explained.won.reason is Reason.SURPRISE
    assert 190.0 < found.ahead_per_second < 200.0, "shrunk towards 1"


def test_a_surprise_is_bounded() -> None:
    """At most `surprise.max`."""
    bell = a_window(key(), BELL + timedelta(minutes=3), 60, 100.0)
    found = demand(samples(a_world(windows=(bell,)), attempts=900.0, expected=20.0))
    assert found.ahead_per_second == pytest.approx(400.0)


@pytest.mark.parametrize(
    ("attempts", "seconds", "by_event"), [(40.0, 200, False), (0.3, 600, False), (40.0, 600, True), (None, 600, False)]
)
def test_no_surprise_on_little_evidence_or_beside_an_event(
    attempts: float | None,
    seconds: int,
    by_event: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Under five minutes, under 200 attempts, with an event, or unmeasured: no surprise."""
    bell = a_window(key(), BELL + timedelta(minutes=3), 60, 100.0, by_event=by_event)
    found = demand(samples(a_world(windows=(bell,)), attempts=attempts, expected=20.0, seconds=seconds))
    assert found.ahead_per_second == pytest.approx(100.0)


def test_a_forecast_only_adds() -> None:
    """A forecast below the rest changes nothing; above it, it wins."""
    world = a_world()
    low = replace(world, readings=(*world.readings, a_reading(key(), "a", 5.0, BELL, "forecast")))
    high = replace(world, readings=(*world.readings, a_reading(key(), "a", 90.0, BELL, "forecast")))
    assert demand(low).ahead_per_second == 20.0
    assert demand(high).ahead_per_second == 90.0


def test_the_largest_need_of_several_signals_wins() -> None:
    """Ten log-ins per second at one per replica need more than twenty requests at five."""
    logins = SignalName("logins")
    signals = (
        DemandSignal(signal=REQUESTS, capacity_per_replica=CAPACITY),
        DemandSignal(signal=logins, capacity_per_replica=1.0),
    )
    world = a_world(ents=[an_ent(signals=signals)])
    extra = tuple(a_reading(key(), site, 10.0 if site == "a" else 0.0, BELL, "logins") for site in "ab")
    assert demand(replace(world, readings=(*world.readings, *extra))).ahead_per_second == pytest.approx(50.0)


def test_falling_demand_under_errors_is_no_reason_to_shrink() -> None:
    """Users who cannot get in are not users who left."""
    world = a_world()
    found = demand(replace(world, readings=(*world.readings, a_reading(key(), "a", 0.2, BELL, "errors"))))
    assert found.no_shrink is not None
    assert found.no_shrink.reason is Reason.ERRORS_PERSIST


def lead(ent: Ent, *leads: tuple[int, int], peak: float = 0.0) -> timedelta:
    """The lead time with these measurements of (step class, seconds) and a bell of this size to come."""
    learned = tuple(LearnedLead(site=SiteName("a"), step_class=c, seconds=s) for c, s in leads)
    world = a_world(ents=[ent], windows=(a_window(key(), BELL, 60, peak),))
    memory = replace(world.memory, ents=(EntMemory(ent=key(), leads=learned),))
    return lead_time(facts_of(replace(world, memory=memory), BELL), ent)


def test_lead_time_is_declared_or_learned_or_five_minutes() -> None:
    """Declared wins; else the slowest measured, within bounds; else five minutes; warm-up is added."""
    ent = an_ent()
    assert lead(ent) == timedelta(minutes=5)
    assert lead(ent, (1, 5), (1, 90), (1, 60)) == timedelta(seconds=90)
    assert lead(ent, (1, 5)) == timedelta(seconds=30)
    declared = an_ent(scaling=Scaling(lead_time=timedelta(minutes=2), warm_up=timedelta(seconds=30)))
    assert lead(declared, (1, 90)) == timedelta(seconds=150)


def test_a_quick_small_step_says_nothing_of_a_large_one() -> None:
    """Before a step as large as the bell's was measured, five minutes stay; a longer one counts at once."""
    ent = an_ent()
    assert lead(ent, (0, 20), peak=150.0) == timedelta(minutes=5)
    assert lead(ent, (4, 60), peak=150.0) == timedelta(seconds=60)
    assert lead(ent, (0, 900), peak=150.0) == timedelta(minutes=15)


@pytest.mark.parametrize(("before", "after", "expected"), [(1, 2, 0), (1, 3, 1), (1, 4, 1), (1, 5, 2), (10, 26, 4)])
def test_steps_are_classed_by_doubling(before: int, after: int, expected: int) -> None:
    """Lead times of small and large steps are learned apart."""
    assert step_class(before, after) == expected


def test_a_shared_dependency_bounds_growth() -> None:
    """Beyond what single sign-on carries, pods cure nothing."""
    ent = an_ent(dependencies=(Dependency(name="sso", capacity_per_second=40.0),))
    world = a_world(ents=[ent], windows=(a_window(key(), BELL, 60, 150.0),))
    facts = facts_of(world, BELL)
    ceiling = ceiling_of(facts, demand(world))
    assert ceiling.per_second == 40.0


def test_growth_that_does_not_help_is_a_bottleneck_elsewhere() -> None:
    """Capacity up by 20 %, successes flat, errors for three minutes: stop growing above the schedule."""
    world = samples(a_world(), seconds=400, per_second=60.0, successes=30.0, capacity=(50.0, 80.0), failing=True)
    world = replace(world, readings=(*world.readings, a_reading(key(), "a", 0.2, BELL, "errors")))
    ceiling = ceiling_of(facts_of(world, BELL), demand(world))
    assert ceiling.because is not None
    assert ceiling.because.reason is Reason.BOTTLENECK_ELSEWHERE


def test_growth_that_helps_is_none() -> None:
    """Without lasting errors there is no bottleneck."""
    world = samples(a_world(), seconds=400, successes=30.0, capacity=(50.0, 80.0))
    assert ceiling_of(facts_of(world, BELL), demand(world)).per_second is None


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
