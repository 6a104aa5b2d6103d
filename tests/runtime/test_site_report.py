"""What an instance says of itself."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.fleet import Order
from controller.domain.names import EdgeName, ObserverName, SiteName
from controller.domain.plan import Because, Plan, SetWeights, Withheld
from controller.domain.reasons import Reason
from controller.domain.world import Route, World
from controller.planning.planner import plan
from controller.policy.declared import Declared
from controller.policy.report import SiteReportStatus
from controller.runtime.site_report import Reporter, digest_of_policies, report_of, report_status
from tests.builders import BELL, DEAD, HUNG, a_reading, a_site, a_world, an_ent, key, replicas, rounds

A = SiteName("a")
WHO = Reporter(observer=ObserverName("a"), site=A, instance="one_ab", version="1.2.3")
ENT = an_ent()


def declared(**changes: object) -> Declared:
    """A fleet of two sites and one ENT."""
    found = Declared(sites=(a_site("a"), a_site("b")), ents=(ENT,), edges=(), school=(), freeze=None, problems=())
    return replace(found, **changes)  # type: ignore[arg-type]


def test_the_digest_tells_policies_apart_and_not_orders() -> None:
    """The same everywhere for the same policies, whatever was ordered at one site; another for any other policy."""
    usual = digest_of_policies(declared())
    assert usual == digest_of_policies(declared())
    order = Order(until=BELL, reason="works", by="me")
    drained = (replace(a_site("a"), drain=order), a_site("b"))
    assert digest_of_policies(declared(sites=drained, ents=(replace(ENT, pause=order),), freeze=order)) == usual
    for other in (
        declared(sites=(a_site("a"),)),
        declared(ents=(an_ent(priority=3),)),
        declared(ents=(an_ent(home="b"),)),
    ):
        assert digest_of_policies(other) != usual


def at_a(**changes: object) -> World:
    """The world of the instance at a."""
    edges = (EdgeName("front"),)
    world = a_world(ents=(an_ent(edges=edges),))
    mine = replace(world, self_site=A, writable_sites=frozenset({A}))
    return replace(mine, **changes)  # type: ignore[arg-type]


def test_a_report_speaks_for_its_own_site_alone() -> None:
    """Readings, replicas and edges of others are theirs to tell."""
    world = at_a(
        readings=tuple(a_reading(key(), site, 3.0, BELL) for site in "ab"),
        replicas=tuple(replicas(key(), site, 3, BELL) for site in "ab"),
    )
    report = report_of(WHO, rounds(BELL, "ab"), BELL, world=world, plan=plan(world, BELL), policies="aa")
    assert {each.site for each in report.readings} == {A}
    assert {each.site for each in report.replicas} == {A}
    assert report.routes == (), "the edge stands nowhere in particular"
    assert len(report.rounds) == 5
    status = report_status(report, world=world)
    assert status["ents"] == [
        {
            "ent": "ents/nord",
            "demandPerSecond": 3,
            "readyReplicas": 3,
            "wantedReplicas": 3,
            "readyCapacityPerSecond": 15,
        }
    ]


def test_the_status_is_of_the_schema() -> None:
    """Every field that is written is one that the API server knows."""
    world = at_a()
    report = report_of(WHO, rounds(BELL, "ab", public={"b": HUNG}), BELL, world=world, plan=plan(world, BELL))
    sick = Because(reason=Reason.NO_PODS_READY, text="x" * 900)
    status = report_status(report, world=world, memory=plan(world, BELL).memory, sick=sick)
    assert SiteReportStatus.model_validate_json(json.dumps(status)).instance == "one_ab"
    seen = {each["site"]: each for each in status["sites"]}
    assert seen["b"]["paths"][1] == {"path": "public", "result": "TimedOut", "milliseconds": 1000}


@pytest.mark.parametrize(("references", "abstains"), [((), True), ((DEAD, DEAD), True), ((DEAD, HUNG, DEAD), True)])
def test_who_is_cut_off_says_so(references: tuple[object, ...], abstains: bool) -> None:  # noqa: FBT001 - a row of the table
    """Fewer than three references, or fewer than half of them answering."""
    seen = rounds(BELL, "ab", references=references)  # type: ignore[arg-type]
    status = report_status(report_of(WHO, seen, BELL))
    assert status["abstains"] is abstains
    assert not report_status(report_of(WHO, rounds(BELL, "ab"), BELL))["abstains"]


def test_what_is_expected_of_peers_is_an_intent_and_what_waits_is_undecided() -> None:
    """A peer bounds its own step by the first, and learns from the second that we have no opinion."""
    world = at_a(routes=(Route(ent=key(), edge=EdgeName("front"), site=SiteName("b"), weight=100),))
    decided = plan(world, BELL)
    (move,) = [each for each in decided.actions if isinstance(each, SetWeights)]
    for reason, intents, undecided in ((Reason.NOT_WRITABLE_HERE, 1, 0), (Reason.STEP_INTERVAL, 0, 1)):
        held = Withheld(action=move, because=Because(reason=reason, text=""))
        report = report_of(WHO, rounds(BELL, "ab"), BELL, world=world, plan=_holding(decided, held))
        assert (len(report.intents), len(report.undecided)) == (intents, undecided)
    assert len(report_of(WHO, rounds(BELL, "ab"), BELL, world=world, plan=decided).intents) == 1


def _holding(decided: Plan, held: Withheld) -> Plan:
    return replace(decided, actions=(), withheld=(held,), next_look_at=BELL + timedelta(seconds=5))
