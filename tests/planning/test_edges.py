"""Edges that stand at sites: who writes them, and what a fallen one means."""

from dataclasses import replace

import pytest

from controller.domain.fleet import Edge, EdgeKind
from controller.domain.memory import SiteMemory, Verdict
from controller.domain.names import EdgeName, SiteName
from controller.domain.plan import Plan, SetAdmission, SetReplicas, SetWeights
from controller.domain.reasons import Reason
from controller.domain.world import Route, World
from controller.planning.invariants import violations
from controller.planning.planner import plan
from controller.planning.votes import Sight
from tests.builders import BELL, a_site, a_world, an_ent, key
from tests.planning.sightings import seeing

EDGES = {site: EdgeName(f"edge-{site}") for site in "abc"}
CAP = 50
"""In force everywhere: what ten Ready replicas make of 5/s each and one second."""


def one_site(
    me: str | None,
    *,
    weights: dict[str, dict[str, int]] | None = None,
    caps: dict[tuple[str, str], int] | None = None,
    dead: str = "",
) -> World:
    """Three sites with an edge each; the ENT is at home at `a`, ten replicas everywhere, 20/s in all."""
    ent = an_ent(sites=("a", "b", "c"), edges=tuple(EDGES.values()))
    weights, caps = weights or {}, caps or {}
    where = "bc" if dead else "abc"
    rounds = tuple(
        seen
        for name in where
        for seen in seeing([Sight.BOTH_FAIL if dead else Sight.WELL] * 5, observer=name, at=name, of="a")
    )
    return a_world(
        ents=[ent],
        sites=[a_site(site) for site in "abc"],
        edges=tuple(Edge(name=name, kind=EdgeKind.HAPROXY_AGENT, site=SiteName(s)) for s, name in EDGES.items()),
        routes=tuple(
            Route(
                ent=key(),
                edge=name,
                site=SiteName(site),
                weight=weights.get(edge, {"a": 100}).get(site, 0),
                max_concurrent=caps.get((edge, site), CAP),
            )
            for edge, name in EDGES.items()
            for site in "abc"
        ),
        rounds=rounds,
        self_site=SiteName(me) if me else None,
        writable_sites=frozenset({SiteName(me)} if me else {SiteName(s) for s in "abc"}),
    )


def decided(world: World) -> Plan:
    found = plan(world, BELL)
    assert violations(world, found, BELL) == ()
    return found


@pytest.mark.parametrize("me", ["b", "c"])
def test_an_instance_writes_its_own_edge_about_every_site(me: str) -> None:
    """Weights and caps are written where the edge stands, whatever site they are about; replicas where they run."""
    found = decided(one_site(me, dead="a", caps={(e, s): 40 for e in "abc" for s in "abc"}))
    for action in found.actions:
        match action:
            case SetWeights(edge=edge) | SetAdmission(edge=edge):
                assert edge == EDGES[me]
            case _:
                assert isinstance(action, SetReplicas)
                assert action.site == me
    assert {a.site for a in found.actions if isinstance(a, SetAdmission)} == {"b", "c"}
    assert any(isinstance(a, SetWeights) for a in found.actions)


def test_a_cap_at_another_edge_holds_up_no_evacuation() -> None:
    """A cap that a peer has to raise first is the peer's: this edge waits for its own caps only."""
    found = decided(one_site("b", dead="a", caps={("c", "b"): 10, ("c", "c"): 10}))
    weights = next(action for action in found.actions if isinstance(action, SetWeights))
    assert weights.edge == EDGES["b"]
    assert weights.after == ()
    own = decided(one_site("b", dead="a", caps={("b", "b"): 10}))
    waits = next(action for action in own.actions if isinstance(action, SetWeights))
    assert [str(i) for i in waits.after] == ["admission:ents/nord:edge-b:b"]


@pytest.mark.parametrize("me", ["b", None])
def test_a_fallen_edge_is_no_edge(me: str | None) -> None:
    """What the edge of a dead site was told last is nobody's traffic: it is not written, and is no emergency."""
    left = {"b": 100}
    found = decided(one_site(me, dead="a", weights={"b": left, "c": left}))
    told = [*found.actions, *(held.action for held in found.withheld)]
    assert not [a for a in told if isinstance(a, SetWeights | SetAdmission)]
    shifted = [c for c in found.conditions if c.of == key() and c.type == "TrafficShifted"]
    assert "100% at b" in shifted[0].because.text
    assert "at a" not in shifted[0].because.text


def test_users_of_a_fallen_edge_are_awaited() -> None:
    """They come in through another edge by and by: until the site is back nothing of the ENT shrinks."""
    left = {"b": 100}
    found = decided(one_site("b", dead="a", weights={"b": left, "c": left}))
    assert not [a for a in found.actions if isinstance(a, SetReplicas)]
    kept = [held for held in found.withheld if isinstance(held.action, SetReplicas) and held.action.site == "b"]
    assert [held.because.reason for held in kept] == [Reason.EVIDENCE_NOT_FRESH]
    assert "edge-a" in kept[0].because.text
    back = decided(one_site("b"))
    assert [a.site for a in back.actions if isinstance(a, SetReplicas)] == ["b"], "in peace it may shrink"


def test_an_edge_out_of_sight_may_have_changed_its_mind() -> None:
    """While a site is Unknown, so is where its edge sends users: what is measured here may fall for that reason."""
    world = one_site("a")
    lost = tuple(seen for seen in world.rounds if seen.observer != "a")
    doubtful = seeing([Sight.WELL] * 3 + [Sight.BOTH_FAIL] * 2, observer="a", at="a", of="c")
    one_view = tuple(seen for seen in lost if seen.observer == "c")
    found = decided(replace(world, rounds=(*one_view, *doubtful)))
    assert not [a for a in found.actions if isinstance(a, SetReplicas)]
    own = [h for h in found.withheld if isinstance(h.action, SetReplicas) and h.action.site == "a"]
    assert "edge-c" in own[0].because.text


def test_a_hold_is_kept_at_every_edge() -> None:
    """A returned site keeps what its own edge sends it, and gets nothing at the others before its hold ends."""
    since = BELL
    memory = SiteMemory(site=SiteName("a"), verdict=Verdict.HEALTHY, since=since, healthy_since=since, fell_at=since)
    left = {"b": 100}
    world = one_site("b", weights={"b": left, "c": left})
    found = decided(replace(world, memory=replace(world.memory, sites=(memory,))))
    assert not [a for a in found.actions if isinstance(a, SetWeights)]
    held = [h for h in found.withheld if isinstance(h.action, SetWeights) and h.action.edge == EDGES["b"]]
    assert [h.because.reason for h in held] == [Reason.FAILBACK_HOLD]
