"""What HAProxy is told, and what that says about the weights in force."""

from datetime import timedelta

import pytest

from controller.actuate.haproxy_board import FORGOTTEN_AFTER, AgentBoard, UnknownQuestionError, agent_line
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.plan import SiteWeight
from controller.domain.world import Route
from tests.builders import BELL, EDGE, key

A, B = SiteName("a"), SiteName("b")


def weights(**shares: int) -> tuple[SiteWeight, ...]:
    """Weights by site."""
    return tuple(SiteWeight(site=SiteName(site), weight=weight) for site, weight in sorted(shares.items()))


def a_board(**shares: int) -> AgentBoard:
    """A board on which these weights were decided."""
    board = AgentBoard()
    board.decide_weights(key(), EDGE, weights(**shares))
    return board


def in_force(board: AgentBoard, *, seconds: float = 0.0) -> dict[str, int]:
    """The weights in force by site."""
    return {r.site: r.weight for r in board.routes(BELL + timedelta(seconds=seconds))}


@pytest.mark.parametrize(
    ("weight", "cap", "line"),
    [(75, None, "up 75%"), (0, None, "up 0%"), (100, 40, "up 100% maxconn:40"), (10, 0, "up 10% maxconn:1")],
)
def test_the_line(weight: int, cap: int | None, line: str) -> None:
    """No `ready`, which would cancel an operator's drain; no `maxconn:0`, which would mean no limit."""
    assert agent_line(Route(ent=key(), edge=EDGE, site=A, weight=weight, max_concurrent=cap)) == line


@pytest.mark.parametrize("question", ["ents/nord/a", "ents/nord/a\r\n", "ents/nord/a@front"])
def test_a_question_is_answered(question: str) -> None:
    """With or without the edge's name."""
    assert a_board(a=60, b=40).answer(question, asker="h", now=BELL) == "up 60%"


@pytest.mark.parametrize("question", ["", "nord/a", "ents/nord/c", "ents/sud/a", "ents/nord/a@other", "a/b/c/d"])
def test_what_is_not_known_has_no_answer(question: str) -> None:
    """Nothing is invented: HAProxy keeps the weight it has."""
    with pytest.raises(UnknownQuestionError):
        a_board(a=100).answer(question, asker="h", now=BELL)


def test_several_edges_must_be_named() -> None:
    """An ENT behind two HAProxy edges is asked for with the edge."""
    board = a_board(a=100)
    board.decide_weights(key(), EdgeName("back"), weights(a=30))
    with pytest.raises(UnknownQuestionError, match="append @EDGE"):
        board.answer("ents/nord/a", asker="h", now=BELL)
    assert board.answer("ents/nord/a@back", asker="h", now=BELL) == "up 30%"


def test_a_decision_is_in_force_when_it_has_been_told() -> None:
    """Until HAProxy has asked, the old weights are what traffic follows."""
    board = a_board(a=100, b=0)
    for site in ("a", "b"):
        board.answer(f"ents/nord/{site}", asker="h", now=BELL)
    board.decide_weights(key(), EDGE, weights(a=60, b=40))
    assert in_force(board) == {"a": 100, "b": 0}
    board.answer("ents/nord/a", asker="h", now=BELL)
    assert in_force(board) == {"a": 60, "b": 0}
    board.answer("ents/nord/b", asker="h", now=BELL)
    assert in_force(board) == {"a": 60, "b": 40}


def test_of_two_haproxies_the_one_behind_counts() -> None:
    """A pair is moved when both know; one that no longer asks is not waited for."""
    board = a_board(a=100)
    board.answer("ents/nord/a", asker="one", now=BELL)
    board.answer("ents/nord/a", asker="two", now=BELL)
    board.decide_weights(key(), EDGE, weights(a=50, b=50))
    board.answer("ents/nord/a", asker="one", now=BELL + timedelta(seconds=2))
    assert in_force(board)["a"] == 100
    gone = FORGOTTEN_AFTER.total_seconds() + 1
    board.answer("ents/nord/a", asker="one", now=BELL + timedelta(seconds=gone))
    assert in_force(board, seconds=gone)["a"] == 50


def test_a_site_that_is_no_longer_named_gets_nothing() -> None:
    """The weights of one decision are all there are."""
    board = a_board(a=60, b=40)
    board.decide_weights(key(), EDGE, weights(a=100))
    assert board.answer("ents/nord/b", asker="h", now=BELL) == "up 0%"


def test_a_successor_says_what_its_predecessor_decided() -> None:
    """Restored weights are answered and in force at once."""
    board = AgentBoard()
    route = Route(ent=EntKey("ents", "nord"), edge=EDGE, site=A, weight=70, max_concurrent=9)
    board.restore([route])
    assert board.answer("ents/nord/a", asker="h", now=BELL) == "up 70% maxconn:9"
    assert board.routes(BELL) == (route,)


def test_a_cap_needs_a_decided_weight() -> None:
    """A cap alone would say a weight that nobody decided."""
    board = a_board(a=100)
    assert board.decide_cap(key(), EDGE, A, 40)
    assert not board.decide_cap(key(), EDGE, B, 40)
    assert board.answer("ents/nord/a", asker="h", now=BELL) == "up 100% maxconn:40"
    board.decide_weights(key(), EDGE, weights(a=50, b=50))
    assert board.answer("ents/nord/a", asker="h", now=BELL) == "up 50% maxconn:40"


def test_what_is_no_longer_declared_is_forgotten() -> None:
    """A deleted ENT has no answer; one that comes back begins anew."""
    board = a_board(a=100)
    board.decide_weights(key("sud"), EDGE, weights(a=100))
    for ent in ("nord", "sud"):
        board.answer(f"ents/{ent}/a", asker="h", now=BELL)
    board.keep({(key("sud"), EDGE)})
    assert board.answer("ents/sud/a", asker="h", now=BELL) == "up 100%"
    assert [slot.ent for slot in board.asked_at()] == [key("sud")]
    with pytest.raises(UnknownQuestionError):
        board.answer("ents/nord/a", asker="h", now=BELL)
