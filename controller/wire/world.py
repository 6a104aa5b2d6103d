"""`sonnerie.dev/world/v1`: one question, a world at an instant, as a line of JSON.

    {"schema": "sonnerie.dev/world/v1", "id": …, "now": …, "world": {…}, "memory": {…}}

What is read here is a world that the planner is made for; anything else is refused with the path of the field.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from controller.domain.memory import MEMORY_VERSION, Memory
from controller.domain.world import World
from controller.wire.errors import WireError, refusal_of
from controller.wire.forms import INSTANT, FieldForm, Form, define, shape_of
from controller.wire.migration import BrokenDocumentError, UnknownVersionError, migrate_memory
from controller.wire.texts import read_instant, write_instant
from controller.wire.validity import check_world

WORLD_SCHEMA = "sonnerie.dev/world/v1"
LONGEST_ID = 256

IDENTITY = Form(wire=Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)])

_WORLD = shape_of(World)
_MEMORY = shape_of(Memory)


def envelope(schema: str) -> tuple[FieldForm, FieldForm]:
    """Return the two fields with which every line begins."""
    form = Form(wire=Literal[schema])
    return (
        FieldForm(name="schema", wire_name="schema", form=form, default=msgspec.NODEFAULT),
        FieldForm(name="id", wire_name="id", form=IDENTITY, default=msgspec.NODEFAULT),
    )


def _line(memory: Form, default: object) -> tuple[FieldForm, ...]:
    return (
        *envelope(WORLD_SCHEMA),
        FieldForm(name="now", wire_name="now", form=INSTANT, default=msgspec.NODEFAULT),
        FieldForm(name="world", wire_name="world", form=Form(wire=_WORLD.struct), default=msgspec.NODEFAULT),
        FieldForm(name="memory", wire_name="memory", form=memory, default=default),
    )


WORLD_LINE = define("WorldLine", _line(Form(wire=_MEMORY.struct), _MEMORY.struct()))
_OTHER_MEMORY = define("WorldLine", _line(Form(wire=Any), {}))
"""A line whose memory is perhaps of another version."""

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(WORLD_LINE)
_lenient: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_OTHER_MEMORY)


class _Head(msgspec.Struct):
    """The beginning of a line, when the rest is not of the contract."""

    schema: Any = None
    id: Any = None


_head = msgspec.json.Decoder(_Head)


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
    try:
        found = _decoded(line)
        now = _under("now", read_instant, found.now)
        memory = _under("memory", _MEMORY.read, found.memory)
        world = replace(_under("world", _WORLD.read, found.world), memory=memory)
    except (WireError, ValueError, RecursionError) as error:
        raise _of_another_schema(line) or refusal_of(error) from None
    check_world(world)
    return Question(id=found.id, now=now, world=world)


def _decoded(line: bytes) -> Any:  # noqa: ANN401 - a struct that was defined at run time
    try:
        found = _decoder.decode(line)
    except msgspec.ValidationError as error:
        older = _migrated(line)
        if older is None:
            raise error from None
        return older
    return found if found.memory.version == MEMORY_VERSION else _migrated(line) or found


def _migrated(line: bytes) -> Any | None:  # noqa: ANN401 - a struct that was defined at run time
    """Return the line with its memory in the present version; None when it is of that already."""
    found = _lenient.decode(line)
    if not isinstance(found.memory, dict) or found.memory.get("version", MEMORY_VERSION) == MEMORY_VERSION:
        return None
    try:
        migrated = migrate_memory(found.memory)
    except UnknownVersionError as error:
        raise WireError("memory.version", str(error)) from None
    except BrokenDocumentError as error:
        raise WireError("memory", str(error)) from None
    try:
        return msgspec.structs.replace(found, memory=msgspec.convert(migrated, _MEMORY.struct))
    except msgspec.ValidationError as error:
        raise refusal_of(error).under("memory") from None


def _under(path: str, read: Any, value: object) -> Any:  # noqa: ANN401 - any reader, any value
    try:
        return read(value)
    except WireError as error:
        raise error.under(path) from None


def _of_another_schema(line: bytes) -> WireError | None:
    """A line of another schema is refused for that alone, not for a field that is at home there."""
    head = _head_of(line)
    if head is None or head.schema == WORLD_SCHEMA or head.schema is None:
        return None
    return WireError("schema", f"not {WORLD_SCHEMA!r}, the one that is read here")


def identity_of(line: bytes) -> str | None:
    """Return the id of a line of any shape, for its error line; None where it has none that can be read."""
    head = _head_of(line)
    readable = head is not None and isinstance(head.id, str) and 1 <= len(head.id) <= LONGEST_ID
    return head.id if head is not None and readable else None


def _head_of(line: bytes) -> _Head | None:
    try:
        return _head.decode(line)
    except (ValueError, RecursionError):
        return None


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
            "memory": _under("memory", _MEMORY.write, question.world.memory),
        }
    )
