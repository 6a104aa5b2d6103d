"""The demo's own processes: children that end with us, each with its log."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.controlplane import ServerFailedError, wait_until
from tests.controlplane.processes import Child

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0
ANSWER_SECONDS = 2.0


def python_module(module: str, *arguments: str) -> list[str]:
    """Return the command line of one of our modules in this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return what a child needs of the environment, without what could redirect its traffic."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **extra}


@dataclass(slots=True)
class Troupe:
    """All children; ended together, in the reverse order of their entrance."""

    folder: Path
    children: dict[str, Child] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    """Those that we ended ourselves."""

    def add(self, name: str, argv: Sequence[str], *, log: str | None = None, **environment: str) -> Child:
        """Start a child under a name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        child = Child(
            name,
            argv,
            log=self.folder / (log or f"{name}.log"),
            pid_file=self.folder / f"{name}.pid",
            environment=child_environment(environment),
        )
        self.children[name] = child
        child.start()
        return child

    def kill(self, name: str) -> None:
        """End a child at once."""
        self.away.add(name)
        self.children[name].kill()

    def bring_back(self, name: str) -> Child:
        """Start a child again that was ended."""
        self.children[name].start()
        self.away.discard(name)
        return self.children[name]

    def expect_alive(self) -> None:
        """Raise with the end of the log if a child ended that nobody ended."""
        for name, child in list(self.children.items()):
            if name not in self.away:
                child.expect_alive()

    def end(self) -> None:
        """End all."""
        for child in reversed(self.children.values()):
            child.kill()


def answers(url: str) -> bool:
    """Tell whether the address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def get_text(url: str) -> str | None:
    """Return what the address says; None when it does not answer 200."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return None


def wait_for(child: Child, url: str) -> None:
    """Return when the child answers at the address; raise with the end of its log if it ends or takes too long."""

    def there() -> bool:
        child.expect_alive()
        return answers(url)

    try:
        wait_until(there, START_SECONDS, f"{child.name} answers at {url}")
    except TimeoutError as error:
        message = f"{error}; the end of its log:\n{child.log_tail()}"
        raise ServerFailedError(message) from error
