"""What the planner does in the situations it exists for, one rule a test."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.fleet import DataMode, Order, Scaling
from controller.domain.memory import EntMemory, EntSamples, Move, MoveKind, Samples, SiteMemory, Verdict
from controller.domain.names import EdgeName, SiteName
from controller.domain.plan import ConditionStatus, ConditionType, Plan, SetAdmission, SetReplicas, SetWeights
from controller.domain.readings import ReadingReason, Stale
from controller.domain.reasons import Reason
from controller.domain.world import Route, SignalReading, World
from controller.planning.explain import explain
from controller.planning.invariants import violations
from controller.planning.planner import plan
from tests.builders import (
    BELL,
    DEAD,
    EDGE,
    HUNG,
    REQUESTS,
    a_reading,
    a_site,
    a_window,
    a_world,
    an_ent,
    key,
    replicas,
    rounds,
)


def decided(world: World) -> Plan:
    """Plan, and demand that no invariant is broken."""
    found = plan(world, BELL)
    assert violations(world, found, BELL) == ()
    return found


def replicas_of(found: Plan) -> dict[str, int]:
    return {action.site: action.replicas for action in found.actions if isinstance(action, SetReplicas)}


def weights_of(found: Plan) -> dict[str, int] | None:
    actions = [action for action in found.actions if isinstance(action, SetWeights)]
    return {w.site: w.weight for w in actions[0].weights} if actions else None


def test_prescales_home_and_reserve_a_lead_time_before_the_bell() -> None:
    """Capacity for a bell, and for the loss of one site, is asked for a lead time before the window starts."""
    window = a_window(key(), BELL + timedelta(minutes=4), 60, 150.0)
    found = decided(a_world(windows=(window,)))
    # 150/s at 75 % of 5/s per replica: 40 at home, 40 in reserve.
    assert replicas_of(found) == {"a": 40, "b": 40}
    assert weights_of(found) is None


def test_does_nothing_before_the_lead_time() -> None:
    """A bell beyond the lead time asks for nothing yet."""
    window = a_window(key(), BELL + timedelta(minutes=6), 60, 150.0)
    assert replicas_of(decided(a_world(windows=(window,)))) == {"a": 6, "b": 6}


@pytest.mark.parametrize("lost", ["a", "b"])
def test_nothing_shrinks_on_a_missing_reading(lost: str) -> None:
    """Missing is not zero: without a reading where traffic is, ten replicas stay ten."""
    found = decided(a_world(demand={("nord", lost): None}, weights={("nord", "a"): 50, ("nord", "b"): 50}))
    assert replicas_of(found) == {}
    assert {w.because.reason for w in found.withheld} == {Reason.EVIDENCE_NOT_FRESH}


def test_shrinks_on_fresh_evidence() -> None:
    """With everything known and no bell near, capacity follows demand: 20/s at 75 % of 5/s is 6."""
    assert replicas_of(decided(a_world())) == {"a": 6, "b": 6}


def test_nothing_shrinks_right_after_a_restart() -> None:
    """Empty memory starts safe."""
    world = a_world()
    restarted = replace(world, memory=replace(world.memory, samples=replace(world.memory.samples, complete_since=None)))
    found = decided(restarted)
    assert replicas_of(found) == {}
    assert Reason.MEMORY_INCOMPLETE in {w.because.reason for w in found.withheld}


def test_nothing_shrinks_between_two_bells_within_the_hour() -> None:
    """Between bells less than an hour apart nothing shrinks."""
    windows = (
        a_window(key(), BELL - timedelta(minutes=30), 20, 30.0),
        a_window(key(), BELL + timedelta(minutes=30), 20, 30.0),
    )
    found = decided(a_world(windows=windows))
    assert replicas_of(found) == {}
    assert Reason.BETWEEN_BELLS in {w.because.reason for w in found.withheld}


def test_evacuates_a_dead_site_at_once() -> None:
    """Both paths failing for three rounds while references answer is Down: all traffic leaves in one step."""
    world = a_world(rounds=rounds(BELL, "ab", api={"a": DEAD}, public={"a": HUNG}, count=3))
    found = decided(
        replace(
            world,
            sites=(*world.sites, a_site("c")),
            rounds=rounds(BELL, "abc", api={"a": DEAD}, public={"a": HUNG}, count=3),
        )
    )
    assert weights_of(found) == {"a": 0, "b": 100}
    assert replicas_of(found) == {}


def test_a_cut_off_observer_moves_nothing() -> None:
    """When its references fail too, it is the observer that is cut off."""
    lost = rounds(BELL, "ab", api={"a": DEAD}, public={"a": DEAD}, references=(DEAD, DEAD, HUNG))
    found = decided(a_world(rounds=lost))
    assert found.actions == ()


def test_two_rounds_are_not_enough() -> None:
    """Down needs three rounds in a row."""
    fine = rounds(BELL - timedelta(seconds=4), "ab", count=4)
    bad = rounds(BELL, "ab", api={"a": DEAD}, public={"a": DEAD}, count=2, first=5)
    assert weights_of(decided(a_world(rounds=fine + bad))) is None


def test_an_api_server_alone_is_no_death() -> None:
    """Users still reach the portal: nothing moves when only the API server is gone."""
    assert weights_of(decided(a_world(rounds=rounds(BELL, "ab", api={"a": DEAD})))) is None


def test_everything_sick_keeps_the_last_good_weights() -> None:
    """If all sites look dead the weights stay; no answer is ever empty."""
    gone = {"a": DEAD, "b": DEAD}
    world = a_world(
        memory=replace(
            a_world().memory, sites=tuple(SiteMemory(site=SiteName(s), verdict=Verdict.DOWN, since=BELL) for s in "ab")
        ),
        rounds=rounds(BELL, "ab", api=gone, public=gone),
    )
    assert weights_of(decided(world)) is None


def fallen_and_back(minutes_healthy: float) -> World:
    healthy = BELL - timedelta(minutes=minutes_healthy)
    memory = SiteMemory(
        site=SiteName("a"),
        verdict=Verdict.HEALTHY,
        since=healthy,
        healthy_since=healthy,
        fell_at=healthy - timedelta(minutes=5),
    )
    world = a_world(weights={("nord", "a"): 0, ("nord", "b"): 100}, demand={("nord", "a"): 0.0, ("nord", "b"): 20.0})
    return replace(world, memory=replace(world.memory, sites=(memory,)))


def test_fails_back_by_steps_after_the_hold() -> None:
    """A returned home gets its traffic back ten percent at a time, after fifteen healthy minutes."""
    assert weights_of(decided(fallen_and_back(14))) is None
    assert weights_of(decided(fallen_and_back(16))) == {"a": 10, "b": 90}


def test_a_second_reversal_is_withheld() -> None:
    """A weight turns round at most once in thirty minutes."""
    before = [(100, 90, 20, MoveKind.BALANCE), (90, 100, 15, MoveKind.BALANCE), (100, 90, 10, MoveKind.BALANCE)]
    moves = tuple(
        Move(edge=EDGE, site=SiteName("a"), before_percent=b, after_percent=a, at=BELL - timedelta(minutes=m), kind=k)
        for b, a, m, k in before
    )
    world = a_world(weights={("nord", "a"): 90, ("nord", "b"): 10})
    world = replace(world, memory=replace(world.memory, ents=(EntMemory(ent=key(), moves=moves),)))
    found = decided(world)
    assert weights_of(found) is None
    assert Reason.REVERSAL in {w.because.reason for w in found.withheld}


def test_freeze_stops_shrinking_and_fail_back_but_not_growth() -> None:
    """Under freeze nothing shrinks and nothing fails back; growth stays allowed."""
    order = Order(until=BELL + timedelta(hours=1), reason="exams", by="anne")
    world = fallen_and_back(16)
    window = a_window(key(), BELL, 60, 150.0)
    frozen = replace(world, orders=replace(world.orders, freeze=order), windows=(window,))
    found = decided(frozen)
    assert weights_of(found) is None
    assert replicas_of(found) == {"a": 40, "b": 40}


def test_pause_writes_nothing() -> None:
    """Under pause every action is withheld."""
    order = Order(until=BELL + timedelta(hours=1), reason="maintenance", by="anne")
    world = a_world(windows=(a_window(key(), BELL, 60, 150.0),))
    found = decided(replace(world, orders=replace(world.orders, pause=order)))
    assert found.actions == ()
    assert {w.because.reason for w in found.withheld} == {Reason.PAUSED}


def test_pending_beyond_the_lead_time_is_planned_elsewhere() -> None:
    """Replicas that stay Pending lower that placement's ceiling; the rest is planned at the other site."""
    ent = an_ent(sites=("a", "b", "c"), scaling=Scaling(lead_time=timedelta(minutes=5)))
    world = a_world(
        ents=[ent], sites=[a_site("a"), a_site("b"), a_site("c")], windows=(a_window(key(), BELL, 60, 150.0),)
    )
    short = replace(replicas(key(), "a", 40, BELL, ready=10), pending_since=BELL - timedelta(minutes=6))
    others = tuple(r for r in world.replicas if r.site != "a")
    found = decided(replace(world, replicas=(short, *others)))
    ready = [10, *replicas_of(found).values()]
    assert sum(ready) - max(ready) >= 40, "any one site may be lost"
    assert any(c.reason is Reason.OBSERVED_CEILING for n in found.explanation for c in n.cuts)


