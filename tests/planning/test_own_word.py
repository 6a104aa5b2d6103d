"""A site's word about itself: sure, downwards only, and nothing that a start or a hairpin could mean."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.names import SiteName
from controller.domain.readings import ProbeResult
from controller.domain.reasons import Reason
from controller.domain.world import World
from controller.planning.own_word import Before, own_word
from tests.builders import BELL, DEAD, FINE, HUNG, a_site, an_ent, replicas, rounds

A = SiteName("a")
ENT = an_ent()
SEEN_BOTH = Before(answered=True, ready=True)


def at_home(public: ProbeResult = FINE, *, ready: int = 3, references: ProbeResult = FINE, count: int = 3) -> World:
    """The world of the instance at a, which sees its own public address like this."""
    mine = rounds(BELL, "ab", public={"a": public}, references=[references] * 3, count=count)
    return World(
        sites=(a_site("a"), a_site("b")),
        ents=(ENT,),
        rounds=tuple(replace(seen, site=A) for seen in mine),
        replicas=(replicas(ENT.key, "a", 3, BELL, ready=ready), replicas(ENT.key, "b", 3, BELL, ready=0)),
        self_site=A,
        writable_sites=frozenset({A}),
    )


def reason(world: World, before: Before = SEEN_BOTH) -> Reason | None:
    """Why the site should not be sent users."""
    found = own_word(world, BELL, before)
    return found.reason if found is not None else None


@pytest.mark.parametrize("public", [DEAD, HUNG])
def test_its_public_address_that_fails_in_its_own_eyes(public: ProbeResult) -> None:
    """Three rounds running, with references that answer, and only if it ever answered from here."""
    assert reason(at_home()) is None
    assert reason(at_home(public)) is Reason.PUBLIC_ADDRESS_FAILING
    assert reason(at_home(public, count=2)) is None
    assert reason(at_home(public, references=DEAD)) is None
    assert reason(at_home(public), Before(ready=True)) is None, "it may never reach itself from inside"


def test_none_of_its_pods_ready_any_more() -> None:
    """On a fresh sight, and only if some were: a fleet that is starting is not sick."""
    assert reason(at_home(ready=0)) is Reason.NO_PODS_READY
    assert reason(at_home(ready=1)) is None
    assert reason(at_home(ready=0), Before(answered=True)) is None
    old = at_home(ready=0)
    stale = replace(old.replicas[0], seen_at=BELL - timedelta(minutes=1))
    assert reason(replace(old, replicas=(stale, old.replicas[1]))) is None
    unwanted = replace(old.replicas[0], wanted=0)
    assert reason(replace(old, replicas=(unwanted, old.replicas[1]))) is None


def test_what_was_seen_once_stays_seen() -> None:
    """By this process, of its own site alone."""
    before = Before().seen(at_home(DEAD, ready=0))
    assert before == Before()
    assert Before().seen(at_home()).seen(at_home(DEAD, ready=0)) == SEEN_BOTH


def test_who_owns_all_sites_speaks_for_none() -> None:
    """In the all-sites topology the controller stands outside."""
    assert reason(replace(at_home(DEAD, ready=0), self_site=None)) is None
