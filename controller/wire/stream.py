"""Lines in, lines out: exactly one answer per line that is not blank, in order, whatever the line is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, TypeAlias

from controller.domain.plan import Plan
from controller.domain.world import World
from controller.wire.errors import WireError, write_error_line
from controller.wire.lines import identity_of
from controller.wire.plan import Answer, write_plan_line
from controller.wire.world import read_world_line

Decide: TypeAlias = Callable[[World, datetime], Plan]

MOST_LINE_BYTES = 256 * 1024 * 1024
"""A world of ten thousand ENTs at ten sites has some hundred megabytes; more is a mistake, or somebody else's."""
CHUNK_BYTES = 1024 * 1024
"""In which a line that is too long is thrown away, without ever being held as a whole."""


class TooLong:
    """Stands for a line that was too long to be held."""


def lines_of(stream: BinaryIO, most_bytes: int = MOST_LINE_BYTES) -> Iterator[bytes | TooLong]:
    """Yield the lines of the stream without their ends; blank ones are left out, too long ones not held."""
    while line := stream.readline(most_bytes + 1):
        if len(line) > most_bytes and not line.endswith(b"\n"):
            _throw_rest_away(stream)
            yield TooLong()
        elif line.strip():
            yield line.rstrip(b"\r\n")


def _throw_rest_away(stream: BinaryIO) -> None:
    while (rest := stream.readline(CHUNK_BYTES)) and not rest.endswith(b"\n"):
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The one line that answers a line, and what was wrong when it is an error line."""

    line: bytes
    error: WireError | None = None


def reply_to(line: bytes | TooLong, decide: Decide, most_bytes: int = MOST_LINE_BYTES) -> Reply:
    """Return the plan line or the error line for one line. Nothing is raised, whatever the line is."""
    if isinstance(line, TooLong):
        return _refusal(WireError("", f"longer than {most_bytes} bytes"), None)
    try:
        question = read_world_line(line)
    except WireError as error:
        return _refusal(error, identity_of(line))
    try:
        plan = decide(question.world, question.now)
        return Reply(line=write_plan_line(Answer(id=question.id, plan=plan)))
    except Exception as error:  # noqa: BLE001 - one world must not end the stream for all others
        return _refusal(_our_fault(error), question.id)


def _refusal(error: WireError, identity: str | None) -> Reply:
    return Reply(line=write_error_line(error, identity), error=error)


def _our_fault(error: Exception) -> WireError:
    what = f"{type(error).__name__}: {error}"
    return WireError("", f"no plan could be made of a world that is of the contract, which is our mistake: {what}")
