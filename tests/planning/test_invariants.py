"""Every invariant can fail: a plan made by hand that breaks one rule is caught by that rule and no other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.fleet import DataMode, Order
from controller.domain.memory import EntMemory, Latch, Memory, Move, MoveKind, Samples
from controller.domain.names import ActionId, SiteName
from controller.domain.plan import (
    Action,
    Because,
    Plan,
    SetAdmission,
    SetDnsTargets,
    SetFloor,
    SetReplicas,
    SetWeights,
    SiteWeight,
)
from controller.domain.reasons import Reason
from controller.domain.world import Orders, World
from controller.planning.invariants import violations, withhold_unsafe
from tests.builders import BELL, DEAD, EDGE, WORKLOAD, a_placement, a_site, a_window, a_world, an_ent, key, rounds

BECAUSE = Because(reason=Reason.MINIMUM, text="made by hand")
ORDER = Order(until=BELL + timedelta(minutes=5), reason="exams", by="ops")


def to(site: str, count: int, was: int = 10) -> SetReplicas:
    """Set the replicas of the ENT at a site."""
    return SetReplicas(
        id=ActionId(f"replicas:{site}"),
        ent=key(),
        site=SiteName(site),
        target=WORKLOAD,
        was=was,
        replicas=count,
        because=BECAUSE,
    )


def floor_to(site: str, count: int) -> SetFloor:
    """Set only the floor."""
    write = to(site, count)
    return SetFloor(
        id=write.id, ent=write.ent, site=write.site, target=WORKLOAD, was=10, replicas=count, because=BECAUSE
    )


def weights(before: tuple[int, int], after: tuple[int, int], kind: MoveKind = MoveKind.BALANCE) -> SetWeights:
    """Move weights between `a` and `b`."""

    def both(of: tuple[int, int]) -> tuple[SiteWeight, ...]:
        return tuple(SiteWeight(site=SiteName(s), weight=w) for s, w in zip("ab", of, strict=True))

    return SetWeights(
        id=ActionId("weights"),
        ent=key(),
        edge=EDGE,
        was=both(before),
        weights=both(after),
        kind=kind,
        because=BECAUSE,
    )


def answers(*sites: str) -> SetDnsTargets:
    """Answer with these sites."""
    targets = tuple(map(SiteName, sites))
    return SetDnsTargets(
        id=ActionId("dns"), ent=key(), edge=EDGE, was=(SiteName("a"),), targets=targets, because=BECAUSE
    )


def cap(count: int, was: int = 50) -> SetAdmission:
    """Cap what is done at once at `a`."""
    return SetAdmission(
        id=ActionId("cap"), ent=key(), edge=EDGE, site=SiteName("a"), was=was, max_concurrent=count, because=BECAUSE
    )


def a_plan(*actions: Action, moves: tuple[Move, ...] = ()) -> Plan:
    """A plan of these actions alone."""
    memory = Memory(ents=(EntMemory(ent=key(), moves=moves),))
    return Plan(actions=actions, memory=memory, next_look_at=BELL + timedelta(seconds=5))


def latched(replicas: int) -> World:
    """A floor is in force at `a`."""
    latch = Latch(site=SiteName("a"), replicas=replicas, until=BELL + timedelta(minutes=9), source="a bell")
    samples = Samples(complete_since=BELL - timedelta(hours=1))
    return a_world(memory=Memory(ents=(EntMemory(ent=key(), latches=(latch,)),), samples=samples))


def without_data_at_b() -> World:
    """`b` may serve readers once its data is ready, and nobody has ever said so."""
    at = (a_placement("a", home=True), replace(a_placement("b"), data_mode=DataMode.READ_ONLY))
    return a_world(ents=[an_ent(placements=at)])


def turned(at: int, before: int, after: int) -> Move:
    """A move of `b`, so many minutes ago."""
    return Move(
        edge=EDGE,
        site=SiteName("b"),
        before_percent=before,
        after_percent=after,
        at=BELL - timedelta(minutes=at),
        kind=MoveKind.BALANCE,
    )


TO_AND_FRO = (turned(20, 0, 50), turned(10, 50, 0), turned(5, 0, 50), turned(0, 50, 0))
BELL_COMING = (a_window(key(), BELL + timedelta(minutes=2), 60, 95.0),)

BROKEN: dict[str, tuple[World, Plan, set[str]]] = {
    "more than the destination can carry": (
        a_world(counts={("nord", "b"): 2}),
        a_plan(weights((100, 0), (0, 100))),
        {"destination"},
    ),
    "data that cannot serve": (without_data_at_b(), a_plan(weights((100, 0), (50, 50))), {"data"}),
    "nobody with weight": (a_world(), a_plan(weights((100, 0), (0, 0))), {"answered"}),
    "an empty answer": (a_world(), a_plan(answers()), {"answered"}),
    "an unready destination": (
        a_world(counts={("nord", "b"): 0}, demand={("nord", "a"): 0.0}),
        a_plan(weights((100, 0), (50, 50))),
        {"unready"},
    ),
    "shrinking without a reading": (a_world(demand={("nord", "a"): None}), a_plan(to("b", 6)), {"fresh"}),
    "shrinking at a site that is not well": (
        a_world(rounds=rounds(BELL, "ab", api={"b": DEAD})),
        a_plan(floor_to("b", 6)),
        {"fresh"},
    ),
    "below the floor in force": (latched(9), a_plan(to("a", 8)), {"floor"}),
    "below the minimum": (a_world(), a_plan(to("b", 0)), {"floor"}),
    "above the maximum": (a_world(), a_plan(to("b", 101)), {"max"}),
    "a source that shrinks before its traffic has left": (a_world(), a_plan(to("a", 3)), {"drained"}),
    "a destination that shrinks below what is on its way": (
        a_world(),
        a_plan(weights((100, 0), (0, 100)), to("b", 3)),
        {"drained"},
    ),
    "to and fro": (a_world(), a_plan(weights((50, 50), (100, 0)), moves=TO_AND_FRO), {"flap"}),
    "moving under a freeze": (
        a_world(orders=Orders(freeze=ORDER)),
        a_plan(weights((100, 0), (50, 50))),
        {"freeze"},
    ),
    "a lower cap under a freeze": (a_world(orders=Orders(freeze=ORDER)), a_plan(cap(40)), {"freeze"}),
    "growing under a pause": (a_world(orders=Orders(pause=ORDER)), a_plan(to("a", 20)), {"pause"}),
    "acting for a paused ENT": (a_world(ents=[an_ent(pause=ORDER)]), a_plan(cap(60)), {"pause"}),
    "taking away what a bell needs": (a_world(windows=BELL_COMING), a_plan(to("b", 8)), {"bell"}),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_named(case: str) -> None:
    """The rule that is broken says so, and no other does."""
    world, plan, rules = BROKEN[case]
    assert {found.rule for found in violations(world, plan, BELL)} == rules


SAID: dict[str, list[tuple[str, str, str]]] = {
    "more than the destination can carry": [("destination", "weights", "b would carry 19.8/s with room for 8.5/s")],
    "data that cannot serve": [("data", "weights", "the data at b cannot serve")],
    "nobody with weight": [("answered", "weights", "no site would be left with traffic")],
    "an empty answer": [("answered", "dns", "the answer set would be empty")],
    "an unready destination": [("unready", "weights", "no replica is Ready at b")],
    "shrinking without a reading": [("fresh", "replicas:b", "no fresh reading at a")],
    "shrinking at a site that is not well": [("fresh", "replicas:b", "b is Unknown")],
    "below the floor in force": [("floor", "replicas:a", "8 is below the floor 9 in force")],
    "below the minimum": [("floor", "replicas:b", "0 is below the floor 1 in force")],
    "above the maximum": [("max", "replicas:b", "101 is above the max of the placement")],
    "a source that shrinks before its traffic has left": [
        ("drained", "replicas:a", "20.0/s are still sent to a; 3 replicas carry 12.8/s")
    ],
    "a destination that shrinks below what is on its way": [
        ("drained", "replicas:b", "20.0/s are still sent to b; 3 replicas carry 12.8/s")
    ],
    "to and fro": [("flap", "weights", "the weight of b would turn round again")],
    "moving under a freeze": [("freeze", "weights", "a freeze is in force")],
    "a lower cap under a freeze": [("freeze", "cap", "a freeze is in force")],
    "growing under a pause": [("pause", "replicas:a", "a pause is in force")],
    "acting for a paused ENT": [("pause", "cap", "a pause is in force")],
    "taking away what a bell needs": [("bell", "replicas:b", "90.0/s would be left for a bell of 95.0/s")],
}
"""Rule, action and sentence of each: what people read when the gate closes."""


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_says_where_and_what(case: str) -> None:
    """Which action, and the figures that forbid it."""
    world, plan, _ = BROKEN[case]
    assert [(found.rule, found.action, found.text) for found in violations(world, plan, BELL)] == SAID[case]


@pytest.mark.parametrize("case", BROKEN)
def test_what_breaks_a_rule_is_withheld_and_not_remembered(case: str) -> None:
    """The gate takes the unsafe actions out, with the rule's name; what is left breaks nothing."""
    world, plan, _ = BROKEN[case]
    found = violations(world, plan, BELL)
    safe = withhold_unsafe(plan, found, world)
    unsafe = {violation.action for violation in found}
    assert {action.id for action in safe.actions} == {action.id for action in plan.actions} - unsafe
    assert {held.because.reason for held in safe.withheld} == {Reason.INVARIANT}
    assert all(violation.rule in held.because.text for violation in found[:1] for held in safe.withheld[:1])
    before = {memory.ent: memory for memory in world.memory.ents}.get(key(), EntMemory(ent=key()))
    assert safe.memory.ents == (before,)


