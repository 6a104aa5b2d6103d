"""The schemas accept what is accepted, and whoever reads them learns what each field means."""

import json
import random
from typing import Any

import pytest
from hypothesis import settings

from controller.planning.decide import decide
from controller.wire.schema import DOCUMENTS, schema_of
from controller.wire.stream import reply_to
from tests.wire import golden
from tests.wire.schema_check import fits
from tests.wire.test_stream import LINE, SEED, mutated_document

MUTATIONS = 1000 if settings.get_current_profile_name() == "nightly" else 300


@pytest.mark.parametrize("name", ["world", "plan", "error"])
def test_the_documents_fit_their_schemas(name: str) -> None:
    """Each, and only its own."""
    for other in ("world", "plan", "error"):
        found = json.loads((golden.DOCUMENTS / f"{other}-v1.json").read_text(encoding="utf-8"))
        schema = schema_of(name)
        assert fits(found, schema, schema) is (other == name)


def test_the_memory_of_both_lines_fits_its_schema() -> None:
    """It goes out with a plan and comes back with a world."""
    schema = schema_of("memory")
    for name in ("world", "plan"):
        found = json.loads((golden.DOCUMENTS / f"{name}-v1.json").read_text(encoding="utf-8"))
        assert fits(found["memory"], schema, schema)


def test_what_is_accepted_fits_the_schema() -> None:
    """A line that does not fit the schema is refused: the schema asks for nothing that is not needed."""
    dice, schema = random.Random(SEED), schema_of("world")
    counts = {True: 0, False: 0}
    for _ in range(MUTATIONS):
        line = mutated_document(LINE, dice)
        accepted = reply_to(line, decide).error is None
        fitting = fits(json.loads(line), schema, schema)
        counts[fitting] += 1
        assert fitting or not accepted
    assert min(counts.values()) > MUTATIONS // 50, "both kinds were tried"


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_field_is_described(name: str) -> None:
    """A schema is read by people, in an editor or a browser."""
    schema = schema_of(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    silent = [
        f"{each}.{field}"
        for each, definition in schema["$defs"].items()
        for field, found in definition.get("properties", {}).items()
        if not found.get("description")
    ]
    assert silent == []


def test_a_schema_is_json() -> None:
    """As printed by the command."""
    for name in DOCUMENTS:
        found: dict[str, Any] = json.loads(json.dumps(schema_of(name)))
        assert found["$defs"]
