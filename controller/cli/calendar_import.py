"""The import of a calendar file: what is read, what is compared, what is shown and where it is written."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import typer

from controller.cli.calendars import day_type, loaded
from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop

if TYPE_CHECKING:
    from controller.policy.calendar import SchoolCalendar
    from controller.policy.calendar_events import Reading
    from controller.policy.calendar_ics import IcsEvent
    from controller.policy.calendar_update import Change, FileSource
    from controller.policy.scalars import Territory

STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for on the command line."""

    file: Path
    territory: str
    against: Path | None
    output: Path | None
    day: date | None
    as_json: bool


def import_file(wanted: Wanted) -> None:
    """Read the file, show what changes, and write the calendar where it is wanted."""
    from controller.policy.calendar_text import calendar_text
    from controller.policy.calendar_update import changes, updated
    from controller.policy.errors import PolicyError

    name, territory = _whose(wanted.territory)
    present_file, present = _present(name, wanted.against)
    try:
        events, reading = _read(wanted, territory)
        source = _source(wanted, events)
        calendar = updated(reading, name=name, territory=territory, source=source, present=present)
    except PolicyError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(EXIT_PROBLEMS) from None
    different = changes(present, calendar)
    on_output = wanted.output == STANDARD_OUTPUT
    shown = _json(calendar, different, reading) if wanted.as_json else "\n".join(_lines(different, reading, present))
    typer.echo(shown, err=on_output)
    if wanted.output is not None:
        text = calendar_text(calendar, present_file.read_text("utf-8") if present_file else "")
        if on_output:
            sys.stdout.write(text)
        else:
            _write(wanted.output, text)


def _whose(text: str) -> "tuple[str, Territory]":
    """Return the name of the calendar that is meant, and the territory whose days it holds."""
    from controller.policy.scalars import Territory
    from controller.policy.territories import ALSACE_MOSELLE, calendar_name, nearest

    name = calendar_name(text)
    if name is None:
        hint = (
            f"did you mean {' or '.join(nearest(text))}?" if nearest(text) else f"write one of {', '.join(Territory)}"
        )
        stop(f"{text!r} is no territory that Sonnerie knows; {hint}", EXIT_USAGE)
    return name, Territory.ZONE_B if name == ALSACE_MOSELLE else Territory(name)


def _present(name: str, against: Path | None) -> "tuple[Path | None, SchoolCalendar | None]":
    """Return the present calendar and its file; none where none is shipped."""
    from controller.policy.shipped import shipped_calendars

    file = against or shipped_calendars() / f"{name}.yaml"
    if against is None and not file.is_file():
        return None, None
    found = loaded(file)
    calendar = next((c for c in found if c.metadata.name == name), found[0] if len(found) == 1 else None)
    if calendar is None:
        stop(f"{file} holds no calendar {name}", EXIT_USAGE)
    return file, calendar


def _read(wanted: Wanted, territory: "Territory") -> "tuple[tuple[IcsEvent, ...], Reading]":
    from controller.policy.calendar_events import read_events
    from controller.policy.calendar_ics import read_ics
    from controller.policy.territories import TIME_ZONES

    try:
        content = wanted.file.read_bytes()
    except OSError as error:
        stop(f"{wanted.file}: {error.strerror or error}", EXIT_USAGE)
    events = read_ics(content, str(wanted.file), ZoneInfo(TIME_ZONES[territory]))
    return events, read_events(events, territory)


def _source(wanted: Wanted, events: "tuple[IcsEvent, ...]") -> "FileSource":
    from controller.policy.calendar_update import FileSource

    made_on = wanted.day or max((event.stamped for event in events if event.stamped is not None), default=None)
    if made_on is None:
        stop(f"{wanted.file} does not say when it was made; pass --published-on DATE", EXIT_USAGE)
    title = f"Calendar file {wanted.file.name} of {made_on}"
    return FileSource(name=f"file-{made_on}", title=title, made_on=made_on)


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        stop(f"{output}: {error.strerror or error}", EXIT_USAGE)
    typer.echo(f"written to {output}", err=True)


def _json(calendar: "SchoolCalendar", different: "tuple[Change, ...]", reading: "Reading") -> str:
    document: dict[str, Any] = {
        "calendar": calendar.model_dump(mode="json", exclude_unset=True, exclude={"status"}),
        "changes": [
            {
                "date": change.after.date.isoformat(),
                "before": None if change.before is None else day_type(change.before),
                "after": day_type(change.after),
                "reason": change.after.reason,
            }
            for change in different
        ],
        "ignored": [
            {"line": i.event.position.line, "summary": i.event.summary, "reason": i.why} for i in reading.ignored
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def _lines(different: "tuple[Change, ...]", reading: "Reading", present: "SchoolCalendar | None") -> Iterator[str]:
    from controller.policy.calendar_update import in_a_row

    told = f"{len(reading.vacations)} vacations and {len(reading.days_off)} days off read"
    yield f"{told}, {len(reading.ignored)} events say nothing about pupils there"
    if present is None:
        yield f"there is no present calendar; this one is new, {len(different)} days"
    elif not different:
        yield f"no day changes against calendar {present.metadata.name}"
    else:
        yield f"{len(different)} days change against calendar {present.metadata.name}:"
        yield from (_row(row) for row in in_a_row(different))


def _row(row: "tuple[Change, ...]") -> str:
    """Return days in a row in one line: when, from what to what, and why."""
    first, last = row[0].after, row[-1].after
    days = str(first.date) if len(row) == 1 else f"{first.date} to {last.date}"
    before = "/".join(sorted({day_type(change.before) for change in row if change.before is not None}))
    after = "/".join(sorted({day_type(change.after) for change in row}))
    return f"{days:<24}  {before} → {after}  ({first.reason})"
