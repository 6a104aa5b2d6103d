"""Spreading one demand over sites: exact, as the solver finds it, and kind to equals."""

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from controller.planning.programme import Programme, Solution
from controller.planning.spreading import Basin, spread

per_second = st.integers(0, 60).map(float)


@st.composite
def basins(draw: st.DrawFn) -> Basin:
    """Draw a site with any bounds, aim and present load; whole numbers, so that the solver's answer can be compared."""
    least = draw(per_second)
    ready = draw(st.integers(0, 5)) * 20.0
    return Basin(
        least=least,
        most=least + draw(per_second),
        comfortable=0.75 * ready,
        full=0.85 * ready,
        aim=draw(per_second),
        held=draw(per_second),
    )


def by_solver(demand: float, sites: Sequence[Basin]) -> tuple[float, ...]:
    """Solve the same with HiGHS, as a linear programme of its own; return the value of each objective."""
    programme = Programme()
    unserved = programme.column()
    overload: dict[int, float] = {}
    strain: dict[int, float] = {}
    distance: dict[int, float] = {}
    movement: dict[int, float] = {}
    flows = {}
    for site in sites:
        flow = programme.column(lower=site.least, upper=site.most)
        strained = programme.column(upper=site.full - site.comfortable)
        over = programme.column()
        programme.row({flow: 1.0, strained: -1.0, over: -1.0}, upper=site.comfortable)
        strain[strained] = overload[over] = flows[flow] = 1.0
        distance.update(dict.fromkeys(programme.distance(flow, site.aim), 1.0))
        movement.update(dict.fromkeys(programme.distance(flow, site.held), 1.0))
    programme.equal({**flows, unserved: 1.0}, max(demand, sum(site.least for site in sites)))
    solved = programme.solve([{unserved: 1.0}, overload, strain, distance, movement])
    assert isinstance(solved, Solution)
    objectives = ({unserved: 1.0}, overload, strain, distance, movement)
    return tuple(sum(solved.values[column] for column in each) for each in objectives)


def by_filling(demand: float, sites: Sequence[Basin]) -> tuple[float, ...]:
    """Return the same objectives of what `spread` answers."""
    found = spread(max(demand, sum(site.least for site in sites)), sites)
    pairs = list(zip(found.flows, sites, strict=True))
    return (
        found.unserved,
        found.overload,
        sum(min(max(0.0, flow - s.comfortable), s.full - s.comfortable) for flow, s in pairs),
        sum(abs(flow - s.aim) for flow, s in pairs),
        sum(abs(flow - s.held) for flow, s in pairs),
    )


@given(per_second, st.lists(basins(), min_size=1, max_size=5))
def test_filling_finds_what_the_solver_finds(demand: float, sites: list[Basin]) -> None:
    """Marginal filling is the lexicographic optimum: every objective equals that of the linear programme."""
    for mine, best in zip(by_filling(demand, sites), by_solver(demand, sites), strict=True):
        assert math.isclose(mine, best, rel_tol=1e-4, abs_tol=1e-3)


@given(per_second, st.lists(basins(), min_size=1, max_size=6))
def test_flows_keep_within_their_bounds(demand: float, sites: list[Basin]) -> None:
    """No site gets less than it must nor more than it may, and what is served and unserved is all there is."""
    least = sum(site.least for site in sites)
    found = spread(max(demand, least), sites)
    for flow, site in zip(found.flows, sites, strict=True):
        assert site.least - 1e-9 <= flow <= site.most + 1e-9
    assert math.isclose(sum(found.flows) + found.unserved, max(demand, least), abs_tol=1e-6)


def a_basin(*, ready: float = 100.0, aim: float = 0.0, held: float = 0.0, most: float = 1000.0) -> Basin:
    """A site that may take anything."""
    return Basin(least=0.0, most=most, comfortable=0.75 * ready, full=0.85 * ready, aim=aim, held=held)


def test_the_aim_is_taken_as_it_is_when_nothing_is_in_the_way() -> None:
    """The usual case costs no search: everybody gets the placed share."""
    found = spread(60.0, [a_basin(aim=40.0), a_basin(aim=20.0, held=60.0)])
    assert found.flows == (40.0, 20.0)


def test_equals_are_used_alike() -> None:
    """Two strangers that take in a lost site's users share them in proportion to their room."""
    found = spread(90.0, [a_basin(), a_basin(ready=50.0)])
    assert found.flows == (60.0, 30.0)


def test_comfort_comes_before_nearness_and_nearness_before_staying() -> None:
    """A home is filled to 75 % only while the other has room; then both are strained, nobody is overloaded."""
    home, away = a_basin(aim=200.0), a_basin(held=200.0)
    assert spread(100.0, [home, away]).flows == (75.0, 25.0)
    full = spread(160.0, [home, away])
    assert full.overload == 0.0
    assert math.isclose(sum(full.flows), 160.0)
    assert full.flows[0] > full.flows[1]


def test_what_nobody_may_take_is_unserved() -> None:
    """Bounds are bounds: the rest is admission's."""
    found = spread(100.0, [a_basin(most=30.0), a_basin(most=20.0)])
    assert (found.flows, found.unserved) == ((30.0, 20.0), 50.0)
