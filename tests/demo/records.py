"""What is written down while the morning lasts, one CSV line each, and read again to measure it.

Times are seconds since the epoch, by the one clock of the machine.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, get_type_hints

REQUESTS = "requests.csv"
WEIGHTS = "weights.csv"
MARKS = "marks.jsonl"
CONTROLLER_LOG = "controller.log"
CONTROLLER_FACTS = "controller.json"


def portal_file(site: str) -> str:
    """Name the file a site's portal writes."""
    return f"portal-{site}.csv"


class Line:
    """One line of a CSV file; the fields of the dataclass are its columns."""

    __slots__ = ()
    _kinds: ClassVar[dict[type, tuple[Any, ...]]] = {}

    @classmethod
    def header(cls) -> str:
        """Return the first line of the file."""
        return ",".join(field.name for field in fields(cls)) + "\n"  # type: ignore[arg-type]  # subclasses are dataclasses

    def text(self) -> str:
        """Return the line."""
        return ",".join(f"{v:.3f}" if isinstance(v, float) else str(v) for v in astuple(self)) + "\n"  # type: ignore[call-overload]  # subclasses are dataclasses

    @classmethod
    def parse(cls, cells: list[str]) -> Self:
        """Read the cells of one line."""
        if cls not in cls._kinds:
            hints = get_type_hints(cls)
            cls._kinds[cls] = tuple(hints[field.name] for field in fields(cls))  # type: ignore[arg-type]  # as above
        return cls(*(kind(cell) for kind, cell in zip(cls._kinds[cls], cells, strict=True)))


@dataclass(frozen=True, slots=True)
class Attempt(Line):
    """One request as its user saw it. `status` 0: no answer, or too late. `then`: `again`, `gave-up`, or nothing."""

    at: float
    ent: str
    attempt: int
    status: int
    seconds: float
    site: str
    then: str

    @property
    def failed(self) -> bool:
        """Tell whether the user did not get the page."""
        return self.status != 200

    @property
    def over_at(self) -> float:
        """Return when the user knew."""
        return self.at + self.seconds


@dataclass(frozen=True, slots=True)
class PortalSecond(Line):
    """What one ENT's portal at one site did in the second before `at`, and its replicas at that instant."""

    at: float
    site: str
    ent: str
    wanted: int
    ready: int
    arrived: int
    admitted: int
    refused: int


@dataclass(frozen=True, slots=True)
class Weight(Line):
    """What HAProxy gives one site of an ENT. `up`: 1 when its own checks pass."""

    at: float
    ent: str
    site: str
    weight: int
    up: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that the director did."""

    at: float
    what: str
    site: str = ""


CURTAIN = "curtain"
METRICS_STOPPED = "metrics-stopped"
METRICS_RETURNED = "metrics-returned"
SITE_KILLED = "site-killed"
SITE_RETURNING = "site-returning"
SITE_RETURNED = "site-returned"
HOME_AGAIN = "home-again"
END = "end"


L = TypeVar("L", bound=Line)


def read_lines(path: Path, kind: type[L]) -> list[L]:
    """Return all complete lines of a file; none when there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        return [kind.parse(row) for row in rows if len(row) == len(fields(kind))]  # type: ignore[arg-type]  # a dataclass


def write_mark(folder: Path, mark: Mark) -> None:
    """Add a mark."""
    with (folder / MARKS).open("a") as file:
        file.write(json.dumps(asdict(mark)) + "\n")


def read_marks(folder: Path) -> list[Mark]:
    """Return the marks, in order."""
    path = folder / MARKS
    return [Mark(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


@dataclass(slots=True)
class Tail:
    """Reads what was added to a growing file since the last look; half a line waits for its other half."""

    path: Path
    offset: int = 0
    rest: str = ""

    def new_lines(self) -> Iterator[str]:
        """Give the new complete lines."""
        if not self.path.exists():
            return
        with self.path.open() as file:
            file.seek(self.offset)
            text = self.rest + file.read()
            self.offset = file.tell()
        *lines, self.rest = text.split("\n")
        yield from lines
