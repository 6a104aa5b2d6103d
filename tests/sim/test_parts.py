"""Pods, edges, metrics, faults and the day: the parts of the world, each by its rule."""

from datetime import date, timedelta

import numpy as np
import pytest

from controller.domain.readings import ReadingReason
from controller.sim.dayshapes import DayKind
from controller.sim.declared import Declarations, expected_day
from controller.sim.demand import course_of
from controller.sim.edges import Edges
from controller.sim.metrics import Counter, Scrape
from controller.sim.pods import Pods
from controller.sim.scenario import EdgeKindSpec, EdgeSpec, EntSpec, PodsSpec
from controller.sim.streams import stream
from controller.sim.system import System
from tests.sim.worlds import a_scenario, a_system

REFERENCE = EntSpec(name="region", sites=("a",))


def pods(spare: int = 100, wanted: int = 2, **more: float) -> Pods:
    """One placement."""
    spec = PodsSpec.model_validate({"startSigma": 0.0, "nodeSigma": 0.0, **more})
    return Pods(spec, [spare], np.array([[wanted]]), stream(1, "pods"))


def test_a_pod_is_ready_after_its_start() -> None:
    """Created is not Ready: it takes the write, and the start."""
    found = pods()
    found.set_wanted(0, 0, 5, 0.0)
    found.turn(45.0)
    assert (found.ready[0, 0], found.starting_at(0, 0)) == (2, 3)
    found.turn(46.0)
    assert (found.ready[0, 0], found.starting_at(0, 0)) == (5, 0)


def test_what_finds_no_room_waits_for_a_node() -> None:
    """Beyond the spare room of the nodes a pod waits for a node first."""
    found = pods(spare=1)
    found.set_wanted(0, 0, 5, 0.0)
    found.turn(46.0)
    assert found.ready[0, 0] == 3
    found.turn(196.0)
    assert found.ready[0, 0] == 5


def test_an_exhausted_pool_gives_no_nodes_until_it_does() -> None:
    """Pods without room stay Pending as long as the pool is exhausted, and begin to start when it is not."""
    found = pods(spare=0)
    found.exhaust(0, 0.0, exhausted=True)
    found.set_wanted(0, 0, 5, 0.0)
    found.turn(10_000.0)
    assert (found.ready[0, 0], found.starting_at(0, 0)) == (2, 3)
    found.exhaust(0, 10_000.0, exhausted=False)
    found.turn(10_196.0)
    assert found.ready[0, 0] == 5


def test_pods_held_back_become_ready_only_afterwards() -> None:
    """A pod that never becomes Ready does so once the fault has ended."""
    found = pods()
    found.hold_back(0, 0.0, held=True)
    found.set_wanted(0, 0, 5, 0.0)
    found.turn(10_000.0)
    assert found.ready[0, 0] == 2
    found.hold_back(0, 10_000.0, held=False)
    found.turn(10_046.0)
    assert found.ready[0, 0] == 5


def test_shrinking_takes_those_that_are_not_ready_first() -> None:
    """Taking back a growth costs no Ready pod."""
    found = pods()
    found.set_wanted(0, 0, 5, 0.0)
    found.set_wanted(0, 0, 3, 1.0)
    assert (found.ready[0, 0], found.starting_at(0, 0)) == (2, 1)
    found.set_wanted(0, 0, 1, 2.0)
    assert (found.ready[0, 0], found.starting_at(0, 0)) == (1, 0)


def test_half_of_the_nodes_take_half_of_the_pods_with_them() -> None:
    """The replica count stays: the lost pods are created anew, and wait for nodes."""
    found = pods(spare=0, wanted=10)
    found.kill(0, 0.5, 0.0)
    assert (found.ready[0, 0], found.starting_at(0, 0), found.wanted[0, 0]) == (5, 5, 10)
    found.turn(196.0)
    assert found.ready[0, 0] == 10


def test_haproxy_follows_at_once_and_dns_as_answers_grow_old() -> None:
    """A weight is followed a moment after it is decided; clients of a DNS name follow one by one."""
    before, after = np.array([[100, 0]]), np.array([0, 100])
    shares = {}
    for kind in EdgeKindSpec:
        edges = Edges(EdgeSpec(kind=kind), before)
        edges.decide(0, after, 0.0)
        edges.turn(1.0, 1.0)
        assert edges.shares[0, 0] == 1.0
        for second in range(2, 22):
            edges.turn(float(second), 1.0)
        shares[kind] = float(edges.shares[0, 1])
    assert shares[EdgeKindSpec.HAPROXY] == 1.0
    assert 0.5 < shares[EdgeKindSpec.DNS] < 1.0


