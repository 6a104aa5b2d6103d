"""Safety rules of the spec bound moves and never the leaving of a dead site; the way back waits after a drain too."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from controller.domain.fleet import Order, Shifting
from controller.domain.memory import SiteMemory, Verdict
from controller.domain.names import SiteName
from controller.domain.plan import Plan, SetReplicas, SetWeights
from controller.domain.reasons import Reason
from controller.domain.windows import Window
from controller.domain.world import World
from controller.planning.invariants import violations
from controller.planning.planner import plan
from controller.planning.returning import CAME_BACK_LATELY
from tests.builders import BELL, DEAD, a_site, a_window, a_world, an_ent, key, rounds

MINUTE = timedelta(minutes=1)
HOLD = Shifting().failback_hold
AT_B = {("nord", "a"): 0, ("nord", "b"): 100}
BLOCKED = a_window(key(), BELL - MINUTE, 10, 0.0, no_moves=True)
PEAK = a_window(key(), BELL - MINUTE, 10, 20.0)
LESSONS = a_window(key(), BELL - MINUTE, 10, 10.0)
LATER_BELL = a_window(key(), BELL + timedelta(hours=2), 10, 20.0)


def answered(found: Plan) -> dict[SiteName, int] | None:
    """The weights that are written; None: none are."""
    return next(({w.site: w.weight for w in a.weights} for a in found.actions if isinstance(a, SetWeights)), None)


def held_for(found: Plan) -> Reason | None:
    """Why weights are not written."""
    return next((w.because.reason for w in found.withheld if isinstance(w.action, SetWeights)), None)


def back_at_home(*windows: Window, shifting: Shifting | None = None, b_has: int = 10) -> World:
    """Home fell, has been well for longer than its hold, and everybody is still at b."""
    healthy = BELL - HOLD - MINUTE
    fallen = SiteMemory(
        site=SiteName("a"), verdict=Verdict.HEALTHY, since=healthy, healthy_since=healthy, fell_at=healthy - MINUTE
    )
    world = a_world(
        ents=[an_ent(shifting=shifting or Shifting())],
        weights=AT_B,
        counts={("nord", "b"): b_has},
        demand={("nord", "a"): 0.0, ("nord", "b"): 20.0},
        windows=windows,
    )
    return replace(world, memory=replace(world.memory, sites=(fallen,)))


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ((), None),
        ((BLOCKED,), Reason.BLOCKED_WINDOW),
        ((PEAK,), Reason.SCHOOL_PEAK),
        ((LESSONS, LATER_BELL), None),
        ((LESSONS, LATER_BELL, BLOCKED), Reason.BLOCKED_WINDOW),
        ((replace(BLOCKED, ent=key("sud")),), None),
    ],
)
def test_nothing_goes_back_in_a_peak_or_where_somebody_said_so(
    windows: tuple[Window, ...], expected: Reason | None
) -> None:
    """The way back can wait; the lessons after a bell are no peak, and another ENT's windows are its own."""
    found = plan(back_at_home(*windows), BELL)
    assert held_for(found) is expected
    assert answered(found) == (None if expected else {"a": 10, "b": 90})


def test_who_stands_in_with_too_much_is_relieved_in_a_peak() -> None:
    """Beyond 85 % of Ready the users suffer now, and the hour is no reason to let them."""
    assert answered(plan(back_at_home(PEAK, BLOCKED, b_has=4), BELL)) is not None


@pytest.mark.parametrize("windows", [(BLOCKED,), (PEAK,)])
def test_a_dead_site_is_left_at_any_hour(windows: tuple[Window, ...]) -> None:
    """No rule holds an evacuation: neither the hour, nor the least number of sites."""
    world = a_world(
        ents=[an_ent(shifting=Shifting(min_sites=2))],
        weights={("nord", "a"): 50, ("nord", "b"): 50},
        windows=windows,
        rounds=rounds(BELL, "ab", api={"a": DEAD}, public={"a": DEAD}),
    )
    assert answered(plan(world, BELL)) == {"a": 0, "b": 100}