ALLOWED: dict[str, Callable[[], tuple[World, Plan]]] = {
    "nothing": lambda: (a_world(), a_plan()),
    "85 % of Ready and no more": lambda: (a_world(counts={("nord", "b"): 5}), a_plan(weights((100, 0), (0, 100)))),
    "an evacuation beyond that": lambda: (
        a_world(counts={("nord", "b"): 2}),
        a_plan(weights((100, 0), (0, 100), MoveKind.EVACUATION)),
    ),
    "an evacuation under a freeze": lambda: (
        a_world(orders=Orders(freeze=ORDER)),
        a_plan(weights((100, 0), (0, 100), MoveKind.EVACUATION)),
    ),
    "growth under a freeze": lambda: (a_world(orders=Orders(freeze=ORDER)), a_plan(to("a", 20), cap(60))),
    "the floor itself": lambda: (latched(9), a_plan(to("a", 9))),
    "the maximum itself": lambda: (a_world(), a_plan(to("b", 100))),
    "one reversal": lambda: (a_world(), a_plan(weights((50, 50), (100, 0)), moves=TO_AND_FRO[-2:])),
    "what a bell leaves over": lambda: (a_world(windows=BELL_COMING), a_plan(to("b", 9))),
    "a site's quota instead of its floor": lambda: (
        replace(latched(9), sites=(a_site("a", quota=8), a_site("b"))),
        a_plan(to("a", 8)),
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_is_just_allowed_is_allowed(case: str) -> None:
    """A rule that forbids too much keeps capacity from users as surely as one that forbids too little."""
    world, plan = ALLOWED[case]()
    assert violations(world, plan, BELL) == ()
    assert withhold_unsafe(plan, (), world) is plan
