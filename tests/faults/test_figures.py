"""The figures of the summary, on traces small enough to count by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.recording import Decision
from tests.demo.records import PortalSecond
from tests.faults.figures import (
    Trace,
    decided,
    empty_answers,
    false_shifts,
    figures,
    moved,
    reversals,
    turns,
    utilisation,
)
from tests.faults.traces import Answer, Request, Weight

FAULT, HEAL, END = 100.0, 130.0, 150.0


def request(at: float, site: str = "b", status: int = 200, attempt: int = 1) -> Request:
    """One click."""
    return Request(at, "ent-nord", attempt, status, 0.1, site, "")


def weight(at: float, site: str, value: int, up: int = 1) -> Weight:
    """A change at one edge."""
    return Weight(at, "edge-1", "ent-nord", site, value, up)


def verdict(at: float, site: str, said: str) -> Decision:
    """A line of a controller's log."""
    return Decision(at=at, event="verdict", fields={"site": site, "verdict": said, "because": "…"})


BEFORE = tuple(request(85.0 + n * 0.5) for n in range(30))
"""Two requests a second at b while all is well."""
TRACE = Trace(
    began=85.0,
    fault=FAULT,
    heal=HEAL,
    end=END,
    sick=frozenset({"b"}),
    dead=frozenset({"b"}),
    requests=BEFORE,
    weights=(weight(50.0, "a", 0), weight(50.0, "b", 100)),
    decisions={},
    capacity_per_replica=2.0,
    site_of={"198.18.2.1": "b"},
)


def test_a_decision_is_the_first_down_of_a_dead_site_by_any_controller() -> None:
    """Unknown and Degraded are no decision on a site that does not answer, and another site's Down is none on it."""
    told = {
        "a": (verdict(103.0, "b", "Unknown"), verdict(104.0, "b", "Degraded"), verdict(108.0, "b", "Down")),
        "c": (verdict(103.0, "d", "Down"), verdict(107.5, "b", "Down")),
    }
    assert decided(replace(TRACE, decisions=told)) == 7.5
    assert decided(TRACE) is None


def test_a_living_site_is_decided_upon_when_it_is_held_degraded_or_loses_weight() -> None:
    """Of a site that answers, Degraded is the decision; so is an action that takes weight from it."""
    action = Decision(
        at=105.0,
        event="action",
        fields={"action": "SetWeights", "was": {"a": 0, "b": 100}, "weights": {"a": 20, "b": 80}},
    )
    alive = replace(TRACE, dead=frozenset[str]())
    assert decided(replace(alive, decisions={"a": (verdict(109.0, "b", "Degraded"),)})) == 9.0
    assert decided(replace(alive, decisions={"a": (action, verdict(109.0, "b", "Degraded"))})) == 5.0


def test_lost_requests_are_told_in_seconds_of_the_sites_traffic() -> None:
    """Twelve failures at a site that usually gets two a second are six seconds of it."""
    lost = tuple(request(100.0 + n, "", 0) for n in range(12))
    found = figures(replace(TRACE, requests=(*BEFORE, *lost, request(120.0, "a"))))
    assert (found.requests_total, found.requests_failed, found.failed_site_seconds) == (13, 12, 6.0)


def test_users_have_moved_when_five_percent_are_left() -> None:
    """The second from which on the sick site gets next to nothing, not the first in which it happens to get nothing."""
    stray = [100.2, 101.7, 103.4, 103.5, 109.1, 109.2, 109.3]
    later = tuple(request(at, "") if at else request(at) for at in stray)
    gone = tuple(replace(one, status=0) for one in later)
    fine = tuple(request(100.0 + n * 0.5, "a") for n in range(60))
    assert moved(replace(TRACE, requests=(*BEFORE, *gone, *fine))) == 10.0


def test_a_site_that_keeps_its_users_has_not_been_left() -> None:
    """Nobody moved: no figure, which misses the bar."""
    stay = tuple(request(100.0 + n * 0.5, "b") for n in range(60))
    assert moved(replace(TRACE, requests=(*BEFORE, *stay))) is None


def test_utilisation_is_admitted_by_ready_over_ten_seconds_where_users_may_go() -> None:
    """One full second is no overload, ten are; a sick site does not count."""
    full = [PortalSecond(101.0 + n, "a", "ent-nord", 5, 5, 10, 10, 0) for n in range(10)]
    calm = [PortalSecond(111.0 + n, "a", "ent-nord", 5, 5, 0, 0, 0) for n in range(10)]
    sick = [PortalSecond(101.0 + n, "b", "ent-nord", 1, 1, 90, 90, 0) for n in range(10)]
    assert utilisation(replace(TRACE, seconds=(*full, *calm, *sick))) == 1.0
    assert utilisation(replace(TRACE, seconds=(*full[:5], *calm))) == 0.5
    assert utilisation(TRACE) is None


@pytest.mark.parametrize(
    ("track", "count"),
    [
        ((100, 100), 0),
        ((100, 80, 60, 0), 0),
        ((100, 0, 20, 100), 1),
        ((100, 0, 50, 20, 100), 3),
        ((50, 51, 50, 51, 49, 50), 0),
        ((0, 3, 0), 1),
        ((), 0),
    ],
)
def test_a_turn_is_a_change_of_direction_by_more_than_two_percent(track: tuple[float, ...], count: int) -> None:
    """Small wobbles are no turns, and a ramp of many steps is none."""
    assert turns(track) == count


@given(st.lists(st.floats(min_value=0, max_value=100), max_size=30))
def test_turns_are_the_same_seen_upside_down(track: list[float]) -> None:
    """What one site gains another loses: both turn equally often."""
    assert turns(track) == turns([100.0 - value for value in track])


def test_leaving_and_the_first_return_are_no_reversal() -> None:
    """Evacuated and back: none. Away again and back again: two more turns."""
    once = (weight(105.0, "b", 0), weight(105.0, "a", 100), weight(140.0, "b", 100), weight(140.0, "a", 0))
    again = (weight(142.0, "b", 0), weight(142.0, "a", 100), weight(145.0, "b", 100), weight(145.0, "a", 0))
    assert reversals(replace(TRACE, weights=(*TRACE.weights, *once))) == 0
    assert reversals(replace(TRACE, weights=(*TRACE.weights, *once, *again))) == 2


def test_a_false_shift_takes_weight_from_a_site_that_is_well() -> None:
    """Before the repair, by more than two percent, and not from a site that observers have lost."""
    well = replace(TRACE, sick=frozenset[str]())
    shifted = replace(well, weights=(*TRACE.weights, weight(110.0, "b", 80), weight(110.0, "a", 20)))
    assert false_shifts(shifted) == ["ent-nord leaves b"]
    assert false_shifts(replace(shifted, doubted=frozenset({"b"}))) == []
    assert false_shifts(replace(TRACE, weights=shifted.weights)) == []
    assert false_shifts(replace(well, decisions={"a": (verdict(110.0, "c", "Down"),)})) == ["c is held to be Down"]


def test_an_empty_answer_is_one_that_says_nothing_not_one_that_does_not_come() -> None:
    """A silent server is another matter; an edge without any site that is up has nothing to answer with."""
    said = (Answer(101.0, 1, "ent-nord", "", 0), Answer(102.0, 1, "ent-nord", "", 1))
    assert empty_answers(replace(TRACE, answers=said)) == 1
    down = (weight(110.0, "a", 0, up=0), weight(111.0, "b", 100, up=0))
    assert empty_answers(replace(TRACE, weights=(*TRACE.weights, *down))) == 1
