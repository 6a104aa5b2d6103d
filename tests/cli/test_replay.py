"""`sonnerie replay`: a recorded morning again, and the same morning under other policies."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from controller.recording.files import Folder
from controller.recording.lines import write_decision
from tests.recording.mornings import a_morning
from tests.typed import sonnerie

FLEET = """\
apiVersion: sonnerie.dev/v1alpha1
kind: Site
metadata: {name: a}
spec: {provider: Example}
---
apiVersion: sonnerie.dev/v1alpha1
kind: Site
metadata: {name: b}
spec: {provider: Example}
---
apiVersion: sonnerie.dev/v1alpha1
kind: RegionalENT
metadata: {name: nord, namespace: ents}
spec:
  region: FR-HDF
  territory: zone-b
  timeZone: Europe/Paris
  demandSignals: [{name: requests, signal: requests, capacityPerReplica: "5"}]
  placements:
    - {site: a, target: {name: portal}, min: LEAST, max: 100, home: true}
    - {site: b, target: {name: portal}, min: 1, max: 100}
  edges: [{name: front, kind: HAProxyAgent}]
"""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A morning in a folder."""
    folder = Folder(tmp_path / "recording", most_bytes=1_000_000)
    for world, plan, now in a_morning():
        folder.add(write_decision(world, plan, now, by="0.0.9"), now)
    folder.close()
    return tmp_path / "recording"


def replay(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    return sonnerie("replay", *arguments)


def in_json(*arguments: object) -> dict[str, Any]:
    """Run the command and read what it prints."""
    done = replay(*arguments, "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_recording_is_replayed_bit_for_bit(recording: Path) -> None:
    """Exit code 0, and how many decisions it were."""
    done = replay(recording)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "12 decisions, each the same as recorded, bit for bit\n"
    told = in_json(recording)
    assert (told["schema_version"], told["decisions"], told["different"]) == (1, 12, 0)
    assert (told["recorded_by"], told["first_difference"], told["cut_lines"]) == (["0.0.9"], None, 0)


def test_a_decision_that_differs_ends_with_one_and_is_named(tmp_path: Path) -> None:
    """Another planner, or a recording that was tampered with: the first place that differs, both values."""
    folder = Folder(tmp_path, most_bytes=1_000_000)
    for world, plan, now in a_morning(3):
        line = write_decision(world, plan, now, by="0.0.9")
        folder.add(line.replace(b'"look_ahead', b'"x').replace(b'"permille":1000', b'"permille":999'), now)
        folder.add(line.replace(b'"admit_permille":1000', b'"admit_permille":999'), now)
    folder.close()
    done = replay(tmp_path)
    assert done.returncode == 1, done.stderr
    assert "3 of 6 decisions differ" in done.stdout
    assert "in admission[0].admit_permille" in done.stdout
    first = in_json(tmp_path)["first_difference"]
    assert (first["recorded"], first["replayed"]) == ("999", "1000")


def test_a_last_line_that_was_cut_is_no_error_and_is_told(recording: Path) -> None:
    """The process was killed; everything before counts."""
    (file,) = recording.iterdir()
    file.write_bytes(file.read_bytes()[:-60])
    done = replay(recording)
    assert done.returncode == 0, done.stderr
    assert "11 decisions" in done.stdout
    assert "was cut" in done.stdout


def test_a_part_of_a_morning_can_be_replayed(recording: Path) -> None:
    """From one instant to another, both included."""
    told = in_json(recording, "--from", "2026-09-01T06:55:00Z", "--to", "2026-09-01T06:56:00Z")
    assert told["decisions"] == 3


def test_the_same_policies_differ_in_nothing_that_was_declared(recording: Path, tmp_path: Path) -> None:
    """Without the schedule of the recorded morning, what it asked for is not asked for."""
    (tmp_path / "fleet.yaml").write_text(FLEET.replace("LEAST", "1"))
    told = in_json(recording, "--policies", tmp_path / "fleet.yaml")
    recorded = {row["site"]: row["recorded"]["most_replicas"] for row in told["placements"] if row["site"]}
    other = {row["site"]: row["other"]["most_replicas"] for row in told["placements"] if row["site"]}
    assert recorded["a"] > other["a"]
    assert told["first_difference"]["placements"]


def test_other_policies_show_what_would_have_been_wanted(recording: Path, tmp_path: Path) -> None:
    """A minimum of 90 replicas is wanted in every situation, and counted in replica-hours."""
    (tmp_path / "fleet.yaml").write_text(FLEET.replace("LEAST", "90"))
    done = replay(recording, "--policies", tmp_path / "fleet.yaml")
    assert done.returncode == 0, done.stderr
    assert "ents/nord at a" in done.stdout
    told = in_json(recording, "--policies", tmp_path / "fleet.yaml")
    (row,) = (row for row in told["placements"] if row["site"] == "a")
    assert row["other"]["most_replicas"] == 90
    assert row["other"]["replica_hours"] == pytest.approx(90 * 11 * 30 / 3600, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["/nonexistent"], 1, "/nonexistent: no such file or folder"),
        (["HERE", "--from", "yesterday"], 2, "--from: 'yesterday' is not an instant"),
        (["HERE", "--policies", "EMPTY"], 2, "give the whole fleet"),
    ],
)
def test_what_cannot_be_replayed_is_one_sentence(
    arguments: list[str], code: int, says: str, recording: Path, tmp_path: Path
) -> None:
    """Which file, and what to give instead; no traceback."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "namespace.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: portals}\n")
    places = {"HERE": str(recording), "EMPTY": str(tmp_path / "empty")}
    done = replay(*(places.get(argument, argument) for argument in arguments))
    assert done.returncode == code, done.stdout
    assert says in done.stderr
    assert "Traceback" not in done.stderr
