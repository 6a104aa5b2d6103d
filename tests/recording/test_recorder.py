"""Decisions recorded beside the loop, and made again."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from controller.domain.explanation import Explanation
from controller.domain.plan import Plan
from controller.domain.world import World
from controller.planning.decide import decide
from controller.recording.files import Folder, Found, files_of, lines_of
from controller.recording.lines import Decision, read_decision, write_decision
from controller.recording.recorder import MOST_WAITING, Recorder
from controller.recording.replay import question_of, replayed
from tests.builders import BELL
from tests.recording.mornings import a_morning
from tests.strategies import worlds


def recorded(path: Path) -> list[Decision]:
    """Every decision of a recording."""
    return [read_decision(line, where=where) for file in files_of(path) for where, line in lines_of(file, Found())]


def test_a_morning_is_replayed_bit_for_bit(tmp_path: Path) -> None:
    """What the loop decided comes out again of what it had seen, memory and samples included."""
    recorder = Recorder(tmp_path, most_bytes=1_000_000, by="1.2.3")
    morning = list(a_morning())
    for world, plan, now in morning:
        recorder.take(world, plan, now)
        assert settles(recorder)
    recorder.close()
    assert (recorder.left_out, recorder.trouble) == (0, None)
    found = recorded(tmp_path)
    assert len(found) == len(morning)
    assert any(plan.actions for _, plan, _ in morning)
    for decision, (world, _, now) in zip(found, morning, strict=True):
        question = question_of(decision, where="here")
        assert (question.world, question.now, decision.by) == (world, now, "1.2.3")
        assert replayed(decision, question, decide) is None


def settles(recorder: Recorder) -> bool:
    """Wait until all that was handed over has been dealt with."""
    done = threading.Event()
    recorder._thread.submit(done.set)
    return done.wait(10)


@settings(max_examples=30)
@given(world=worlds())
def test_any_world_is_replayed_bit_for_bit(world: World) -> None:
    """Not only tidy mornings: whatever the planner can be asked."""
    plan = decide(world, BELL)
    decision = read_decision(write_decision(world, plan, BELL, by="x"), where="here")
    assert replayed(decision, question_of(decision, where="here"), decide) is None


def test_another_decision_is_found_and_its_place_is_named() -> None:
    """The first field that differs, in the words of the wire."""
    world, plan, now = next(iter(a_morning(1)))
    decision = read_decision(write_decision(world, plan, now, by="x"), where="here")

    def other(world: World, _now: object) -> Plan:
        first, *rest = plan.explanation
        return replace(plan, explanation=Explanation([replace(first, value=first.value + 1), *rest]))

    found = replayed(decision, question_of(decision, where="here"), other)
    assert found is not None
    assert found.path == "explanation[0].value"
    assert float(found.replayed) == float(found.recorded) + 1


def test_the_loop_never_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions beyond the few that may wait are left out and counted, and the reason is told."""
    let_go = threading.Event()

    def slow(_folder: Folder, _line: bytes, _now: object) -> None:
        let_go.wait(10)

    monkeypatch.setattr(Folder, "add", slow)
    recorder = Recorder(tmp_path, most_bytes=1_000_000, by="x")
    (decision,) = a_morning(1)
    for _ in range(MOST_WAITING + 2):
        recorder.take(*decision)
    assert recorder.left_out == 2
    assert recorder.trouble == "the disk does not keep up"
    let_go.set()
    recorder.close()
    assert recorder.trouble is None


def test_a_disk_that_refuses_is_told_and_tried_again(tmp_path: Path) -> None:
    """A full or missing disk costs the recording, not the morning."""
    in_the_way = tmp_path / "folder"
    in_the_way.write_text("a file where the folder should be")
    recorder = Recorder(in_the_way, most_bytes=1_000_000, by="x")
    (decision,) = a_morning(1)
    recorder.take(*decision)
    assert settles(recorder)
    assert recorder.left_out == 1
    assert "folder" in (recorder.trouble or "")
    in_the_way.unlink()
    recorder.take(*decision)
    recorder.close()
    assert recorder.trouble is None
    assert len(recorded(in_the_way)) == 1
