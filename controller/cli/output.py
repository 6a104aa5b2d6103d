"""What is printed, and where: standard output carries plans and nothing else."""

import json
import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

import typer

if TYPE_CHECKING:
    from controller.domain.plan import Plan


class Output(StrEnum):
    """How plans are printed."""

    TEXT = "text"
    JSON = "json"


def stdout_for_plans_alone() -> TextIO:
    """Return our standard output; whatever else writes to it goes nowhere.

    The solver's library prints a banner past Python's back, which would stand between the JSON lines.
    """
    ours = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return ours


class Printer:
    """Prints what a plan would do, once for as long as it stays the same."""

    def __init__(self, output: Output, stream: TextIO) -> None:
        self._output = output
        self._stream = stream
        self._before: list[Any] | None = None

    def show(self, plan: "Plan") -> None:
        """Print the plan if it is not what was printed last."""
        from controller.runtime.journal import describe

        lines = [{"would": "do", **describe(a), "because": a.because.text} for a in plan.actions]
        lines += [
            {"would": _would(w.because.reason), **describe(w.action), "because": _why(w.action, w.because)}
            for w in plan.withheld
        ]
        compared = [{key: value for key, value in line.items() if key != "because"} for line in lines]
        if compared == self._before:
            return
        self._before = compared
        write = self._line_of_json if self._output is Output.JSON else self._line_of_text
        for line in lines or [{"would": "do nothing"}]:
            write(line)
        self._stream.flush()

    def _line_of_json(self, line: dict[str, Any]) -> None:
        typer.echo(json.dumps(line, ensure_ascii=False), file=self._stream)

    def _line_of_text(self, line: dict[str, Any]) -> None:
        rest = {key: value for key, value in line.items() if key not in ("would", "because")}
        words = " ".join(f"{key}={value}" for key, value in rest.items())
        because = f"  ({line['because']})" if "because" in line else ""
        typer.echo(f"would {line['would']} {words}{because}".rstrip(), file=self._stream)


def _would(reason: str) -> str:
    """In a dry run every action is withheld for that alone: it would be done."""
    from controller.domain.reasons import Reason

    return "do" if reason == Reason.DRY_RUN else "not do"


def _why(action: Any, because: Any) -> str:  # noqa: ANN401 - any action
    from controller.domain.reasons import Reason

    return str(action.because.text if because.reason == Reason.DRY_RUN else because.text)
