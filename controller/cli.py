"""The command line. Everything heavy is imported inside the commands, so that `--help` answers at once.

Exit codes: 0 all is well, 1 something is wrong with what was asked about (policies), 2 wrong usage or settings,
3 a needed part cannot be had (cluster, address).
"""

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer

if TYPE_CHECKING:
    from controller.domain.plan import Plan
    from controller.runtime.clock import SystemClock
    from controller.runtime.journal import Journal

EXIT_PROBLEMS = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 3

app = typer.Typer(
    name="sonnerie",
    help="School portals ready before the bell, traffic off sick sites.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Output(StrEnum):
    """How plans are printed."""

    TEXT = "text"
    JSON = "json"


def main() -> None:
    """Run the command line."""
    app()


def _version(asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked:
        from controller import __version__

        typer.echo(f"sonnerie {__version__}")
        raise typer.Exit


@app.callback()
def sonnerie(
    version: Annotated[  # noqa: FBT002 - as typer calls it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """School portals ready before the bell, traffic off sick sites."""


@app.command()
def run(
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Kubeconfig of the management cluster; without it, the cluster we run in.")
    ] = None,
    lease_namespace: Annotated[
        str | None, typer.Option(help="Namespace of the Lease [the pod's, or sonnerie-system].")
    ] = None,
    identity: Annotated[
        str | None, typer.Option(help="Our name in the Lease and in Events [name of the pod or host].")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Address outside all sites; repeat, three or more. Tells if we are cut off."),
    ] = None,
    agent_address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where HAProxy's agent-check asks [127.0.0.1:9707].")
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Serves /healthz /readyz /metrics /plan [127.0.0.1:8080]."),
    ] = None,
    dry_run: Annotated[
        bool | None, typer.Option("--dry-run", help="Plan and print each change, write nothing, not even the Lease.")
    ] = None,
    once: Annotated[  # noqa: FBT002 - as typer calls it
        bool, typer.Option("--once", help="One planning cycle, then exit.")
    ] = False,
    output: Annotated[Output, typer.Option(help="How a dry run prints plans.")] = Output.TEXT,
) -> None:
    """Run the controller.

    Every setting can also be given as SONNERIE_<NAME>, such as SONNERIE_PLAN_EVERY_SECONDS=5.

    Example: sonnerie run --kubeconfig management.yaml --dry-run --reference https://www.education.gouv.fr
    """
    import asyncio

    from controller.kube.errors import ApiError, KubeconfigError
    from controller.runtime.journal import Journal, open_log
    from controller.runtime.process import Outlets
    from controller.runtime.process import run as run_process
    from controller.runtime.settings import Address, SettingsError, read_settings

    try:
        flags = {
            "kubeconfig": kubeconfig,
            "lease_namespace": lease_namespace,
            "identity": identity,
            "references": tuple(reference) if reference else None,
            "agent_address": Address.parse(agent_address) if agent_address else None,
            "listen": Address.parse(listen) if listen else None,
            "dry_run": dry_run,
        }
        settings = read_settings(flags, os.environ)
    except (SettingsError, ValueError) as error:
        _stop(str(error), EXIT_USAGE)

    def journal(clock: "SystemClock") -> "Journal":
        return Journal(open_log(clock.now))

    try:
        with _stdout_for_plans_alone() as plans:
            printer = _Printer(output, plans).show if settings.dry_run else _show_nothing
            asyncio.run(run_process(settings, Outlets(journal=journal, on_plan=printer, once=once)))
    except KeyboardInterrupt:
        pass  # a second Ctrl-C while ending
    except (KubeconfigError, ApiError, OSError) as error:
        _stop(str(error), EXIT_UNAVAILABLE)


@app.command()
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


@app.command()
def crd(
    names: Annotated[list[str] | None, typer.Argument(help="Kinds; without any, all.", show_default=False)] = None,
) -> None:
    """Print the CustomResourceDefinitions as YAML.

    Example: sonnerie crd | kubectl apply --server-side -f -
    """
    import yaml

    from controller.policy.crd import crd as definition
    from controller.policy.kinds import BY_NAME

    wanted = [_kind(name) for name in names] if names else list(BY_NAME)
    typer.echo(yaml.safe_dump_all([definition(BY_NAME[name]) for name in wanted], sort_keys=False), nl=False)


@app.command()
def schema(
    name: Annotated[str, typer.Argument(metavar="KIND", help="Such as RegionalENT.", show_default=False)],
) -> None:
    """Print the JSON Schema of a kind, for editors.

    Example: sonnerie schema RegionalENT > regionalent.json
    """
    from controller.policy.crd import editor_schema
    from controller.policy.kinds import BY_NAME

    typer.echo(json.dumps(editor_schema(BY_NAME[_kind(name)]), indent=2, ensure_ascii=False))


def _kind(name: str) -> str:
    from controller.policy.kinds import BY_NAME

    found = {known.lower(): known for known in BY_NAME}.get(name.lower())
    if found is None:
        _stop(f"{name!r} is not a kind of Sonnerie; the kinds are {', '.join(BY_NAME)}", EXIT_USAGE)
    return found


class _Printer:
    """Prints what a plan would do, once for as long as it stays the same."""

    def __init__(self, output: Output, stream: TextIO) -> None:
        self._output = output
        self._stream = stream
        self._before: list[Any] | None = None

    def show(self, plan: "Plan") -> None:
        """Print the plan if it is not what was printed last."""
        from controller.runtime.journal import describe

        lines = [{"would": "do", **describe(a), "because": a.because.text} for a in plan.actions]
        lines += [
            {"would": _would(w.because.reason), **describe(w.action), "because": _why(w.action, w.because)}
            for w in plan.withheld
        ]
        compared = [{key: value for key, value in line.items() if key != "because"} for line in lines]
        if compared == self._before:
            return
        self._before = compared
        write = self._line_of_json if self._output is Output.JSON else self._line_of_text
        for line in lines or [{"would": "do nothing"}]:
            write(line)
        self._stream.flush()

    def _line_of_json(self, line: dict[str, Any]) -> None:
        typer.echo(json.dumps(line, ensure_ascii=False), file=self._stream)

    def _line_of_text(self, line: dict[str, Any]) -> None:
        rest = {key: value for key, value in line.items() if key not in ("would", "because")}
        words = " ".join(f"{key}={value}" for key, value in rest.items())
        because = f"  ({line['because']})" if "because" in line else ""
        typer.echo(f"would {line['would']} {words}{because}".rstrip(), file=self._stream)


def _stdout_for_plans_alone() -> TextIO:
    """Return our standard output; whatever else writes to it goes nowhere.

    The solver's library prints a banner past Python's back, which would stand between the JSON lines.
    """
    ours = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return ours


def _would(reason: str) -> str:
    """In a dry run every action is withheld for that alone: it would be done."""
    from controller.domain.reasons import Reason

    return "do" if reason == Reason.DRY_RUN else "not do"


def _why(action: Any, because: Any) -> str:  # noqa: ANN401 - any action
    from controller.domain.reasons import Reason

    return str(action.because.text if because.reason == Reason.DRY_RUN else because.text)


def _show_nothing(_plan: "Plan") -> None:
    return None


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(f"sonnerie: {message}", err=True)
    raise typer.Exit(code)