def scrapes(kind: str | None, until: int = 300) -> list[Scrape]:
    """Scrapes of five minutes of which the second and third are at fault."""
    faults = [{"kind": kind, "from": "2021-03-15T08:31", "until": "2021-03-15T08:33"}] if kind else []
    system: System = a_system(a_scenario(faults=faults))
    found = []
    for now in range(until):
        system.faults.turn(now, system.pods)
        if now % 15 == 0:
            system.metrics.scrape(now, system.faults.conditions)
        if system.metrics.turn(now) and system.metrics.seen is not None:
            found.append(system.metrics.seen)
        system.step(now, 1)
    return found


def test_rates_are_what_users_ask_for_a_window_late() -> None:
    """In a steady hour the rate is the demand; it is seen a moment after the scrape."""
    found = scrapes(None)[-1]
    demand = course_of(a_scenario(), stream(1, "sizes")).open_loop[0, 27]
    assert found.rates[Counter.REQUESTS, 0, 0] == pytest.approx(demand, rel=0.1)
    assert found.missing == (None, None)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("metricsGap", ReadingReason.UNREACHABLE),
        ("metricsEmpty", ReadingReason.EMPTY),
        ("metricsNaN", ReadingReason.NOT_A_NUMBER),
    ],
)
def test_a_silent_source_gives_no_number_and_then_a_low_one(kind: str, reason: ReadingReason) -> None:
    """Missing is told with its reason; the first window after the return is too low and not to be believed."""
    found = {scrape.at: scrape for scrape in scrapes(kind)}
    assert found[105].missing == (reason, reason)
    back = found[195]
    assert back.missing == (None, None)
    assert back.doubted[0] is ReadingReason.QUARANTINED
    assert back.rates[Counter.REQUESTS, 0, 0] < 0.9 * found[45].rates[Counter.REQUESTS, 0, 0]
    assert found[285].doubted[0] is None


def test_a_frozen_counter_is_a_rate_that_falls_to_zero() -> None:
    """It falls within a window, looks sound while it falls, and is known for what it is at zero."""
    found = {scrape.at: scrape for scrape in scrapes("metricsFrozen")}
    assert 0.0 < found[90].rates[Counter.REQUESTS, 0, 0] < found[60].rates[Counter.REQUESTS, 0, 0]
    assert found[90].doubted[0] is None
    assert found[150].rates[Counter.REQUESTS, 0, 0] == 0.0
    assert found[150].doubted[0] is ReadingReason.FROZEN_COUNTER


@pytest.mark.parametrize(
    ("kind", "logins_a_day", "peak_a_minute"),
    [
        (DayKind.NORMAL, 226_000, 440),
        (DayKind.REMOTE_MARCH_2020, 621_000, 3_070),
        (DayKind.REMOTE_APRIL_2021, 863_000, 10_050),
    ],
)
def test_a_day_is_as_published(kind: DayKind, logins_a_day: float, peak_a_minute: float) -> None:
    """Visits of a day and of the busiest minute of the reference region are those of the collection of facts."""
    day = "2021-04-06"
    scenario = a_scenario(
        **{"from": f"{day}T00:00", "until": f"{day}T23:59"},
        days=[{"day": day, "kind": kind}],
        users={"dailySigma": 0.0},
    )
    logins = course_of(scenario, stream(1, "sizes")).logins[0]
    assert logins.sum() * 10 == pytest.approx(logins_a_day, rel=0.03)
    assert logins.max() * 60 == pytest.approx(peak_a_minute, rel=0.3)


def test_the_peak_of_6_april_is_that_of_the_model() -> None:
    """About ten thousand requests per second, a few minutes after nine."""
    course = expected_day(REFERENCE, DayKind.REMOTE_APRIL_2021)
    assert course.max() == pytest.approx(9_500, rel=0.1)
    assert 9.0 <= course.argmax() * 10 / 3600 <= 9.2


def test_an_event_is_known_from_its_announcement_on() -> None:
    """Before it the timetable of an ordinary day stands; from then on what was announced."""
    scenario = a_scenario(
        known={"declared": [{"day": "2021-03-15", "kind": "remoteApril2021", "announced": "2021-03-14T20:00"}]}
    )
    declared = Declarations(scenario=scenario)
    announced = declared.announcements()[0]
    start = scenario.utc(scenario.start)
    before, after = (
        max(w.demand_per_second for w in declared.windows(now, start, start + timedelta(hours=1)))
        for now in (announced - timedelta(seconds=1), announced)
    )
    assert after > 10 * before
    assert declared.kind_known(date(2021, 3, 15), announced) == (DayKind.REMOTE_APRIL_2021, True)
