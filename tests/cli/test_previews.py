"""Looking ahead from the command line: preview, diff, check --json, as people and programs type them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.policy.test_review import AT_NIGHT, FLEET, RAISES_ALL, an_event, with_days
from tests.typed import sonnerie


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A folder with a fleet in one file."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "fleet.yaml").write_text(FLEET)
    return folder


def preview(policies: Path, *arguments: str) -> list[dict[str, Any]]:
    """What the command says to programs."""
    done = sonnerie("preview", str(policies), "--ent", "hdf", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_preview_tells_programs_when_how_much_and_why(policies: Path) -> None:
    """Exactly these keys; UTC with Z; the bell in winter and the day after the clocks changed."""
    friday, monday = preview(policies, "--from", "2026-03-27", "--days", "4")
    assert list(friday) == ["start", "end", "ent", "connections_per_second", "replicas", "because"]
    assert (friday["start"], friday["end"]) == ("2026-03-27T06:50:00Z", "2026-03-27T07:30:00Z")
    assert (monday["start"], monday["end"]) == ("2026-03-30T05:50:00Z", "2026-03-30T06:30:00Z")
    assert (friday["ent"], friday["connections_per_second"], friday["replicas"]) == ("portals/hdf", 40, 14)
    assert "schedule lycee: 08:00 first" in friday["because"]


def test_preview_of_a_week_shows_days_hours_and_what_for(policies: Path) -> None:
    """A heat map and a table; nothing but them on standard output."""
    done = sonnerie("preview", str(policies), "--from", "2026-03-23", "--days", "7")
    assert done.returncode == 0
    assert done.stdout.startswith("portals/hdf: replicas wanted, 2 to 14")
    assert "Sun 29 Mar" in done.stdout
    assert "07:50-08:30" in done.stdout
    assert "HiGHS" not in done.stdout


def test_preview_writes_a_page_and_a_calendar(policies: Path, tmp_path: Path) -> None:
    """Both at once, and says where."""
    page, calendar = tmp_path / "a.html", tmp_path / "a.ics"
    done = sonnerie("preview", str(policies), "--from", "2026-03-23", "--html", str(page), "--ics", str(calendar))
    assert done.stdout == f"wrote {page}\nwrote {calendar}\n"
    assert "<h1>Portail hdf" in page.read_text("utf-8")
    assert calendar.read_bytes().startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")


def test_preview_without_sites_takes_them_as_they_are_named(policies: Path) -> None:
    """An author who has only the schedule and the ENT still sees the day, and is told what is assumed."""
    text = FLEET[FLEET.index("---") :]
    (policies / "fleet.yaml").write_text(text)
    done = sonnerie("preview", str(policies), "--from", "2026-03-27", "--days", "1", "--json")
    assert json.loads(done.stdout)[0]["replicas"] == 14
    assert "no file declares Site north" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--ent", "hdff"], 1, "did you mean hdf?"),
        (["--from", "yesterday"], 2, "write for example --from 2026-09-01"),
        (["--from", "9999-12-31"], 2, "not a day"),
        (["--days", "0"], 2, "--days"),
        (["--html", "/nonexistent/a.html", "--from", "2026-03-27"], 2, "cannot be written"),
    ],
)
def test_preview_says_what_is_wrong_in_a_sentence(policies: Path, arguments: list[str], code: int, said: str) -> None:
    """Never a traceback."""
    done = sonnerie("preview", str(policies), *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["preview", "diff", "check"])
def test_broken_policies_end_every_command_with_1(tmp_path: Path, command: str) -> None:
    """With the place of each problem."""
    (tmp_path / "a.yaml").write_text("kind: Nonsense\n")
    paths = [str(tmp_path)] * (2 if command == "diff" else 1)
    done = sonnerie(command, *paths)
    assert done.returncode == 1
    assert "a.yaml:1:1: " in done.stderr


def diff(old: Path, new: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and what the command says to programs."""
    done = sonnerie("diff", str(old), str(new), "--from", "2026-04-06", "--json", *arguments)
    found: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, found


def test_diff_tells_what_a_rise_costs(policies: Path, tmp_path: Path) -> None:
    """Exit code 0: more capacity needs no second look."""
    new = tmp_path / "new"
    shutil.copytree(policies, new)
    (new / "event.yaml").write_text(an_event("e", RAISES_ALL))
    code, found = diff(policies, new)
    [change] = found["changes"]
    assert code == 0
    assert (change["start"], change["old_replicas"], change["new_replicas"]) == ("2026-04-09T05:50:00Z", 14, 30)
    [cost] = found["replica_hours"]
    assert cost["difference"] == change["replica_hours"] == round(16 * 40 / 60, 2)


def test_diff_ends_with_2_when_a_floor_falls_soon(policies: Path, tmp_path: Path) -> None:
    """A pipeline stops, and the reviewer reads which floor falls when."""
    new = tmp_path / "new"
    new.mkdir()
    (new / "fleet.yaml").write_text(FLEET.replace('"40"', '"30"'))
    code, found = diff(policies, new, "--days", "30")
    assert code == 2
    assert found["falls_soon"] is True
    assert {change["percent"] for change in found["changes"]} == {-28.6}
    assert [change["falls_soon"] for change in found["changes"]].count(True) == 5
    said = sonnerie("diff", str(policies), str(new), "--from", "2026-04-06").stdout
    assert "5 times a floor falls by more than 20 % within 7 days" in said


def test_diff_of_the_same_is_nothing(policies: Path) -> None:
    """Exit code 0."""
    done = sonnerie("diff", str(policies), str(policies), "--from", "2026-04-06")
    assert (done.returncode, done.stdout) == (0, "no floor changes\n")


def test_check_tells_programs_every_problem_with_its_place(policies: Path) -> None:
    """Keys for annotations of a code review."""
    (policies / "fleet.yaml").write_text(with_days(AT_NIGHT))
    done = sonnerie("check", str(policies), "--json")
    [problem] = json.loads(done.stdout)
    assert done.returncode == 1
    assert list(problem) == ["file", "line", "column", "resource", "field", "message"]
    assert problem["file"].endswith("fleet.yaml")
    assert (problem["field"], problem["line"]) == ("spec.days[0].bells[0].at", 23)


def test_check_tells_programs_that_all_is_well(policies: Path) -> None:
    """An empty list and exit code 0."""
    done = sonnerie("check", str(policies), "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
