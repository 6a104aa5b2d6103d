"""Scenario files and the tables beside them: every problem with its place and what to do."""

import csv
import json
import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.policy.errors import PolicyError, Problem
from controller.policy.model import Model
from controller.policy.parse import field_path, parse_json
from controller.policy.yaml_nodes import Document, documents
from controller.sim.scenario import SCHEMA, FaultSpec, Scenario

SHIPPED = Path("policies/scenarios")
"""Where a bare name is looked for, below the working directory."""


class FaultFile(Model):
    """Faults by themselves, to be added to any scenario."""

    faults: tuple[FaultSpec, ...]


def find(name: str) -> Path:
    """Return the file that is meant: a path, or the bare name of a shipped scenario.

    Raises:
        PolicyError: there is no such file.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return path
    shipped = SHIPPED / f"{name}.yaml"
    if not shipped.is_file():
        known = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.yaml"))) or "none here"
        message = f"{name!r} is neither a file nor a scenario of {SHIPPED}; the scenarios are {known}"
        raise PolicyError(Problem(resource="", field="", message=message))
    return shipped


def load_scenario(path: Path) -> Scenario:
    """Return the scenario of the file.

    Raises:
        PolicyError: the file is not a valid scenario.
    """
    document = _only_document(path)
    try:
        scenario = parse_json(Scenario, _json(document), described="Scenario")
        _check(scenario)
    except PolicyError as error:
        raise PolicyError(*(_placed(problem, document) for problem in error.problems)) from None
    return scenario


def load_faults(path: Path) -> tuple[FaultSpec, ...]:
    """Return the faults of a file with the one field `faults`.

    Raises:
        PolicyError: the file holds something else.
    """
    document = _only_document(path)
    try:
        return parse_json(FaultFile, _json(document), described="Faults").faults
    except PolicyError as error:
        raise PolicyError(*(_placed(problem, document) for problem in error.problems)) from None


def with_faults(scenario: Scenario, faults: tuple[FaultSpec, ...]) -> Scenario:
    """Return the scenario with further faults.

    Raises:
        PolicyError: a fault names a site that the scenario does not have.
    """
    found = scenario.model_copy(update={"faults": (*scenario.faults, *faults)})
    _check(found)
    return found


def load_demand(path: Path) -> list[tuple[datetime, float]]:
    """Return the points of a CSV file with the columns `timestamp` (RFC 3339 or seconds since 1970) and `value`.

    Raises:
        PolicyError: a line is not of that form, or time does not run forwards.
    """
    rows = list(csv.reader(_text(path).splitlines()))
    if not rows or [cell.strip() for cell in rows[0]] != ["timestamp", "value"]:
        raise _bad_line(path, 1, "the first line must be `timestamp,value`")
    points: list[tuple[datetime, float]] = []
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        point = _point(path, number, row)
        if points and point[0] <= points[-1][0]:
            raise _bad_line(path, number, "time must run forwards")
        points.append(point)
    if not points:
        raise _bad_line(path, 2, "there are no values")
    return points


def _point(path: Path, number: int, row: list[str]) -> tuple[datetime, float]:
    try:
        at, value = row
        instant = _instant(at.strip())
        found = float(value)
    except (ValueError, OverflowError) as error:
        raise _bad_line(path, number, f"is not `timestamp,value`: {error}") from error
    if not math.isfinite(found) or found < 0.0:
        raise _bad_line(path, number, f"{value.strip()} is not a demand; write a number of 0 or more")
    return instant, found


def _instant(text: str) -> datetime:
    if text.replace(".", "", 1).isdigit():
        return datetime.fromtimestamp(float(text), tz=UTC)
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} has no offset; write for example 2021-04-06T07:00:00Z")
    return found.astimezone(UTC)


def _bad_line(path: Path, number: int, message: str) -> PolicyError:
    return PolicyError(Problem(resource="", field="", message=f"{path}:{number}: {message}"))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PolicyError(Problem(resource="", field="", message=f"{path} cannot be read: {reason}")) from error


def _only_document(path: Path) -> Document:
    found = list(documents(_text(path), str(path)))
    if len(found) != 1 or not isinstance(found[0].value, dict):
        raise PolicyError(Problem(resource="", field="", message=f"{path} must hold one mapping; see {SCHEMA}"))
    return found[0]


def _json(document: Document) -> str:
    value: Any = document.value
    return json.dumps(value, allow_nan=False)


def _placed(problem: Problem, document: Document) -> Problem:
    by_field = {field_path(path): path for path in document.positions}
    field = problem.field
    while field and field not in by_field:
        field = field[: max(field.rfind("."), field.rfind("["), 0)]
    return replace(problem, position=document.position_of(by_field.get(field, ())))


def _check(scenario: Scenario) -> None:
    """Refuse what is valid field by field and does not fit together."""
    problems = []
    if scenario.until <= scenario.start:
        problems.append(_problem("until", "must be after `from`"))
    known = {site.name for site in scenario.sites}
    for index, ent in enumerate(scenario.ents):
        problems += _unknown(f"ents[{index}].sites", ent.sites, known)
        if ent.min > ent.max:
            problems.append(_problem(f"ents[{index}].min", "must not be above `max`"))
    for index, fault in enumerate(scenario.faults):
        problems += _unknown(f"faults[{index}].sites", fault.sites, known)
        if fault.until is not None and fault.until <= fault.start:
            problems.append(_problem(f"faults[{index}].until", "must be after `from`"))
    if problems:
        raise PolicyError(*problems)


def _unknown(field: str, names: Iterable[str], known: set[str]) -> list[Problem]:
    return [
        _problem(field, f"{name!r} is not a site here; the sites are {', '.join(sorted(known))}")
        for name in names
        if name not in known
    ]


def _problem(field: str, message: str) -> Problem:
    return Problem(resource="Scenario", field=field, message=message)
