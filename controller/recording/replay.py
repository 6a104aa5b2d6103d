"""The same decision made again from the world that was recorded: bit for bit, or where it first differs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from controller.domain.plan import Plan
from controller.domain.world import World
from controller.recording.lines import Decision, RecordingError
from controller.wire.errors import WireError
from controller.wire.plan import Answer, write_plan_line
from controller.wire.world import Question, read_world_line

Decide = Callable[[World, datetime], Plan]

LONGEST_VALUE = 300
"""Of what differs, as much as a person reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where a plan made again is not the plan that was recorded; `path` as in `actions[0].replicas`."""

    path: str
    recorded: str
    replayed: str


def question_of(decision: Decision, *, where: str) -> Question:
    """Return the world of the decision and its instant.

    Raises:
        RecordingError: this version cannot read it.
    """
    try:
        return read_world_line(decision.world_line)
    except WireError as error:
        raise RecordingError(f"{where}: the world, recorded by {decision.by}, cannot be read: {error}") from None


def replayed(decision: Decision, question: Question, decide: Decide) -> Difference | None:
    """Decide again; return where the two plans first differ, None when they are the same bytes."""
    again = write_plan_line(Answer(id=question.id, plan=decide(question.world, question.now)))
    if again == decision.plan_line:
        return None
    return _first(msgspec.json.decode(decision.plan_line), msgspec.json.decode(again), "") or Difference(
        path="", recorded="the same values, written in other bytes", replayed=""
    )


def _first(before: Any, after: Any, path: str) -> Difference | None:  # noqa: ANN401 - any JSON
    """Return the first place, in the order of the line, at which two documents differ."""
    match before, after:
        case dict(), dict():
            for key in [*before, *(key for key in after if key not in before)]:
                found = _compared(before, after, key, f"{path}.{key}" if path else str(key))
                if found is not None:
                    return found
            return None
        case list(), list():
            for index in range(max(len(before), len(after))):
                found = _compared(dict(enumerate(before)), dict(enumerate(after)), index, f"{path}[{index}]")
                if found is not None:
                    return found
            return None
        case _:
            return None if before == after else _difference(path, before, after)


def _compared(before: dict[Any, Any], after: dict[Any, Any], key: object, path: str) -> Difference | None:
    if key in before and key in after:
        return _first(before[key], after[key], path)
    return _difference(path, before.get(key, "nothing"), after.get(key, "nothing"))


def _difference(path: str, before: object, after: object) -> Difference:
    return Difference(path=path, recorded=_shown(before), replayed=_shown(after))


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
