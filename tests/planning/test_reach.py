"""Nobody sends users where it cannot send them: what an instance does not reach itself takes nothing more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.names import SiteName
from controller.domain.readings import ProbeResult
from controller.domain.world import World
from controller.planning.reach import unreached
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
