"""The cache: where it is, and that nobody ever sees half of what is in it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.controlplane.cache import cache_folder, publish


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"SONNERIE_CACHE": "/own", "XDG_CACHE_HOME": "/xdg", "HOME": "/home/eve"}, "/own"),
        ({"XDG_CACHE_HOME": "/xdg", "HOME": "/home/eve"}, "/xdg/sonnerie"),
        ({"SONNERIE_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/home/eve"}, "/home/eve/.cache/sonnerie"),
    ],
)
def test_the_cache_folder_follows_the_environment(environment: dict[str, str], folder: str) -> None:
    """The project's own variable wins over the desktop's, and an empty one counts as unset."""
    assert cache_folder(environment) == Path(folder)


def test_what_fails_halfway_is_not_published(tmp_path: Path) -> None:
    """A build that fails leaves neither its folder nor its rubbish, and the next try starts afresh."""
    target = tmp_path / "built"

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        publish(target, fail)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []

    publish(target, lambda folder: (folder / "whole").touch())
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_two_that_want_the_same_build_it_once(tmp_path: Path) -> None:
    """The second waits for the first and takes what it made."""
    builds: list[str] = []
    first_is_inside, go_on = threading.Event(), threading.Event()

    def slow(folder: Path) -> None:
        builds.append("first")
        first_is_inside.set()
        assert go_on.wait(timeout=30)
        (folder / "made").write_text("by the first")

    first = threading.Thread(target=publish, args=(tmp_path / "built", slow))
    first.start()
    assert first_is_inside.wait(timeout=30)
    second = threading.Thread(target=publish, args=(tmp_path / "built", lambda _: builds.append("second")))
    second.start()
    go_on.set()
    first.join()
    second.join()

    assert builds == ["first"]
    assert (tmp_path / "built" / "made").read_text() == "by the first"
