"""The commands on school calendars, as people type them."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.typed import sonnerie

ROOT = Path(__file__).parents[2]
MINISTRY = ROOT / "tests/policy/calendars/zones-2025-2026.ics"


@pytest.mark.parametrize("command", ["calendar", "import-calendar"])
def test_help_has_an_example(command: str) -> None:
    """Help shows how it is typed."""
    assert "Example: sonnerie" in sonnerie(command, "--help").stdout


def test_json_has_exactly_four_keys_and_every_day() -> None:
    """Programs read it: date, day_type, reason, source."""
    done = sonnerie("calendar", "zone-b", "--from", "2021-04-05", "--to", "2021-05-01", "--json")
    days = json.loads(done.stdout)
    assert done.returncode == 0
    assert all(list(day) == ["date", "day_type", "reason", "source"] and all(day.values()) for day in days)
    kinds = {day["date"]: day["day_type"] for day in days}
    assert len(kinds) == 27
    assert [kinds[f"2021-04-{day:02}"] for day in (5, 6, 7, 9, 10, 12, 25, 26)] == [
        "public_holiday",
        "school_day",
        "wednesday",
        "last_day_before",
        "vacation",
        "vacation",
        "vacation",
        "first_day_back",
    ]
    assert "31 March 2021" in days[5]["source"]


def test_unknown_days_are_told_as_such() -> None:
    """After the last published day nothing is invented, and a person is warned."""
    done = sonnerie("calendar", "A", "--from", "2028-07-04", "--to", "2028-07-06", "--json")
    assert [day["day_type"] for day in json.loads(done.stdout)] == ["last_day_before", "unknown", "unknown"]
    assert "2 of 3 days are unknown" in done.stderr


def test_text_has_a_line_a_day_and_the_sources_below() -> None:
    """A person reads what, why and who says so."""
    lines = sonnerie("calendar", "974", "--from", "2026-12-18", "--to", "2026-12-19").stdout.splitlines()
    assert lines[0].startswith("2026-12-18 Fri  last_day_before  last day before Été austral 2026  [1]")
    assert lines[3].startswith("[1] Académie de La Réunion")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["martiniqe", "--from", "2026-01-01", "--to", "2026-01-02"], "did you mean martinique"),
        (["belgique", "--from", "2026-01-01", "--to", "2026-01-02"], "write one of corse"),
        (["A", "--from", "1/2/2026", "--to", "2026-01-02"], "write for example 2026-11-25"),
        (["A", "--from", "2026-01-03", "--to", "2026-01-02"], "is before --from"),
        (["A", "--from", "0001-01-01", "--to", "9999-12-31"], "are told at once"),
        (["A", "--from", "2026-01-01", "--to", "2026-01-02", "--calendars", "/nonexistent"], "/nonexistent"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: list[str], message: str) -> None:
    """What is wrong and what to do, without a traceback."""
    done = sonnerie("calendar", *arguments)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_author_may_ask_about_calendars_of_their_own(tmp_path: Path) -> None:
    """A calendar for some académies alone is asked for by its name."""
    text = (ROOT / "policies/calendars/zone-b.yaml").read_text("utf-8").replace("name: zone-b\n", "name: rennes-2018\n")
    (tmp_path / "own.yaml").write_text(text, "utf-8")
    done = sonnerie(
        "calendar", "rennes-2018", "--from", "2026-11-25", "--to", "2026-11-25", "--calendars", str(tmp_path)
    )
    assert done.stdout.startswith("2026-11-25 Wed  wednesday")


def test_the_ministry_file_becomes_a_calendar_that_passes_the_check(tmp_path: Path) -> None:
    """What is written can be reviewed and applied; what changes is told."""
    target = tmp_path / "zone-b.yaml"
    done = sonnerie("import-calendar", str(MINISTRY), "--territory", "B", "-o", str(target))
    assert done.returncode == 0, done.stderr
    assert "no day changes against calendar zone-b" in done.stdout
    assert sonnerie("check", str(target)).returncode == 0


def test_what_changes_is_told_for_people_and_for_programs(tmp_path: Path) -> None:
    """A vacation that moved is seen as days that become something else, with the reason."""
    moved = MINISTRY.read_text("utf-8").replace("20251220", "20251219")
    file = tmp_path / "moved.ics"
    file.write_text(moved, "utf-8")
    told = sonnerie("import-calendar", str(file), "--territory", "A").stdout
    assert "saturday → vacation  (Noël 2025)" in told
    answer = json.loads(sonnerie("import-calendar", str(file), "--territory", "A", "--json").stdout)
    assert list(answer) == ["calendar", "changes", "ignored"]
    assert {"date": "2025-12-20", "before": "saturday", "after": "vacation", "reason": "Noël 2025"} in answer["changes"]


def test_a_bad_file_is_refused_with_its_line(tmp_path: Path) -> None:
    """Exit code 1, file, line, what is wrong."""
    file = tmp_path / "bad.ics"
    file.write_text(MINISTRY.read_text("utf-8").replace("20260105", "20250105"), "utf-8")
    done = sonnerie("import-calendar", str(file), "--territory", "A")
    assert done.returncode == 1
    assert "bad.ics:" in done.stderr
    assert "look for a wrong year" in done.stderr


def test_an_installed_package_has_the_calendars(tmp_path: Path) -> None:
    """Without a checkout beside it, the command still knows the days."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    done = subprocess.run(
        [sys.executable, "-m", "controller", "calendar", "C", "--from", "2026-05-15", "--to", "2026-05-15"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("2026-05-15 Fri  vacation"), done.stderr
    assert len(list((tmp_path / "installed/controller/shipped/calendars").glob("*.yaml"))) == 16
