"""Children end when they are told to, and a sweep ends only what its own folder knows."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.errors import ServerFailedError
from tests.controlplane.processes import Child, sweep
from tests.controlplane.waiting import wait_until


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Child]:
    """Gives a child that would sleep for ever."""
    child = _child(tmp_path, "sleep", "infinity")
    yield child
    child.kill()


def _child(folder: Path, *argv: str) -> Child:
    environment = {"PATH": os.defpath}
    return Child("sleeper", argv, log=folder / "log", pid_file=folder / "sleeper.pid", environment=environment)


def test_a_child_is_killed_and_started_again(sleeper: Child, tmp_path: Path) -> None:
    """Each start is a new process in a group of its own, and no pid file stays behind."""
    sleeper.start()
    first = sleeper.pid
    assert first is not None
    assert os.getpgid(first) == first
    sleeper.kill()
    assert sleeper.pid is None
    assert not (tmp_path / "sleeper.pid").exists()
    sleeper.start()
    assert sleeper.pid not in {None, first}


def test_a_child_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking politely has a deadline."""
    monkeypatch.setattr("tests.controlplane.processes.TERMINATE_SECONDS", 0.2)
    child = _child(tmp_path, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done")
    child.start()
    wait_until(lambda: "ready" in child.log_tail(), 30, "the child ignores SIGTERM")
    child.terminate()
    assert child.pid is None


def test_a_child_that_fails_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """The error is the server's own last words."""
    child = _child(tmp_path, "sh", "-c", "echo the port is taken >&2; exit 3")
    child.start()
    wait_until(lambda: child.pid is None, 30, "the child has failed")
    with pytest.raises(ServerFailedError, match=r"ended with 3(.|\n)*the port is taken"):
        child.expect_alive()


def test_a_sweep_kills_what_its_folder_knows_and_nothing_else(tmp_path: Path) -> None:
    """A process that merely got a swept one's id is left alone."""
    ours, others = tmp_path / "ours", tmp_path / "others"
    for folder in (ours, others):
        folder.mkdir()
    with contextlib.ExitStack() as started:
        known, stranger = _child(ours, "sleep", "infinity"), _child(others, "sleep", "infinity")
        for child in (known, stranger):
            child.start()
            started.callback(child.kill)
        (left_behind,) = (int(path.read_text().split()[0]) for path in ours.glob("*.pid"))
        reused = started.enter_context(subprocess.Popen(["sleep", "infinity"]))
        started.callback(reused.kill)
        (ours / "reused.pid").write_text(f"{reused.pid} 1 earlier process\n")

        assert sweep(ours) == [left_behind]
        assert reused.poll() is None
        assert stranger.alive
        assert list(ours.glob("*.pid")) == []
        assert sweep(ours) == []
