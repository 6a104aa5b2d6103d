"""One decision as a line of JSON: the world that was seen and the plan that was made of it, exactly as written.

    {"schema": "sonnerie.dev/recording/v1", "by": "0.1.0", "world": {…world/v1…}, "plan": {…plan/v1…}}

World and plan are the lines of the wire contract, byte for byte, so that either can be cut out and given to
`sonnerie plan` or `sonnerie explain`. No credential is in them: a world has none.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec

from controller.domain.plan import Plan
from controller.domain.world import World
from controller.wire.plan import Answer, write_plan_line
from controller.wire.texts import write_instant
from controller.wire.world import Question, write_world_line

RECORDING_SCHEMA: Final = "sonnerie.dev/recording/v1"


class RecordingError(Exception):
    """A recording that cannot be read, with the file and the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One recorded decision. `world_line` and `plan_line` are the bytes as they were written."""

    by: str
    """Version of the controller that decided."""
    world_line: bytes
    plan_line: bytes


class _Line(msgspec.Struct):
    schema: Literal["sonnerie.dev/recording/v1"]
    by: str
    world: msgspec.Raw
    plan: msgspec.Raw


_LINES = msgspec.json.Decoder(_Line)


def write_decision(world: World, plan: Plan, now: datetime, *, by: str) -> bytes:
    """Return the line, without its end of line.

    Raises:
        WireError: the world or the plan holds something that JSON cannot say.
    """
    identity = write_instant(now)
    return msgspec.json.encode(
        _Line(
            schema=RECORDING_SCHEMA,
            by=by,
            world=msgspec.Raw(write_world_line(Question(id=identity, now=now, world=world))),
            plan=msgspec.Raw(write_plan_line(Answer(id=identity, plan=plan))),
        )
    )


def read_decision(line: bytes, *, where: str) -> Decision:
    """Return the decision of the line. `where` names it for people.

    Raises:
        RecordingError: the line is not of a recording.
    """
    try:
        found = _LINES.decode(line)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{where}: this is not a line of a recording: {error}") from None
    return Decision(by=found.by, world_line=bytes(found.world), plan_line=bytes(found.plan))
