"""`sonnerie.dev/world/v1`: one question, a world at an instant, as a line of JSON.

    {"schema": "sonnerie.dev/world/v1", "id": …, "now": …, "world": {…}, "memory": {…}}

What is read here is a world that the planner is made for; anything else is refused with the path of the field.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from controller.domain.world import World
from controller.wire.errors import WireError
from controller.wire.forms import INSTANT, FieldForm, Form, shape_of
from controller.wire.lines import MEMORY, LineForm, required
from controller.wire.texts import read_instant, write_instant
from controller.wire.validity import check_world

WORLD_SCHEMA: Final = "sonnerie.dev/world/v1"

_WORLD = shape_of(World)
WORLD_LINE = LineForm(
    "WorldLine",
    WORLD_SCHEMA,
    (
        required("now", INSTANT),
        required("world", Form(wire=_WORLD.struct)),
        FieldForm(name="memory", wire_name="memory", form=Form(wire=MEMORY.struct), default=MEMORY.struct()),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a line asks: a plan for the world at the instant."""

    id: str
    now: datetime
    world: World


def read_world_line(line: bytes) -> Question:
    """Return the question.

    Raises:
        WireError: the line is not of the contract.
    """
    found = WORLD_LINE.decode(line)
    memory = _under("memory", MEMORY.read, found.memory)
    world = replace(_under("world", _WORLD.read, found.world), memory=memory)
    check_world(world)
    return Question(id=found.id, now=_under("now", read_instant, found.now), world=world)


def _under(path: str, convert: Callable[[Any], Any], value: object) -> Any:  # noqa: ANN401 - what the conversion gives
    try:
        return convert(value)
    except WireError as error:
        raise error.under(path) from None


def write_world_line(question: Question) -> bytes:
    """Return the line, without its end of line; the same world gives the same bytes.

    Raises:
        WireError: the world holds a number or an instant that JSON cannot say.
    """
    return msgspec.json.encode(
        {
            "schema": WORLD_SCHEMA,
            "id": question.id,
            "now": write_instant(question.now),
            "world": _under("world", _WORLD.write, question.world),
            "memory": _under("memory", MEMORY.write, question.world.memory),
        }
    )
