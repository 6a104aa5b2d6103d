"""Of moves that are no evacuation, the smaller shift wins among equal policies."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.intents import Intent, PeerPlan
from controller.domain.memory import MoveKind
from controller.domain.names import EdgeName, SiteName
from controller.domain.plan import SiteWeight
from controller.domain.reasons import Reason
from controller.domain.world import World
from controller.planning.facts import facts_of
from controller.planning.second_opinions import UNBOUND, Percents, peers_answer_otherwise, second_opinion
from tests.builders import BELL, an_ent

ENT = an_ent()
FRONT = EdgeName("front")
A, B, C = SiteName("a"), SiteName("b"), SiteName("c")
BEFORE = {A: 100, B: 0, C: 0}
AFTER = {A: 80, B: 10, C: 10}
BOUND = [kind for kind in MoveKind if kind not in UNBOUND]


def intent(weights: Percents) -> Intent:
    """What somebody would write."""
    each = tuple(SiteWeight(site=site, weight=weight) for site, weight in weights.items())
    return Intent(ent=ENT.key, edge=FRONT, weights=each)


def a_peer(weights: Percents | None, at: SiteName = B) -> PeerPlan:
    """A peer that would write these weights, or leave them as they are."""
    return PeerPlan(site=at, intents=(intent(weights),) if weights is not None else ())


def opinion(
    *peers: PeerPlan, kind: MoveKind = MoveKind.FAILOVER, after: Percents = AFTER, before: Percents = BEFORE
) -> Percents | Reason:
    """What is left of the move, or why nothing is."""
    facts = facts_of(World(sites=(), ents=(ENT,), peers=peers), BELL)
    found = second_opinion(facts, ENT.key, FRONT, kind, before, after)
    return found.held.reason if found.held is not None else found.percents


@pytest.mark.parametrize("kind", BOUND)
def test_a_peer_that_would_move_less_bounds_the_move(kind: MoveKind) -> None:
    """We go our own way, as far as the most careful peer goes."""
    assert opinion(a_peer({A: 90, B: 10, C: 0}), kind=kind) == {A: 90, B: 5, C: 5}
    assert opinion(a_peer({A: 95, B: 0, C: 5}), a_peer({A: 90, C: 10}, C), kind=kind) == {A: 95, B: 3, C: 2}
    assert opinion(a_peer({A: 50, B: 50}), kind=kind) == AFTER


@pytest.mark.parametrize("kind", BOUND)
def test_a_peer_that_would_leave_the_weights_says_no(kind: MoveKind) -> None:
    """The action is withheld with a reason that names who disagrees, not dropped."""
    assert opinion(a_peer(None), kind=kind) is Reason.PEERS_DISAGREE
    assert opinion(a_peer(BEFORE), kind=kind) is Reason.PEERS_DISAGREE


@pytest.mark.parametrize("kind", UNBOUND)
def test_nobody_holds_up_the_leaving_of_a_down_site_nor_an_order(kind: MoveKind) -> None:
    """Whatever peers think, or do not yet know."""
    assert opinion(a_peer(None), a_peer(BEFORE, C), kind=kind) == AFTER


def test_a_word_about_oneself_counts_downwards_only() -> None:
    """The site that is left cannot keep its users by disagreeing; one that is sent users can refuse them."""
    assert opinion(a_peer(None, A)) == AFTER
    assert opinion(a_peer(None, B)) is Reason.PEERS_DISAGREE


def test_who_is_undecided_or_not_there_has_no_opinion() -> None:
    """Its own last step was too lately; or no peer plans from the same policies."""
    undecided = PeerPlan(site=B, undecided=(intent(AFTER),))
    assert opinion(undecided) == AFTER
    assert opinion() == AFTER


def test_opinions_on_other_edges_and_ents_are_none_on_this() -> None:
    """Silence about this edge is a no, whatever is said about another."""
    elsewhere = replace(intent(AFTER), edge=EdgeName("other"))
    assert opinion(PeerPlan(site=B, intents=(elsewhere,))) is Reason.PEERS_DISAGREE


def test_a_site_that_is_not_named_has_nothing() -> None:
    """Ours goes from a alone to half at b; the peer would move a tenth: so do we, and nobody else is answered."""
    found = opinion(a_peer({A: 90, B: 10}, C), before={A: 100}, after={A: 50, B: 50})
    assert found == {A: 90, B: 10}


PERCENTS = (
    st.tuples(st.integers(0, 100), st.integers(0, 100))
    .map(sorted)
    .map(lambda p: {A: p[0], B: p[1] - p[0], C: 100 - p[1]})
)


@given(after=PERCENTS, theirs=st.lists(st.tuples(st.sampled_from([A, B, C]), PERCENTS), max_size=3))
def test_a_bounded_move_stays_on_our_way_and_answers_everybody(
    after: Percents, theirs: list[tuple[SiteName, Percents]]
) -> None:
    """Sums to 100, and every site's share lies between the present one and ours."""
    found = opinion(*(a_peer(weights, at) for at, weights in theirs), after=after)
    if not isinstance(found, Reason):
        assert sum(found.values()) == 100
        for site in (A, B, C):
            low, high = sorted((BEFORE[site], after[site]))
            assert low <= found[site] <= high


@pytest.mark.parametrize(("theirs", "held"), [({A: 1, B: 1}, True), (None, True), ({A: 1}, False), ({C: 1}, False)])
def test_an_answer_set_waits_for_peers_that_would_change_less(theirs: Percents | None, held: bool) -> None:  # noqa: FBT001 - a row of the table
    """We would take B and C out: a peer that would keep one of them holds that up, one that goes as far does not."""
    facts = facts_of(World(sites=(), ents=(ENT,), peers=(a_peer(theirs, A),)), BELL)
    because = peers_answer_otherwise(facts, ENT.key, FRONT, MoveKind.FAILOVER, (A, B, C), (A,))
    assert (because is not None) is held
    assert peers_answer_otherwise(facts, ENT.key, FRONT, MoveKind.EVACUATION, (A, B, C), (A,)) is None
