"""One folder for everything that is built or downloaded once, published whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path


def cache_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Gives $SONNERIE_CACHE, else $XDG_CACHE_HOME/sonnerie, else ~/.cache/sonnerie; the folder may not exist yet."""
    environment = os.environ if environment is None else environment
    if own := environment.get("SONNERIE_CACHE"):
        return Path(own).expanduser().resolve()
    if shared := environment.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser().resolve() / "sonnerie"
    return Path(environment.get("HOME") or Path.home()) / ".cache" / "sonnerie"


def publish(target: Path, fill: Callable[[Path], None]) -> Path:
    """Fills a folder once and gives it; another process sees it complete or not at all.

    Two processes that want the same folder wait for each other instead of building it twice.
    """
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.parent / f".{target.name}.lock"):
        if target.is_dir():
            return target
        unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            fill(unfinished)
            unfinished.chmod(0o755)  # mkdtemp makes it private; the cache may be shared between accounts
            unfinished.rename(target)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    return target


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock on a file; the kernel gives it back if this process dies."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
