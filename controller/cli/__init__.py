"""The command line. Everything heavy is imported inside the commands, so that `--help` answers at once.

Exit codes: 0 all is well, 1 something is wrong with what was asked about (policies, a world, a plan), 2 wrong usage or
settings, 3 a needed part cannot be had (cluster, address). `diff` has one of its own: 2 when a floor falls soon.
"""

from typing import Annotated

import typer

from controller.cli.calendars import calendar, import_calendar
from controller.cli.differences import diff
from controller.cli.drill import drill
from controller.cli.orders import drain, freeze, undrain, unfreeze
from controller.cli.plans import explain, plan
from controller.cli.policies import check, crd, schema
from controller.cli.preflight import preflight
from controller.cli.previews import preview
from controller.cli.probing import probe
from controller.cli.recordings import replay
from controller.cli.running import run
from controller.cli.simulating import simulate
from controller.cli.status import status

app = typer.Typer(
    name="sonnerie",
    help="School portals ready before the bell, traffic off sick sites.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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


_COMMANDS = (
    run,
    probe,
    status,
    preflight,
    explain,
    drain,
    undrain,
    drill,
    freeze,
    unfreeze,
    plan,
    replay,
    simulate,
    check,
    calendar,
    import_calendar,
    preview,
    diff,
    crd,
    schema,
)
"""In the order of `--help`: what is running, what it decides, what policies say."""

for _command in _COMMANDS:
    app.command()(_command)
