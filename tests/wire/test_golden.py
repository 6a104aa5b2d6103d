"""The documents of the contract say what the code does, and what was published stays understood."""

import json
from pathlib import Path

import pytest

from controller.planning.decide import decide
from controller.wire.plan import read_plan_line
from controller.wire.stream import reply_to
from controller.wire.world import read_world_line, write_world_line
from tests.wire import golden
from tests.wire.example import question
from tests.wire.page import filled

PUBLISHED = golden.DOCUMENTS / "published"


def test_documents_and_page_are_what_the_code_makes() -> None:
    """Examples and tables of the page are those of the code: `python -m tests.wire.golden --write` after a change."""
    assert golden.differing() == []


def test_the_example_is_read_as_it_was_meant() -> None:
    """A pretty document is as good as a line, and means the same."""
    assert read_world_line((golden.DOCUMENTS / "world-v1.json").read_bytes()) == question()


def test_the_answer_in_the_page_is_the_answer() -> None:
    """Byte for byte, for whoever compares their client with it."""
    reply = reply_to(write_world_line(question()), decide)
    assert json.loads(reply.line) == json.loads((golden.DOCUMENTS / "plan-v1.json").read_text(encoding="utf-8"))
    assert reply.error is None


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("world-*.json")), ids=lambda path: path.name)
def test_published_questions_are_still_understood(path: Path) -> None:
    """Only additions within v1: what was once accepted is accepted for ever."""
    assert reply_to(path.read_bytes(), decide).error is None


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("plan-*.json")), ids=lambda path: path.name)
def test_published_answers_are_still_understood(path: Path) -> None:
    """A plan that was kept can be explained by a later version, its memory migrated."""
    assert read_plan_line(path.read_bytes()).plan.actions


def test_a_page_without_the_block_is_noticed() -> None:
    """A generated part cannot vanish from the page unseen."""
    with pytest.raises(KeyError, match="types"):
        filled("no such block", {"types": ""})
