"""The placement programme against brute force, against greedy, and against itself in pieces."""

import itertools
import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.fleet import DemandSignal, ReservePolicy
from controller.domain.names import DomainName, EntKey, SiteName
from controller.domain.reasons import Reason
from controller.domain.world import World
from controller.planning import placement, shapes
from controller.planning.bottleneck import Ceiling
from controller.planning.demand import demand_of
from controller.planning.facts import facts_of
from controller.planning.flows import Slot, Split, Wish, solve
from controller.planning.greedy import place_greedily
from controller.planning.health import judge_sites
from controller.planning.placement import Placed, place
from controller.planning.programme import Unsolved
from tests.builders import BELL, REQUESTS, a_placement, a_site, a_window, a_world, an_ent, key

NAMES = tuple(map(SiteName, "abcd"))
Quotas = Mapping[SiteName, float]


@st.composite
def wishes(draw: st.DrawFn) -> list[Wish]:
    """Draw up to four ENTs on up to four sites, some of which fail together."""
    domains = {name: DomainName(draw(st.sampled_from(["north", "south", f"site:{name}"]))) for name in NAMES}
    costs = {name: draw(st.sampled_from([1.0, 1.2, 2.0])) for name in NAMES}
    found = []
    for n in range(draw(st.integers(1, 4))):
        at = sorted(draw(st.sets(st.sampled_from(NAMES), min_size=1)))
        slots = tuple(
            Slot(
                site=name,
                most=float(draw(st.integers(0, 30))),
                distance=float(draw(st.integers(0, 3))),
                cost=costs[name],
                domains=(domains[name],),
                held=draw(st.sampled_from([0.0, 0.5, 1.0])),
            )
            for name in at
        )
        found.append(
            Wish(
                key=EntKey("ents", f"e{n}"),
                priority=draw(st.integers(0, 2)),
                units=float(draw(st.integers(0, 25))),
                per_unit=draw(st.sampled_from([1.0, 3.75])),
                reserve=draw(st.booleans()),
                most_replicas=draw(st.sampled_from([math.inf, 5.0, 20.0])),
                slots=slots,
            )
        )
    return found


quotas = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 40).map(float))


def value(all_wishes: Sequence[Wish], splits: Mapping[EntKey, Split]) -> list[float]:
    """Return the objectives of the programme in their order, each recomputed from the answer alone."""
    priorities = sorted({wish.priority for wish in all_wishes}, reverse=True)
    short = [sum(unserved(w, splits[w.key]) for w in all_wishes if w.priority == p) for p in priorities]
    after = [sum(unserved_after(w, splits[w.key]) for w in all_wishes if w.priority == p) for p in priorities]
    pairs = [(w, slot, n) for w in all_wishes for slot, n in zip(w.slots, splits[w.key].normal, strict=True)]
    counts = [(slot, n) for w in all_wishes for slot, n in zip(w.slots, splits[w.key].replicas, strict=True)]
    return [
        *short,
        *after,
        sum(slot.distance * n * w.per_unit for w, slot, n in pairs),
        sum(slot.cost * n for slot, n in counts),
        sum(abs(n - slot.held * w.units) * w.per_unit for w, slot, n in pairs),
    ]


def unserved(wish: Wish, split: Split) -> float:
    return max(0.0, wish.units - sum(split.normal)) * wish.per_unit


def unserved_after(wish: Wish, split: Split) -> float:
    survivors = (
        sum(n for slot, n in zip(wish.slots, split.replicas, strict=True) if domain not in slot.domains)
        for domain in wish.domains
    )
    return sum(max(0.0, wish.units - left) for left in survivors) * wish.per_unit


def is_no_worse(mine: Sequence[float], other: Sequence[float], order: Sequence[Wish]) -> bool:
    """Compare in order of importance; who of equal priority goes short is settled by name, for up to a hundredth."""
    tie = 0.011 * sum(w.units * w.per_unit for w in order) + 1e-3
    for here, there in zip(mine, other, strict=True):
        if abs(here - there) > tie:
            return here < there
    return True


def assert_keeps_its_bounds(all_wishes: Sequence[Wish], splits: Mapping[EntKey, Split], limits: Quotas) -> None:
    """Assert that no slot, no quota and no demand is exceeded."""
    used: dict[SiteName, float] = {}
    for wish in all_wishes:
        split = splits[wish.key]
        assert sum(split.normal) <= wish.units + 1e-3
        assert sum(split.replicas) <= wish.most_replicas + 1e-3
        for slot, flow, count in zip(wish.slots, split.normal, split.replicas, strict=True):
            assert -1e-9 <= flow <= count + 1e-3
            assert count <= slot.most + 1e-3
            used[slot.site] = used.get(slot.site, 0.0) + count
    assert all(count <= limits.get(site, math.inf) + 1e-3 for site, count in used.items())


@given(wishes(), quotas)
def test_the_programme_keeps_its_bounds_and_is_never_worse_than_greedy(asked: list[Wish], limits: Quotas) -> None:
    """Both answers are allowed, and in order of importance the programme's is at least as good."""
    solved, greedy = solve(asked, limits), place_greedily(asked, limits)
    assert not isinstance(solved, Unsolved)
    assert_keeps_its_bounds(asked, solved, limits)
    assert_keeps_its_bounds(asked, greedy, limits)
    assert is_no_worse(value(asked, solved), value(asked, greedy), asked)


@given(wishes())
def test_greedy_serves_as_much_as_can_be_served_when_nothing_is_shared(asked: list[Wish]) -> None:
    """Without quotas nobody is in anybody's way: greedy leaves no more unserved than the programme."""
    solved, greedy = solve(asked, {}), place_greedily(asked, {})
    assert not isinstance(solved, Unsolved)
    for wish in asked:
        assert math.isclose(unserved(wish, greedy[wish.key]), unserved(wish, solved[wish.key]), abs_tol=1e-2)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), min_size=2, max_size=3), st.integers(0, 5))
