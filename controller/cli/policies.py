"""Commands on policy files and their schemas, and on the schemas of the wire."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop

SCENARIO = "scenario"


def check(
    paths: Annotated[list[Path], typer.Argument(help="Policy files, or folders of them.", show_default=False)],
) -> None:
    """Check policy files: every problem at once, with its place.

    Example: sonnerie check policies/
    """
    from controller.policy.declared import declare
    from controller.policy.errors import PolicyError
    from controller.policy.load import load

    try:
        loaded = load(paths)
    except PolicyError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(EXIT_PROBLEMS) from None
    problems = declare(item.resource for item in loaded).problems
    for problem in problems:
        typer.echo(str(problem), err=True)
    if problems:
        raise typer.Exit(EXIT_PROBLEMS)
    typer.echo(f"{len(loaded)} resources, no problems")


def crd(
    names: Annotated[list[str] | None, typer.Argument(help="Kinds; without any, all.", show_default=False)] = None,
) -> None:
    """Print the CustomResourceDefinitions as YAML.

    Example: sonnerie crd | kubectl apply --server-side -f -
    """
    import yaml

    from controller.policy.crd import crd as definition
    from controller.policy.kinds import BY_NAME

    wanted = [_found(name, list(BY_NAME)) for name in names] if names else list(BY_NAME)
    typer.echo(yaml.safe_dump_all([definition(BY_NAME[name]) for name in wanted], sort_keys=False), nl=False)


def schema(
    name: Annotated[
        str,
        typer.Argument(help="A kind such as RegionalENT, or world, plan, error, memory, scenario.", show_default=False),
    ],
) -> None:
    """Print the JSON Schema of a kind of policy, for editors, or of a document of the wire contract, for programs.

    Example: sonnerie schema world > world.json
    """
    typer.echo(json.dumps(_schema(name), indent=2, ensure_ascii=False))


def _schema(name: str) -> dict[str, Any]:
    from controller.policy.crd import document_schema, editor_schema
    from controller.policy.kinds import BY_NAME
    from controller.sim.scenario import Scenario
    from controller.wire.schema import DOCUMENTS, schema_of

    found = _found(name, [*BY_NAME, *DOCUMENTS, SCENARIO])
    if found == SCENARIO:
        return document_schema(Scenario)
    return schema_of(found) if found in DOCUMENTS else editor_schema(BY_NAME[found])


def _found(name: str, names: list[str]) -> str:
    found = {known.lower(): known for known in names}.get(name.lower())
    if found is None:
        stop(f"{name!r} is not known to Sonnerie; write one of {', '.join(names)}", EXIT_USAGE)
    return found