def test_explains_why() -> None:
    """A person who was not there understands where the number comes from."""
    text = explain(decided(a_world(windows=(a_window(key(), BELL, 60, 150.0),))))
    assert "replicas of ents/nord at a 10 → 40" in text
    assert "schedule test: bell" in text
    assert "if site:a is lost" in text


def test_the_first_cap_comes_after_the_first_weights() -> None:
    """An edge that knows nothing yet learns its weights first: a cap must never hold them back."""
    found = decided(a_world(routes=()))
    order = [type(action).__name__ for action in found.actions]
    assert order.index("SetWeights") < order.index("SetAdmission")
    weights = next(action for action in found.actions if isinstance(action, SetWeights))
    assert weights.after == ()


def test_a_workload_that_was_never_seen_is_not_prescaled() -> None:
    """Missing is not fine: an ENT whose Deployments do not exist is not Ready."""
    found = decided(a_world(replicas=()))
    conditions = {c.type: c.status for c in found.conditions if c.of == key()}
    assert conditions[ConditionType.PRESCALED] is ConditionStatus.FALSE
    assert conditions[ConditionType.RESERVE_READY] is ConditionStatus.FALSE
    assert conditions[ConditionType.READY] is ConditionStatus.FALSE


def with_last_known(world: World, per_second: float) -> World:
    """The world with a sample of the demand as it was known a moment ago."""
    sample = EntSamples(ent=key(), known_per_second=per_second, known_at=BELL - timedelta(seconds=5))
    return replace(world, memory=replace(world.memory, samples=Samples(complete_since=BELL, ents=(sample,))))


