"""The explanation answers: why 84? It names the winner, the others, the cuts in their order, and the reserve."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given

from controller.domain.explanation import Cut, Explained, Explanation, Term
from controller.domain.fleet import Order
from controller.domain.memory import MoveKind
from controller.domain.names import ActionId, SiteName
from controller.domain.plan import (
    Action,
    Admission,
    Because,
    Condition,
    ConditionStatus,
    ConditionType,
    SetAdmission,
    SetDnsTargets,
    SetFloor,
    SetReplicas,
    SetWeights,
    SiteWeight,
    Withheld,
)
from controller.domain.reasons import Reason
from controller.domain.world import Orders, World
from controller.planning.explain import chain, describe, ents_of, explain, is_well, select, sites_of
from controller.planning.planner import plan
from tests.builders import BELL, DEAD, EDGE, WORKLOAD, a_site, a_window, a_world, an_ent, key, rounds
from tests.strategies import worlds

A, B = SiteName("a"), SiteName("b")
WHY = Because(reason=Reason.SCHEDULE, text="a bell")


def number(*terms: tuple[Reason, float, str], cuts: tuple[Cut, ...] = (), value: float = 84) -> Explained:
    """A number of replicas at site a."""
    found = tuple(Term(reason=reason, value=asked, detail=detail) for reason, asked, detail in terms)
    subject = "ents/nord at a"
    return Explained(subject=subject, quantity="replicas", value=value, unit="replicas", terms=found, cuts=cuts)


def test_why_84() -> None:
    """The winner first, then the others from large to small, then the cuts in their order, then the reserve."""
    told = chain(
        number(
            (Reason.MINIMUM, 2, "min of the placement"),
            (Reason.SCHEDULE, 60, "08:30 first bell; 225.0/s at 75% of 5/s per replica"),
            (Reason.RESERVE, 100, "if campus is lost: 375.0/s at 75% of 5/s per replica; 08:30 first bell"),
            cuts=(
                Cut(reason=Reason.AT_MAX, before=100, after=90, detail="max of the placement at a"),
                Cut(reason=Reason.QUOTA, before=90, after=84, detail="quota of the site"),
            ),
        )
    )
    assert told == [
        "replicas at a = 84 replicas",
        "  won  100 replicas  Reserve: if campus is lost: 375.0/s at 75% of 5/s per replica; 08:30 first bell",
        "  also 60 replicas  Schedule: 08:30 first bell; 225.0/s at 75% of 5/s per replica",
        "  also 2 replicas  Minimum: min of the placement",
        "  cut  100 → 90 replicas  AtMax: max of the placement at a",
        "  cut  90 → 84 replicas  Quota: quota of the site",
        "  of these reserve: if campus is lost it takes 100 replicas, 40 beyond the normal case of 60",
    ]


def test_a_number_that_is_kept_up_is_not_called_cut() -> None:
    """A floor or a doubt raises what the terms asked for."""
    cut = Cut(reason=Reason.EVIDENCE_NOT_FRESH, before=1, after=40, detail="requests at a is missing (Empty)")
    told = chain(number((Reason.MINIMUM, 1, "min of the placement"), cuts=(cut,), value=40))
    assert "  kept 1 → 40 replicas  EvidenceNotFresh: requests at a is missing (Empty)" in told
    assert "  won  1 replica  Minimum: min of the placement" in told


def test_no_reserve_is_said_too() -> None:
    """A loss that asks for no more than the normal case costs nothing."""
    told = chain(number((Reason.SCHEDULE, 84, "bell"), (Reason.RESERVE, 60, "if site:b is lost: 225.0/s; bell")))
    assert (
        told[-1] == "  none of these are reserve: if site:b is lost 60 replicas are enough, the normal case asks for 84"
    )


def test_a_number_without_terms_is_told_all_the_same() -> None:
    """Nothing asked for anything."""
    assert chain(replace(number(value=0), subject="ents/nord", quantity="demand", unit="per second")) == [
        "demand = 0.0 per second"
    ]


ACTIONS: list[tuple[Action, str, set[str]]] = [
    (
        SetReplicas(id=ActionId("1"), ent=key(), site=A, target=WORKLOAD, was=1, replicas=2, because=WHY),
        "replicas of ents/nord at a 1 → 2",
        {"a"},
    ),
    (
        SetFloor(id=ActionId("1"), ent=key(), site=A, target=WORKLOAD, was=1, replicas=2, because=WHY),
        "floor of ents/nord at a 1 → 2",
        {"a"},
    ),
    (
        SetWeights(
            id=ActionId("1"),
            ent=key(),
            edge=EDGE,
            was=(SiteWeight(site=A, weight=100), SiteWeight(site=SiteName("c"), weight=0)),
            weights=(
                SiteWeight(site=A, weight=90),
                SiteWeight(site=B, weight=10),
                SiteWeight(site=SiteName("c"), weight=0),
            ),
            kind=MoveKind.FAILOVER,
            because=WHY,
        ),
        "weights of ents/nord at front → a 90 %, b 10 %, c 0 %",
        {"a", "b"},
    ),
    (
        SetDnsTargets(id=ActionId("1"), ent=key(), edge=EDGE, was=(A,), targets=(A, B), because=WHY),
        "answers for ents/nord at front → a, b",
        {"a", "b"},
    ),
    (
        SetAdmission(id=ActionId("1"), ent=key(), edge=EDGE, site=A, was=None, max_concurrent=9, because=WHY),
        "cap of ents/nord at a none → 9 at once",
        {"a"},
    ),
]


@pytest.mark.parametrize(("action", "said", "sites"), ACTIONS, ids=lambda value: type(value).__name__)
def test_every_action_is_described_and_known_by_its_sites(action: Action, said: str, sites: set[str]) -> None:
    """A site where nothing changes is not touched."""
    assert describe(action) == said
    assert sites_of(action) == sites


def test_what_is_not_as_it_should_be_is_told_once() -> None:
    """Three conditions with one cause are one line; what is well is silence, also of sites."""
    bad = Because(reason=Reason.WAITING_FOR_READY, text="a has 10 of 40")
    well = Because(reason=Reason.ALL_WELL, text="well")
    told = explain(
        replace(
            plan(a_world(), BELL),
            actions=(),
            withheld=(),
            explanation=Explanation(),
            admission=(),
            conditions=(
                Condition(of=B, type=ConditionType.READY, status=ConditionStatus.UNKNOWN, because=bad),
                Condition(of=key(), type=ConditionType.READY, status=ConditionStatus.FALSE, because=bad),
                Condition(of=key(), type=ConditionType.PRESCALED, status=ConditionStatus.FALSE, because=bad),
                Condition(of=key(), type=ConditionType.FROZEN, status=ConditionStatus.FALSE, because=well),
                Condition(of=key(), type=ConditionType.METRICS_AVAILABLE, status=ConditionStatus.TRUE, because=well),
            ),
        )
    )
    assert told.splitlines()[:3] == [
        "site b: Ready is Unknown [WaitingForReady]: a has 10 of 40",
        "ents/nord",
        "  Ready, Prescaled are False [WaitingForReady]: a has 10 of 40",
    ]
    assert "nothing is to be done" in told
    assert told.endswith("look again at 2026-09-01 07:00:05Z, or when a verdict changes")


@pytest.mark.parametrize("kind", ConditionType)
def test_each_condition_is_well_in_one_way(kind: ConditionType) -> None:
    """Some tell that all is as it should be, some that something is unusual; Unknown is never well."""
    of_status = {status: is_well(Condition(of=A, type=kind, status=status, because=WHY)) for status in ConditionStatus}
    assert sum(of_status.values()) == 1
    assert not of_status[ConditionStatus.UNKNOWN]


def test_admission_says_what_is_left_outside() -> None:
    """A share, and the figures behind it."""
    some = Admission(ent=key(), demand_per_second=100.0, served_per_second=70.0, admit_permille=700)
    told = explain(replace(plan(a_world(), BELL), admission=(some,)))
    assert "admits   70.0 %: 100.0 per second wanted, 70.0 per second can be carried" in told


def test_what_is_withheld_and_what_waits_is_told_with_its_reason() -> None:
    """Also what an action waits for."""
    freeze = Order(until=BELL + timedelta(hours=1), reason="exams", by="rectorate")
    world = a_world(orders=Orders(freeze=freeze), windows=(a_window(key(), BELL, 60, 150.0),))
    told = explain(plan(world, BELL))
    assert "withheld " in told
    assert "[Frozen]: frozen until 2026-09-01 08:00Z by rectorate: exams" in told
    action = ACTIONS[0][0]
    waiting = replace(plan(world, BELL), actions=(replace(action, after=(ActionId("weights:x"),)),))
    assert "a bell (waits for weights:x)" in explain(waiting)


def test_selecting_keeps_what_concerns_all_sites() -> None:
    """Of one site: its numbers and those of the whole ENT, the actions that touch it, its verdict."""
    ents = [an_ent("nord", sites=("a", "b", "c")), an_ent("sud", sites=("b", "c"))]
    dead = rounds(BELL, "abc", api={"a": DEAD}, public={"a": DEAD})
    world = a_world(ents=ents, sites=[a_site(name) for name in "abc"], rounds=dead)
    whole = plan(world, BELL)
    assert ents_of(whole) == ("ents/nord", "ents/sud")
    one = select(whole, ent="ents/nord")
    assert ents_of(one) == ("ents/nord",)
    assert {n.subject for n in one.explanation} == {"ents/nord", *(f"ents/nord at {s}" for s in "abc")}
    here = select(whole, ent="ents/nord", site="b")
    assert {n.subject for n in here.explanation} == {"ents/nord", "ents/nord at b"}
    assert all("b" in sites_of(action) for action in here.actions)
    assert {str(c.of) for c in here.conditions} == {"ents/nord", "b"}
    assert select(whole) == whole


@given(worlds())
def test_everything_of_a_plan_is_in_its_text(world: World) -> None:
    """No action, no reason not to act and no number is left out, whatever the world."""
    found = plan(world, BELL)
    told = explain(found)
    for action in (*found.actions, *(held.action for held in found.withheld)):
        assert describe(action) in told
    for held in found.withheld:
        assert f"[{held.because.reason}]: {held.because.text}" in told
    for each in found.explanation:
        assert all(line in told for line in chain(each))


def test_a_withheld_action_says_both_what_and_why() -> None:
    """The reason of the guard, not that of the action."""
    held = Withheld(action=ACTIONS[0][0], because=Because(reason=Reason.PAUSED, text="paused"))
    told = explain(replace(plan(a_world(), BELL), actions=(), withheld=(held,)))
    assert "withheld replicas of ents/nord at a 1 → 2 [Paused]: paused" in told
