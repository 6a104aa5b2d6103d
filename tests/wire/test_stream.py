"""Whatever comes in, one line goes out for it, and the next one is read."""

import io
import json
import os
import random
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.plan import Plan
from controller.domain.world import World
from controller.planning.decide import decide
from controller.wire.stream import TooLong, lines_of, reply_to
from controller.wire.world import Question, write_world_line
from tests.builders import BELL
from tests.strategies import worlds
from tests.wire.example import question

MUTATED_LINES = 2_500 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 1_000
SEED = 20210406
LINE = write_world_line(question())
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 0.5, 2**63, -(2**70), 1e300, "", "x", "ents/nord", "\ud7ff\n\t", "2026-09-01T07:00:00Z", [], {},
    [[]], {"type": "Refused"}, ["gra"],
)  # fmt: skip
EXTREMES = (0, 1, 0.001, 99, 100, 1e5, 1e9, 1e12, 2**53 - 1, 1e24, 1e30)
"""Values that some field or other is bounded by."""


def parts(found: Any) -> list[tuple[Any, Any]]:
    """Return every place in a document, as what holds it and how."""
    keys = list(found) if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else []
    return [place for key in keys for place in [(found, key), *parts(found[key])]]


def mutated_document(line: bytes, dice: random.Random) -> bytes:
    """Spoil one to three places of a document: replaced, removed, doubled, renamed."""
    found = json.loads(line)
    for _ in range(dice.randint(1, 3)):
        holder, key = dice.choice(parts(found))
        match dice.choice(("replace", "replace", "remove", "double", "rename")):
            case "replace":
                holder[key] = dice.choice(JUNK)
            case "remove":
                del holder[key]
            case "double" if isinstance(holder, list):
                holder.append(holder[key])
            case _ if isinstance(holder, dict):
                holder[f"{key}_"] = holder.pop(key)
            case _:
                holder.insert(0, dice.choice(JUNK))
        if not parts(found):
            break
    return json.dumps(found).encode()


def mutated_bytes(line: bytes, dice: random.Random) -> bytes:
    """Spoil some bytes, or cut the line off."""
    found = bytearray(line)
    for _ in range(dice.randint(1, 4)):
        where = dice.randrange(len(found))
        match dice.randrange(4):
            case 0:
                found[where] = dice.randrange(256)
            case 1:
                del found[where : where + dice.randint(1, 40)]
            case 2:
                found[where:where] = bytes(dice.choices(b'{}[]",:0123456789.eE+-\\untfa\x00\xff', k=3))
            case _:
                del found[max(1, where) :]
    return bytes(found).replace(b"\n", b" ").replace(b"\r", b" ") or b"x"


def test_mutated_lines_get_one_line_each_and_the_stream_goes_on() -> None:
    """Thousands of spoilt lines: no traceback, no line without answer, no world that is accepted and not planned."""
    dice = random.Random(SEED)
    lines = [
        mutated_document(LINE, dice) if number % 2 else mutated_bytes(LINE, dice) for number in range(MUTATED_LINES)
    ]
    told = {"plan": 0, "error": 0}
    read = list(lines_of(io.BytesIO(b"\n".join(lines))))
    assert len(read) == len([line for line in lines if line.strip()])
    for line in read:
        reply = reply_to(line, decide)
        assert b"\n" not in reply.line
        found = json.loads(reply.line)
        kind = found["schema"].split("/")[1]
        told[kind] += 1
        assert found["id"] is None or isinstance(found["id"], str)
        if kind == "error":
            assert found["error"].keys() == {"path", "message"}
            assert "our mistake" not in found["error"]["message"]
    assert told["error"] > MUTATED_LINES // 2
    assert told["plan"] > 10, "some mutations are harmless, or the test tests nothing"


@given(worlds(), st.randoms(use_true_random=False))
def test_every_accepted_world_is_planned(world: World, dice: random.Random) -> None:
    """Numbers at the edge of what is allowed, in any world: what is accepted has a plan that can be written."""
    found = json.loads(write_world_line(Question(id="q", now=BELL, world=world)))
    numbers = [(h, k) for h, k in parts(found) if isinstance(h[k], int | float) and not isinstance(h[k], bool)]
    for holder, key in dice.sample(numbers, min(len(numbers), dice.randint(1, 6))):
        holder[key] = dice.choice(EXTREMES)
    reply = reply_to(json.dumps(found).encode(), decide)
    assert reply.error is None or "our mistake" not in reply.error.message


def test_lines_are_told_apart() -> None:
    """Blank lines have no answer, `\\r\\n` ends a line, the last line needs no end."""
    assert list(lines_of(io.BytesIO(b"one\n\n  \ntwo\r\nthree"))) == [b"one", b"two", b"three"]


def test_a_line_that_is_too_long_is_thrown_away_and_answered() -> None:
    """It is never held as a whole, and the line after it is read."""
    found = list(lines_of(io.BytesIO(b"x" * 50 + b"\nnext\n" + b"y" * 11), most_bytes=10))
    assert isinstance(found[0], TooLong)
    assert found[1] == b"next"
    assert isinstance(found[2], TooLong)
    reply = json.loads(reply_to(found[0], decide, most_bytes=10).line)
    assert reply == {
        "schema": "sonnerie.dev/error/v1",
        "id": None,
        "error": {"path": "", "message": "longer than 10 bytes"},
    }


def test_a_line_as_long_as_is_allowed_is_read() -> None:
    """The bound is on the line without its end."""
    assert list(lines_of(io.BytesIO(b"0123456789\n0123456789"), most_bytes=10)) == [b"0123456789", b"0123456789"]


def test_our_own_mistake_is_told_as_such() -> None:
    """A planner that fails on one world must not end the stream for all others, nor blame the world."""

    def fails(_world: World, _now: datetime) -> Plan:
        raise ZeroDivisionError("division by zero")

    reply = json.loads(reply_to(LINE, fails).line)
    assert reply["id"] == question().id
    assert reply["error"]["path"] == ""
    assert "our mistake: ZeroDivisionError" in reply["error"]["message"]


def test_a_plan_that_json_cannot_say_is_our_mistake() -> None:
    """Never null where a number was meant."""

    def infinite(world: World, now: datetime) -> Plan:
        from dataclasses import replace

        plan = decide(world, now)
        return replace(plan, admission=(replace(plan.admission[0], served_per_second=float("inf")),))

    reply = json.loads(reply_to(LINE, infinite).line)
    assert "admission[0].served_per_second: inf is not a number of JSON" in reply["error"]["message"]


def test_a_message_is_never_as_long_as_the_line() -> None:
    """Whoever sends megabytes of nonsense gets a sentence back."""
    spoilt = LINE.replace(b'"region"', b'"' + b"r" * 100_000 + b'"')
    assert len(reply_to(spoilt, decide).line) < 2000
