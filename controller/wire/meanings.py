"""What each field means: the sentence under it in the domain, read from the source, or else the one in `said.py`."""

import ast
import dataclasses
import inspect
import re
from functools import cache
from types import ModuleType
from typing import Any

from controller.domain import explanation, fleet, memory, plan, readings, windows, world
from controller.wire.said import SAID_HERE

MODULES: tuple[ModuleType, ...] = (world, fleet, windows, readings, memory, plan, explanation)
"""Where the types of the wire live, in the order in which a reader meets them."""
_NONE = re.compile(r"\bNone\b")
"""Python's word for what JSON calls null."""


def types_of_wire() -> dict[str, Any]:
    """Return every dataclass and named tuple that may be on the wire, by name."""
    return {
        name: found
        for module in MODULES
        for name, found in vars(module).items()
        if isinstance(found, type) and found.__module__ == module.__name__ and is_object(found)
    }


def is_object(found: type[Any]) -> bool:
    """Tell whether values of the type are objects on the wire."""
    return dataclasses.is_dataclass(found) or hasattr(found, "_fields")


def meaning_of(cls: type[Any], field: str) -> str:
    """Return the sentences on a field; empty when nobody has written any."""
    said = _written_under(cls.__module__).get((cls.__name__, field))
    said = said or SAID_HERE.get(f"{cls.__name__}.{field}") or SAID_HERE.get(f".{field}") or ""
    return _NONE.sub("null", said)


@cache
def _written_under(module_name: str) -> dict[tuple[str, str], str]:
    """Return the strings that stand under fields, by class and field."""
    module = next((m for m in MODULES if m.__name__ == module_name), None)
    if module is None:
        return {}
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(inspect.getsource(module)).body:
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
