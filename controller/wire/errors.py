"""What is wrong with a line: the path of the field and a sentence. One error line of the contract.

{"schema": "sonnerie.dev/error/v1", "id": …, "error": {"path": "world.ents[3].region", "message": …}}
"""

import re

import msgspec

ERROR_SCHEMA = "sonnerie.dev/error/v1"

_AT = re.compile(r" - at `\$(?P<path>.*)`$", re.DOTALL)
"""How msgspec ends its messages: the place, as a JSON path."""
_FIELD = re.compile(r"^Object (?P<what>contains unknown|missing required) field `(?P<field>.*)`$", re.DOTALL)
_LONGEST_MESSAGE = 500
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


def write_error_line(error: WireError, identity: str | None) -> bytes:
    """Return the error line, without its end of line; the id is null where none could be read."""
    message = error.message if len(error.message) <= _LONGEST_MESSAGE else error.message[:_LONGEST_MESSAGE] + "…"
    path = error.path if len(error.path) <= _LONGEST_MESSAGE else error.path[:_LONGEST_MESSAGE] + "…"
    return msgspec.json.encode({"schema": ERROR_SCHEMA, "id": identity, "error": {"path": path, "message": message}})
