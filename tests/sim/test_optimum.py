"""The clairvoyant optimum against brute force on small cases, and its bounds where quotas bind."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.fleet import DomainKind, Ent, FailureDomain, Site
from controller.domain.names import DomainName, EntKey, SiteName
from controller.sim.controller import Known
from controller.sim.optimum import Optimum, optimum, without_narrow_valleys
from tests.builders import a_placement, a_site, an_ent

NOW = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)
HOUR = 3600.0


def known_of(ents: tuple[Ent, ...], sites: tuple[Site, ...], *, delay: float, reserve: bool) -> Known:
    """One demand per second is one replica, and a step is an hour: figures are replica-steps."""
    return Known(
        ents=ents,
        sites=sites,
        windows=(),
        history={},
        start_delay_seconds=delay * HOUR,
        target_utilisation=1.0,
        capacity_per_replica={ent.key: 1.0 for ent in ents},
        reserve=reserve,
    )


def solved(known: Known, needs: dict[EntKey, list[int]]) -> Optimum:
    """The optimum of whole needs."""
    return optimum({key: np.array(series, dtype=float) for key, series in needs.items()}, HOUR, known)


def brute_force(known: Known, needs: dict[EntKey, list[int]]) -> float | None:
    """The least replica-steps over every path of replica counts; None when no path carries the needs.

    State by state and step by step, from all counts within limits and quotas to all others.
    """
    places = [(ent.key, p) for ent in known.ents for p in ent.placements]
    sites = {site.name: site for site in known.sites}
    states = [
        state
        for state in itertools.product(*(range(p.min_replicas, p.max_replicas + 1) for _, p in places))
        if all(
            site.quota_replicas is None
            or sum(n for n, (_, p) in zip(state, places, strict=True) if p.site == site.name) <= site.quota_replicas
            for site in known.sites
        )
    ]

    def carries(state: tuple[int, ...], step: int) -> bool:
        for ent in known.ents:
            mine = [(n, p.site) for n, (key, p) in zip(state, places, strict=True) if key == ent.key]
            cases = [{site for _, site in mine}]
            if known.reserve:
                domains = {d for _, site in mine for d in sites[site].serving_domains}
                left = [{s for _, s in mine if d not in sites[s].serving_domains} for d in domains]
                cases += [standing for standing in left if standing]
            need = needs[ent.key][step]
            if any(sum(n for n, site in mine if site in standing) < need for standing in cases):
                return False
        return True

    delay = known.start_delay_seconds / HOUR
    steps = len(next(iter(needs.values())))
    least = {state: float(sum(state)) for state in states if carries(state, 0)}
    for step in range(1, steps):
        allowed = [state for state in states if carries(state, step)]
        least = {
            state: sum(state)
            + min(
                (spent + delay * sum(max(0, n - b) for n, b in zip(state, before, strict=True)))
                for before, spent in least.items()
            )
            for state in allowed
            if least
        }
    return min(least.values()) if least else None


@st.composite
def single(draw: st.DrawFn) -> tuple[Known, dict[EntKey, list[int]]]:
    """One ENT on one to three sites, some of which may fall together."""
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    together = draw(st.booleans())
    sites = tuple(a_site(name, domain="campus" if together and name != "c" else None) for name in names)
    places = []
    for name in names:
        least = draw(st.integers(0, 1))
        places.append(a_placement(name, least=least, most=draw(st.integers(max(1, least), 3))))
    ent = replace(an_ent(sites=names), placements=tuple(places))
    needs = draw(st.lists(st.integers(0, 4), min_size=1, max_size=7))
    known = known_of((ent,), sites, delay=draw(st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0])), reserve=draw(st.booleans()))
    return known, {ent.key: needs}


@settings(deadline=None, max_examples=300)
@given(single())
def test_no_path_of_replicas_is_cheaper(case: tuple[Known, dict[EntKey, list[int]]]) -> None:
    """Without a binding quota the closed form is the least over every path there is."""
    known, needs = case
    found, least = solved(known, needs), brute_force(known, needs)
    assert found.exact
    assert found.replica_hours == found.lower_bound
    if least is None:
        assert found.short_seconds > 0
    else:
        assert found.short_seconds == 0
        assert found.replica_hours == least


@st.composite
def coupled(draw: st.DrawFn) -> tuple[Known, dict[EntKey, list[int]]]:
    """Two ENTs that share two sites with quotas."""
    sites = tuple(a_site(name, quota=draw(st.integers(2, 4))) for name in ("a", "b"))
    ents = tuple(
        replace(an_ent(name), placements=tuple(a_placement(site, least=0, most=3) for site in ("a", "b")))
        for name in ("nord", "sud")
    )
    length = draw(st.integers(1, 5))
    needs = {ent.key: draw(st.lists(st.integers(0, 3), min_size=length, max_size=length)) for ent in ents}
    known = known_of(ents, sites, delay=draw(st.sampled_from([0.0, 1.0, 2.0])), reserve=draw(st.booleans()))
    return known, needs


@settings(deadline=None, max_examples=60)
@given(coupled())
def test_with_quotas_the_truth_lies_between_bound_and_plan(case: tuple[Known, dict[EntKey, list[int]]]) -> None:
    """Where quotas bind, no path undercuts the bound, and the plan, when it carries all, is a path."""
    known, needs = case
    found, least = solved(known, needs), brute_force(known, needs)
    if least is None:
        assert found.short_seconds > 0
    if least is not None:
        assert found.lower_bound <= least + 1e-6
        if not found.short_seconds:
            assert found.replica_hours >= least - 1e-6
        if found.exact:
            assert abs(found.replica_hours - least) <= 1e-6


@settings(deadline=None, max_examples=60)
@given(needs=st.lists(st.integers(0, 3), min_size=1, max_size=4), delay=st.sampled_from([0.0, 1.0, 2.0]))
def test_with_domains_that_overlap_too(needs: list[int], delay: float) -> None:
    """Where a site falls with two others that do not fall together, the truth lies between bound and plan."""
    campus, power = (FailureDomain(name=DomainName(name), kind=DomainKind.SERVING) for name in ("campus", "power"))
    sites = (
        Site(name=SiteName("a"), failure_domains=(campus,)),
        Site(name=SiteName("b"), failure_domains=(campus, power)),
        Site(name=SiteName("c"), failure_domains=(power,)),
    )
    ent = replace(an_ent(sites="abc"), placements=tuple(a_placement(site, least=0, most=3) for site in "abc"))
    known = known_of((ent,), sites, delay=delay, reserve=True)
    found, least = solved(known, {ent.key: needs}), brute_force(known, {ent.key: needs})
    assert least is not None
    assert found.lower_bound <= least + 1e-6
    assert found.replica_hours >= least - 1e-6


def test_a_gap_shorter_than_the_start_delay_is_bridged() -> None:
    """A replica is kept through a valley narrower than the delay, and let go in a wider one and at the end."""
    totals = np.array([1, 3, 1, 1, 3, 1, 1, 1, 3, 1], dtype=np.int64)
    assert without_narrow_valleys(totals, 3.0).tolist() == [3, 3, 3, 3, 3, 1, 1, 1, 3, 1]
    assert without_narrow_valleys(totals, 0.0).tolist() == totals.tolist()


def test_reserve_over_three_sites_costs_half_as_much_again() -> None:
    """N+1 over three equal sites needs 3/2 of the demand; over two, twice."""
    for names, factor in (("abc", 1.5), ("ab", 2.0)):
        ent = an_ent(sites=list(names))
        known = known_of((ent,), tuple(a_site(name) for name in names), delay=0.0, reserve=True)
        assert solved(known, {ent.key: [60]}).replica_hours == 60 * factor


def test_what_quotas_do_not_allow_is_not_called_exact() -> None:
    """Two ENTs that do not fit together are bounded, and the seconds in which they are short are told."""
    ents = (an_ent("nord"), an_ent("sud"))
    sites = (a_site("a", quota=10), a_site("b", quota=10))
    known = known_of(ents, sites, delay=0.0, reserve=True)
    found = solved(known, {ents[0].key: [8], ents[1].key: [8]})
    assert not found.exact
    assert found.short_seconds > 0
    assert found.lower_bound <= found.replica_hours
