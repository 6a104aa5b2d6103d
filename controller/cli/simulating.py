"""`sonnerie simulate`: every controller in the same worlds, and the figures beside each other."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop
from controller.cli.output import stdout_for_plans_alone

if TYPE_CHECKING:
    from controller.policy.errors import PolicyError
    from controller.sim.run import Points, Run
    from controller.sim.scenario import Scenario

OURS_ALONE = "sonnerie"
FILE_WIDTH = 132
"""Columns where nobody looks, so that nothing is cut."""


def simulate(
    scenarios: Annotated[
        list[str],
        typer.Argument(metavar="SCENARIO...", help="Files, or names in policies/scenarios.", show_default=False),
    ],
    controllers: Annotated[str, typer.Option(metavar="LIST", help="Names separated by commas, or `all`.")] = OURS_ALONE,
    demand: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Requests per second instead of the scenario's users: timestamp,value."),
    ] = None,
    faults: Annotated[Path | None, typer.Option(metavar="FILE.yaml", help="Further faults, under `faults:`.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the first run; the others follow.")] = 1,
    runs: Annotated[int, typer.Option(min=1, help="How many worlds are drawn.")] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures; several scenarios make a list.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the picture of the first run.")] = None,
    strict: Annotated[  # noqa: FBT002 - as typer calls it
        bool, typer.Option("--strict", help="End with 1 where an expectation of a scenario is missed.")
    ] = False,
) -> None:
    """Simulate school mornings and compare controllers on them. Needs no cluster; the same seed gives the same figures.

    Whether the expectations of a scenario are met is told, and stands in the JSON. Exit codes: 0 simulated, 1 a file is
    wrong or, with --strict, an expectation is missed, 2 wrong usage.

    Example: sonnerie simulate 2021-04-06-declared --controllers sonnerie,hpa-tuned,keda --html morning.html
    """
    from rich.console import Console

    from controller.policy.errors import PolicyError
    from controller.sim.report_html import Page, page_of
    from controller.sim.report_json import document
    from controller.sim.report_text import tell
    from controller.sim.run import judged

    with stdout_for_plans_alone() as out:
        console = Console(file=out, width=None if out.isatty() else FILE_WIDTH)
        try:
            worlds = _load(scenarios, faults)
            points = _points(demand)
        except PolicyError as error:
            _refuse(error)
        names = _named(controllers)
        missed: list[str] = []
        documents: list[Any] = []
        pages: list[Page] = []
        for world in worlds:
            found = _run(world, names, range(seed, seed + runs), points)
            met = judged(world, found)
            tell(console, world, found, met)
            missed += [f"{world.name}: {each.expectation.figure}" for each in met if each.met is False]
            documents.append(document(world, found, met))
            pages.append(Page(scenario=world, run=found[0], met=met))
        if json_file is not None:
            content = documents[0] if len(documents) == 1 else documents
            _write(json_file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        if html is not None:
            _write(html, page_of(pages))
        out.flush()
    if strict and missed:
        stop(f"missed: {', '.join(missed)}", EXIT_PROBLEMS)


def _load(names: Sequence[str], faults: Path | None) -> "list[Scenario]":
    from controller.sim.scenario_file import find, load_faults, load_scenario, with_faults

    further = load_faults(faults) if faults is not None else ()
    return [with_faults(load_scenario(find(name)), further) for name in names]


def _points(demand: Path | None) -> "Points | None":
    from controller.sim.scenario_file import load_demand

    return load_demand(demand) if demand is not None else None


def _named(controllers: str) -> list[str]:
    from controller.sim.run import CONTROLLERS

    if controllers == "all":
        return list(CONTROLLERS)
    names = [name.strip() for name in controllers.split(",") if name.strip()]
    unknown = [name for name in names if name not in CONTROLLERS]
    if unknown or not names:
        stop(
            f"{', '.join(unknown) or 'nobody'} is not a controller here; name some of {', '.join(CONTROLLERS)}",
            EXIT_USAGE,
        )
    return list(dict.fromkeys(names))


def _run(world: "Scenario", names: list[str], seeds: range, points: "Points | None") -> "tuple[Run, ...]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from controller.sim.run import draw, outcomes_of, together

    found = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(world.name, total=len(seeds) * len(names))
        for seed in seeds:
            drawn = draw(world, seed, points)
            for outcome in outcomes_of(drawn, names):
                found.append((seed, outcome))
                progress.update(task, advance=1, description=f"{world.name}: {outcome.controller}, seed {seed}")
    return together(found)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        stop(f"{path}: {error.strerror or error}", EXIT_USAGE)


def _refuse(error: "PolicyError") -> NoReturn:
    for problem in error.problems:
        typer.echo(str(problem), err=True)
    raise typer.Exit(EXIT_PROBLEMS)
