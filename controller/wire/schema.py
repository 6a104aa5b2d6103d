"""JSON Schemas of the wire contract (draft 2020-12), made from the very types that lines are decoded to."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from controller.domain.memory import Memory
from controller.wire.errors import ERROR_SCHEMA, ErrorLine
from controller.wire.forms import TAG_FIELD, TAG_FIELDS, shape_of
from controller.wire.meanings import meaning_of, types_of_wire
from controller.wire.plan import PLAN_LINE, PLAN_SCHEMA
from controller.wire.world import WORLD_LINE, WORLD_SCHEMA

DRAFT = "https://json-schema.org/draft/2020-12/schema"


class Document(NamedTuple):
    """A document of the contract: the type it decodes to, its address, and what it is."""

    type: Any
    address: str
    title: str


DOCUMENTS: Mapping[str, Document] = {
    "world": Document(WORLD_LINE.struct, f"https://{WORLD_SCHEMA}", "A question: a world at an instant"),
    "plan": Document(PLAN_LINE.struct, f"https://{PLAN_SCHEMA}", "An answer: the plan for a world"),
    "error": Document(ErrorLine, f"https://{ERROR_SCHEMA}", "An answer: why there is no plan"),
    "memory": Document(
        shape_of(Memory).struct, "https://sonnerie.dev/memory/v1", "What a plan remembers, as it stands in both lines"
    ),
}

ON_LINES = {
    "schema": "What the line is, and in which version.",
    "id": "Chosen by whoever asks; the answer carries it back.",
    "now": "The instant for which to plan. Nothing here reads a clock.",
    "world": "The snapshot: all that the planner may know.",
    "memory": "What the plan before this one said to remember; without it the planner starts safe and shrinks nothing.",
}
"""What the fields of a line mean that are not of the domain."""

TAGS = sorted({TAG_FIELD, *TAG_FIELDS.values()})


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a document, with a description for every field."""
    document = DOCUMENTS[name]
    (root,), definitions = msgspec.json.schema_components([document.type], ref_template="#/$defs/{name}")
    for each, definition in definitions.items():
        _describe(each, definition)
    return {"$schema": DRAFT, "$id": document.address, "title": document.title, **root, "$defs": definitions}


def _describe(name: str, definition: dict[str, Any]) -> None:
    """Add the meanings; the domain names types as the wire does, and lines have types of their own."""
    cls: Any = types_of_wire().get(name)
    if cls is not None and "properties" in definition:
        definition["description"] = " ".join((cls.__doc__ or "").split())
    for wire_name, meaning in field_meanings(name).items():
        if wire_name in definition.get("properties", {}):
            definition["properties"][wire_name].setdefault("description", meaning)


def field_meanings(name: str) -> dict[str, str]:
    """Return what each field of a type of the wire means, by its name on the wire."""
    cls: Any = types_of_wire().get("Plan" if name == PLAN_LINE.struct.__name__ else name)
    own = {} if cls is None else {field.wire_name: meaning_of(cls, field.name) for field in shape_of(cls).fields}
    if name in (WORLD_LINE.struct.__name__, PLAN_LINE.struct.__name__):
        return ON_LINES | own
    return dict.fromkeys(TAGS, f"Always `{name}`: tells which of its kind this is.") | own
