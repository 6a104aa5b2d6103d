"""What is wrong with a policy, where, and what to do.

PolicyError   input was refused as a whole; `problems` names every field
"""

from dataclasses import dataclass

_LONGEST_SHOWN = 60


def shown(value: object) -> str:
    """Return a value as a message quotes it, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in a file; both counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong; `resource` as in `RegionalENT portals/hdf`, `field` as in `spec.placements[0].min`."""

    resource: str
    field: str
    message: str
    position: Position | None = None

    def __str__(self) -> str:
        said = ": ".join(part for part in (self.resource, self.field, self.message) if part)
        return said if self.position is None else f"{self.position}: {said}"


class PolicyError(Exception):
    """Input that is refused as a whole, with everything that is wrong with it."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