def three(counts: dict[str, int], weights: dict[str, int]) -> World:
    """One ENT over three sites with these replicas and weights; the demand is 100/s, measured where it is sent."""
    ent = an_ent(sites=("a", "b", "c"))
    whole = sum(weights.values())
    return a_world(
        ents=[ent],
        sites=[a_site(name) for name in "abc"],
        counts={("nord", site): count for site, count in counts.items()},
        weights={("nord", site): weight for site, weight in weights.items()},
        demand={("nord", site): 100.0 * weight / whole for site, weight in weights.items()},
    )


def without_site(world: World, site: str) -> World:
    """The world after a site burnt: its probes fail and its reading is missing."""
    readings = tuple(r for r in world.readings if r.site != site)
    lost = rounds(BELL, "abc", api={site: DEAD}, public={site: DEAD}, count=3)
    return replace(world, readings=readings, rounds=lost)


def test_outside_school_hours_a_dead_site_is_left_for_the_one_with_capacity() -> None:
    """The measurement dies with the site; the users who were there are still counted."""
    before = three({"a": 30, "b": 1, "c": 40}, {"a": 100, "b": 0, "c": 0})
    found = decided(with_last_known(without_site(before, "a"), 100.0))
    weights = weights_of(found)
    assert weights is not None
    assert weights["a"] == 0
    assert weights["c"] >= 90


def test_an_evacuation_moves_the_dead_share_only() -> None:
    """When a site with two percent dies, the ninety-eight elsewhere stay, and a hold is not waived for it."""
    healthy = BELL - timedelta(minutes=1)
    back = SiteMemory(
        site=SiteName("b"), verdict=Verdict.HEALTHY, since=healthy, healthy_since=healthy, fell_at=healthy
    )
    world = three({"a": 40, "b": 40, "c": 40}, {"a": 98, "b": 0, "c": 2})
    world = replace(world, memory=replace(world.memory, sites=(back,)))
    found = decided(with_last_known(without_site(world, "c"), 100.0))
    assert weights_of(found) == {"a": 100, "b": 0, "c": 0}


def test_a_hold_is_waived_when_the_others_are_overloaded() -> None:
    """Better a young return than users in front of a full site."""
    healthy = BELL - timedelta(minutes=1)
    back = SiteMemory(
        site=SiteName("a"), verdict=Verdict.HEALTHY, since=healthy, healthy_since=healthy, fell_at=healthy
    )
    world = three({"a": 40, "b": 10, "c": 1}, {"a": 0, "b": 100, "c": 0})
    weights = weights_of(decided(replace(world, memory=replace(world.memory, sites=(back,)))))
    assert weights is not None
    assert weights["a"] > 0


