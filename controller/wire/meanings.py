"""What each field means: the sentence under it in the domain, read from the source, or else the one in `said.py`."""

import ast
import dataclasses
import inspect
import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args, get_type_hints

from controller.domain.explanation import Explained, Explanation
from controller.domain.memory import Memory
from controller.domain.names import EntKey
from controller.domain.plan import Plan
from controller.domain.world import World
from controller.wire.said import SAID_HERE

ROOTS: tuple[Any, ...] = (World, Memory, Plan)
"""What lines are made of; all other types of the wire are reached from these."""

_NONE = re.compile(r"\bNone\b")
"""Python's word for what JSON calls null."""


@cache
def types_of_wire() -> Mapping[str, Any]:
    """Return every dataclass and named tuple that may be on the wire, by name."""
    found: dict[str, Any] = {}
    for root in ROOTS:
        _reach(root, found)
    return found


def _reach(annotation: Any, found: dict[str, Any]) -> None:  # noqa: ANN401 - any annotation
    """Add the types that an annotation leads to."""
    if annotation is Explanation:
        annotation = Explained
    for argument in get_args(annotation):
        _reach(argument, found)
    is_object = dataclasses.is_dataclass(annotation) or hasattr(annotation, "_fields")
    if is_object and annotation is not EntKey and annotation.__name__ not in found:
        found[annotation.__name__] = annotation
        for inner in get_type_hints(annotation).values():
            _reach(inner, found)


def meaning_of(cls: type[Any], field: str) -> str:
    """Return the sentences on a field; empty when nobody has written any."""
    said = _written_under(cls.__module__).get((cls.__name__, field))
    said = said or SAID_HERE.get(f"{cls.__name__}.{field}") or SAID_HERE.get(f".{field}") or ""
    return _NONE.sub("null", said)


@cache
def _written_under(module_name: str) -> dict[tuple[str, str], str]:
    """Return the strings that stand under fields, by class and field."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(inspect.getsource(sys.modules[module_name])).body:
        if isinstance(node, ast.ClassDef):
            for statement, following in zip(node.body, node.body[1:], strict=False):
                text = _text_of(following)
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and text:
                    found[(node.name, statement.target.id)] = text
    return found


def _text_of(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(node.value.value.split())
    return ""
