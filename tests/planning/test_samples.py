"""The recent past: bounded, thinned with age, and what was recommended for as long as a maximum may need it."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.fleet import Scaling
from controller.domain.memory import EntMemory, EntSamples, Latch, Memory, Recommendation
from controller.domain.names import SiteName
from controller.domain.world import World
from controller.planning.facts import facts_of
from controller.planning.planner import plan
from controller.planning.samples import OLDER_SPACING, RECENT_SPAN, STANDS_FOR
from tests.builders import BELL, a_reading, a_window, a_world, an_ent, key, replicas
from tests.planning.past import with_past

CYCLE = timedelta(seconds=5)
A, B = SiteName("a"), SiteName("b")
NORMAL = Scaling()


def lived(world: World, cycles: int, *, blind: frozenset[int] = frozenset(), every: timedelta = CYCLE) -> EntSamples:
    """What is remembered of the first ENT after so many cycles up to the bell, some of them without readings."""
    for cycle in range(cycles):
        now = BELL - every * (cycles - 1 - cycle)
        value = None if cycle in blind else 20.0
        seen = replace(
            world,
            readings=(a_reading(key(), "a", value, now), a_reading(key(), "b", 0.0, now)),
            replicas=(replicas(key(), "a", 10, now), replicas(key(), "b", 10, now)),
        )
        world = replace(world, memory=plan(seen, now).memory)
    return world.memory.samples.ents[0]


def test_the_past_is_bounded_and_thins_with_age() -> None:
    """After twenty minutes: ten seconds apart, beyond two and a half minutes thirty, forty points at most."""
    found = lived(a_world(), 240)
    assert len(found.recent) + len(found.older) <= 40
    instants = [point.at for point in (*found.older, *found.recent)]
    assert instants == sorted(instants)
    assert instants[0] <= BELL - timedelta(minutes=11)
    near = [b - a for a, b in itertools.pairwise(p.at for p in found.recent)]
    far = [b - a for a, b in itertools.pairwise(p.at for p in found.older)]
    assert set(near) == {timedelta(seconds=10)}
    assert set(far) == {OLDER_SPACING}
    assert found.recent[0].at >= BELL - RECENT_SPAN - 2 * CYCLE


@given(st.lists(st.integers(1, 90), min_size=1, max_size=60))
def test_it_is_bounded_whatever_the_pace(pauses: list[int]) -> None:
    """Woken by verdicts, delayed by a slow API server, or asleep: never more than forty points, always in order."""
    world, now = a_world(), BELL
    for pause in pauses:
        now += timedelta(seconds=pause)
        seen = replace(world, readings=(a_reading(key(), "a", 20.0, now), a_reading(key(), "b", 0.0, now)))
        world = replace(world, memory=plan(seen, now).memory)
    found = world.memory.samples.ents[0]
    instants = [point.at for point in (*found.older, *found.recent)]
    assert len(instants) <= 40
    assert instants == sorted(set(instants))


def test_a_plan_made_twice_remembers_the_same() -> None:
    """The second plan of one instant has nothing to add."""
    past = lived(a_world(), 30)
    world = with_past(a_world(), past)
    once = plan(world, BELL + CYCLE).memory
    assert plan(replace(world, memory=once), BELL + CYCLE).memory == once


def test_what_was_last_known_survives_a_gap() -> None:
    """Points are of known demand only; what was known stays until something newer is."""
    found = lived(a_world(), 30, blind=frozenset(range(20, 30)))
    assert found.recent == ()
    assert found.known_per_second == 20.0
    assert found.known_at == BELL - 10 * CYCLE


def test_one_cycle_without_errors_ends_their_persistence() -> None:
    """`failing_since` is without interruption."""

    def after(errors: float, past: EntSamples) -> EntSamples:
        world = with_past(a_world(), past)
        world = replace(world, readings=(*world.readings, a_reading(key(), "a", errors, BELL, "errors")))
        return plan(world, BELL).memory.samples.ents[0]

    earlier = BELL - timedelta(minutes=2)
    assert after(0.2, EntSamples(ent=key())).failing_since == BELL
    assert after(0.2, EntSamples(ent=key(), failing_since=earlier)).failing_since == earlier
    assert after(0.0, EntSamples(ent=key(), failing_since=earlier)).failing_since is None


def noted(site: SiteName, ago: int, count: int) -> Recommendation:
    return Recommendation(site=site, at=BELL - timedelta(seconds=ago), replicas=count)


def recommendations(
    past: tuple[Recommendation, ...], *, scheduled: float, scaling: Scaling = NORMAL
) -> list[tuple[str, int, int]]:
    """What is noted after this plan: site, seconds ago, replicas."""
    ent = an_ent(scaling=scaling)
    world = a_world(ents=[ent], windows=(a_window(key(), BELL - timedelta(minutes=9), 60, scheduled),))
    after = plan(with_past(world, EntSamples(ent=key(), recommendations=past)), BELL).memory.samples.ents[0]
    return [(r.site, int((BELL - r.at).total_seconds()), r.replicas) for r in after.recommendations]


def test_only_those_larger_than_all_later_ones_are_kept() -> None:
    """Of 40, 30, 35 and now 20 replicas the 30 can never be the largest again."""
    past = (noted(A, 200, 40), noted(A, 100, 35), noted(A, 5, 30), noted(B, 5, 20))
    assert recommendations(past, scheduled=75.0) == [
        ("a", 200, 40),
        ("a", 100, 35),
        ("a", 0, 30),
        ("a", 0, 20),
        ("b", 0, 20),
    ]


def test_what_is_older_than_the_window_is_forgotten() -> None:
    """The stabilization window of five minutes, its edge included."""
    past = (noted(A, 301, 60), noted(A, 300, 50), noted(A, 5, 20), noted(B, 5, 20))
    assert recommendations(past, scheduled=75.0) == [("a", 300, 50), ("a", 0, 20), ("b", 0, 20)]


@pytest.mark.parametrize(("ago", "kept"), [(5, True), (19, True), (20, False)])
def test_what_does_not_change_is_not_noted_again_at_once(
    ago: int,
    kept: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Within twenty seconds; when it ends it is noted as having stood until then, so that no hold is shortened."""
    past = (noted(A, ago, 20), noted(B, ago, 20))
    again = recommendations(past, scheduled=75.0)
    assert again == [("a", ago if kept else 0, 20), ("b", ago if kept else 0, 20)]
    fallen = recommendations(past, scheduled=0.0)
    assert fallen[:2] == [("a", 0, 20), ("a", 0, 6)], "stood until now"
    assert timedelta(seconds=20) == STANDS_FOR


