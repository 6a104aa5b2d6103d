"""Commands that ask the planner: a plan for a world from outside, and the explanation of a plan."""

import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, TextIO

import typer

from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop
from controller.cli.output import stdout_for_plans_alone
from controller.cli.reaching import (
    ContextOption,
    ControllerOption,
    KubeconfigOption,
    NamespaceOption,
    Reach,
    last_plan,
    plan_at,
    reaching,
)

if TYPE_CHECKING:
    from controller.domain.plan import Plan

GARBAGE_AFTER = 200_000
"""Objects between two looks for cycles. Lines and plans have none, and looking through them takes half of the time."""

WorldFile = Annotated[
    Path | None,
    typer.Option("--world", metavar="FILE", help="A world as JSON, one line or pretty; - is standard input."),
]
AsStream = Annotated[
    bool, typer.Option("--stream", help="Worlds from standard input, one per line; one plan per line.")
]
AsText = Annotated[bool, typer.Option("--text", help="Print the explanation for people instead of the plan.")]
MostBytes = Annotated[int | None, typer.Option(min=1024, help="Longest line of a stream [268435456].")]


def plan(
    world: WorldFile = None,
    stream: AsStream = False,  # noqa: FBT002 - as typer calls it
    text: AsText = False,  # noqa: FBT002 - as typer calls it
    max_line_bytes: MostBytes = None,
) -> None:
    """Plan for a world given as JSON (docs/contracts/wire-v1.md). Nothing is written anywhere.

    Prints one line per world: the plan, or what is wrong with the world. Exit codes: 0 planned (a stream: read to its
    end), 1 the world is not of the contract, 2 wrong usage.

    Example: sonnerie plan --world world.json --text
    """
    if stream == (world is not None):
        stop("give --world FILE or --stream, one of them", EXIT_USAGE)
    if stream and text:
        stop("--text is for --world; a stream carries lines", EXIT_USAGE)
    gc.set_threshold(GARBAGE_AFTER)
    if world is None:
        with stdout_for_plans_alone() as out:
            _answer_all(sys.stdin.buffer, out, max_line_bytes)
        return
    document = read_file(world)
    with stdout_for_plans_alone() as out:
        fine = _explain_world(document, out) if text else _answer_one(document, out)
    if not fine:
        raise typer.Exit(EXIT_PROBLEMS)


def _answer_all(lines: BinaryIO, out: TextIO, max_line_bytes: int | None) -> None:
    from controller.planning.decide import decide
    from controller.wire.stream import MOST_LINE_BYTES, lines_of, reply_to

    most = max_line_bytes or MOST_LINE_BYTES
    try:
        for line in lines_of(lines, most):
            out.buffer.write(reply_to(line, decide, most).line + b"\n")
            out.buffer.flush()
    except (BrokenPipeError, KeyboardInterrupt):
        pass  # whoever asked has gone, or has had enough


def _answer_one(document: bytes, out: TextIO) -> bool:
    """Print the answer; tell whether it is a plan."""
    from controller.planning.decide import decide
    from controller.wire.stream import reply_to

    reply = reply_to(document, decide)
    typer.echo(reply.line, file=out.buffer)
    if reply.error is not None:
        typer.echo(f"sonnerie: {reply.error}", err=True)
    return reply.error is None


def _explain_world(document: bytes, out: TextIO) -> bool:
    """Print the answer in words; tell whether it is a plan."""
    from controller.planning.decide import decide
    from controller.planning.explain import explain as text_of
    from controller.wire.plan import read_plan_line
    from controller.wire.stream import reply_to

    reply = reply_to(document, decide)
    if reply.error is not None:
        typer.echo(f"sonnerie: {reply.error}", err=True)
        return False
    typer.echo(text_of(read_plan_line(reply.line).plan), file=out)
    return True


def explain(
    ent: Annotated[
        str | None, typer.Argument(metavar="ENT", help="Only this one, as namespace/name.", show_default=False)
    ] = None,
    plan_file: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="A line that `sonnerie plan` printed; - is standard input."),
    ] = None,
    site: Annotated[str | None, typer.Option(help="Only what concerns this site.")] = None,
    as_json: Annotated[  # noqa: FBT002 - as typer calls it
        bool, typer.Option("--json", help="Print JSON: the parts of the plan line that are left, in its form.")
    ] = False,
    controller: ControllerOption = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = "sonnerie-system",
) -> None:
    """Explain a plan: what is done, what is not and why, and the chain behind every number.

    Without --plan it is the last plan of the running controller, asked of the leading pod through the API server (which
    takes the right to `get pods/proxy` in its namespace), or of --controller.

    Example: sonnerie explain prod/hdf
    """
    from controller.planning.explain import ents_of, select
    from controller.planning.explain import explain as text_of
    from controller.wire.errors import WireError
    from controller.wire.plan import read_plan_line

    reach = Reach(kubeconfig=kubeconfig, context=context, namespace=namespace)
    try:
        answer = read_plan_line(_plan_line(plan_file, controller, reach))
    except WireError as error:
        stop(str(error), EXIT_PROBLEMS)
    known = ents_of(answer.plan)
    if ent is not None and ent not in known:
        stop(f"the plan says nothing about {ent!r}; it speaks of {', '.join(known) or 'no ENT'}", EXIT_PROBLEMS)
    left = select(answer.plan, ent=ent, site=site)
    typer.echo(json.dumps(_told(left), indent=2, ensure_ascii=False) if as_json else text_of(left))


def _plan_line(plan_file: Path | None, controller: str | None, reach: Reach) -> bytes:
    """Return the plan that is to be explained: of the file, of a controller, or of the one in the cluster."""
    if plan_file is not None:
        return read_file(plan_file)
    if controller is not None:
        return plan_at(controller)
    return reaching(reach, lambda cluster: last_plan(cluster, reach.namespace))


def _told(plan: "Plan") -> dict[str, Any]:
    """Return the plan in the form of the wire, without the memory, which explains nothing."""
    from controller.wire.plan import plan_document

    return {key: value for key, value in plan_document(plan).items() if key != "memory"}


def read_file(path: Path) -> bytes:
    """Return the content of the file; `-` is standard input."""
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        stop(f"{path}: {error.strerror or error}", EXIT_USAGE)
