"""What both lines have in common: how they begin, and a memory that may be of an older version."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from controller.domain.memory import MEMORY_VERSION, Memory
from controller.wire.errors import WireError, refusal_of
from controller.wire.forms import FieldForm, Form, define, shape_of
from controller.wire.migration import BrokenDocumentError, UnknownVersionError, migrate_memory

LONGEST_ID = 256
IDENTITY = Form(wire=Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)])
MEMORY = shape_of(Memory)


def required(name: str, form: Form) -> FieldForm:
    """Return a field of a line that must be there."""
    return FieldForm(name=name, wire_name=name, form=form, default=msgspec.NODEFAULT)


class LineForm:
    """One kind of line: `schema` and `id`, the fields of its own, and `memory` among them."""

    def __init__(self, name: str, schema: str, fields: Sequence[FieldForm]) -> None:
        begin = (required("schema", Form(wire=Literal[schema])), required("id", IDENTITY))
        any_memory = [
            FieldForm(name="memory", wire_name="memory", form=Form(wire=Any), default={}) if f.name == "memory" else f
            for f in fields
        ]
        self.schema = schema
        self.struct = define(name, (*begin, *fields))
        self._decoder = msgspec.json.Decoder(self.struct)
        self._lenient = msgspec.json.Decoder(define(name, (*begin, *any_memory)))

    def decode(self, line: bytes) -> Any:  # noqa: ANN401 - a struct that was defined at run time
        """Return the fields of the line as they stand in JSON, its memory in the present version.

        Raises:
            WireError: the line is not of the contract.
        """
        try:
            return self._decoded(line)
        except (WireError, ValueError, RecursionError) as error:
            raise self._other_schema(line) or refusal_of(error) from None

    def _decoded(self, line: bytes) -> Any:  # noqa: ANN401 - see `decode`
        try:
            found: Any = self._decoder.decode(line)
        except msgspec.ValidationError as error:
            older = self._migrated(line)
            if older is None:
                raise error from None
            return older
        return found if found.memory.version == MEMORY_VERSION else self._migrated(line) or found

    def _migrated(self, line: bytes) -> Any | None:  # noqa: ANN401 - see `decode`
        """Return the line with its memory migrated; None when that is of the present version, or no memory at all."""
        found: Any = self._lenient.decode(line)
        if not isinstance(found.memory, dict) or found.memory.get("version", MEMORY_VERSION) == MEMORY_VERSION:
            return None
        try:
            memory = msgspec.convert(migrate_memory(found.memory), MEMORY.struct)
        except UnknownVersionError as error:
            raise WireError("memory.version", str(error)) from None
        except BrokenDocumentError as error:
            raise WireError("memory", str(error)) from None
        except msgspec.ValidationError as error:
            raise refusal_of(error).under("memory") from None
        return msgspec.structs.replace(found, memory=memory)

    def _other_schema(self, line: bytes) -> WireError | None:
        """A line of another schema is refused for that alone, not for a field that is at home there."""
        head = _head_of(line)
        if head is None or head.schema is None or head.schema == self.schema:
            return None
        return WireError("schema", f"not {self.schema!r}, which is what is read here")


class _Head(msgspec.Struct):
    """The beginning of a line, whatever the rest is."""

    schema: Any = None
    id: Any = None


_head = msgspec.json.Decoder(_Head)


def _head_of(line: bytes) -> _Head | None:
    try:
        return _head.decode(line)
    except (ValueError, RecursionError):
        return None


def identity_of(line: bytes) -> str | None:
    """Return the id of a line of any shape, for its error line; None where it has none that can be read."""
    head = _head_of(line)
    readable = head is not None and isinstance(head.id, str) and 1 <= len(head.id) <= LONGEST_ID
    return head.id if head is not None and readable else None