def test_what_was_noted_too_long_ago_did_not_stand() -> None:
    """After a sleep longer than the window the last note says nothing of a moment ago."""
    past = (noted(A, 301, 20), noted(B, 301, 20))
    assert recommendations(past, scheduled=0.0) == [("a", 0, 6), ("b", 0, 6)]


def test_a_short_stabilization_window_is_kept_too() -> None:
    """With ten seconds of stabilization a note may be two seconds old."""
    short = Scaling(stabilization_window=timedelta(seconds=10))
    past = (noted(A, 5, 20), noted(B, 5, 20))
    assert recommendations(past, scheduled=75.0, scaling=short) == [("a", 0, 20), ("b", 0, 20)]


def test_while_demand_is_not_known_what_stands_is_recommended() -> None:
    """So nothing shrinks for a whole stabilization window after a source returns (design §5 stage 1)."""
    world = with_past(a_world(demand={("nord", "a"): None}))
    after = plan(world, BELL).memory.samples.ents[0].recommendations
    assert [(r.site, r.replicas) for r in after] == [("a", 10), ("b", 10)]


def test_other_ents_are_not_touched() -> None:
    """Each ENT's past is its own: the same whether or not another one lives beside it."""
    sud = an_ent("sud")
    both = a_world(ents=[an_ent(), sud])
    alone = lived(a_world(), 40)
    world, now = both, BELL
    for cycle in range(40):
        now = BELL - CYCLE * (39 - cycle)
        readings = tuple(
            a_reading(key(name), site, value, now)
            for name, home in (("nord", 20.0), ("sud", 999.0 - cycle))
            for site, value in (("a", home), ("b", 0.0))
        )
        states = tuple(replicas(key(n), s, 10, now) for n in ("nord", "sud") for s in "ab")
        world = replace(world, memory=plan(replace(world, readings=readings, replicas=states), now).memory)
    assert facts_of(world, now).sampled(key()).recent == alone.recent


@pytest.mark.parametrize(("until", "kept"), [(BELL + timedelta(minutes=5), True), (BELL, False)])
def test_a_workload_out_of_sight_keeps_its_floor(
    until: datetime,
    kept: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A latch of a placement that is not seen stays until its window ends, and no longer."""
    latch = Latch(site=B, replicas=9, until=until, source="schedule test: bell")
    world = with_past(a_world(replicas=(replicas(key(), "a", 10, BELL),)))
    memory = Memory(ents=(EntMemory(ent=key(), latches=(latch,)),), samples=world.memory.samples)
    after = plan(replace(world, memory=memory), BELL).memory.ents[0]
    assert (latch in after.latches) is kept
