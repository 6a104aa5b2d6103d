"""A folder in memory for data that nobody keeps: etcd writes its log there many times a second."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

TMPFS = Path("/dev/shm")
PREFIX = "sonnerie-"
OWNER = ".owner"
# An etcd preallocates 64 MB of log and keeps one more segment beside its database.
BYTES_PER_SITE = 256 * 2**20


class MemoryFolder:
    """A folder on tmpfs if there is room for so many sites, else below the given folder; gone when left."""

    def __init__(self, sites: int, otherwise: Path) -> None:
        roomy = TMPFS.is_dir() and shutil.disk_usage(TMPFS).free >= sites * BYTES_PER_SITE
        self._parent = TMPFS if roomy else otherwise

    def __enter__(self) -> Self:
        _remove_orphans(self._parent)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._parent))
        # Held until we end, however we end: the next run sees by the lock that this folder is orphaned.
        self._owner = (self.path / OWNER).open("w")
        fcntl.flock(self._owner, fcntl.LOCK_EX)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._owner.close()


def _remove_orphans(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            with (folder / OWNER).open("r+") as owner:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # in use, another account's, or not one of ours
