"""The base of all resource models, and rules that hold in Python and in the API server alike.

A rule is written once, as a CEL expression and as a Python predicate side by side. Parsing checks the predicate;
the generated CRD carries the expression. The table of bad objects in the tests is run against both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

BROKEN_RULES = "broken_rules"
"""Error type of a model whose fields are each valid but do not fit together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition over several fields of one object.

    `cel` and `holds` say the same thing. `field` is the YAML name of the field to blame.
    """

    cel: str
    holds: Callable[[Any], bool]
    message: str
    field: str | None = None

    def as_schema(self) -> dict[str, str]:
        """Return the validation as a CRD carries it."""
        blamed = {} if self.field is None else {"fieldPath": f".{self.field}"}
        return {"rule": self.cel, "message": self.message} | blamed


class Model(BaseModel):
    """Any part of a spec: exact types, unknown fields refused, frozen, camelCase outside and snake_case inside.

    The sentence under each field is its description in the CRD and in the JSON Schema.
    """

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the JSON Schema with the rules as the API server understands them."""
        found = handler(schema)
        if cls.rules:
            handler.resolve_ref_schema(found)["x-kubernetes-validations"] = [rule.as_schema() for rule in cls.rules]
        return found

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        broken = [{"field": rule.field, "message": rule.message} for rule in self.rules if not rule.holds(self)]
        if broken:
            text = "; ".join(str(b["message"]) for b in broken)
            raise PydanticCustomError(BROKEN_RULES, "{text}", {"text": text, "broken": broken})
        return self


class StatusModel(Model):
    """Any part of a status. Fields written by another version are skipped: an old status never spoils a policy."""

    model_config = ConfigDict(extra="ignore")


@dataclass(frozen=True, slots=True)
class Unique:
    """Marks a list in which nothing stands twice: scalars (no keys), or objects told apart by their keys.

    The API server keeps the same promise through the list types `set` and `map`.
    """

    keys: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._refuse_duplicates, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        extension: dict[str, Any] = {"x-kubernetes-list-type": "set"}
        if self.keys:
            extension = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(self.keys)}
        return handler(schema) | extension

    def _refuse_duplicates(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        seen = set[Any]()
        for item in items:
            identity = tuple(getattr(item, key) for key in self.keys) or item
            if identity in seen:
                shown = ", ".join(map(str, identity)) if self.keys else str(item)
                raise PydanticCustomError("duplicate", "{shown} stands twice; each may stand once", {"shown": shown})
            seen.add(identity)
        return items


def unique(*keys: str) -> Unique:
    """Mark a list in which no two objects agree in all the given keys, or no two scalars are equal."""
    return Unique(keys)


@dataclass(frozen=True, slots=True)
class PreserveUnknown:
    """Marks a field whose content the API server keeps without knowing its shape."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = {k: v for k, v in handler(schema).items() if k == "description"}
        return described | {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
