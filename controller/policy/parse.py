"""From an untrusted object to a resource, or to a PolicyError that says for people what is wrong where."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from controller.policy.errors import PolicyError, Problem, shown
from controller.policy.kinds import BY_NAME, Resource
from controller.policy.model import BROKEN_RULES
from controller.policy.resource import API_VERSION
from controller.policy.structural import Schema, json_schema

Path = tuple[str | int, ...]
AnyResource = TypeVar("AnyResource", bound=BaseModel)

_LONGEST_WORD = 80
"""Of what is compared with the known words; a longer one is none of them."""
MOST_PROBLEMS = 200
"""Told of one object. More are the same mistake over and over, and looking for the nearest word takes its time."""

_WORDS = {
    "missing": "is required",
    "bool_type": "{input} is neither true nor false",
    "string_type": "{input} is not text; put it in quotes",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping of fields",
    "model_attributes_type": "must be a mapping of fields",
    "dict_type": "must be a mapping",
    "none_required": "must be left out",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters long",
    "string_pattern_mismatch": "{input} is not written as it must be; it has to match {pattern}",
    "too_short": "needs at least {min_length} of them",
    "too_long": "has {actual_length} of them; at most {max_length} are allowed",
    "greater_than_equal": "{input} is too small; the least is {ge}",
    "less_than_equal": "{input} is too large; the most is {le}",
    "int_type": "{input} is not a whole number",
    "int_from_float": "{input} is not a whole number",
}


def parse(data: Mapping[str, Any]) -> Resource:
    """Return the resource of an object whose kind says what it is.

    Raises:
        PolicyError: the object is not a valid resource of a known kind.
    """
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in BY_NAME:
        message = (
            f"{shown(kind)} is not a kind of Sonnerie{nearest(str(kind), BY_NAME)}; the kinds are {', '.join(BY_NAME)}"
        )
        raise PolicyError(Problem(resource=named(data), field="kind", message=message))
    if data.get("apiVersion") != API_VERSION:
        message = f"{shown(data.get('apiVersion'))} is not a version of {kind}; write {API_VERSION}"
        raise PolicyError(Problem(resource=named(data), field="apiVersion", message=message))
    try:
        text = json.dumps(_without_nulls(data), allow_nan=False)
    except (ValueError, TypeError) as error:
        raise PolicyError(
            Problem(resource=named(data), field="", message=f"holds what JSON cannot: {error}")
        ) from error
    return parse_json(BY_NAME[kind].model, text, described=named(data))


def _without_nulls(data: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Drop fields that are null, as the API server does before it validates."""
    match data:
        case Mapping():
            return {key: _without_nulls(value) for key, value in data.items() if value is not None}
        case list():
            return [_without_nulls(item) for item in data]
        case _:
            return data


def parse_json(model: type[AnyResource], text: str | bytes, *, described: str | None = None) -> AnyResource:
    """Return the resource that the JSON text holds, as the API server sends it.

    Raises:
        PolicyError: the text is not a valid resource of that kind.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        resource = described or _described(model, text)
        details = _without_echoes(error.errors(include_url=False)[:MOST_PROBLEMS])
        raise PolicyError(*(p for detail in details for p in _problems(model, resource, detail))) from None


def named(data: Mapping[str, Any]) -> str:
    """Return how people call the object: its kind, namespace and name, as far as it has them."""
    metadata = data.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    name = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
    kind = data.get("kind")
    return " ".join(part for part in (kind if isinstance(kind, str) else "", name) if part) or "object"


def field_path(path: Path) -> str:
    """Return a path the way Kubernetes writes it, `spec.placements[0].min`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _described(model: type[BaseModel], text: str | bytes) -> str:
    try:
        data = json.loads(text)
    except ValueError:
        return model.__name__
    return named({"kind": model.__name__, **data}) if isinstance(data, dict) else model.__name__


def _without_echoes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Drop the complaint that a list is too short when that is only because of a bad item in it."""
    blamed = [detail["loc"] for detail in details]
    return [
        detail
        for detail in details
        if detail["type"] != "too_short" or not any(loc[: len(detail["loc"])] == detail["loc"] != loc for loc in blamed)
    ]


def _problems(model: type[BaseModel], resource: str, detail: ErrorDetails) -> Iterator[Problem]:
    path: Path = detail["loc"]
    context = detail.get("ctx", {})
    if detail["type"] == BROKEN_RULES:
        for broken in context["broken"]:
            blamed = path if broken["field"] is None else (*path, broken["field"])
            yield Problem(resource=resource, field=field_path(blamed), message=broken["message"])
        return
    yield Problem(resource=resource, field=field_path(path), message=_message(model, detail, path))


def _message(model: type[BaseModel], detail: ErrorDetails, path: Path) -> str:
    found = shown(detail["input"])
    match detail["type"]:
        case "extra_forbidden":
            known = _fields_at(model, path[:-1])
            return f"is not a field here{nearest(str(path[-1]), known)}; the fields are {', '.join(known)}"
        case "enum" | "literal_error":
            allowed = detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            return f"{found} is none of {', '.join(allowed)}{nearest(str(detail['input']), allowed)}"
        case "int_type" if isinstance(detail["input"], str) and detail["input"].lstrip("-").isdigit():
            return f"{found} is text; remove the quotes"
        case known_type if known_type in _WORDS:
            return _WORDS[known_type].format(input=found, **detail.get("ctx", {}))
        case _:
            return detail["msg"]


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean …?)` with the known word that looks most like it; nothing when none does."""
    found = difflib.get_close_matches(word[:_LONGEST_WORD], list(known), n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""


@cache
def _schema(model: type[BaseModel]) -> Schema:
    return json_schema(model)


def _fields_at(model: type[BaseModel], path: Path) -> list[str]:
    """Return the names of the fields that may stand at the path."""
    whole = _schema(model)
    node: Schema = whole
    for step in path:
        inner = node.get("items", {}) if isinstance(step, int) else node.get("properties", {}).get(step, {})
        node = _resolved(inner, whole)
    return list(node.get("properties", ()))


def _resolved(node: Schema, whole: Schema) -> Schema:
    """Follow a reference and look behind `or null`."""
    for variant in (node, *node.get("anyOf", ())):
        if "$ref" in variant:
            found: Schema = whole["$defs"][variant["$ref"].removeprefix("#/$defs/")]
            return found
        if "items" in variant:
            return dict(variant)
    return node
