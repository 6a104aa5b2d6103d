"""Commands on policy files and their schemas, and on the schemas of the wire."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.ahead import AsJson, tell
from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop
from controller.cli.output import stdout_for_plans_alone

if TYPE_CHECKING:
    from controller.policy.errors import Problem

SCENARIO = "scenario"


def check(
    paths: Annotated[list[Path], typer.Argument(help="Policy files, or folders of them.", show_default=False)],
    as_json: AsJson = False,  # noqa: FBT002 - as typer calls it
) -> None:
    """Check policy files: every problem at once, as file:line:column: message.

    What a file says is checked as the API server would check it; then what files say together: references, bells that
    clocks skip, what cancels what, floors above ceilings. Give all files that belong together. --json prints
    [{"file", "line", "column", "resource", "field", "message"}], empty when all is well.

    Exit codes: 0 no problems, 1 problems, 2 wrong usage.

    Example: sonnerie check policies/
    """
    with stdout_for_plans_alone() as out:
        from controller.policy.review import review

        count, problems = review(paths)
        if as_json:
            typer.echo(json.dumps([_problem(p) for p in problems], indent=2, ensure_ascii=False), file=out)
        else:
            tell(problems)
            if not problems:
                typer.echo(f"{count} resources, no problems", file=out)
    if problems:
        raise typer.Exit(EXIT_PROBLEMS)


def _problem(problem: "Problem") -> dict[str, Any]:
    at = problem.position
    return {
        "file": None if at is None else at.file,
        "line": None if at is None else at.line,
        "column": None if at is None else at.column,
        "resource": problem.resource,
        "field": problem.field,
        "message": problem.message,
    }


def crd(
    names: Annotated[list[str] | None, typer.Argument(help="Kinds; without any, all.", show_default=False)] = None,
) -> None:
    """Print the CustomResourceDefinitions as YAML.

    Exit codes: 0 printed, 2 no such kind.

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

    Exit codes: 0 printed, 2 nothing of that name.

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
