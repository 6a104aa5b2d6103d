"""The planner's answer for a quiet fleet is the planner's: held against whole plans of whole worlds."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.fleet import DataMode, Dependency, Ent, ReservePolicy, Site
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import SetReplicas
from controller.planning.decide import decide
from controller.planning.quiet import expecting, size
from tests.builders import BELL, a_site, a_window, a_world, an_ent, key


def planned(sites: list[Site], ents: list[Ent], demand: dict[EntKey, float]) -> dict[tuple[EntKey, SiteName], int]:
    """Replicas after a plan in which nothing runs yet, nobody has come, and the bells ring in an hour that began."""
    windows = tuple(a_window(ent, BELL - timedelta(minutes=1), 60, wanted) for ent, wanted in demand.items())
    counts: dict[tuple[str, str], int] = {(ent.key.name, p.site): 0 for ent in ents for p in ent.placements}
    nobody: dict[tuple[str, str], float | None] = {(ent.key.name, p.site): 0.0 for ent in ents for p in ent.placements}
    world = a_world(ents=ents, sites=sites, counts=counts, demand=nobody, windows=windows)
    found = {(ent.key, p.site): 0 for ent in ents for p in ent.placements}
    for action in decide(world, BELL).actions:
        if isinstance(action, SetReplicas):
            found[action.ent, action.site] = action.replicas
    return found


def quiet(sites: list[Site], ents: list[Ent], demand: dict[EntKey, float]) -> dict[tuple[EntKey, SiteName], int]:
    """The same, asked for a quiet fleet."""
    expected = [expecting(ent, wanted, "schedule test: bell", BELL) for ent, wanted in demand.items()]
    sized = size(sites, ents, expected, BELL)
    return {(ent, site): count for ent, found in sized.items() for site, count in found.by_site.items()}


@given(
    demands=st.lists(st.floats(0, 400), min_size=1, max_size=3),
    quota=st.none() | st.integers(20, 200),
    bears=st.none() | st.floats(10, 300),
    reserve=st.sampled_from(ReservePolicy),
)
def test_a_quiet_fleet_is_sized_as_plan_sizes_it(
    demands: list[float], quota: int | None, bears: float | None, reserve: ReservePolicy
) -> None:
    """Preview and controller never disagree: same replicas at every site, bounds and reserve included."""
    sites = [a_site("a", quota=quota), a_site("b"), a_site("c")]
    shared = () if bears is None else (Dependency(name="sso", capacity=bears),)
    ents = [
        an_ent(f"ent-{i}", sites=("a", "b", "c"), reserve=reserve, dependencies=shared, priority=i)
        for i, _ in enumerate(demands)
    ]
    demand = {ent.key: wanted for ent, wanted in zip(ents, demands, strict=True)}
    assert quiet(sites, ents, demand) == planned(sites, ents, demand)


def test_what_nobody_can_carry_is_told() -> None:
    """An author reads it long before a morning on which it would matter."""
    sites, ent = [a_site("a")], an_ent(sites=("a",))
    sized = size(sites, [ent], [expecting(ent.key, 1000.0, "schedule test: bell", BELL)], BELL)[key()]
    assert sized.replicas == 100
    assert sized.unserved_per_second == pytest.approx(1000 - 100 * 0.75 * 5)
    assert "cannot be carried" in sized.bounds[-1]


def test_data_that_serves_only_when_fresh_is_taken_as_fresh() -> None:
    """A quiet fleet has its data in order, or a preview would leave out every standby."""
    ent = an_ent()
    standby = tuple(replace(p, data_mode=DataMode.PROMOTED) for p in ent.placements)
    sites = [a_site("a"), a_site("b")]
    demand = {ent.key: 30.0}
    assert quiet(sites, [replace(ent, placements=standby)], demand) == quiet(sites, [ent], demand)