@settings(max_examples=20)
def test_the_programme_costs_no_more_than_any_whole_choice(shape: list[tuple[int, int]], units: int) -> None:
    """Against brute force over whole replicas: first as little unserved after a loss, then the least cost."""
    slots = tuple(
        Slot(
            site=NAMES[i],
            most=float(most),
            distance=0.0,
            cost=float(cost),
            domains=(DomainName(f"site:{NAMES[i]}"),),
            held=0.0,
        )
        for i, (most, cost) in enumerate(shape)
    )
    wish = Wish(
        key=key(), priority=0, units=float(units), per_unit=1.0, reserve=True, most_replicas=math.inf, slots=slots
    )
    solved = solve([wish], {})
    assert not isinstance(solved, Unsolved)
    split = solved[wish.key]

    def judged(choice: Sequence[float]) -> tuple[float, float, float]:
        after = sum(max(0.0, units - (sum(choice) - lost)) for lost in choice)
        cost = sum(n * slot.cost for n, slot in zip(choice, slots, strict=True))
        return max(0.0, units - sum(choice)), after, cost

    best = min(judged(choice) for choice in itertools.product(*(range(most + 1) for most, _ in shape)))
    mine = judged(split.replicas)
    assert mine[0] <= best[0] + 1e-3
    assert mine[1] <= best[1] + 1e-3
    if mine[1] > best[1] - 1e-3:
        assert mine[2] <= best[2] + 1e-2


def a_fleet(*, quota: int | None = None, most: int = 500) -> World:
    """Three ENTs with different homes and demand; at most two share a site with a quota."""
    ents = [
        an_ent(
            name,
            sites=at,
            placements=tuple(a_placement(s, home=s == at[0], most=most) for s in at),
            priority=priority,
        )
        for name, at, priority in (("est", "ab", 1), ("nord", "abc", 0), ("sud", "cb", 0))
    ]
    return a_world(
        ents=ents,
        sites=[a_site("a", quota=quota), a_site("b"), a_site("c")],
        windows=tuple(a_window(ent.key, BELL, 60, 37.0 + 20 * i) for i, ent in enumerate(ents)),
    )


def placed(world: World) -> dict[EntKey, Placed]:
    """Place as the planner does."""
    facts = facts_of(world, BELL)
    health = judge_sites(facts)
    demands = {k: demand_of(facts, ent, health) for k, ent in facts.ents.items()}
    return place(facts, demands, {k: Ceiling() for k in demands}, health)


@pytest.mark.parametrize("world", [a_fleet(), a_fleet(quota=30), a_fleet(most=12), a_fleet(quota=25, most=20)])
def test_solving_in_pieces_is_solving_the_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Multiplying a shape and solving only those who share a tight quota together changes no answer."""
    in_pieces = placed(world)
    monkeypatch.setattr(placement, "_by_shape", lambda _fleet, _demand, _ceiling: None)
    monkeypatch.setattr(placement, "entangled", lambda _asked, _quotas: list(in_pieces))
    whole = placed(world)
    for name, found in whole.items():
        assert in_pieces[name].replicas == found.replicas
        assert in_pieces[name].shares == pytest.approx(found.shares, abs=1e-3)


def test_a_programme_that_is_too_large_is_solved_greedily_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is one of size, so every machine decides alike; the explanation names it, the quota holds."""
    monkeypatch.setattr(shapes, "LARGEST_PROGRAMME", 3)
    found = placed(a_fleet(quota=25))
    details = [term.detail for p in found.values() for number in p.explained.values() for term in number.terms]
    assert any("regret greedy: 5 placements share a quota" in detail for detail in details)
    assert sum(p.replicas.get(SiteName("a"), 0) for p in found.values()) <= 25 + len(found)


@pytest.mark.parametrize(
    ("world", "reason"),
    [(a_fleet(most=12), Reason.AT_MAX), (a_fleet(quota=20), Reason.QUOTA)],
)
def test_what_it_would_have_been_is_told(world: World, reason: Reason) -> None:
    """Where a bound binds, the chain says how many replicas there would be without it."""
    nord = placed(world)[key()].explained
    cuts = [cut for cut in nord[SiteName("a")].cuts if cut.reason is reason]
    assert [(cut.before, cut.after) for cut in cuts] == [(16, nord[SiteName("a")].value)]
    assert nord[SiteName("a")].value < 16


@given(st.integers(1, 4000), st.sampled_from([1.0, 3.0, 7.0]))
def test_what_fits_is_not_called_short(per_second: int, capacity: float) -> None:
    """With room for everybody nothing is unserved, not even by what a solver leaves behind."""
    signals = (DemandSignal(signal=REQUESTS, capacity_per_replica=capacity),)
    at = tuple(a_placement(s, home=s == "a", most=100_000) for s in "abc")
    ent = an_ent(sites="abc", placements=at, signals=signals)
    found = placed(
        a_world(ents=[ent], sites=[a_site(s) for s in "abc"], windows=(a_window(ent.key, BELL, 60, per_second),))
    )
    assert found[ent.key].unserved_per_second == 0.0
    assert found[ent.key].unserved_after_loss_per_second == 0.0


def test_without_a_reserve_nothing_is_kept_for_a_loss() -> None:
    """`reserve: none` is sized for the normal case alone."""
    ent = an_ent(reserve=ReservePolicy.NONE)
    world = a_world(ents=[ent], windows=(a_window(ent.key, BELL, 60, 37.5),))
    assert placed(world)[ent.key].replicas == {"a": 10, "b": 1}
