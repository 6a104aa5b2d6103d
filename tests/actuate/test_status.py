"""What stands in status, and what makes it be written again."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.actuate.status import Before, conditions, decided_routes, ent_status, site_status
from controller.actuate.status_writer import weighty
from controller.domain.memory import EntMemory, Memory, MoveKind, SiteMemory, Verdict
from controller.domain.names import ActionId, EdgeName, SiteName
from controller.domain.plan import Because, Condition, ConditionStatus, ConditionType, Plan, SetAdmission, SetWeights
from controller.domain.reasons import Reason
from controller.domain.world import ReplicaState, Route, World
from tests.actuate.test_haproxy_board import weights
from tests.builders import BELL, EDGE, an_ent, key

AT_ONCE, LATER = "at once", "later"
BEFORE = Before(generation=4, conditions=())


def a_condition(status: ConditionStatus = ConditionStatus.TRUE, text: str = "all is well") -> Condition:
    """The condition `Ready` of one ENT."""
    because = Because(reason=Reason.ALL_WELL, text=text)
    return Condition(of=key(), type=ConditionType.READY, status=status, because=because)


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    """`lastTransitionTime` is when the status changed, not when the sentence did."""
    first = conditions([a_condition()], BEFORE, BELL)
    assert first[0]["lastTransitionTime"] == "2026-09-01T07:00:00Z"
    assert first[0]["observedGeneration"] == 4
    later = BELL + timedelta(minutes=5)
    had = Before(generation=4, conditions=first)
    assert conditions([a_condition(text="still")], had, later)[0]["lastTransitionTime"] == "2026-09-01T07:00:00Z"
    changed = conditions([a_condition(ConditionStatus.FALSE)], had, later)
    assert changed[0]["lastTransitionTime"] == "2026-09-01T07:05:00Z"


def an_ent_status() -> dict[str, Any]:
    """The status of an ENT with a state at one of two sites."""
    ent = an_ent()
    state = ReplicaState(ent=ent.key, site=SiteName("a"), wanted=3, ready=2, seen_at=BELL)
    world = World(sites=(), ents=(ent,), replicas=(state,))
    routes = [Route(ent=ent.key, edge=ent.edges[0], site=SiteName(s), weight=w) for s, w in (("a", 60), ("b", 40))]
    return ent_status(
        ent, EntMemory(ent=ent.key), world=world, routes=routes, found=[a_condition()], before=BEFORE, now=BELL
    )


def test_the_status_tells_the_morning_at_a_glance() -> None:
    """Totals, shares and the sentence of `Ready`; a site that was never seen has no numbers, not zeros."""
    status = an_ent_status()
    assert (status["readyReplicas"], status["wantedReplicas"]) == (2, 3)
    assert status["serving"] == "a 60 % b 40 %"
    assert status["summary"] == "all is well"
    assert status["placements"] == [
        {"site": "a", "readyReplicas": 2, "wantedReplicas": 3, "weight": 60},
        {"site": "b", "weight": 40},
    ]


def test_a_site_shows_its_verdict() -> None:
    """With since when, for the printer columns."""
    memory = SiteMemory(site=SiteName("a"), verdict=Verdict.DOWN, since=BELL)
    status = site_status(memory, world=World(sites=(), ents=()), found=[], before=BEFORE, now=BELL)
    assert (status["verdict"], status["verdictSince"]) == ("Down", "2026-09-01T07:00:00Z")
    assert "readyReplicas" not in status


def test_weights_are_remembered_as_they_will_be() -> None:
    """Memory is written before the action: it holds what the action decides."""
    because = Because(reason=Reason.SITE_DOWN, text="gone")
    move = SetWeights(
        id=ActionId("w"),
        ent=key(),
        edge=EDGE,
        was=(),
        weights=weights(b=100),
        kind=MoveKind.EVACUATION,
        because=because,
    )
    cap = SetAdmission(
        id=ActionId("c"), ent=key(), edge=EDGE, site=SiteName("b"), was=None, max_concurrent=9, because=because
    )
    plan = Plan(actions=(move, cap), memory=Memory(), next_look_at=BELL)
    before = (Route(ent=key(), edge=EDGE, site=SiteName("a"), weight=100, max_concurrent=5),)
    assert decided_routes(before, plan) == (
        Route(ent=key(), edge=EDGE, site=SiteName("a"), weight=0, max_concurrent=5),
        Route(ent=key(), edge=EDGE, site=SiteName("b"), weight=100, max_concurrent=9),
    )


@pytest.mark.parametrize(
    ("path", "value", "when"),
    [
        (("summary",), "other", LATER),
        (("readyReplicas",), 9, LATER),
        (("conditions", 0, "message"), "other", LATER),
        (("memory", "restraints", "data_ready"), [["a", "x"]], LATER),
        (("memory", "weights", 0, "max_concurrent"), 9, LATER),
        (("memory", "weights", 0, "weight"), 9, AT_ONCE),
        (("memory", "restraints", "moves"), [{}], AT_ONCE),
        (("conditions", 0, "status"), "False", AT_ONCE),
        (("conditions", 0, "reason"), "Other", AT_ONCE),
        (("observedGeneration",), 5, AT_ONCE),
    ],
)
def test_what_matters_is_written_at_once_and_what_drifts_is_not(
    path: tuple[Any, ...], value: object, when: str
) -> None:
    """Numbers that count along with a scale-up are not a write each; a restraint always is."""
    before, after = an_ent_status(), deepcopy(an_ent_status())
    node: Any = after
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    assert (weighty(before) != weighty(after)) == (when == AT_ONCE)


def test_who_serves_is_told_of_the_first_edge_that_is_decided_here() -> None:
    """An instance for one site knows the weights of its own edge alone, wherever that stands in the list."""
    ent = replace(an_ent(), edges=(EdgeName("at-a"), EdgeName("at-b"), EdgeName("at-c")))
    routes = [
        Route(ent=ent.key, edge=EdgeName(edge), site=SiteName(site), weight=weight)
        for edge, site, weight in (("at-c", "a", 100), ("at-b", "a", 30), ("at-b", "b", 70))
    ]
    world = World(sites=(), ents=(ent,))
    status = ent_status(ent, EntMemory(ent=ent.key), world=world, routes=routes, found=[], before=BEFORE, now=BELL)
    assert status["serving"] == "a 30 % b 70 %"


def test_an_ent_without_edges_serves_nowhere_we_know() -> None:
    """No edge, no shares."""
    ent = replace(an_ent(), edges=())
    status = ent_status(
        ent, EntMemory(ent=ent.key), world=World(sites=(), ents=(ent,)), routes=[], found=[], before=BEFORE, now=BELL
    )
    assert status["serving"] == ""
    assert "readyReplicas" not in status
