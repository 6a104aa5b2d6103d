"""What the commands that look ahead share: reading policies, choosing days and ENTs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop

if TYPE_CHECKING:
    from controller.domain.names import EntKey
    from controller.policy.declared import Declared
    from controller.policy.errors import Problem
    from controller.preview.wanted import Ahead

MOST_DAYS = 400
"""A school year and a bit: what people ask about, and a second of work."""

FromDay = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="First day, YYYY-MM-DD where the users are [today].")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What files declare, and what of it is missing."""

    declared: "Declared"
    assumed: tuple[str, ...]
    """Sites that were named and not declared; taken as sites without quota."""


def read_policies(paths: Iterable[Path]) -> Policies:
    """Return what the files declare; ends the command with every problem when anything cannot be read."""
    from controller.policy.assumed import assumed_sites
    from controller.policy.declared import declare
    from controller.policy.errors import PolicyError
    from controller.policy.load import load

    try:
        resources = [item.resource for item in load(paths)]
    except PolicyError as error:
        tell(error.problems)
        raise typer.Exit(EXIT_PROBLEMS) from None
    assumed = assumed_sites(resources)
    declared = declare([*resources, *assumed])
    return Policies(declared=declared, assumed=tuple(site.metadata.name for site in assumed))


def tell(problems: "Iterable[Problem]") -> None:
    """Print problems to standard error, one a line."""
    for problem in problems:
        typer.echo(str(problem), err=True)


def warn(policies: Policies, warnings: Iterable[str]) -> None:
    """Say on standard error what an answer does not rest on."""
    told = [f"warning: {problem}" for problem in policies.declared.problems]
    if policies.assumed:
        names = ", ".join(policies.assumed)
        told.append(f"warning: no file declares Site {names}; taken as sites without quota that fail one at a time")
    told += [f"warning: {warning}" for warning in warnings]
    for line in told:
        typer.echo(line, err=True)


def chosen(names: list[str] | None, declared: "Declared") -> "tuple[EntKey, ...]":
    """Return the ENTs that are meant, by name or namespace/name; all when none is named."""
    keys = tuple(ent.key for ent in declared.ents)
    if not keys:
        stop("these files declare no RegionalENT; give the file of the ENT, too", EXIT_PROBLEMS)
    if not names:
        return keys
    return tuple(sorted({_the_one(name, keys) for name in names}))


def _the_one(name: str, keys: "tuple[EntKey, ...]") -> "EntKey":
    from controller.policy.parse import nearest

    found = [key for key in keys if name in (key.name, str(key))]
    if not found:
        hint = nearest(name, [*map(str, keys), *(key.name for key in keys)])
        known = ", ".join(map(str, keys))
        stop(f"there is no RegionalENT {name}{hint}; these files declare {known}", EXIT_PROBLEMS)
    if len(found) > 1:
        stop(f"several ENTs are called {name}; write one of {', '.join(map(str, found))}", EXIT_PROBLEMS)
    return found[0]


def days_from(first: str | None, days: int, zone_name: str) -> tuple[datetime, datetime]:
    """Return the span of whole days, from midnight to midnight on the clocks of the zone."""
    from datetime import date
    from zoneinfo import ZoneInfo

    from controller.domain.localtime import midnights
    from controller.runtime.clock import SystemClock

    zone = ZoneInfo(zone_name)
    try:
        day = SystemClock().now().astimezone(zone).date() if first is None else date.fromisoformat(first)
        if not 1900 <= day.year < 2099:
            raise ValueError("policies speak of 1900 to 2099")
    except ValueError:
        stop(f"--from {first}: not a day; write for example --from 2026-09-01", EXIT_USAGE)
    return midnights(zone, day, day + timedelta(days=days - 1))


def zone_of(declared: "Declared", key: "EntKey") -> str:
    """Return the time zone of the ENT."""
    return next(school.time_zone for school in declared.school if school.ent == key)


def look(declared: "Declared", start: datetime, end: datetime) -> "Ahead":
    """Return what is wanted in the span."""
    from controller.preview.wanted import look_ahead

    return look_ahead(declared.sites, declared.ents, declared.school, start, end)


def written(instant: datetime) -> str:
    """Return RFC 3339 UTC with Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def as_number(value: float) -> Any:  # noqa: ANN401 - int or float
    """Return a whole number without a decimal point."""
    return int(value) if value == int(value) else value
