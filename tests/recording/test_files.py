"""Files of a recording: whole after a kill, bounded, and nobody else's."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.recording.files import FILES_IN_THE_BOUND, LONGEST_FILE, Folder, Found, files_of, lines_of
from controller.recording.lines import RecordingError
from tests.builders import BELL

MEGABYTE = 1_000_000


def read(path: Path) -> tuple[list[bytes], Found]:
    """All lines of a recording, and what was met on the way."""
    found = Found()
    return [line for file in files_of(path) for _, line in lines_of(file, found)], found


def test_what_is_added_is_there_before_the_file_is_ended(tmp_path: Path) -> None:
    """A process that is killed has written every line it had finished."""
    folder = Folder(tmp_path, most_bytes=MEGABYTE)
    lines = [b'{"n":%d}' % n for n in range(5)]
    for line in lines:
        folder.add(line, BELL)
    assert read(tmp_path) == (lines, Found(files=1, lines=5, cut=0))
    folder.close()
    assert read(tmp_path) == (lines, Found(files=1, lines=5, cut=0))


@given(keep=st.floats(0.0, 1.0))
def test_a_file_cut_anywhere_gives_its_whole_lines(keep: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Killed within a write, or out of disk: what is left is a beginning of what was written, and never an error."""
    path = tmp_path_factory.mktemp("cut")
    folder = Folder(path, most_bytes=MEGABYTE)
    lines = [bytes(str(n % 7), "ascii") * (37 * n) for n in range(1, 9)]
    for line in lines:
        folder.add(line, BELL)
    folder.close()
    (file,) = files_of(path)
    whole = file.read_bytes()
    file.write_bytes(whole[: round(len(whole) * keep)])
    found, _ = read(path)
    assert found == lines[: len(found)]
    assert len(found) == len(lines) or keep < 1.0


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """Bytes that were changed are no cut: who replays must know that it is not what was written."""
    folder = Folder(tmp_path, most_bytes=MEGABYTE)
    for n in range(100):
        folder.add(b"%d" % n * 50, BELL)
    folder.close()
    (file,) = files_of(tmp_path)
    content = bytearray(file.read_bytes())
    content[40:60] = b"x" * 20
    file.write_bytes(content)
    with pytest.raises(RecordingError, match=f"{file.name}: damaged"):
        read(tmp_path)


def test_the_oldest_files_go_first_and_all_together_stay_within_the_bound(tmp_path: Path) -> None:
    """A recorder never fills the disk; somebody else's files are left alone."""
    other = tmp_path / "notes.jsonl.gz"
    other.write_bytes(b"not ours")
    bound = 64_000
    folder = Folder(tmp_path, most_bytes=bound)
    for n in range(400):
        # Noise, which cannot be compressed.
        line = bytes((n * 131 + i * i * 7 + (i * n) % 251) % 255 + 1 for i in range(500)).replace(b"\n", b"-")
        folder.add(line, BELL + timedelta(seconds=n))
        ours = sum(path.stat().st_size for path in tmp_path.iterdir() if path != other)
        assert ours <= bound + 1000  # one line more than the bound at most
    folder.close()
    assert other.read_bytes() == b"not ours"
    other.unlink()
    files = files_of(tmp_path)
    assert 1 < len(files) <= FILES_IN_THE_BOUND + 1
    newest = list(lines_of(files[-1], Found()))
    assert newest


def test_a_file_begins_anew_every_hour(tmp_path: Path) -> None:
    """One morning can be copied without the night before."""
    folder = Folder(tmp_path, most_bytes=MEGABYTE)
    for after in (timedelta(0), LONGEST_FILE - timedelta(seconds=1), LONGEST_FILE):
        folder.add(b"{}", BELL + after)
    folder.close()
    assert [path.name for path in files_of(tmp_path)] == [
        "sonnerie-20260901T070000Z.jsonl.gz",
        "sonnerie-20260901T080000Z.jsonl.gz",
    ]


def test_two_writers_of_one_second_do_not_share_a_file(tmp_path: Path) -> None:
    """A restart within a second, or two replicas on one disk."""
    for line in (b"one", b"two"):
        folder = Folder(tmp_path, most_bytes=MEGABYTE)
        folder.add(line, BELL)
        folder.close()
    assert sorted(read(tmp_path)[0]) == [b"one", b"two"]


def test_a_recording_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It tells how a fleet is protected, and how many come when."""
    folder = Folder(tmp_path / "new", most_bytes=MEGABYTE)
    folder.add(b"{}", BELL)
    folder.close()
    (file,) = files_of(tmp_path / "new")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_folder_without_a_recording_says_what_to_give(tmp_path: Path) -> None:
    """Nobody takes silence for success."""
    with pytest.raises(RecordingError, match="sonnerie run --record"):
        files_of(tmp_path)
    with pytest.raises(RecordingError, match="no such file"):
        files_of(tmp_path / "nothing")
