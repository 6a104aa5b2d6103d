"""The command that tells what policies will want: as a table, a heat map, JSON, a page, or a calendar file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from controller.cli.ahead import (
    MOST_DAYS,
    AsJson,
    FromDay,
    as_number,
    chosen,
    days_from,
    look,
    read_policies,
    warn,
    written,
    zone_of,
)
from controller.cli.ending import EXIT_USAGE, stop
from controller.cli.output import stdout_for_plans_alone

if TYPE_CHECKING:
    from controller.domain.names import EntKey
    from controller.policy.declared import Declared
    from controller.preview.days import Day
    from controller.preview.wanted import Wanted


def preview(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Policy files, or folders of them: ENT, schedule, calendar, events, sites."
        ),
    ],
    ent: Annotated[
        list[str] | None, typer.Option("--ent", metavar="NAME", help="NAME or NAMESPACE/NAME; repeat for more [all].")
    ] = None,
    first: FromDay = None,
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="How many days.")] = 14,
    as_json: AsJson = False,  # noqa: FBT002 - as typer calls it
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page for people: one file, prints on A4.")
    ] = None,
    ics: Annotated[
        Path | None, typer.Option("--ics", metavar="FILE", help="Write an iCalendar file to load into a calendar.")
    ] = None,
) -> None:
    """Tell what will be wanted when: connections per second and replicas, and why.

    The planner's own numbers for a quiet fleet: all sites well, nobody there yet. Replicas are at all sites together,
    with the reserve; they are Ready at `start`, and started a lead time before. Days and hours are those of the ENT's
    time zone; --json is in UTC and leaves out the times at which nothing is scheduled. Nothing is written anywhere but
    to the files named. Warnings go to standard error.

    Exit codes: 0 told, 1 something is wrong with the policies or there is no such ENT, 2 wrong usage.

    Example: sonnerie preview policies/ --ent hdf --from 2021-04-06 --days 14 --html hdf.html
    """
    policies = read_policies(files)
    declared = policies.declared
    keys = chosen(ent, declared)
    with stdout_for_plans_alone() as out:
        wanted, warnings = _wanted(declared, keys, first, days)
        warn(policies, warnings)
        if html is not None:
            _write(html, _page(declared, keys, wanted, [*map(str, declared.problems), *warnings]))
        if ics is not None:
            _write(ics, _calendar(wanted))
        if as_json:
            _print_json(wanted, out)
        elif html is None and ics is None:
            _print_tables(declared, keys, wanted, out)
        else:
            _say_written(out, html, ics)


def _wanted(
    declared: "Declared", keys: "tuple[EntKey, ...]", first: str | None, days: int
) -> "tuple[dict[EntKey, tuple[Wanted, ...]], tuple[str, ...]]":
    """Return the intervals of each ENT, on the days of its own time zone, and warnings."""
    from controller.preview.days import within

    spans = {key: days_from(first, days, zone_of(declared, key)) for key in keys}
    ahead = look(declared, min(start for start, _ in spans.values()), max(end for _, end in spans.values()))
    wanted = {key: within(ahead.by_ent[key], *span) for key, span in spans.items()}
    return wanted, tuple(warning for warning in ahead.warnings if warning.startswith(tuple(f"{key}:" for key in keys)))


def _print_json(wanted: "dict[EntKey, tuple[Wanted, ...]]", out: TextIO) -> None:
    scheduled = [one for found in wanted.values() for one in found if one.connections_per_second > 0]
    typer.echo(json.dumps([_told(one) for one in scheduled], indent=2, ensure_ascii=False), file=out)


def _told(one: "Wanted") -> dict[str, Any]:
    return {
        "start": written(one.start),
        "end": written(one.end),
        "ent": str(one.ent),
        "connections_per_second": as_number(one.connections_per_second),
        "replicas": one.replicas,
        "because": one.because,
    }


def _days(
    declared: "Declared", keys: "tuple[EntKey, ...]", wanted: "dict[EntKey, tuple[Wanted, ...]]"
) -> "dict[EntKey, tuple[Day, ...]]":
    from controller.preview.days import days_of

    school = {each.ent: each for each in declared.school}
    return {key: days_of(school[key], wanted[key]) for key in keys}


def _print_tables(
    declared: "Declared", keys: "tuple[EntKey, ...]", wanted: "dict[EntKey, tuple[Wanted, ...]]", out: TextIO
) -> None:
    from rich.console import Console

    from controller.cli.tables import heat_map, table

    console = Console(file=out, highlight=False)
    for key, days in _days(declared, keys, wanted).items():
        console.print(heat_map(str(key), zone_of(declared, key), days))
        console.print(table(days))


def _page(
    declared: "Declared", keys: "tuple[EntKey, ...]", wanted: "dict[EntKey, tuple[Wanted, ...]]", notes: list[str]
) -> str:
    from controller.preview.page import Section, page

    regions = {ent.key: ent.region for ent in declared.ents}
    days = _days(declared, keys, wanted)
    return page(
        [Section(ent=key, region=regions[key], time_zone=zone_of(declared, key), days=days[key]) for key in keys],
        notes,
    )


def _calendar(wanted: "dict[EntKey, tuple[Wanted, ...]]") -> str:
    from controller.preview.icalendar import ics
    from controller.runtime.clock import SystemClock

    return ics((one for found in wanted.values() for one in found), SystemClock().now())


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8", newline="")
    except OSError as error:
        stop(f"{path} cannot be written: {error.strerror or error}", EXIT_USAGE)


def _say_written(out: TextIO, *paths: Path | None) -> None:
    for path in paths:
        if path is not None:
            typer.echo(f"wrote {path}", file=out)
