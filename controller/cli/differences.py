"""The command that tells a reviewer what a change of policies changes."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from controller.cli.ahead import (
    MOST_DAYS,
    AsJson,
    FromDay,
    Policies,
    days_from,
    look,
    read_policies,
    warn,
    written,
)
from controller.cli.ending import EXIT_PROBLEMS, stop
from controller.cli.output import stdout_for_plans_alone

if TYPE_CHECKING:
    from controller.preview.difference import Change, Difference

EXIT_FALLS = 2
"""A floor falls by more than a fifth within a week."""


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Policies as they are: a folder or a file.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Policies as they would be.")],
    beside: Annotated[
        list[Path] | None,
        typer.Option("--with", metavar="PATH", help="Policies that both sides need and that do not change; repeat."),
    ] = None,
    first: FromDay = None,
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="How many days.")] = 30,
    as_json: AsJson = False,  # noqa: FBT002 - as typer calls it
) -> None:
    """Tell which floors change when, by how much, and what it costs in replica-hours.

    A floor is what policies want of an ENT at all sites together, as `sonnerie preview` tells it. A RegionalENT that
    one side does not have wants nothing there.

    Exit codes: 0 no floor falls by more than 20 % within the first 7 days, 2 one does (a reviewer should look twice),
    1 something is wrong with the policies. Wrong usage is 2, too, with nothing on standard output.

    Example: sonnerie diff main/policies policies --days 30
    """
    was, will_be = (read_policies([side, *(beside or ())]) for side in (old, new))
    start, end = _span(was, will_be, first, days)
    with stdout_for_plans_alone() as out:
        from controller.preview.difference import difference

        before, after = look(was.declared, start, end), look(will_be.declared, start, end)
        warn(will_be, after.warnings)
        found = difference(before, after)
        falls = [change for change in found.changes if change.falls_soon(start)]
        if as_json:
            typer.echo(json.dumps(_told(found, start, end, falls), indent=2, ensure_ascii=False), file=out)
        else:
            _print(found, _zone(was, will_be), falls, out)
    if falls:
        raise typer.Exit(EXIT_FALLS)


def _zone(*sides: Policies) -> str:
    """Return the time zone of the first ENT, in which days are counted for all."""
    zones = [school.time_zone for side in sides for school in side.declared.school]
    if not zones:
        stop("neither side declares a RegionalENT; add what both need by --with PATH", EXIT_PROBLEMS)
    return zones[0]


def _span(was: Policies, will_be: Policies, first: str | None, days: int) -> tuple[datetime, datetime]:
    return days_from(first, days, _zone(was, will_be))


def _told(found: "Difference", start: datetime, end: datetime, falls: "list[Change]") -> dict[str, Any]:
    return {
        "from": written(start),
        "to": written(end),
        "changes": [_change(change, start) for change in found.changes],
        "replica_hours": [
            {
                "ent": str(cost.ent),
                "old": round(cost.old_replica_hours, 2),
                "new": round(cost.new_replica_hours, 2),
                "difference": round(cost.new_replica_hours - cost.old_replica_hours, 2),
            }
            for cost in found.costs
        ],
        "falls_soon": bool(falls),
    }


def _change(change: "Change", start: datetime) -> dict[str, Any]:
    return {
        "start": written(change.start),
        "end": written(change.end),
        "ent": str(change.ent),
        "old_replicas": change.old_replicas,
        "new_replicas": change.new_replicas,
        "difference": change.replicas,
        "percent": change.percent,
        "replica_hours": round(change.replica_hours, 2),
        "falls_soon": change.falls_soon(start),
        "old_because": change.old_because,
        "new_because": change.new_because,
    }


def _print(found: "Difference", zone: str, falls: "list[Change]", out: TextIO) -> None:
    from rich.console import Console

    from controller.cli.tables import changes, costs

    console = Console(file=out, highlight=False)
    if not found.changes:
        console.print("no floor changes")
        return
    console.print(changes(found.changes, zone, {id(change) for change in falls}))
    console.print(costs(found.costs))
    if falls:
        console.print(f"{len(falls)} times a floor falls by more than 20 % within 7 days: look twice", style="bold red")
