"""`sonnerie plan`, `explain` and `schema`: what a program or a person on call types, and what comes back."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from controller.planning.decide import decide
from controller.wire.stream import reply_to
from controller.wire.world import write_world_line
from tests.typed import typed as sonnerie
from tests.wire import golden
from tests.wire.example import question

WORLD = golden.DOCUMENTS / "world-v1.json"
PLAN = golden.DOCUMENTS / "plan-v1.json"
ERROR = golden.DOCUMENTS / "error-v1.json"
LINE = write_world_line(question())


def bad_world(folder: Path) -> Path:
    """A world with a misspelt site."""
    path = folder / "world.json"
    path.write_text(WORLD.read_text(encoding="utf-8").replace('"site": "sbg"', '"site": "sgb"', 1), encoding="utf-8")
    return path


def test_a_world_in_a_file_gets_its_plan() -> None:
    """One line on standard output, the solver's banner nowhere."""
    done = sonnerie("plan", "--world", WORLD)
    assert done.returncode == 0, done.stderr
    assert done.stdout == reply_to(LINE, decide).line + b"\n"


def test_a_world_on_standard_input_gets_its_plan() -> None:
    """`-` is standard input."""
    assert sonnerie("plan", "--world", "-", given=LINE).stdout == reply_to(LINE, decide).line + b"\n"


def test_a_bad_world_ends_with_one_and_an_error_line(tmp_path: Path) -> None:
    """For programs on standard output, for people on standard error."""
    done = sonnerie("plan", "--world", bad_world(tmp_path))
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["error"]["path"] == "world.ents[0].placements[1].site"
    assert b"there is no site 'sgb'" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_plan_in_words(tmp_path: Path) -> None:
    """`--text` is for people, and as strict."""
    done = sonnerie("plan", "--world", WORLD, "--text")
    assert done.returncode == 0
    assert done.stdout.decode().startswith("ents/hdf\n  does     replicas of ents/hdf at sbg 20 → 80")
    spoilt = sonnerie("plan", "--world", bad_world(tmp_path), "--text")
    assert (spoilt.returncode, spoilt.stdout) == (1, b"")
    assert b"world.ents[0].placements[1].site" in spoilt.stderr


def test_a_stream_is_answered_in_order_whatever_it_says() -> None:
    """Good, blank, broken, too long, good: one answer each but for the blank one."""
    other = LINE.replace(b'"id":"', b'"id":"second ')
    lines = [LINE, b"", b"{", b"x" * 20_000, other]
    done = sonnerie("plan", "--stream", "--max-line-bytes", 16_000, given=b"\n".join(lines) + b"\n")
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["schema"].split("/")[1] for answer in answers] == ["plan", "error", "error", "plan"]
    assert [answer["id"] for answer in answers] == [question().id, None, None, f"second {question().id}"]
    assert done.stderr == b""


def test_a_stream_answers_before_it_is_ended() -> None:
    """Who asks and waits for the answer before asking again is not left waiting."""
    command = [sys.executable, "-m", "controller", "plan", "--stream"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asked:
        assert asked.stdin is not None
        assert asked.stdout is not None
        for _ in range(2):
            asked.stdin.write(LINE + b"\n")
            asked.stdin.flush()
            assert json.loads(asked.stdout.readline())["id"] == question().id
        asked.stdin.close()
        assert asked.wait(timeout=60) == 0


def test_a_stream_whose_reader_has_gone_ends_quietly() -> None:
    """As in `sonnerie plan --stream | head -1`."""
    command = [sys.executable, "-m", "controller", "plan", "--stream"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as asked:  # type: ignore[call-overload]
        asked.stdout.close()
        asked.stdin.write(LINE + b"\n")
        asked.stdin.close()
        assert asked.wait(timeout=60) == 0
        assert asked.stderr.read() == b""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["plan"], 2, b"--world FILE or --stream"),
        (["plan", "--stream", "--world", WORLD], 2, b"--world FILE or --stream"),
        (["plan", "--stream", "--text"], 2, b"--text is for --world"),
        (["plan", "--world", "/nonexistent.json"], 2, b"/nonexistent.json: No such file"),
        (["explain", "--plan", "/nonexistent.json"], 2, b"/nonexistent.json: No such file"),
        (["explain", "--plan", WORLD], 1, b"not 'sonnerie.dev/plan/v1'"),
        (["explain", "--plan", ERROR], 1, b"there is no site 'sgb'"),
        (["explain", "ents/idf", "--plan", PLAN], 1, b"it speaks of ents/hdf"),
        (["schema", "wrld"], 2, b"write one of Site, RegionalENT"),
    ],
)
def test_wrong_usage_and_wrong_files_are_told_apart(arguments: list[object], code: int, says: bytes) -> None:
    """Exit code 2 for what was typed, 1 for what was asked about; one sentence, no traceback."""
    done = sonnerie(*arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert b"Traceback" not in done.stderr


def test_explain_says_the_same_of_a_plan_line_as_the_planner() -> None:
    """A plan that was kept is explained as it would have been then."""
    assert sonnerie("explain", "--plan", PLAN).stdout == sonnerie("plan", "--world", WORLD, "--text").stdout


def test_explain_can_be_asked_about_one_ent_at_one_site() -> None:
    """What concerns another site is left out; what concerns all of them stays."""
    text = sonnerie("explain", "ents/hdf", "--site", "gra", "--plan", PLAN).stdout.decode()
    assert "replicas at gra = 20 replicas" in text
    assert "demand ahead = 300.0 per second" in text
    assert "replicas at sbg" not in text
    assert "replicas of ents/hdf at sbg" not in text


def test_explain_in_json_is_the_form_of_the_wire() -> None:
    """Nothing is told in JSON that the line does not say, and nothing in another form."""
    told: dict[str, Any] = json.loads(sonnerie("explain", "--json", "--plan", PLAN).stdout)
    line = json.loads(PLAN.read_text(encoding="utf-8"))
    assert told == {key: value for key, value in line.items() if key not in ("schema", "id", "memory")}


@pytest.mark.parametrize("name", ["world", "plan", "error", "memory"])
def test_the_schemas_of_the_wire_are_printed(name: str) -> None:
    """Beside those of the kinds of policy."""
    assert json.loads(sonnerie("schema", name).stdout)["$schema"].endswith("2020-12/schema")
