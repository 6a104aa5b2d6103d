"""How commands end: exit codes, and one sentence instead of a traceback."""

from typing import NoReturn

import typer

EXIT_PROBLEMS = 1
"""Something is wrong with what was asked about: policies, a world, a plan."""
EXIT_USAGE = 2
"""Wrong usage, wrong settings, a file that cannot be read."""
EXIT_UNAVAILABLE = 3
"""A needed part cannot be had: a cluster, an address."""


def stop(message: str, code: int) -> NoReturn:
    """End the command with a sentence on standard error."""
    typer.echo(f"sonnerie: {message}", err=True)
    raise typer.Exit(code)
