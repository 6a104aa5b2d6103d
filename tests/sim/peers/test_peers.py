"""What holds for every peer, whatever the morning; and what each is known for."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.sim.peers import PEERS
from tests.sim.peers.mornings import (
    BELL,
    DECLARED,
    DELAY,
    LEAST,
    MOST,
    SITES,
    START,
    Look,
    known,
    lived,
    piecewise,
    steady,
)

EVENING = 15.0
NAMES = sorted(PEERS)
looks = st.builds(
    Look,
    demand=st.none() | st.floats(0, 2000),
    answers=st.booleans(),
    down=st.frozensets(st.sampled_from(SITES), max_size=3),
)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=25)
@given(parts=st.lists(looks, min_size=1, max_size=6), reserve=st.booleans(), start=st.integers(0, MOST + 20))
def test_every_peer_keeps_within_limits(name: str, parts: list[Look], start: int, *, reserve: bool) -> None:
    """Whatever is seen, what is wanted lies between minimum and maximum, and weights of an ENT sum to 100."""
    morning = lived(
        PEERS[name],
        known(reserve=reserve),
        piecewise(parts, timedelta(minutes=2)),
        START + timedelta(minutes=14),
        start=start,
    )
    first_wish = next((counts for _, counts in morning.wanted), {})
    for _, counts in morning.wanted:
        for site, count in counts.items():
            assert LEAST <= count <= MOST or count == start == first_wish[site]
    for _, weights in morning.weights:
        assert sum(weights.values()) == 100
        assert all(0 <= weight <= 100 for weight in weights.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_peer_decides_the_same_again(name: str) -> None:
    """The same morning gives the same decisions: nothing is drawn, nothing depends on order."""
    parts = [Look(demand=d) for d in (15.0, 300.0, 80.0, 600.0, 10.0)]
    once, again = (
        lived(PEERS[name], known(), piecewise(parts, timedelta(minutes=4)), START + timedelta(minutes=25))
        for _ in range(2)
    )
    assert once == again


SCHEDULED = ("static-peak", "keda", "keda-strict", "zalando", "zalando-tolerance")


@pytest.mark.parametrize("name", SCHEDULED)
def test_a_declared_bell_is_prepared_with_its_reserve(name: str) -> None:
    """Scheduled peers want a bell's replicas, reserve included, a start delay before it; the HPA may hold back 10 %."""
    morning = lived(PEERS[name], known(), steady(EVENING), BELL + timedelta(minutes=5))
    needed = DECLARED / (5.0 * 0.75)
    total = sum(morning.at(BELL - DELAY).values())
    assert total >= needed * 1.5 * 0.9
    assert total <= needed * 1.5 + len(SITES)


def test_the_side_controller_closes_the_gap_that_the_hpa_tolerates() -> None:
    """89 were asked and 81 stood: Zalando's controller reaches the scheduled count exactly, the HPA alone does not."""
    of = known(reserve=False)
    # 19 stand for demand; 200/s needs 54 in all, 18 or 19 a site, within the HPA's tolerance of what stands.
    totals = {}
    for name in ("zalando", "zalando-tolerance"):
        morning = lived(PEERS[name], of, steady(188.0), BELL + timedelta(minutes=5))
        totals[name] = sum(morning.at(BELL).values())
    assert totals["zalando"] < totals["zalando-tolerance"]
    assert totals["zalando-tolerance"] >= DECLARED / (5.0 * 0.75)


def test_nothing_undeclared_is_prepared_by_those_who_only_react() -> None:
    """Before a bell that only a declaration tells of, the reactive ones stand at their evening size."""
    for name in ("hpa-cpu", "hpa-requests", "hpa-tuned", "knative", "k8gb", "karmada", "aws-predictive", "phpa"):
        morning = lived(PEERS[name], known(), steady(EVENING), BELL)
        assert sum(morning.at(BELL - DELAY).values()) < DECLARED / (5.0 * 0.75) / 2, name


def test_an_empty_answer_shrinks_keda_by_default_and_not_when_strict() -> None:
    """With `ignoreNullValues: true` nothing is zero, and the portal shrinks at its peak; told otherwise, it holds."""

    def look(now: datetime) -> Look:
        return Look(demand=600.0) if now < START + timedelta(minutes=10) else Look(demand=None)

    of, until = known(declared=False), START + timedelta(minutes=30)
    default, strict = (lived(PEERS[name], of, look, until) for name in ("keda", "keda-strict"))
    at_peak = START + timedelta(minutes=9)
    assert sum(default.at(until).values()) == LEAST * len(SITES)
    assert strict.at(until) == strict.at(at_peak)


def test_no_answer_at_all_shrinks_neither() -> None:
    """A source that does not answer is an error for KEDA under both settings: it holds."""

    def look(now: datetime) -> Look:
        late = now >= START + timedelta(minutes=10)
        return Look(demand=None, answers=False) if late else Look(demand=600.0)

    of, until = known(declared=False), START + timedelta(minutes=30)
    for name in ("keda", "keda-strict", "hpa-requests", "hpa-cpu"):
        morning = lived(PEERS[name], of, look, until)
        assert morning.at(until) == morning.at(START + timedelta(minutes=9)), name


def test_k8gb_leaves_at_its_next_look_and_returns_at_once() -> None:
    """A dead site gets no answer within 30 s, and all of it again 30 s after its first pod is Ready."""
    lost, back = START + timedelta(minutes=5), START + timedelta(minutes=6)

    def look(now: datetime) -> Look:
        return Look(demand=30.0, down=frozenset({"b"}) if lost <= now < back else frozenset())

    morning = dict(lived(PEERS["k8gb"], known(), look, START + timedelta(minutes=8)).weights)
    assert morning[lost + timedelta(seconds=30)] == {"a": 51, "b": 0, "c": 49}
    assert morning[back + timedelta(seconds=30)] == {"a": 34, "b": 33, "c": 33}


def test_karmada_waits_for_its_toleration_and_never_returns() -> None:
    """A lost cluster is left after 30 s and 300 s of toleration; when it is back, nothing moves back."""
    lost, back = START + timedelta(minutes=5), START + timedelta(minutes=15)

    def look(now: datetime) -> Look:
        return Look(demand=30.0, down=frozenset({"b"}) if lost <= now < back else frozenset())

    weights = dict(lived(PEERS["karmada"], known(), look, START + timedelta(minutes=20)).weights)
    assert weights[lost + timedelta(seconds=300)]["b"] == 33
    assert weights[lost + timedelta(seconds=345)]["b"] == 0
    assert weights[START + timedelta(minutes=19, seconds=45)]["b"] == 0


def test_a_forecast_only_adds() -> None:
    """AWS-like scaling never stands below the HPA that it is added to, on the same morning."""
    parts = [Look(demand=d) for d in (15.0, 300.0, 80.0, 600.0, 10.0)]
    of, until = known(), START + timedelta(minutes=40)
    alone, added = (
        lived(PEERS[name], of, piecewise(parts, timedelta(minutes=6)), until)
        for name in ("hpa-requests", "aws-predictive")
    )
    for (_, base), (_, more) in zip(alone.wanted, added.wanted, strict=True):
        assert all(more[site] >= base[site] for site in SITES)
