"""YAML text to plain values, with the place of every value, and nothing that YAML makes of them behind one's back.

Scalars are read as the API server reads them: `2021-04-06` and `08:30` are text, not a date and not the number 510; `n`
is false, `017` is 15, `1.0` is 1, and `1e999` is text. `tests/live/test_mutated_policies.py` holds this against a real
one. Twice the same key, merge keys, tags and documents of absurd size or depth are refused.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from controller.policy.errors import PolicyError, Position, Problem

Path = tuple[str | int, ...]

_MOST_NODES = 50_000
"""Values in one file, aliases counted as often as they are used. A fleet of 500 ENTs has 40,000; reading and refusing
as many takes a second."""
_MOST_FIELDS = 1_000
"""In one mapping or list; the largest list of any kind has 512."""
_DEEPEST = 40
"""Levels of nesting; the deepest field of any kind is at 12."""
_LONGEST_NUMBER = 40
_BASES = (("0x", 16), ("0o", 8), ("0b", 2), ("0", 8))
_IN_BASE = {16: re.compile("[0-9a-f]+"), 8: re.compile("[0-7]+"), 2: re.compile("[01]+")}
_LARGEST_WHOLE = 2**64 - 1
"""Of what Go's parser takes as a whole number; beyond, it is a float."""
_EXACT = 2**53
"""Below this every float is exact, and `1e3` is the whole number 1000 in JSON."""
_TRUE = frozenset({"true", "yes", "on", "y"})
_UNREADABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.1 does not count as printable; \ufeff may stand at the start, where it is read away."""

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc] # the fast parser where there is one
    """The parser with the scalars of Kubernetes: no dates, no numbers to the base of 60."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML copies it on the first addition


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), [*first])


_resolve(
    "bool", r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$", "yYnNtTfFoO"
)
_resolve("int", r"^[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*)$", "-+0123456789")
_resolve("float", r"^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789")
_resolve("float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", "-+.")
_resolve("null", r"^(?:~|null|Null|NULL)$", "~nN")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^$"), [""])


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document: its value, and where in the file each part of it stands."""

    value: Any
    positions: dict[Path, Position]

    def position_of(self, path: Path) -> Position:
        """Return where the path stands, or the nearest thing around it that is in the file."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions[path]


def documents(text: str, file: str) -> Iterator[Document]:
    """Return the documents of the text, empty ones left out. What is too large or too deep is refused before any.

    Raises:
        PolicyError: the text is not YAML, or is YAML that Sonnerie does not take.
    """
    _refuse_unreadable(text, file)
    left = _MOST_NODES
    try:
        _refuse_excess(text, file)
        for node in yaml.compose_all(text, Loader=_Loader):
            if not _is_empty(node):
                reading = _Reading(file, left)
                value = reading.value(node, ())
                left = reading.left
                yield Document(value=value, positions=reading.positions)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = _position(mark, file) if mark else Position(file=file, line=1, column=1)
        raise _unreadable(f"not YAML: {error.problem or error.context or 'it cannot be read'}", position) from error
    except yaml.YAMLError as error:
        raise _unreadable(f"not YAML: {error}", Position(file=file, line=1, column=1)) from error


def _refuse_unreadable(text: str, file: str) -> None:
    """Refuse characters that YAML forbids, with their place; the parsers name only an offset."""
    found = _UNREADABLE.search(text)
    if found is None:
        return
    at = found.start()
    line, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
    message = f"not YAML: the character U+{ord(found[0]):04X} may not stand in it; remove it"
    raise _unreadable(message, Position(file=file, line=line, column=column))


def _unreadable(message: str, position: Position) -> PolicyError:
    return PolicyError(Problem(resource="", field="", message=message, position=position))


