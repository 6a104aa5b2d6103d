"""Errors that follow the users are no site's: the step is taken back once, none follows, and the label says so."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.memory import EntMemory, Memory, Move, MoveKind, SiteMemory, Verdict
from controller.domain.names import SiteName
from controller.domain.plan import ConditionStatus, ConditionType, Plan, SetWeights
from controller.domain.reasons import Reason
from controller.domain.world import Route, World
from controller.planning.invariants import violations
from controller.planning.planner import plan
from tests.builders import BELL, DEAD, EDGE, a_reading, a_site, an_ent, key, replicas, rounds

A, B, C = SiteName("a"), SiteName("b"), SiteName("c")
STEP_AGO = timedelta(seconds=30)


def a_move(
    site: SiteName, before: int, after: int, ago: timedelta = STEP_AGO, kind: MoveKind = MoveKind.FAILOVER
) -> Move:
    """A step as it is remembered."""
    return Move(edge=EDGE, site=site, before_percent=before, after_percent=after, at=BELL - ago, kind=kind)


AWAY = (a_move(A, 100, 90), a_move(B, 0, 10))
BACK = tuple(
    replace(a_move(s, b, a, timedelta(seconds=60 - 45)), kind=MoveKind.BALANCE)
    for s, b, a in ((A, 90, 100), (B, 10, 0))
)


def a_world(
    errors: Mapping[str, float | None], moves: tuple[Move, ...] = AWAY, weights: Mapping[str, int] | None = None
) -> World:
    """Site a has been Degraded for a minute and a first step went to b; these are the ratios of errors now."""
    ent = an_ent(sites="abc")
    since = BELL - timedelta(minutes=1)
    memory = Memory(
        sites=(
            SiteMemory(site=A, verdict=Verdict.DEGRADED, since=since, fell_at=since),
            *(SiteMemory(site=s, verdict=Verdict.HEALTHY, since=since, healthy_since=since) for s in (B, C)),
        ),
        ents=(EntMemory(ent=ent.key, moves=moves),),
    )
    split = weights or {"a": 90, "b": 10, "c": 0}
    return World(
        sites=tuple(map(a_site, "abc")),
        ents=(ent,),
        rounds=rounds(BELL, "abc"),
        readings=(
            *(a_reading(ent.key, site, 30.0 * w / 100, BELL) for site, w in split.items()),
            *(a_reading(ent.key, site, ratio, BELL, "errors") for site, ratio in errors.items()),
        ),
        replicas=tuple(replicas(ent.key, site, 20, BELL) for site in "abc"),
        routes=tuple(Route(ent=ent.key, edge=EDGE, site=SiteName(s), weight=w) for s, w in split.items()),
        memory=memory,
    )


def decided(world: World) -> Plan:
    """Plan, and demand that no invariant is broken."""
    found = plan(world, BELL)
    assert violations(world, found, BELL) == ()
    return found


def weights(found: Plan) -> dict[str, int] | None:
    """The weights that are written; None: none."""
    return next(({str(w.site): w.weight for w in a.weights} for a in found.actions if isinstance(a, SetWeights)), None)


def label(found: Plan) -> Reason | None:
    """The reason of `BottleneckElsewhere`, while it is True."""
    of = {c.type: c for c in found.conditions if c.of == key()}[ConditionType.BOTTLENECK_ELSEWHERE]
    return of.because.reason if of.status is ConditionStatus.TRUE else None


def test_the_step_is_taken_back_and_the_label_says_why() -> None:
    """The destination fails in proportion, the source as before."""
    found = decided(a_world({"a": 0.2, "b": 0.15, "c": 0.0}))
    assert weights(found) == {"a": 100, "b": 0, "c": 0}
    assert label(found) is Reason.ERRORS_FOLLOW_USERS
    (action,) = (a for a in found.actions if isinstance(a, SetWeights))
    assert action.kind is MoveKind.BALANCE
    assert action.because.reason is Reason.ERRORS_FOLLOW_USERS


def test_a_step_is_not_taken_back_to_a_site_that_could_not_carry_it() -> None:
    """More users have come since: the label stays, the step waits for Ready replicas."""
    world = a_world({"a": 0.2, "b": 0.15, "c": 0.0})
    few = tuple(replace(state, wanted=5, ready=5) if state.site == A else state for state in world.replicas)
    found = decided(replace(world, replicas=few))
    assert weights(found) is None
    (held,) = (h for h in found.withheld if isinstance(h.action, SetWeights))
    assert (held.because.reason, "a would carry 30.0/s" in held.because.text) == (Reason.READY_CAPACITY, True)
    assert label(found) is Reason.ERRORS_FOLLOW_USERS


@pytest.mark.parametrize(
    "errors",
    [
        {"a": 0.2, "b": 0.0, "c": 0.0},
        {"a": 0.2, "b": 0.05, "c": 0.0},
        {"a": 0.2, "b": None, "c": 0.0},
    ],
    ids=["destination well", "out of proportion", "destination not measured"],
)
def test_a_sick_site_whose_errors_stay_is_left(errors: Mapping[str, float | None]) -> None:
    """No label; what is not known accuses nobody."""
    found = decided(a_world(errors))
    assert label(found) is None
    moved = weights(found)
    assert moved is None or moved["a"] <= 90


@pytest.mark.parametrize(("ago", "judged"), [(10, False), (30, True), (240, True), (360, False)])
def test_the_step_is_judged_when_rates_speak_of_it_and_not_for_ever(ago: int, judged: bool) -> None:  # noqa: FBT001 - a row of the table
    """Too early a rate tells of before; much later the destination has reasons of its own."""
    moves = tuple(replace(move, at=BELL - timedelta(seconds=ago)) for move in AWAY)
    assert (label(decided(a_world({"a": 0.2, "b": 0.15, "c": 0.0}, moves))) is not None) is judged


def test_a_destination_that_was_ill_before_proves_nothing() -> None:
    """It was sick when the users came, so they did not bring it."""
    world = a_world({"a": 0.2, "b": 0.15, "c": 0.0})
    before = BELL - timedelta(seconds=50)
    ill = SiteMemory(site=B, verdict=Verdict.DEGRADED, since=before, fell_at=before)
    sites = tuple(ill if each.site == B else each for each in world.memory.sites)
    assert label(decided(replace(world, memory=replace(world.memory, sites=sites)))) is None


def test_once_taken_back_no_step_follows_while_the_source_fails() -> None:
    """Otherwise the planner would try again with every cycle; when the source is well the matter is over."""
    world = a_world({"a": 0.2, "b": 0.0, "c": 0.0}, (*AWAY, *BACK), {"a": 100, "b": 0, "c": 0})
    found = decided(world)
    assert weights(found) is None
    assert label(found) is Reason.ERRORS_FOLLOW_USERS
    assert label(decided(a_world({"a": 0.0, "b": 0.0, "c": 0.0}, (*AWAY, *BACK), {"a": 100, "b": 0, "c": 0}))) is None


def test_a_dead_site_is_left_whatever_the_errors_say() -> None:
    """Evacuation is never held."""
    world = a_world({"a": 0.2, "b": 0.15, "c": 0.0})
    dead = rounds(BELL, "abc", api={"a": DEAD}, public={"a": DEAD})
    moved = weights(decided(replace(world, rounds=dead)))
    assert moved is not None
    assert moved["a"] == 0
