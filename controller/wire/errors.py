"""What is wrong with a line: the path of the field and a sentence. One error line of the contract.

{"schema": "sonnerie.dev/error/v1", "id": …, "error": {"path": "world.ents[3].region", "message": …}}
"""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

ERROR_SCHEMA: Final = "sonnerie.dev/error/v1"

_AT = re.compile(r" - at `\$(?P<path>.*)`$", re.DOTALL)
"""How msgspec ends its messages: the place, as a JSON path."""
_FIELD = re.compile(r"^Object (?P<what>contains unknown|missing required) field `(?P<field>.*)`$", re.DOTALL)
_LONGEST_TEXT = 500
"""A message may quote what it refuses; a line that is refused for its length must not come back whole."""


class WireError(Exception):
    """A line or document that is not of the contract.

    `path` names the field as in `world.ents[3].placements[0].site`; it is empty when the whole line is meant.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message

    def under(self, prefix: str) -> "WireError":
        """Return the same error one level up: `sites[0]` within `world` is `world.sites[0]`."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        return WireError(f"{prefix}{joint}{self.path}", self.message)


def refusal_of(error: Exception) -> WireError:
    """Say in the words of the contract what the JSON library refused."""
    match error:
        case WireError():
            return error
        case msgspec.ValidationError():
            return _of_a_field(str(error))
        case RecursionError():
            return WireError("", "not JSON of this contract: nested too deeply")
        case UnicodeDecodeError():
            return WireError("", f"not UTF-8 (byte {error.start})")
        case _:
            return WireError("", f"not JSON: {error}")


def _of_a_field(text: str) -> WireError:
    found = _AT.search(text)
    path = found["path"].removeprefix(".") if found else ""
    message = text[: found.start()] if found else text
    named = _FIELD.match(message)
    if named is None:
        return WireError(path, message)
    unknown = named["what"] == "contains unknown"
    return WireError("", "unknown field" if unknown else "required, and missing").under(
        f"{path}.{named['field']}" if path else named["field"]
    )


class Fault(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What is wrong."""

    path: Annotated[str, Meta(description="The field, as in `world.ents[3].region`; empty: the line as a whole.")]
    message: Annotated[str, Meta(description="What is wrong with it, in words; they may change.")]


class ErrorLine(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The answer to a line of which no plan can be made."""

    schema: Annotated[Literal["sonnerie.dev/error/v1"], Meta(description="What the line is, and in which version.")]
    id: Annotated[str | None, Meta(description="The id of the question; null where it could not be read.")]
    error: Annotated[Fault, Meta(description="What is wrong, and where.")]


def write_error_line(error: WireError, identity: str | None) -> bytes:
    """Return the error line, without its end of line; the id is null where none could be read."""
    fault = Fault(path=_short(error.path), message=_short(error.message))
    return msgspec.json.encode(ErrorLine(schema=ERROR_SCHEMA, id=identity, error=fault))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"
