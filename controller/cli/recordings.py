"""The command on recordings: every decision again, bit for bit, or the same morning under other policies."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop
from controller.cli.output import stdout_for_plans_alone

if TYPE_CHECKING:
    from controller.domain.plan import Plan
    from controller.policy.declared import Declared
    from controller.recording.files import Found
    from controller.recording.lines import Decision
    from controller.recording.replanning import Tally
    from controller.wire.world import Question

    Each = Iterator[tuple[str, Decision, Question]]

SCHEMA_VERSION = 1
"""Of the JSON that is printed."""

Recording = Annotated[
    Path, typer.Argument(metavar="RECORDING", help="A folder of recordings, or one file of it.", show_default=False)
]


def replay(
    recording: Recording,
    policies: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Decide again under these policies, and show what would differ.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="INSTANT", help="Leave out what was before.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="INSTANT", help="Leave out what was after.")] = None,
    as_json: Annotated[  # noqa: FBT002 - as typer calls it
        bool, typer.Option("--json", help="Print JSON.")
    ] = False,
) -> None:
    """Make every recorded decision again, from the world that was seen.

    Without --policies every plan must come out as it was recorded, bit for bit. With it, what the fleet did stays as
    recorded, and the difference is what would have been decided in the same situations.

    Exit codes: 0 all decisions are the same, or other policies were tried; 1 a decision differs, or the recording or a
    policy is damaged; 2 wrong usage.

    Example: sonnerie replay /var/lib/sonnerie/recordings --from 2026-09-01T05:00:00Z
    """
    from controller.policy.errors import PolicyError
    from controller.recording.files import Found
    from controller.recording.lines import RecordingError

    span = _instant("--from", since), _instant("--to", until)
    found = Found()
    try:
        other = _declared(policies) if policies is not None else None
        with stdout_for_plans_alone() as out, _decisions(recording, found, span) as each:
            told, fine = _again(each) if other is None else _under(other, each)
            if found.lines == 0:
                stop(f"{recording}: there is no whole decision in it", EXIT_PROBLEMS)
            told = {"schema_version": SCHEMA_VERSION, "recording": str(recording)} | told | {"cut_lines": found.cut}
            typer.echo(json.dumps(told, indent=2, ensure_ascii=False) if as_json else _text(told), file=out)
    except RecordingError as error:
        stop(str(error), EXIT_PROBLEMS)
    except PolicyError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(EXIT_PROBLEMS) from None
    if not fine:
        raise typer.Exit(EXIT_PROBLEMS)


def _instant(flag: str, text: str | None) -> datetime | None:
    from controller.wire.errors import WireError
    from controller.wire.texts import read_instant

    try:
        return None if text is None else read_instant(text)
    except WireError as error:
        stop(f"{flag}: {error.message}", EXIT_USAGE)


def _declared(folder: Path) -> "Declared":
    from controller.policy.declared import declare
    from controller.policy.errors import PolicyError
    from controller.policy.load import load

    found = declare(item.resource for item in load([folder]))
    if found.problems:
        raise PolicyError(*found.problems)
    if not found.ents or not found.sites:
        stop(f"{folder}: give the whole fleet: Sites, RegionalENTs, calendars and schedules", EXIT_USAGE)
    return found


@contextmanager
def _decisions(recording: Path, found: "Found", span: tuple[datetime | None, datetime | None]) -> "Iterator[Each]":
    """Give every decision within the span with its place, and show how far we are while they are taken."""
    from rich.console import Console
    from rich.progress import Progress

    from controller.recording.files import files_of, lines_of
    from controller.recording.lines import read_decision
    from controller.recording.replay import question_of

    files = files_of(recording)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("replaying", total=sum(path.stat().st_size for path in files))

        def each() -> "Each":
            for path in files:
                for where, line in lines_of(path, found):
                    decision = read_decision(line, where=where)
                    question = question_of(decision, where=where)
                    if (span[0] is None or span[0] <= question.now) and (span[1] is None or question.now <= span[1]):
                        yield where, decision, question
                progress.advance(task, path.stat().st_size)

        yield each()


def _again(each: "Each") -> tuple[dict[str, Any], bool]:
    """Return what is told of decisions made again, and whether all are the same."""
    from controller import __version__
    from controller.planning.decide import decide
    from controller.recording.replay import replayed

    count, different, first = 0, 0, None
    recorded_by: set[str] = set()
    for where, decision, question in each:
        count += 1
        recorded_by.add(decision.by)
        difference = replayed(decision, question, decide)
        if difference is not None:
            different += 1
            first = first or {"at": question.id, "where": where, **asdict(difference)}
    told = {
        "decisions": count,
        "different": different,
        "recorded_by": sorted(recorded_by),
        "replayed_by": __version__,
        "first_difference": first,
    }
    return told, different == 0


def _under(other: "Declared", each: "Each") -> tuple[dict[str, Any], bool]:
    """Return what is told of the same situations under other policies."""
    from controller.planning.decide import decide
    from controller.recording.replanning import OtherPolicies, Tally, wanted
    from controller.wire.plan import read_plan_line

    policies = OtherPolicies(other, decide)
    tallies = {"recorded": Tally.empty(), "other": Tally.empty()}
    count, first = 0, None
    before: tuple[datetime, dict[str, Plan]] | None = None
    for where, decision, question in each:
        count += 1
        _count(tallies, before, question.now)
        plans = {"recorded": read_plan_line(decision.plan_line).plan, "other": policies.plan(question)}
        before = question.now, plans
        differing = {place for place, n in wanted(plans["other"]).items() if wanted(plans["recorded"]).get(place) != n}
        if first is None and differing:
            first = {"at": question.id, "where": where, "placements": sorted(map(" at ".join, differing))}
    _count(tallies, before, None)
    return {"decisions": count, "first_difference": first, **_compared(tallies)}, True


def _count(
    tallies: "dict[str, Tally]", before: "tuple[datetime, dict[str, Plan]] | None", following: datetime | None
) -> None:
    from controller.recording.replanning import in_force_seconds

    if before is not None:
        now, plans = before
        for name, plan in plans.items():
            tallies[name].add(plan, in_force_seconds(now, following))


def _compared(tallies: "dict[str, Tally]") -> dict[str, Any]:
    places = sorted({place for tally in tallies.values() for place in tally.places})
    conditions = sorted({key for tally in tallies.values() for key in tally.not_well_seconds})
    return {
        "placements": [
            {"ent": ent, "site": site or None} | {name: _place(tally, (ent, site)) for name, tally in tallies.items()}
            for ent, site in places
        ],
        "conditions_not_well_seconds": [
            {"of": of, "type": kind}
            | {name: round(tally.not_well_seconds.get((of, kind), 0.0), 1) for name, tally in tallies.items()}
            for of, kind in conditions
        ],
    }


def _place(tally: "Tally", place: tuple[str, str]) -> dict[str, Any] | None:
    found = tally.places.get(place)
    if found is None:
        return None
    return {
        "most_replicas": found.most_replicas,
        "replica_hours": round(found.replica_hours, 3),
        "actions": found.actions,
    }


def _text(told: dict[str, Any]) -> str:
    lines = []
    first = told["first_difference"]
    if "placements" in told:
        lines += _text_of_other(told)
    elif first is None:
        lines.append(f"{told['decisions']} decisions, each the same as recorded, bit for bit")
    else:
        lines += [
            f"{told['different']} of {told['decisions']} decisions differ",
            f"the first at {first['at']} ({first['where']}), in {first['path'] or 'the bytes'}:",
            f"  recorded by {', '.join(told['recorded_by'])}: {first['recorded']}",
            f"  replayed by {told['replayed_by']}: {first['replayed']}",
        ]
    if told["cut_lines"]:
        lines.append(f"the last line of {told['cut_lines']} file(s) was cut: the process that wrote it was killed")
    return "\n".join(lines)


def _text_of_other(told: dict[str, Any]) -> list[str]:
    first = told["first_difference"]
    if first is None:
        lines = [f"{told['decisions']} decisions: the same replicas would have been wanted"]
    else:
        lines = [f"{told['decisions']} decisions; the first that differs is at {first['at']}: {first['placements']}"]
    for place in told["placements"]:
        before, after = place["recorded"], place["other"]
        if before != after:
            where = f"{place['ent']} at {place['site']}" if place["site"] else f"{place['ent']} at its edges"
            lines.append(f"  {where}: {_tally_text(before)} → {_tally_text(after)}")
    for row in told["conditions_not_well_seconds"]:
        if row["recorded"] != row["other"]:
            lines.append(f"  {row['of']} {row['type']}: not well for {row['recorded']:g} s → {row['other']:g} s")
    return lines


def _tally_text(place: dict[str, Any] | None) -> str:
    if place is None:
        return "not placed"
    return f"{place['most_replicas']} at most, {place['replica_hours']:g} replica-hours, {place['actions']} actions"
