"""Commands on school calendars: what a date is in a territory and who says so, and the import of calendar files."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop

if TYPE_CHECKING:
    from controller.domain.schooldays import DayFact
    from controller.policy.calendar import SchoolCalendar

MOST_DAYS = 36_525
"""Days that are told at once: a hundred years. More is a typing error in a year."""

AnyTerritory = Annotated[
    str,
    typer.Argument(
        metavar="TERRITORY", help="A zone, académie, region or territory: A, Lyon, FR-ARA, 974.", show_default=False
    ),
]
CalendarsPath = Annotated[
    Path | None,
    typer.Option("--calendars", metavar="PATH", help="A calendar file, or a folder of them [the shipped ones]."),
]


def calendar(
    territory: AnyTerritory,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, as 2026-11-25.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Last day, included.")],
    calendars: CalendarsPath = None,
    as_json: Annotated[  # noqa: FBT002 - as typer calls it
        bool, typer.Option("--json", help="Print JSON: date, day_type, reason and source of each day.")
    ] = False,
) -> None:
    """Tell what kind of day each date is in a territory, why, and who says so.

    A day that the calendar does not speak about is `unknown`; it counts as in a school week. Exit codes: 0 told, 1 the
    calendars are wrong, 2 wrong usage or no such territory.

    Example: sonnerie calendar zone-a --from 2021-04-01 --to 2021-05-03
    """
    days = tuple(_days(_date(first, "--from"), _date(last, "--to")))
    facts = _facts(one_calendar(territory, calendars), days)
    if as_json:
        typer.echo(json.dumps([_told(fact) for fact in facts], indent=1, ensure_ascii=False))
    else:
        for line in _lines(facts):
            typer.echo(line)
    unknown = sum(not fact.known for fact in facts)
    if unknown:
        typer.echo(f"{unknown} of {len(facts)} days are unknown; they count as in a school week", err=True)


def import_calendar(
    file: Annotated[Path, typer.Argument(metavar="FILE.ics", help="The ministry's calendar file.", show_default=False)],
    territory: Annotated[
        str, typer.Option("--territory", metavar="TERRITORY", help="Whose days to read from it, as A, Lyon or 974.")
    ],
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="The present calendar [the shipped one, if there is one]."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it; - is standard output.")
    ] = None,
    published_on: Annotated[
        str | None, typer.Option("--published-on", metavar="DATE", help="When it was published [what the file says].")
    ] = None,
    as_json: Annotated[  # noqa: FBT002 - as typer calls it
        bool, typer.Option("--json", help="Print JSON: the calendar, what changes, what was ignored.")
    ] = False,
) -> None:
    """Make a SchoolCalendar of a calendar file (.ics), and show what changes against the present one.

    Days are read in the territory's own time zone. Exceptions and remarks of the present calendar stay. Nothing is
    written without -o. Exit codes: 0 read, 1 the file or the present calendar is wrong, 2 wrong usage.

    Example: sonnerie import-calendar Zone-A.ics --territory zone-a -o policies/calendars/zone-a.yaml
    """
    from controller.cli.calendar_import import Wanted, import_file

    day = None if published_on is None else _date(published_on, "--published-on")
    import_file(Wanted(file=file, territory=territory, against=against, output=output, day=day, as_json=as_json))


def _date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        stop(f"{option} {text!r} is not a date; write for example 2026-11-25", EXIT_USAGE)


def _days(first: date, last: date) -> Iterator[date]:
    if last < first:
        stop(f"--to {last} is before --from {first}", EXIT_USAGE)
    length = (last - first).days + 1
    if length > MOST_DAYS:
        stop(f"from {first} to {last} are {length} days, of which at most {MOST_DAYS} are told at once", EXIT_USAGE)
    return (first + timedelta(days=n) for n in range(length))


def _facts(found: "SchoolCalendar", days: tuple[date, ...]) -> "tuple[DayFact, ...]":
    from controller.domain.schooldays import day_fact
    from controller.policy import convert

    declared = convert.calendar(found)
    return tuple(day_fact(declared, day) for day in days)


def day_type(fact: "DayFact") -> str:
    """Return the kind of day as programs read it: `first_day_back`; a day that no source establishes is `unknown`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", fact.day_type).lower() if fact.known else "unknown"


def _told(fact: "DayFact") -> dict[str, str]:
    return {
        "date": fact.date.isoformat(),
        "day_type": day_type(fact),
        "reason": fact.reason,
        "source": fact.source,
    }


def _lines(facts: "tuple[DayFact, ...]") -> Iterator[str]:
    """Return a line for each day, and the sources they refer to by number."""
    numbers: dict[str, int] = {}
    for fact in facts:
        number = numbers.setdefault(fact.source, len(numbers) + 1)
        yield f"{fact.date} {fact.date:%a}  {day_type(fact):<15}  {fact.reason}  [{number}]"
    yield ""
    for source, number in numbers.items():
        yield f"[{number}] {source}"


def one_calendar(territory: str, path: Path | None) -> "SchoolCalendar":
    """Return the calendar that is meant; end the command when there is none."""
    from controller.policy.shipped import shipped_calendars
    from controller.policy.territories import calendar_name, nearest

    folder = path or shipped_calendars()
    meant = calendar_name(territory)
    file = folder / f"{meant}.yaml"
    known = {c.metadata.name: c for c in loaded(file if meant is not None and file.is_file() else folder)}
    name = calendar_name(territory, known)
    if name is None:
        alike = nearest(territory, known)
        hint = f"did you mean {' or '.join(alike)}?" if alike else f"write one of {', '.join(sorted(known))}"
        stop(f"{territory!r} is no territory that Sonnerie knows; {hint}", EXIT_USAGE)
    if name not in known:
        stop(f"there is no calendar {name} in {folder}; there are {', '.join(sorted(known)) or 'none'}", EXIT_USAGE)
    return known[name]


def loaded(path: Path) -> "tuple[SchoolCalendar, ...]":
    """Return the calendars of a file or folder; end the command when any file of it is wrong."""
    from controller.policy.calendar import SchoolCalendar
    from controller.policy.errors import PolicyError
    from controller.policy.load import load

    try:
        resources = (item.resource for item in load([path]))
        return tuple(resource for resource in resources if isinstance(resource, SchoolCalendar))
    except PolicyError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(EXIT_PROBLEMS) from None
