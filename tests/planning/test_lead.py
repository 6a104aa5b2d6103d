"""Learned lead time: what is believed of growth, and what growth that is not over yet says (design §2, lead time)."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.fleet import Ent, Scaling
from controller.domain.memory import EntMemory, Growth, Latch, LeadRow, LearnedLead, Move, MoveKind
from controller.domain.names import SiteName
from controller.domain.world import ReplicaState, World
from controller.planning.demand import demand_of
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from controller.planning.lead import LONGEST_LEAD, lead_time, learn, step_class
from controller.planning.waits import BLOCK, MOST_CLASSES, broken_off, joined, observed, percentile_95
from controller.wire.memory import LARGEST_BYTES, StoredEnt, StoredWeight, write_ent
from tests.builders import BELL, EDGE, a_window, a_world, an_ent, key, replicas

A = SiteName("a")
EMPTY: LeadRow = (2, 0, 0, 0, 0)
seconds = st.integers(1, 2700)
waits = st.lists(seconds, max_size=90)


def row_of(*observations: float, row: LeadRow = EMPTY) -> LeadRow:
    for each in observations:
        row = observed(row, each)
    return row


@pytest.mark.parametrize(
    ("observations", "believed"),
    [
        ((), 0),
        ((42,), 45),
        ((45, 90, 60), 90),
        ((45,) * 18 + (900,), 900),
        ((45,) * 19 + (900,), 45),
        ((45,) * 18 + (900, 800), 800),
        ((45,) * 19 + (900,) + (50,), 50),
        ((900,) * 20 + (45,) * 19, 900),
        ((900,) * 20 + (45,) * 20, 45),
    ],
    ids=[
        "nothing",
        "one, rounded up to 5 s",
        "the slowest of few",
        "one slow of nineteen counts",
        "one slow of twenty is forgiven",
        "two slow of twenty are not",
        "a slow start of the next block counts at once",
        "the block before counts while the next is under way",
        "and no longer",
    ],
)
def test_the_95th_percentile_by_nearest_rank(observations: tuple[float, ...], believed: int) -> None:
    """Of twenty it is the second slowest, of fewer the slowest; a block is believed until the next one is whole."""
    assert percentile_95(row_of(*observations)) == believed


@given(waits)
def test_it_is_never_below_the_95th_percentile_of_the_last_whole_block(observations: list[int]) -> None:
    """Against the definition, computed from all observations."""
    whole = len(observations) // BLOCK * BLOCK
    block = sorted(observations[max(0, whole - BLOCK) : whole])
    exact = block[18] if block else 0
    assert percentile_95(row_of(*observations)) >= exact


@given(waits, st.data())
def test_longer_observations_never_give_a_shorter_lead(observations: list[int], data: st.DataObject) -> None:
    """Monotone in every single observation."""
    longer = [data.draw(st.integers(each, 2700)) for each in observations]
    assert percentile_95(row_of(*longer)) >= percentile_95(row_of(*observations))


@given(waits, seconds)
def test_a_wait_that_was_broken_off_never_shortens(observations: list[int], after: int) -> None:
    """It may only say that the lead is longer than was believed."""
    row = row_of(*observations)
    assert percentile_95(broken_off(row, after)) >= max(percentile_95(row), after)


@given(waits, seconds, seconds)
def test_a_longer_wait_says_at_least_as_much(observations: list[int], one: int, other: int) -> None:
    """Broken off later is never evidence of a shorter lead."""
    row, (short, long) = row_of(*observations), sorted((one, other))
    assert percentile_95(broken_off(row, long)) >= percentile_95(broken_off(row, short))


@given(st.dictionaries(st.integers(0, 9), waits, max_size=9))
def test_joining_classes_never_shortens_and_keeps_the_largest(by_class: dict[int, list[int]]) -> None:
    """What is joined keeps everything that was slow, and the largest step stays known."""
    rows = tuple(row_of(*each, row=(step, 0, 0, 0, 0)) for step, each in by_class.items())
    kept = joined(rows)
    assert len(kept) <= MOST_CLASSES
    assert max((percentile_95(r) for r in kept), default=0) == max((percentile_95(r) for r in rows), default=0)
    assert max((r[0] for r in kept), default=0) == max((r[0] for r in rows), default=0)


@pytest.mark.parametrize(
    ("before", "after", "expected"), [(1, 2, 0), (1, 3, 1), (1, 4, 1), (1, 5, 2), (10, 26, 4), (5, 5, 0), (5, 4, 0)]
)
def test_steps_are_classed_by_doubling(before: int, after: int, expected: int) -> None:
    """Lead times of small and large steps are learned apart."""
    assert step_class(before, after) == expected


def lead(
    ent: Ent, *learned: tuple[int, int], peak: float = 0.0, growths: tuple[Growth, ...] = (), ready: int = 10
) -> timedelta:
    """The lead time with these measurements of (step class, seconds) and a bell of this size to come."""
    leads = (LearnedLead(site=A, rows=tuple((c, 1, s, 0, 0) for c, s in learned)),) if learned else ()
    world = a_world(
        ents=[ent],
        windows=(a_window(key(), BELL, 60, peak),),
        replicas=(replicas(key(), "a", 14, BELL, ready=ready), replicas(key(), "b", 10, BELL)),
    )
    memory = replace(world.memory, ents=(EntMemory(ent=key(), leads=leads, growths=growths),))
    return lead_time(facts_of(replace(world, memory=memory), BELL), ent, world.windows)


@pytest.mark.parametrize(
    ("learned", "peak", "expected"),
    [
        ((), 0.0, 300),
        (((1, 90),), 0.0, 90),
        (((1, 5),), 0.0, 30),
        (((1, 2700),), 0.0, 2700),
        (((0, 20),), 150.0, 300),
        (((4, 60),), 150.0, 60),
        (((0, 90), (4, 60)), 150.0, 90),
        (((0, 900),), 150.0, 900),
    ],
    ids=[
        "nothing is learned: five minutes",
        "the slowest",
        "not below half a minute",
        "not above three quarters of an hour",
        "a quick small step says nothing of a large one",
        "a step as large as the bell's was measured",
        "the slowest of all",
        "a slow small step counts at once",
    ],
)
def test_lead_time_is_what_was_measured(learned: tuple[tuple[int, int], ...], peak: float, expected: int) -> None:
    """Within bounds, and short only once a step as large as the largest to come was measured."""
    assert lead(an_ent(), *learned, peak=peak) == timedelta(seconds=expected)


def test_a_declared_lead_wins_and_warm_up_is_added() -> None:
    """Warm-up is a part of the lead, declared or learned."""
    declared = an_ent(scaling=Scaling(lead_time=timedelta(minutes=2), warm_up=timedelta(seconds=30)))
    assert lead(declared, (1, 90)) == timedelta(seconds=150)
    assert lead(an_ent(scaling=Scaling(warm_up=timedelta(seconds=30))), (1, 90)) == timedelta(seconds=120)


@pytest.mark.parametrize(("waiting", "expected"), [(60, 90), (91, 95), (1000, 1000), (4000, 2700)])
def test_what_is_pending_counts_as_long_as_it_has_lasted(waiting: int, expected: int) -> None:
    """A growth still not Ready after t is evidence of a lead of at least t."""
    growth = Growth(site=A, before_replicas=10, replicas=14, since=BELL - timedelta(seconds=waiting))
    assert lead(an_ent(), (2, 90), growths=(growth,)) == timedelta(seconds=expected)
    ready = lead(an_ent(), (2, 90), growths=(growth,), ready=14)
    assert ready == timedelta(seconds=expected), "Ready at last: it is as long as it was"


@pytest.mark.parametrize(("rings_in", "expected"), [(44, 300), (46, 60)])
def test_only_bells_within_the_longest_lead_ask_for_a_long_one(rings_in: int, expected: int) -> None:
    """A bell far ahead does not lengthen the lead of now; one that the longest lead reaches does."""
    leads = (LearnedLead(site=A, rows=((1, 3, 60, 55, 0),)),)
    world = a_world(windows=(a_window(key(), BELL + timedelta(minutes=rings_in), 60, 150.0),))
    memory = replace(world.memory, ents=(EntMemory(ent=key(), leads=leads),))
    facts = facts_of(replace(world, memory=memory), BELL)
    assert demand_of(facts, world.ents[0], judge_sites(facts)).lead == timedelta(seconds=expected)


def state(ready: int, wanted: int, *, seen_ago: int = 0) -> ReplicaState:
    found = replicas(key(), "a", wanted, BELL, ready=ready)
    return replace(found, seen_at=BELL - timedelta(seconds=seen_ago))


def learned(world: World, before: EntMemory, **raises: tuple[int, int]) -> EntMemory:
    growths, leads = learn(facts_of(world, BELL), before, {SiteName(s): r for s, r in raises.items()})
    return EntMemory(ent=key(), growths=growths, leads=leads)


def growing(seconds_ago: int) -> EntMemory:
    growth = Growth(site=A, before_replicas=10, replicas=14, since=BELL - timedelta(seconds=seconds_ago))
    return EntMemory(ent=key(), growths=(growth,))


@pytest.mark.parametrize(
    ("seen", "ago", "goes_on", "believed"),
    [
        (state(14, 14), 42, False, 45),
        (state(12, 14), 42, True, None),
        (state(12, 14), 2700, False, 2700),
        (state(12, 12), 5, True, None),
        (state(12, 12), 60, False, 60),
        (state(14, 14, seen_ago=60), 42, True, None),
        (state(12, 14, seen_ago=60), 2700, False, None),
    ],
    ids=[
        "Ready: measured",
        "Pending: goes on",
        "Pending beyond the bound: counts as the bound",
        "the write is not seen yet",
        "taken back while Pending: at least so long",
        "out of sight: nothing is known",
        "out of sight beyond the bound: forgotten",
    ],
)
def test_how_a_growth_ends(seen: ReplicaState, ago: int, goes_on: bool, believed: int | None) -> None:  # noqa: FBT001 - a column of the table
    """Only what was seen teaches."""
    after = learned(a_world(replicas=(seen,)), growing(ago))
    assert bool(after.growths) is goes_on
    assert [percentile_95(row) for lead in after.leads for row in lead.rows] == ([] if believed is None else [believed])


def test_a_growth_that_was_taken_back_is_no_measurement_of_its_class() -> None:
    """Half a minute of waiting in vain is no reason to believe in a lead of half a minute."""
    world = a_world(replicas=(state(12, 12),), windows=(a_window(key(), BELL, 60, 150.0),))
    for memory in (growing(60), learned(world, growing(60))):
        facts = facts_of(replace(world, memory=replace(world.memory, ents=(memory,))), BELL)
        assert lead_time(facts, world.ents[0], world.windows) == timedelta(minutes=5)


def test_what_is_seen_now_counts_at_once() -> None:
    """The lead before the memory is written is the lead after it: a plan made twice at one instant is the same."""
    world = a_world(replicas=(state(14, 14),))
    before = facts_of(replace(world, memory=replace(world.memory, ents=(growing(42),))), BELL)
    after = facts_of(replace(world, memory=replace(world.memory, ents=(learned(world, growing(42)),))), BELL)
    assert lead_time(before, world.ents[0], ()) == lead_time(after, world.ents[0], ()) == timedelta(seconds=45)


def test_a_growth_that_was_taken_back_early_teaches_nothing() -> None:
    """Shorter than what is believed already: a censored observation without news."""
    before = replace(growing(60), leads=(LearnedLead(site=A, rows=((2, 3, 90, 80, 0),)),))
    assert learned(a_world(replicas=(state(12, 12),)), before).leads == before.leads


def test_raises_are_timed_from_the_first_of_a_ramp() -> None:
    """A raise begins a growth unless one is under way, or as many are Ready already."""
    world = a_world(replicas=(state(10, 14),))
    begun = learned(world, EntMemory(ent=key()), a=(10, 14))
    assert begun.growths == (Growth(site=A, before_replicas=10, replicas=14, since=BELL),)
    assert learned(world, growing(30), a=(14, 20)).growths == growing(30).growths
    assert learned(world, EntMemory(ent=key()), a=(8, 10)).growths == ()


def test_ten_sites_with_everything_fit_into_the_status() -> None:
    """4 KiB of restraints per ENT (design §3): leads leave room for latches, growths and the last moves."""
    names = [SiteName(f"site-{i}-abc") for i in range(10)]
    rows: tuple[LeadRow, ...] = tuple((c, 19, 2700, 2695, 2700) for c in (3, 5, 6, 7))
    memory = EntMemory(
        ent=key(),
        moves=tuple(
            Move(edge=EDGE, site=s, before_percent=100, after_percent=10, at=BELL, kind=MoveKind.FAILBACK)
            for s in names[:4]
        ),
        latches=tuple(Latch(site=s, replicas=100, until=BELL, source="schedule: 08:30 bell") for s in names),
        leads=tuple(LearnedLead(site=s, rows=rows) for s in names),
    )
    weights = tuple(StoredWeight(edge=EDGE, site=s, weight=10, max_concurrent=400) for s in names)
    document = write_ent(StoredEnt(restraints=memory, weights=weights))
    size = len(json.dumps(document, separators=(",", ":")))
    assert size <= LARGEST_BYTES, size
    assert len(document["restraints"]["moves"]) == 4, "nothing had to give way"
    assert timedelta(seconds=2700) == LONGEST_LEAD