def _refuse_excess(text: str, file: str) -> None:
    """Refuse what is too large or nested too deeply to be a policy, before anything recursive touches it."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_Loader):
        match event:
            case yaml.CollectionStartEvent():
                depth += 1
            case yaml.CollectionEndEvent():
                depth -= 1
                continue
            case yaml.ScalarEvent() | yaml.AliasEvent() | yaml.DocumentStartEvent():
                pass
            case _:
                continue
        nodes += 1
        if depth > _DEEPEST:
            raise _refusal(event.start_mark, file, f"nested more than {_DEEPEST} levels deep; no policy is")
        if nodes > 2 * _MOST_NODES:  # names of fields stand beside their values
            raise _refusal(event.start_mark, file, f"holds more than {_MOST_NODES} values; split the file")


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag.endswith(":null")


def _refusal(mark: Any, file: str, message: str) -> PolicyError:  # noqa: ANN401 - either parser's mark
    return _unreadable(message, _position(mark, file))


def _position(mark: Any, file: str) -> Position:  # noqa: ANN401 - either parser's mark
    return Position(file=file, line=mark.line + 1, column=mark.column + 1)


class _Reading:
    """Reads one document's nodes into values, remembering places and refusing to grow without bound."""

    def __init__(self, file: str, most: int) -> None:
        self.positions: dict[Path, Position] = {}
        self.left = most
        self._file = file

    def value(self, node: Node, path: Path) -> Any:  # noqa: ANN401 - any JSON value
        """Return the value of the node and note its place."""
        self.left -= 1
        if self.left < 0 or len(path) > _DEEPEST:
            message = f"grows without bound through its aliases, beyond {_MOST_NODES} values; write it out"
            raise _refusal(node.start_mark, self._file, message)
        if isinstance(node, MappingNode | SequenceNode) and len(node.value) > _MOST_FIELDS:
            raise _refusal(node.start_mark, self._file, f"has more than {_MOST_FIELDS} entries; no policy has")
        self.positions.setdefault(path, _position(node.start_mark, self._file))
        match node:
            case MappingNode():
                return {key: self.value(inner, (*path, key)) for key, inner in self._entries(node, path)}
            case SequenceNode():
                return [self.value(inner, (*path, index)) for index, inner in enumerate(node.value)]
            case ScalarNode():
                return self._scalar(node)
            case _:
                raise _refusal(node.start_mark, self._file, "cannot be read")

    def _entries(self, node: MappingNode, path: Path) -> Iterator[tuple[str, Node]]:
        seen = set[str]()
        for key_node, inner in node.value:
            key = key_node.value
            if not isinstance(key_node, ScalarNode) or not isinstance(key, str):
                raise _refusal(key_node.start_mark, self._file, "the name of a field must be text")
            if key == "<<":
                raise _refusal(key_node.start_mark, self._file, "merge keys (<<) are not taken; write the fields out")
            if key in seen:
                raise _refusal(key_node.start_mark, self._file, f"{key} stands twice; remove one")
            seen.add(key)
            self.positions[(*path, key)] = _position(key_node.start_mark, self._file)
            yield key, inner

    def _scalar(self, node: ScalarNode) -> str | int | float | bool | None:
        text = str(node.value)
        if len(text) > _LONGEST_NUMBER and node.tag.endswith((":int", ":float")):
            raise _refusal(node.start_mark, self._file, f"a number of more than {_LONGEST_NUMBER} digits")
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                return text
            case "bool":
                return text.lower() in _TRUE
            case "int" | "float":
                return self._number(text, node)
            case "null":
                return None
            case tag:
                raise _refusal(node.start_mark, self._file, f"tag {tag} is not taken; write plain text")

    def _number(self, text: str, node: Node) -> str | int | float:
        """Return the number as the API server's parser takes it; text where it takes it as that."""
        plain = text.replace("_", "").lower()
        digits = plain.lstrip("+-")
        for prefix, base in _BASES:
            if digits.startswith(prefix) and _IN_BASE[base].fullmatch(digits.removeprefix(prefix)):
                return int(plain.replace(prefix, "", 1), base)
        if digits.isdigit() and abs(int(plain)) <= _LARGEST_WHOLE:
            return int(plain)
        if not digits[0].isdigit() and digits[1:] in ("inf", "nan"):
            raise _refusal(node.start_mark, self._file, f"{text} is no number that JSON can hold; write text in quotes")
        try:
            value = float(plain)
        except ValueError:
            return text
        if math.isinf(value):
            return text
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
