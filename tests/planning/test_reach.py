"""What an instance does not reach itself takes nothing more, and what it does not hear may count on all it has."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.fleet import Edge, EdgeKind
from controller.domain.names import EdgeName, SiteName
from controller.domain.readings import ProbeResult
from controller.domain.world import World
from controller.planning.facts import facts_of
from controller.planning.health import Health, judge_sites
from controller.planning.reach import unheard_edges, unreached
from controller.planning.votes import SILENT_AFTER
from tests.builders import BELL, DEAD, FINE, HUNG, ROUND, a_site, rounds

A, B, C = (SiteName(name) for name in "abc")
SITES = tuple(a_site(name) for name in "abc")


def seen_from_a(
    api: ProbeResult = FINE, public: ProbeResult = FINE, *, home: SiteName | None = A, ago: timedelta = timedelta(0)
) -> World:
    """The world of the instance at a, to which b answers like this and c well."""
    mine = rounds(BELL - ago, "abc", api={"b": api}, public={"b": public, "a": HUNG})
    return World(sites=SITES, ents=(), rounds=tuple(replace(r, site=A) for r in mine), self_site=home)


@pytest.mark.parametrize(
    ("api", "public", "expected"),
    [
        (FINE, FINE, set()),
        (FINE, HUNG, {B}),
        (FINE, DEAD, {B}),
        (HUNG, FINE, set()),  # users do not come through the API server
        (HUNG, HUNG, {B}),
    ],
)
def test_users_go_where_the_public_address_answers(
    api: ProbeResult, public: ProbeResult, expected: set[SiteName]
) -> None:
    """The way that users would take counts; our own site is reached, whatever a hairpin says."""
    assert unreached(seen_from_a(api, public), SITES, BELL) == expected


def test_without_a_public_address_the_api_server_is_the_way_there_is() -> None:
    """What has one path is judged by it."""
    private = tuple(replace(site, has_public_address=False) for site in SITES)
    assert unreached(seen_from_a(api=HUNG), private, BELL) == {B}


def test_only_the_newest_round_counts() -> None:
    """A way that was closed a moment ago and is open now is open."""
    before = seen_from_a(public=HUNG, ago=ROUND)
    now = replace(seen_from_a().rounds[-1], sequence=before.rounds[-1].sequence + 1)
    assert unreached(before, SITES, BELL) == {B}
    assert unreached(replace(before, rounds=(now, *before.rounds)), SITES, BELL) == frozenset()


def test_what_was_seen_too_long_ago_says_nothing() -> None:
    """Without evidence of its own an instance has no opinion; what it may do then, others decide."""
    assert unreached(seen_from_a(public=HUNG, ago=SILENT_AFTER), SITES, BELL) == {B}
    assert unreached(seen_from_a(public=HUNG, ago=SILENT_AFTER * 2), SITES, BELL) == frozenset()


def test_an_instance_for_all_sites_stands_beside_no_edge() -> None:
    """Where it runs says nothing of the ways between the sites."""
    assert unreached(seen_from_a(public=HUNG, home=None), SITES, BELL) == frozenset()


EDGES = (
    Edge(name=EdgeName("at-a"), kind=EdgeKind.HAPROXY_AGENT, site=A),
    Edge(name=EdgeName("at-b"), kind=EdgeKind.HAPROXY_AGENT, site=B),
    Edge(name=EdgeName("nowhere"), kind=EdgeKind.HAPROXY_AGENT),
)


def heard_at_a(b_is_silent_for: timedelta, *, b_answers: bool = True, home: SiteName | None = A) -> World:
    """The world of the instance at a, which last heard of b so long ago; c tells it the same as it sees itself."""
    result = FINE if b_answers else HUNG
    told = {A: timedelta(0), B: b_is_silent_for, C: timedelta(0)}
    seen = tuple(
        replace(r, site=site)
        for site, ago in told.items()
        for r in rounds(BELL - ago, "abc", api={"b": result}, public={"b": result}, observer=str(site))
    )
    return World(sites=SITES, ents=(), edges=EDGES, rounds=seen, self_site=home)


def judged(world: World) -> dict[SiteName, Health]:
    """What is held of the sites."""
    return judge_sites(facts_of(world, BELL))


@pytest.mark.parametrize(
    ("silent_for", "b_answers", "expected"),
    [
        (timedelta(0), True, set()),
        (SILENT_AFTER, True, set()),
        (SILENT_AFTER * 2, True, {EdgeName("at-b")}),
        (SILENT_AFTER * 2, False, set()),  # Down: its edge fell with it
    ],
)
def test_the_edge_of_a_silent_instance_may_send_anybody_anywhere(
    silent_for: timedelta,
    b_answers: bool,  # noqa: FBT001 - a row of the table
    expected: set[EdgeName],
) -> None:
    """A shrink must know who counts on what it gives back."""
    world = heard_at_a(silent_for, b_answers=b_answers)
    assert unheard_edges(world, judged(world), BELL) == expected


def test_an_instance_for_all_sites_writes_all_edges_itself() -> None:
    """Nobody else can have changed what it decided."""
    world = heard_at_a(SILENT_AFTER * 2, home=None)
    assert unheard_edges(world, judged(world), BELL) == frozenset()
