"""Memory of every version that was ever written is understood; of none that was not."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.domain.memory import MEMORY_VERSION, LearnedLead
from controller.domain.names import SiteName
from controller.wire import migration
from controller.wire.memory import UnreadableMemoryError, read_ent, read_site, write_ent, write_site
from controller.wire.migration import (
    STEPS,
    BrokenDocumentError,
    Step,
    UnknownVersionError,
    migrate_ent,
    migrate_memory,
    migrate_site,
)
from tests.wire.test_memory import FULL, SITE

MEMORY = Path(__file__).parent / "documents/memory"
OLDER = range(1, MEMORY_VERSION)
LEADS = {1: (LearnedLead(site=SiteName("a"), rows=((3, 1, 45, 0, 0),)),)}
"""What the lead times of an older version's document are now: one of 45 s, measured once."""


def document(name: str) -> dict[str, Any]:
    """A document as an older version wrote it."""
    found: dict[str, Any] = json.loads((MEMORY / name).read_text(encoding="utf-8"))
    return found


def test_every_older_version_has_a_step_and_its_documents() -> None:
    """A version without a step would lose the restraints of everybody who updates."""
    assert sorted(STEPS) == list(OLDER)
    assert {path.name for path in MEMORY.iterdir()} == {f"{kind}-v{v}.json" for v in OLDER for kind in ("ent", "site")}


@pytest.mark.parametrize("version", OLDER)
def test_what_an_older_version_wrote_is_read(version: int) -> None:
    """The restraints of the document are those that the older version held."""
    restraints = replace(FULL.restraints, leads=LEADS[version])
    assert read_ent(document(f"ent-v{version}.json")) == replace(FULL, restraints=restraints)
    assert read_site(document(f"site-v{version}.json")) == SITE


def test_lead_times_of_version_1_become_rows() -> None:
    """Of each site and class: how many, the slowest, the second slowest."""
    old = [("b", 0, 30), ("a", 3, 45), ("a", 0, 40), ("a", 0, 60)]
    leads = [{"site": site, "step_class": step, "seconds": seconds} for site, step, seconds in old]
    found = migrate_ent({"version": 1, "restraints": {"ent": {"namespace": "n", "name": "e"}, "leads": leads}})
    assert found["restraints"]["leads"] == [
        {"site": "a", "rows": [[0, 2, 60, 40, 0], [3, 1, 45, 0, 0]]},
        {"site": "b", "rows": [[0, 1, 30, 0, 0]]},
    ]


@pytest.mark.parametrize("version", OLDER)
def test_migrating_is_pure_and_ends_at_the_present_version(version: int) -> None:
    """The document that is given stays as it is, and what comes out needs nothing more."""
    found = document(f"ent-v{version}.json")
    before = copy.deepcopy(found)
    migrated = migrate_ent(found)
    assert found == before
    assert migrated["version"] == MEMORY_VERSION
    assert migrate_ent(migrated) == migrated


def test_what_is_present_is_left_alone() -> None:
    """Nothing is migrated twice."""
    assert migrate_ent(write_ent(FULL)) == write_ent(FULL)
    assert migrate_site(write_site(SITE)) == write_site(SITE)


@pytest.mark.parametrize("version", [MEMORY_VERSION + 1, 0, -1, None, "1", True, 1.0])
def test_a_version_that_nobody_wrote_is_refused(version: object) -> None:
    """A newer controller may have restrained what this one cannot read: empty memory starts safe."""
    for migrate in (migrate_ent, migrate_site, migrate_memory):
        with pytest.raises(UnknownVersionError):
            migrate({"version": version, "restraints": {}})
    with pytest.raises(UnreadableMemoryError, match=r"status\.memory\.version"):
        read_ent({"version": version, "restraints": {}})


@pytest.mark.parametrize("broken", [{}, {"ent": "nord"}, {"ent": {"name": "nord"}}, [], None])
def test_a_document_that_is_not_of_its_version_is_refused(broken: object) -> None:
    """Never a crash of the loop because of what stands in a status."""
    with pytest.raises(BrokenDocumentError):
        migrate_ent({"version": 1, "restraints": broken})
    with pytest.raises(UnreadableMemoryError, match="cannot be read"):
        read_ent({"version": 1, "restraints": broken})


def test_steps_are_chained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that is two versions old takes both steps, in order."""
    monkeypatch.setattr(migration, "MEMORY_VERSION", 3)
    steps = {
        1: Step(ent=lambda e: e | {"trail": ["one"]}, weights=lambda w: w | {"weight": w["weight"] * 2}),
        2: Step(
            ent=lambda e: e | {"trail": [*e["trail"], "two"]},
            site=lambda s: s | {"new": True},
            samples=lambda s: s | {"demand": []},
        ),
    }
    monkeypatch.setattr(migration, "STEPS", steps)
    ent = migrate_ent({"version": 1, "restraints": {}, "weights": [{"weight": 5}]})
    assert ent == {"version": 3, "restraints": {"trail": ["one", "two"]}, "weights": [{"weight": 10}]}
    assert migrate_site({"version": 2, "restraints": {}})["restraints"] == {"new": True}
    memory = migrate_memory({"version": 1, "ents": [{}], "sites": [{}]})
    assert memory == {
        "version": 3,
        "sites": [{"new": True}],
        "ents": [{"trail": ["one", "two"]}],
        "samples": {"demand": []},
    }
