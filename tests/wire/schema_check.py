"""The part of JSON Schema (draft 2020-12) that our schemas use, so that they can be tried without another library."""

import re
from typing import Any

TYPES: dict[str, tuple[type[Any], ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
UNDERSTOOD = frozenset(
    {
        *("$schema", "$id", "$defs", "$ref", "title", "description", "default", "format", "discriminator"),
        *("type", "enum", "anyOf", "properties", "required", "additionalProperties", "items", "prefixItems"),
        *("minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum"),
    }
)
"""Keywords; another one in a schema is an error here, not a check that is silently left out."""


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Tell whether the value is what the schema asks for."""
    unknown = schema.keys() - UNDERSTOOD
    assert not unknown, f"keywords that are not checked: {unknown}"
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema and not any(fits(value, each, root) for each in schema["anyOf"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "type" in schema and not _of_type(value, schema["type"]):
        return False
    match value:
        case dict():
            return _object_fits(value, schema, root)
        case list():
            return _array_fits(value, schema, root)
        case str():
            return _string_fits(value, schema)
        case int() | float():
            return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
        case _:
            return True


def _of_type(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def _object_fits(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    properties = schema.get("properties", {})
    if not set(schema.get("required", ())) <= value.keys():
        return False
    if schema.get("additionalProperties") is False and not value.keys() <= properties.keys():
        return False
    return all(fits(value[name], properties[name], root) for name in value.keys() & properties.keys())


def _array_fits(value: list[Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return False
    if "prefixItems" in schema:
        return all(fits(each, part, root) for each, part in zip(value, schema["prefixItems"], strict=False))
    return all(fits(each, schema.get("items", {}), root) for each in value)


def _string_fits(value: str, schema: dict[str, Any]) -> bool:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return False
    return "pattern" not in schema or re.search(schema["pattern"], value) is not None
