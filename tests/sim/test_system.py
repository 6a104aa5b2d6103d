"""One step after the other: nobody is lost, whatever goes wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sim.scenario import FaultKind, Scenario
from controller.sim.system import ConservationError, System
from tests.sim.worlds import a_scenario, a_system

APRIL = [{"day": "2021-03-15", "kind": "remoteApril2021"}]


def lived(system: System, seconds: int, step: int = 1) -> System:
    """Let time pass without any controller."""
    now = 0
    while now < seconds:
        system.faults.turn(now, system.pods)
        system.pods.turn(now)
        system.step(now, step)
        now += step
    return system


def of_a_crowd(**more: object) -> Scenario:
    """The crowd of 6 April meets the replicas of an ordinary morning."""
    return a_scenario(days=APRIL, **more)


@given(
    kind=st.sampled_from(sorted(FaultKind)),
    factor=st.floats(0.0, 1.0),
    seed=st.integers(0, 1000),
    capped=st.booleans(),
    step=st.sampled_from([1, 2, 5]),
)
def test_nobody_is_lost(kind: FaultKind, factor: float, seed: int, capped: bool, step: int) -> None:  # noqa: FBT001
    """First attempts are served, queued, on their way back or given up, in every step and under every fault."""
    fault = {"kind": kind, "sites": ["a"], "from": "2021-03-15T08:31", "until": "2021-03-15T08:33", "factor": factor}
    service = {"signOnPerSecond": 20.0} if capped else {}
    system = lived(a_system(of_a_crowd(faults=[fault], service=service), seed), 240, step)
    assert system.users.given_up.sum() >= 0.0


def test_a_lost_user_is_noticed() -> None:
    """The check of conservation can fail: a queue that is emptied by nobody is told."""
    system = lived(a_system(of_a_crowd(until="2021-03-15T09:10")), 1800)
    system.pods.set_wanted(0, 0, 1, 1800.0)
    system.step(1800, 1)
    assert system.queue.sum() > 1.0
    system.queue[:] = 0.0
    with pytest.raises(ConservationError):
        system.step(1801, 1)


def test_failed_log_ins_come_back() -> None:
    """Overload feeds itself: more arrives than users want, as long as they are not served."""
    system = lived(a_system(of_a_crowd()), 1500)
    arrived, wanted = 0.0, 0.0
    for now in range(1500, 2100):
        seen = system.step(now, 1)
        arrived += float(seen.arrived.sum())
        wanted += float(seen.first.sum())
    assert arrived > 1.2 * wanted
    assert system.users.given_up.sum() > 0.0


def test_without_retries_whoever_fails_is_gone() -> None:
    """With a probability of 0 nobody comes back, and all who failed are counted."""
    system = lived(a_system(of_a_crowd(users={"retryShare": 0.0})), 1800)
    assert system.users.waiting == 0.0
    assert system.users.given_up.sum() > 0.0


def test_more_pods_do_not_cure_single_sign_on() -> None:
    """A cap at single sign-on holds whatever runs behind it."""
    served = []
    for replicas in (150, 400):
        system = a_system(of_a_crowd(service={"signOnPerSecond": 30.0}))
        system.pods.ready[:] = system.pods.wanted[:] = replicas
        lived(system, 1800)
        served.append(system.logins_served)
    assert served[0] == pytest.approx(served[1], rel=0.01)
    assert served[1] <= 30.0 * 1800


def test_a_dead_site_serves_nobody() -> None:
    """Users who are sent to a dead site fail there until the edge sends them elsewhere."""
    fault = {"kind": "siteDown", "sites": ["a"], "from": "2021-03-15T08:30"}
    system = a_system(a_scenario(faults=[fault]))
    system.faults.turn(0, system.pods)
    seen = system.step(0, 1)
    assert seen.served.sum() == 0.0
    assert seen.failed.sum() > 0.0


def test_steps_of_any_length_serve_the_same_crowd() -> None:
    """A calm morning is the same in steps of one second and of five, chance apart."""
    totals = [lived(a_system(), 1800, step).logins_served for step in (1, 5)]
    assert totals[0] == pytest.approx(totals[1], rel=0.03)


def test_the_same_seed_gives_the_same_morning() -> None:
    """Nothing is drawn but from the streams of the seed."""
    first, second = (lived(a_system(of_a_crowd(), 5), 1500).queue for _ in range(2))
    assert np.array_equal(first, second)
