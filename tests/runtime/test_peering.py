"""Whose opinion counts, and what is said when sites plan from different policies."""

import random
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controller import __version__
from controller.domain.intents import Intent
from controller.domain.names import EdgeName, ObserverName, SiteName
from controller.domain.plan import ConditionStatus, ConditionType
from controller.domain.reasons import Reason
from controller.domain.report import Report
from controller.kube.client import Cluster
from controller.kube.informer import Surroundings
from controller.kube.kubeconfig import Credentials
from controller.observe.hearing import Peer, Told
from controller.observe.readings import Freshness
from controller.policy.declared import Declared
from controller.runtime.peering import HEARD_WITHIN_ROUNDS, Home, Peering, policies_agree
from controller.runtime.telemetry import Telemetry
from tests.builders import BELL, a_site, key
from tests.runtime.test_journal import Log

GRA, SBG = SiteName("gra"), SiteName("sbg")
NEWEST = 40
INTENT = Intent(ent=key(), edge=EdgeName("front"), weights=())


def a_peering() -> Peering:
    """Of the instance at gra, process `one`, whose last round was number 40."""
    declared = Declared(sites=(a_site("gra"), a_site("sbg")), ents=(), edges=(), school=(), freeze=None, problems=())
    policies = SimpleNamespace(generation=1, declared=declared, sites={GRA: None, SBG: None})
    home = Home(
        site=GRA,
        cluster=Cluster.connect(Credentials(server="http://127.0.0.1:1"), name="home"),
        witnesses=(),
        freshness=Freshness(),
        instance="one",
    )
    around = Surroundings(now=lambda: BELL, monotonic=lambda: 0.0, random=random.random)
    store = cast("Any", SimpleNamespace(policies=lambda: policies))
    found = Peering(home, around, store, Log().journal, Telemetry())
    found._sequence = lambda: NEWEST
    return found


def a_report(ours: str, **changes: object) -> Report:
    """What sbg tells: the same policies, a plan, and that it has just heard us."""
    report = Report(
        observer=ObserverName("sbg"),
        site=SBG,
        at=BELL,
        version=__version__,
        policies=ours,
        inputs="a plan",
        intents=(INTENT,),
        heard=((ObserverName("gra"), "one", NEWEST - 1),),
    )
    return replace(report, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "age", "counts"),
    [
        ({}, 1.0, True),
        ({"heard": ((ObserverName("gra"), "one", NEWEST - HEARD_WITHIN_ROUNDS),)}, 1.0, True),
        ({"heard": ((ObserverName("gra"), "one", NEWEST - HEARD_WITHIN_ROUNDS - 1),)}, 1.0, False),
        ({"heard": ((ObserverName("gra"), "before our restart", NEWEST - 1),)}, 1.0, False),
        ({"heard": ()}, 1.0, False),
        ({"policies": "others"}, 1.0, False),
        ({"policies": ""}, 1.0, False),
        ({"inputs": ""}, 1.0, False),
        ({"site": None}, 1.0, False),
        ({}, 8.0, False),
    ],
)
async def test_whose_opinion_counts(changes: dict[str, object], age: float, counts: bool) -> None:  # noqa: FBT001 - a row of the table
    """Of the same policies, with a plan, heard, and it has heard this very process lately."""
    peering = a_peering()
    told = Told(peers=(Peer(report=a_report(peering.policies, **changes), age_seconds=age),))
    found = list(peering._plans(told))
    assert [plan.site for plan in found] == ([SBG] if counts else [])
    assert [plan.intents for plan in found] == ([(INTENT,)] if counts else [])


async def test_policies_that_differ_are_a_condition_of_the_other_site() -> None:
    """With both digests, and what to do; of a site that has said nothing, nothing is said."""
    peering = a_peering()
    assert peering.conditions(Told()) == ()
    for theirs, status in ((peering.policies, ConditionStatus.TRUE), ("others", ConditionStatus.FALSE)):
        told = Told(peers=(Peer(report=a_report(theirs), age_seconds=1.0),))
        (condition,) = peering.conditions(told)
        assert (condition.of, condition.type, condition.status) == (SBG, ConditionType.POLICIES_AGREE, status)
    found = policies_agree(SBG, a_report("aa"), ours="bb")
    assert found.because.reason is Reason.POLICIES_DIFFER
    assert found.because.text == "sbg plans from policies aa, this site from bb: apply the same at both"


def test_two_versions_are_not_told_apart_by_digests() -> None:
    """During an upgrade the same policies may have two digests; equal ones are equal all the same."""
    older = a_report("aa", version="0.0.1")
    assert policies_agree(SBG, older, ours="bb").status is ConditionStatus.UNKNOWN
    assert policies_agree(SBG, older, ours="aa").status is ConditionStatus.TRUE


async def test_only_edges_that_stand_here_or_nowhere_else_are_ours() -> None:
    """The route in another cluster is written by the instance there."""
    peering = a_peering()
    edges = tuple(cast("Any", SimpleNamespace(place=place)) for place in (None, GRA, SBG))
    assert peering.edges_here(edges) == edges[:2]
