"""What is written down while faults happen, one CSV line each, and read again to measure. Times: one clock, seconds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.demo.records import Line, read_lines

REQUESTS, ANSWERS, WEIGHTS, MARKS = "requests.csv", "answers.csv", "weights.csv", "marks.jsonl"
CROWD = "crowd"
"""The file that says how many times the usual users come; none: as usual."""


__all__ = [
    "ANSWERS",
    "CROWD",
    "MARKS",
    "REQUESTS",
    "WEIGHTS",
    "Answer",
    "Line",
    "Mark",
    "Request",
    "Weight",
    "read_lines",
]


@dataclass(frozen=True, slots=True)
class Request(Line):
    """One click as its user saw it. `status` 0: no answer, or too late."""

    at: float
    ent: str
    attempt: int
    status: int
    seconds: float
    site: str
    """Who answered; empty when nobody of the sites did."""
    tried: str
    """Addresses that were asked, in order, joined by `+`; empty when a connection was still open."""

    @property
    def failed(self) -> bool:
        """Tell whether the user did not get the page."""
        return self.status != 200


@dataclass(frozen=True, slots=True)
class Answer(Line):
    """What a resolver got when it asked the sites' DNS servers."""

    at: float
    resolver: int
    ent: str
    addresses: str
    """Joined by `+`; empty: an empty answer, if `silent` is 0."""
    silent: int
    """1: no server answered in time."""


@dataclass(frozen=True, slots=True)
class Weight(Line):
    """What one edge gives one site of an ENT. `up`: 1 when the edge's own checks pass."""

    at: float
    edge: str
    ent: str
    site: str
    weight: int
    up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that the harness did."""

    at: float
    what: str
    """`fault`, `heal`, `calm` (all as before), `end`, or a step in words."""
    fault: str
    run: int


def write_mark(folder: Path, mark: Mark) -> None:
    """Add a mark."""
    with (folder / MARKS).open("a") as file:
        file.write(json.dumps(asdict(mark), ensure_ascii=False) + "\n")


def read_marks(folder: Path) -> list[Mark]:
    """Return the marks, in order."""
    path = folder / MARKS
    return [Mark(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