@pytest.mark.parametrize(("least", "expected"), [(1, {"a": 0, "b": 100}), (2, None)])
def test_a_drain_leaves_as_many_sites_as_must_answer(least: int, expected: dict[str, int] | None) -> None:
    """The last step that would make them fewer is held and says so."""
    drain = Order(until=BELL + timedelta(hours=1), reason="power", by="ops")
    world = a_world(
        ents=[an_ent(shifting=Shifting(min_sites=least))],
        sites=[replace(a_site("a"), drain=drain), a_site("b")],
        weights={("nord", "a"): 5, ("nord", "b"): 95},
    )
    found = plan(world, BELL)
    assert answered(found) == expected
    assert held_for(found) is (Reason.MIN_SITES if expected is None else None)


def test_fewer_sites_than_there_should_be_stop_no_move_that_makes_them_more() -> None:
    """A rule that is already broken does not freeze the traffic."""
    found = plan(back_at_home(shifting=Shifting(min_sites=2)), BELL)
    assert answered(found) == {"a": 10, "b": 90}


def test_moves_of_an_ent_in_dry_run_are_said_and_not_made() -> None:
    """Capacity goes on being provided; only traffic stays."""
    found = plan(back_at_home(shifting=Shifting(dry_run=True), b_has=4), BELL)
    assert (answered(found), held_for(found)) == (None, Reason.DRY_RUN)
    assert [action.replicas for action in found.actions if isinstance(action, SetReplicas)] == [6]


@pytest.mark.parametrize(("minutes", "expected"), [(2, {"b": 27}), (30, {"a": 1, "b": 6})])
def test_a_drained_site_keeps_what_a_bell_needs_until_the_others_have_grown(
    minutes: int, expected: dict[str, int]
) -> None:
    """Its users have left, and its replicas are still the bell's; without a bell it shrinks to its least."""
    drain = Order(until=BELL + timedelta(hours=1), reason="power", by="ops")
    world = a_world(
        sites=[replace(a_site("a"), drain=drain), a_site("b")],
        weights=AT_B,
        demand={("nord", "a"): 0.0, ("nord", "b"): 20.0},
        windows=(a_window(key(), BELL + minutes * MINUTE, 30, 105.0 if minutes > 2 else 100.0),),
    )
    found = plan(world, BELL)
    assert violations(world, found, BELL) == ()
    assert {a.site: a.replicas for a in found.actions if isinstance(a, SetReplicas)} == expected


def drained_until(ended: datetime) -> World:
    """Home was drained, and everybody is still at b."""
    order = Order(until=ended, reason="power", by="ops", given_at=ended - timedelta(hours=1))
    return a_world(
        sites=[replace(a_site("a"), drain=order), a_site("b")],
        weights=AT_B,
        demand={("nord", "a"): 0.0, ("nord", "b"): 20.0},
    )


@pytest.mark.parametrize(
    ("ended_ago", "expected"),
    [
        (timedelta(0), None),
        (HOLD - MINUTE, None),
        (HOLD, {"a": 10, "b": 90}),
        (CAME_BACK_LATELY, {"a": 10, "b": 90}),
    ],
)
def test_the_end_of_a_drain_permits_the_way_back_and_does_not_order_it(
    ended_ago: timedelta, expected: dict[str, int] | None
) -> None:
    """It waits for the hold, then goes by steps."""
    assert answered(plan(drained_until(BELL - ended_ago), BELL)) == expected


def test_the_way_back_from_a_drain_is_a_fail_back() -> None:
    """So it waits for peaks and blocked windows like any other."""
    world = replace(drained_until(BELL - HOLD), windows=(PEAK,))
    assert held_for(plan(world, BELL)) is Reason.SCHOOL_PEAK


def test_the_next_look_is_when_the_hold_after_a_drain_ends() -> None:
    """Nobody waits for a cycle longer than needed."""
    ended = BELL - HOLD + timedelta(seconds=2)
    assert plan(drained_until(ended), BELL).next_look_at == ended + HOLD
