"""The generated CRDs are structural, bounded, and what stands in the repository."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from controller.policy.crd import crd, differing, editor_schema, generated
from controller.policy.kinds import KINDS, Kind
from controller.policy.structural import NotStructuralError, Schema, structural

ROOT = Path(__file__).parents[2]

_FORBIDDEN = {
    "$ref", "$defs", "definitions", "dependencies", "deprecated", "discriminator", "id", "patternProperties",
    "readOnly", "writeOnly", "xml", "const", "examples", "title", "anyOf", "oneOf", "allOf", "not",
}  # fmt: skip
_OPEN = {".metadata", ".apiVersion", ".kind"}


def complaints(schema: Schema, path: str = "") -> Iterator[str]:
    """Say where a schema is not structural, or leaves a size without bound."""
    for key in _FORBIDDEN & schema.keys():
        yield f"{path}: {key}"
    if not schema.get("description") and not path.endswith("[]") and path != ".metadata":
        yield f"{path}: no description"
    yield from _complaints_of_type(schema, path)
    yield from _complaints_of_names(schema, path)
    for name, inner in schema.get("properties", {}).items():
        yield from complaints(inner, f"{path}.{name}")
    if "items" in schema:
        yield from complaints(schema["items"], f"{path}[]")


def _complaints_of_type(schema: Schema, path: str) -> Iterator[str]:
    opaque = schema.get("x-kubernetes-preserve-unknown-fields") or path in _OPEN
    match schema.get("type"):
        case "object" if "properties" not in schema and not opaque:
            yield f"{path}: an object of unknown shape"
        case "array" if not ({"items", "maxItems"} <= schema.keys()):
            yield f"{path}: a list without items or bound"
        case "string" if not ({"maxLength", "enum", "format"} & schema.keys()) and not opaque:
            yield f"{path}: a string without bound"
        case "object" | "array" | "string" | "integer" | "boolean":
            pass
        case other:
            yield f"{path}: type {other}"


def _complaints_of_names(schema: Schema, path: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    if "properties" in schema and "additionalProperties" in schema:
        yield f"{path}: properties beside additionalProperties"
    if missing := set(schema.get("required", ())) - properties.keys():
        yield f"{path}: required but not there: {missing}"
    items = schema.get("items", {})
    given = set(items.get("required", ())) | {k for k, v in items.get("properties", {}).items() if "default" in v}
    if missing := set(schema.get("x-kubernetes-list-map-keys", ())) - given:
        yield f"{path}: a key of the list is not always there: {missing}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_the_schema_is_structural_and_bounded(kind: Kind) -> None:
    """The API server takes it, and the cost of every rule can be estimated."""
    [version] = crd(kind)["spec"]["versions"]
    assert list(complaints(version["schema"]["openAPIV3Schema"])) == []
    assert version["subresources"] == {"status": {}}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_conditions_are_a_map_by_type(kind: Kind) -> None:
    """Two writers of conditions never overwrite each other's."""
    [version] = crd(kind)["spec"]["versions"]
    conditions = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_the_generated_files_are_in_the_repository() -> None:
    """What is applied to a cluster is what the models say."""
    stale = differing(generated(ROOT / "manifests/crd", ROOT / "policies/schema"))
    assert stale == [], "run `python -m controller.policy.crd --write`"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_the_editor_schema_refuses_unknown_fields_and_knows_no_kubernetes(kind: Kind) -> None:
    """An editor underlines a misspelt field."""
    schema = editor_schema(kind)
    assert schema["additionalProperties"] is False
    assert "x-kubernetes" not in str(schema)
    assert "status" not in schema["properties"]


def undescribed(node: object, definitions: dict[str, Any], path: str = "") -> Iterator[str]:
    """Say which fields of an editor schema have no sentence of their own, or of what they refer to."""
    if not isinstance(node, dict):
        return
    for name, field in node.get("properties", {}).items():
        referred = definitions.get(field.get("$ref", "").removeprefix("#/$defs/"), {})
        said = str(field.get("description") or referred.get("description") or "")
        if not said.endswith(".") and f"{path}.{name}" != ".metadata":
            yield f"{path}.{name}: {said}"
    for name, inner in node.items():
        yield from undescribed(inner, definitions, path if name in ("properties", "$defs") else f"{path}.{name}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_every_field_is_explained_to_editors_in_a_sentence(kind: Kind) -> None:
    """Whoever hovers over a word reads what it means."""
    schema = editor_schema(kind)
    assert list(undescribed(schema, schema["$defs"])) == []


class _Inner(BaseModel):
    again: "_Inner | None" = None


class _Recursive(BaseModel):
    inner: _Inner


class _Union(BaseModel):
    either: int | str


class _Float(BaseModel):
    ratio: float


class _Pair(BaseModel):
    pair: tuple[int, str]


class _Anything(BaseModel):
    anything: dict[str, Any]


class _Set(BaseModel):
    names: Annotated[set[str], Field(max_length=3)]


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (_Recursive, "_Recursive.inner.again"),
        (_Union, "_Union.either"),
        (_Float, "_Float.ratio"),
        (_Pair, "_Pair.pair"),
        (_Anything, "_Anything.anything"),
        (_Set, "_Set.names"),
    ],
)
def test_what_a_crd_cannot_express_is_refused_with_its_path(model: type[BaseModel], path: str) -> None:
    """Nothing that a model says is lost in silence on its way into the CRD."""
    with pytest.raises(NotStructuralError) as refused:
        structural(model)
    assert refused.value.path == path


class _Bounds(BaseModel):
    above: Annotated[int, Field(gt=0, lt=10)]
    when: Annotated[datetime | None, Field(description="an instant")] = None


def test_bounds_and_nulls_are_translated() -> None:
    """JSON Schema's numeric exclusive bounds and null unions become what Kubernetes knows."""
    schema = structural(_Bounds)
    assert schema["properties"]["above"] == {
        "type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 10, "exclusiveMaximum": True,
    }  # fmt: skip
    assert schema["properties"]["when"] == {"type": "string", "format": "date-time", "description": "an instant"}
    assert schema["required"] == ["above"]
