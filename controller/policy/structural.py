"""From the JSON Schema that pydantic emits to the structural schema that a CRD needs.

What cannot be expressed is refused with its path, never dropped in silence. Optional fields are not `nullable`: the
API server removes a null from them before it validates, which is what pydantic's None means here.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_jsonable_python

from controller.policy.scalars import write_duration, write_instant, write_local_time

Schema = dict[str, Any]

_KEPT = (
    "description", "type", "format", "pattern", "enum", "default", "minimum", "maximum", "multipleOf",
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations",
)  # fmt: skip
_READ = ("properties", "required", "items", "additionalProperties", "exclusiveMinimum", "exclusiveMaximum", "const")
_DROPPED = ("title", "$defs", "examples")
_REFUSED = {
    "anyOf": "a union; use one type, or one optional field per variant",
    "oneOf": "a union; use one type, or one optional field per variant",
    "allOf": "an intersection; use one model",
    "not": "a negation; use a rule",
    "prefixItems": "a tuple of fixed length; use an object",
    "patternProperties": "names by pattern; use a list with a key",
    "uniqueItems": "a set of unknown kind; use Unique",
    "discriminator": "a tagged union; use one optional field per variant",
}


class NotStructuralError(Exception):
    """A model says something that a CRD cannot; the path tells where."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path


class ResourceSchema(GenerateJsonSchema):
    """Pydantic's generator, with defaults and rules written the way Kubernetes writes them."""

    def encode_default(self, dft: object) -> object:
        """Return a default as a policy author would write it."""
        match dft:
            case timedelta():
                return write_duration(dft)
            case datetime():
                return write_instant(dft)
            case time():
                return write_local_time(dft)
            case date() | Decimal():
                return str(dft)
            case BaseModel():
                return dft.model_dump(mode="json", exclude_none=True)
            case _:
                return to_jsonable_python(dft)


def json_schema(model: type[BaseModel]) -> Schema:
    """Return the JSON Schema of a resource, for editors."""
    return model.model_json_schema(by_alias=True, mode="validation", schema_generator=ResourceSchema)


def structural(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model, without references.

    Raises:
        NotStructuralError: the model says something that a CRD cannot express.
    """
    whole = json_schema(model)
    return _structural(whole, whole.get("$defs", {}), model.__name__, ())


def _structural(schema: Schema, definitions: dict[str, Schema], path: str, above: tuple[str, ...]) -> Schema:
    schema, above = _inlined(_without_null(schema), definitions, path, above)
    _refuse_the_inexpressible(schema, path)
    result = _scalar_part(schema)
    if "items" in schema:
        result["items"] = _structural(schema["items"], definitions, f"{path}[]", above)
    if "properties" in schema:
        result |= _properties(schema, lambda sub, name: _structural(sub, definitions, f"{path}.{name}", above))
    elif isinstance(schema.get("additionalProperties"), dict):
        values = _structural(schema["additionalProperties"], definitions, f"{path}[*]", above)
        result["additionalProperties"] = values
    elif result.get("type") == "object" and not result.get("x-kubernetes-preserve-unknown-fields"):
        raise NotStructuralError(path, "an object of unknown shape; mark it with PreserveUnknown if that is meant")
    if "type" not in result:
        raise NotStructuralError(path, "no type")
    return result


def _scalar_part(schema: Schema) -> Schema:
    """Return everything but what lies within the schema."""
    result = {key: schema[key] for key in _KEPT if key in schema}
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    if "const" in schema:
        result["enum"] = [schema["const"]]
    if schema.get("default", ...) in (None, [], ""):
        del result["default"]  # the same as absent
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if exclusive in schema:
            result |= {bound: schema[exclusive], exclusive: True}
    return result


def _properties(schema: Schema, convert: Callable[[Schema, str], Schema]) -> Schema:
    found: Schema = {"properties": {name: convert(sub, name) for name, sub in schema["properties"].items()}}
    if schema.get("required"):
        found["required"] = sorted(schema["required"])
    return found


def _inlined(
    schema: Schema, definitions: dict[str, Schema], path: str, above: tuple[str, ...]
) -> tuple[Schema, tuple[str, ...]]:
    """Replace a reference by what it refers to; what stands beside the reference wins."""
    if "$ref" not in schema:
        return schema, above
    name = schema["$ref"].removeprefix("#/$defs/")
    if name in above:
        raise NotStructuralError(path, f"{name} contains itself, which a CRD cannot express")
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return definitions[name] | beside, (*above, name)


def _without_null(schema: Schema) -> Schema:
    """Turn `X or null` into X."""
    variants = [v for v in schema.get("anyOf", ()) if v != {"type": "null"}]
    if "anyOf" not in schema or len(variants) != 1:
        return schema
    only: Schema = variants[0]
    return only | {key: value for key, value in schema.items() if key != "anyOf"}


def _refuse_the_inexpressible(schema: Schema, path: str) -> None:
    for key in schema:
        if key in _REFUSED:
            raise NotStructuralError(path, f"{key} is {_REFUSED[key]}")
        if key not in _KEPT and key not in _READ and key not in _DROPPED:
            raise NotStructuralError(path, f"{key} has no counterpart in a CRD")
    if schema.get("type") == "number":
        raise NotStructuralError(path, "a float; write an amount as a string or a whole number with its unit")