def test_a_moment_of_not_knowing_does_not_restart_the_hold() -> None:
    """Fourteen healthy minutes stay fourteen when one probe is lost."""
    healthy = BELL - timedelta(minutes=14)
    memory = SiteMemory(site=SiteName("a"), verdict=Verdict.UNKNOWN, since=BELL, healthy_since=healthy, fell_at=healthy)
    found = plan(replace(a_world(), memory=replace(a_world().memory, sites=(memory,))), BELL)
    assert {str(m.site): m.healthy_since for m in found.memory.sites}["a"] == healthy


def test_old_evidence_is_none() -> None:
    """Rounds of an hour ago neither evacuate nor calm."""
    old = rounds(BELL - timedelta(hours=1), "ab", api={"a": DEAD}, public={"a": DEAD})
    assert decided(a_world(rounds=old)).actions == ()


def test_a_public_address_that_fails_is_evidence_without_metrics() -> None:
    """Failed probes are fresh: a step away is taken though the site's Prometheus cannot be asked either."""
    world = three({"a": 40, "b": 40, "c": 40}, {"a": 100, "b": 0, "c": 0})
    failing = rounds(BELL, "abc", public={"a": DEAD})
    readings = tuple(r for r in world.readings if r.site != "a")
    weights = weights_of(decided(with_last_known(replace(world, rounds=failing, readings=readings), 100.0)))
    assert weights is not None
    assert weights["a"] == 90


def test_a_sick_site_gets_its_cap_raised() -> None:
    """A site may be sick of its cap: it grows with Ready capacity, and is lowered only in health."""
    sick = a_reading(key(), "a", 0.3, BELL, "errors")
    world = a_world(counts={("nord", "a"): 40})
    found = decided(replace(world, readings=(*world.readings, sick)))
    assert {a.site: a.max_concurrent for a in found.actions if isinstance(a, SetAdmission)} == {"a": 200}


def test_a_drain_ends_with_no_traffic_and_the_least_replicas() -> None:
    """The last percent leaves too; then the source shrinks."""
    order = Order(until=BELL + timedelta(hours=1), reason="maintenance", by="anne")
    sites = [replace(a_site("a"), drain=order), a_site("b")]
    last = a_world(sites=sites, weights={("nord", "a"): 1, ("nord", "b"): 99})
    assert weights_of(decided(last)) == {"a": 0, "b": 100}
    gone = a_world(
        sites=sites,
        weights={("nord", "a"): 0, ("nord", "b"): 100},
        demand={("nord", "a"): 0.0, ("nord", "b"): 20.0},
    )
    assert replicas_of(decided(gone))["a"] == 1


def test_two_edges_that_disagree_do_not_stop_anything() -> None:
    """Shares that add up to more than all, with sites in doubt, still have an answer."""
    other = EdgeName("back")
    ent = an_ent(edges=(EDGE, other))
    world = a_world(ents=[ent], rounds=())
    routes = tuple(
        Route(ent=key(), edge=edge, site=SiteName(site), weight=weight, max_concurrent=50)
        for edge, site, weight in ((EDGE, "a", 60), (EDGE, "b", 40), (other, "a", 40), (other, "b", 60))
    )
    assert weights_of(decided(replace(world, routes=routes))) is None


def test_no_fail_back_to_data_that_is_not_there() -> None:
    """A promoted home that says it cannot write gets no traffic back."""
    ent = an_ent()
    promoted = tuple(replace(p, data_mode=DataMode.PROMOTED) for p in ent.placements)
    world = a_world(
        ents=[replace(ent, placements=promoted)],
        weights={("nord", "a"): 0, ("nord", "b"): 100},
        demand={("nord", "a"): 0.0, ("nord", "b"): 20.0},
    )
    said = [("a", "dataReady", 0.0), ("a", "dataWritable", 0.0), ("b", "dataReady", 1.0), ("b", "dataWritable", 1.0)]
    readings = (*world.readings, *(a_reading(key(), site, value, BELL, signal) for site, signal, value in said))
    assert weights_of(decided(replace(world, readings=readings))) is None


@pytest.mark.parametrize(
    ("reason", "expected"),
    [(ReadingReason.QUARANTINED, None), (ReadingReason.UNREACHABLE, None), (ReadingReason.EMPTY, {"a": 10, "b": 90})],
)
def test_nobody_is_sent_where_the_metrics_fell_silent(reason: ReadingReason, expected: dict[str, int] | None) -> None:
    """A Prometheus that is away, or just back, is a reason to wait; a series nobody feeds is none."""
    world = fallen_and_back(16)
    stale = SignalReading(
        site=SiteName("a"),
        ent=key(),
        signal=REQUESTS,
        reading=Stale(value=20.0, at=BELL - timedelta(minutes=5), reason=reason),
    )
    readings = tuple(r for r in world.readings if r.site != "a")
    assert weights_of(decided(replace(world, readings=(*readings, stale)))) == expected
