"""`sonnerie.dev/plan/v1`: one answer, a plan as a line of JSON."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from controller.domain.plan import Plan
from controller.wire.errors import ErrorLine, WireError
from controller.wire.forms import shape_of
from controller.wire.lines import LineForm

PLAN_SCHEMA: Final = "sonnerie.dev/plan/v1"

_PLAN = shape_of(Plan)
PLAN_LINE = LineForm("PlanLine", PLAN_SCHEMA, _PLAN.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The plan for the question of the same id."""

    id: str
    plan: Plan


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the plan as the objects of JSON, in declared order.

    Raises:
        WireError: it holds a number or an instant that JSON cannot say.
    """
    return _PLAN.write(plan)


def write_plan_line(answer: Answer) -> bytes:
    """Return the line, without its end of line; the same plan gives the same bytes.

    Raises:
        WireError: the plan holds a number or an instant that JSON cannot say.
    """
    return msgspec.json.encode({"schema": PLAN_SCHEMA, "id": answer.id, **plan_document(answer.plan)})


def read_plan_line(line: bytes) -> Answer:
    """Return the answer.

    Raises:
        WireError: the line is not a plan; of an error line, what that says.
    """
    try:
        found = PLAN_LINE.decode(line)
    except WireError as error:
        raise _told_by(line) or error from None
    values = {field.name: getattr(found, field.name) for field in _PLAN.fields}
    return Answer(id=found.id, plan=_PLAN.read(_PLAN.struct(**values)))


def _told_by(line: bytes) -> WireError | None:
    try:
        told = msgspec.json.decode(line, type=ErrorLine).error
    except (ValueError, RecursionError):
        return None
    return WireError(told.path, told.message)
