"""Where decisions are kept: a folder of compressed files, rotated, bounded, readable whenever the writer was killed.

Every line is flushed through the compressor. A process that is killed loses at most the line it was writing; the reader
leaves out a last line that was cut, and says so.
"""

import contextlib
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from controller.recording.lines import RecordingError

FILES_IN_THE_BOUND = 16
"""A recording is this many files long at most: when the oldest goes, a sixteenth of the past goes with it."""
LONGEST_FILE = timedelta(hours=1)
"""A file begins anew after so long, so that one morning can be copied without the night."""
LEVEL = 6
"""zlib's own default: a world of 20 ENTs takes a millisecond."""
GZIP = 31
"""zlib's window bits for a gzip header and trailer."""
CHUNK_BYTES = 1 << 20
ENDING = ".jsonl.gz"

_NAME = re.compile(r"sonnerie-\d{8}T\d{6}Z(-\d+)?\.jsonl\.gz")


class Folder:
    """Writes lines into the files of a folder; not for several threads at once."""

    def __init__(self, path: Path, *, most_bytes: int) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._open: _OpenFile | None = None

    def add(self, line: bytes, now: datetime) -> None:
        """Write the line so that it outlives this process.

        Raises:
            OSError: it could not be written; the next line begins a new file.
        """
        try:
            current = self._current(now)
            current.write(line + b"\n")
        except OSError:
            self._abandon()
            raise

    def close(self) -> None:
        """End the file under way.

        Raises:
            OSError: its end could not be written; what was flushed before is there.
        """
        current, self._open = self._open, None
        if current is not None:
            current.close()

    def _current(self, now: datetime) -> "_OpenFile":
        current = self._open
        if current is not None and not current.is_full(now, self._most_bytes // FILES_IN_THE_BOUND):
            return current
        self.close()
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._prune()
        self._open = current = _OpenFile.begun(self._path, now)
        return current

    def _prune(self) -> None:
        """Delete the oldest files of ours until a whole new one fits within the bound."""
        kept = self._most_bytes - self._most_bytes // FILES_IN_THE_BOUND
        files = sorted((path for path in self._path.iterdir() if _NAME.fullmatch(path.name)), reverse=True)
        for path in files:
            kept -= path.stat().st_size
            if kept < 0:
                path.unlink()

    def _abandon(self) -> None:
        current, self._open = self._open, None
        if current is not None:
            current.abandon()


@dataclass(slots=True)
class _OpenFile:
    stream: BinaryIO
    packer: "zlib._Compress"
    begun_at: datetime
    size: int = 0

    @classmethod
    def begun(cls, folder: Path, now: datetime) -> "_OpenFile":
        stem = f"sonnerie-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        names = (f"{stem}{f'-{n}' if n else ''}{ENDING}" for n in range(1000))
        for name in names:
            try:
                # Created by us, readable by us alone: a recording tells how a fleet is protected.
                descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            return cls(os.fdopen(descriptor, "wb", buffering=0), zlib.compressobj(LEVEL, wbits=GZIP), now)
        raise FileExistsError(f"{folder / stem}: a thousand files of this second are there already")

    def is_full(self, now: datetime, most_bytes: int) -> bool:
        return self.size >= most_bytes or now - self.begun_at >= LONGEST_FILE

    def write(self, data: bytes) -> None:
        self._put(self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH))

    def close(self) -> None:
        with self.stream:
            self._put(self.packer.flush(zlib.Z_FINISH))

    def abandon(self) -> None:
        with contextlib.suppress(OSError):  # what could not be written is lost; what was flushed is there
            self.stream.close()

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self.stream.write(rest) :]
        self.size += len(data)


@dataclass(slots=True)
class Found:
    """What a reader met on its way."""

    files: int = 0
    lines: int = 0
    cut: int = 0
    """Files whose last line was cut because the process that wrote it was killed."""


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files of a recording, oldest first: of a folder, or the one file itself.

    Raises:
        RecordingError: there is none.
    """
    if path.is_dir():
        files = tuple(sorted(each for each in path.iterdir() if each.name.endswith((ENDING, ".jsonl"))))
        if not files:
            raise RecordingError(f"{path}: no file ends in {ENDING}; give what `sonnerie run --record` was given")
        return files
    if not path.exists():
        raise RecordingError(f"{path}: no such file or folder")
    return (path,)


def lines_of(path: Path, found: Found) -> Iterator[tuple[str, bytes]]:
    """Yield every whole line of one file with its place, and count into `found`.

    Raises:
        RecordingError: the file is damaged, beyond having been cut.
    """
    found.files += 1
    pending, number = bytearray(), 0
    for piece in _unpacked(path):
        pending += piece
        if b"\n" not in piece:
            continue
        *whole, rest = bytes(pending).split(b"\n")
        pending = bytearray(rest)
        for line in whole:
            number += 1
            found.lines += 1
            yield f"{path}:{number}", line
    if pending:
        found.cut += 1


def _unpacked(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            pieces = iter(lambda: stream.read(CHUNK_BYTES), b"")
            first = next(pieces, b"")
            yield from _gunzipped(first, pieces) if first[:2] == b"\x1f\x8b" else _joined(first, pieces)
    except zlib.error as error:
        raise RecordingError(f"{path}: damaged: {error}") from None
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or error}") from None


def _joined(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


def _gunzipped(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content of one or several gzip members, of the last as much as is there."""
    unpacker = zlib.decompressobj(GZIP)
    for piece in _joined(first, pieces):
        rest = piece
        while rest:
            if unpacker.eof:
                unpacker = zlib.decompressobj(GZIP)
            yield unpacker.decompress(rest)
            rest = unpacker.unused_data
