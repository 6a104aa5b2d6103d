"""The generated parts of `docs/contracts/wire-v1.md`: a table for every type, and the examples."""

import json
import re
from typing import Any

from controller.wire.schema import schema_of

WIDTH = 110
"""Objects that fit into a line of this length stand in one."""
LINES = ("world", "plan", "error")
UNITS = (
    ("_per_second", "1/s"),
    ("seconds", "s"),
    ("_percent", "%"),
    ("_permille", "‰"),
    ("replicas", "replicas"),
    ("_ratio", "of 1"),
    ("capacity_per_replica", "1/s per replica"),
)
"""By the end of the name: units stand in names."""


def pretty(value: Any, indent: int = 0, taken: int = 0) -> str:
    """Return JSON that a person can read: what is short stands in one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent + taken <= WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    inner, outer = " " * (indent + 2), " " * indent
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + pretty(item, indent + 2) for item in value) + f"\n{outer}]"
    rows = [f"{inner}{json.dumps(key)}: {pretty(item, indent + 2, len(key) + 4)}" for key, item in value.items()]
    return "{\n" + ",\n".join(rows) + f"\n{outer}}}"


def tables() -> str:
    """Return one section for every type of the contract, each once, lines first."""
    definitions: dict[str, Any] = {}
    for line in LINES:
        for name, definition in schema_of(line)["$defs"].items():
            definitions.setdefault(name, definition)
    order = sorted(definitions, key=lambda name: (not name.endswith("Line"), "properties" not in definitions[name]))
    return "\n\n".join(_section(name, definitions[name], definitions) for name in order)


def _section(name: str, definition: dict[str, Any], definitions: dict[str, Any]) -> str:
    head = f"### {name}\n\n{definition.get('description', '')}".rstrip()
    if "properties" not in definition:
        values = ", ".join(f"`{value}`" for value in definition["enum"])
        return f"{head} One of {values}."
    rows = ["| field | type | unit | default | meaning |", "|---|---|---|---|---|"]
    for field, schema in definition["properties"].items():
        needed = field in definition.get("required", ())
        default = "*required*" if needed else _default(schema.get("default"))
        cells = (f"`{field}`", _type(schema), _unit(field, schema), default, schema.get("description", ""))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return head + "\n\n" + "\n".join(rows)


def _default(value: Any) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    return f"`{flat}`" if len(flat) <= 24 else "that of its fields"


def _unit(field: str, schema: dict[str, Any]) -> str:
    kinds = {each.get("type") for each in schema.get("anyOf", [schema])}
    measured = kinds & {"integer", "number"}
    return next((unit for ending, unit in UNITS if field.endswith(ending)), "") if measured else ""


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    match schema["type"]:
        case "array" if "prefixItems" in schema:
            return "array of " + " and ".join(_type(each) for each in schema["prefixItems"])
        case "array":
            return f"array of {_type(schema['items'])}"
        case "string":
            return _text(schema)
        case "integer" | "number":
            return ("whole number" if schema["type"] == "integer" else "number") + _range(schema)
        case other:
            return str(other)


def _text(schema: dict[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "instant"
    return "ENT" if "pattern" in schema else "string"


def _range(schema: dict[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None and most is None:
        return ""
    return f", {_short(least)} to {_short(most)}"


def _short(number: float | None) -> str:
    if number == 2**53 - 1:
        return "2⁵³-1"
    if number == -(2**53 - 1):
        return "-(2⁵³-1)"
    return f"{number:g}" if isinstance(number, float) else f"{number}"


def filled(page: str, blocks: dict[str, str]) -> str:
    """Return the page with its generated blocks replaced.

    Raises:
        KeyError: the page has no such block.
    """
    for name, text in blocks.items():
        begin, end = f"<!-- generated: {name} -->", "<!-- end of generated -->"
        found = re.search(f"{re.escape(begin)}.*?{re.escape(end)}", page, re.DOTALL)
        if found is None:
            raise KeyError(name)
        page = f"{page[: found.start()]}{begin}\n{text}\n{end}{page[found.end() :]}"
    return page


def as_json_block(document: str) -> str:
    """Return a fenced block."""
    return f"```json\n{document}\n```"
