"""The command that runs the witness."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.ending import EXIT_PROBLEMS, EXIT_UNAVAILABLE, EXIT_USAGE, stop
from controller.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.actuate.status import Status
    from controller.runtime.clock import SystemClock
    from controller.runtime.journal import Journal
    from controller.runtime.witness_settings import WitnessSettings


def probe(
    name: Annotated[str | None, typer.Option(help="Our name, as instances know it (run --witness) [witness].")] = None,
    sites: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Kubeconfigs, one file per site and named after it.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Address outside all sites; repeat, three or more, or we have no vote."),
    ] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Serves /healthz /readyz /metrics [127.0.0.1:8080].")
    ] = None,
    once: Annotated[  # noqa: FBT002 - as typer calls it
        bool, typer.Option("--once", help="Look once, print what is seen, write nothing. Exit 1: a site fails.")
    ] = False,
    output: Annotated[Output, typer.Option(help="How --once prints.")] = Output.TEXT,
) -> None:
    """Run a witness: look at every site from outside all of them, and leave a report at each.

    Every option can also be given as SONNERIE_NAME, SONNERIE_SITES, SONNERIE_REFERENCES, SONNERIE_LISTEN.

    Example: sonnerie probe --name paris --sites /etc/sonnerie/sites --reference https://www.education.gouv.fr
    """
    import asyncio

    from controller.kube.errors import KubeconfigError
    from controller.runtime.journal import Journal, open_log
    from controller.runtime.settings import SettingsError
    from controller.runtime.witness import witness
    from controller.runtime.witness_settings import read_witness_settings

    try:
        settings = read_witness_settings(
            {"name": name, "sites": sites, "references": tuple(reference) if reference else None, "listen": listen},
            os.environ,
        )
    except SettingsError as error:
        stop(str(error), EXIT_USAGE)

    def journal(clock: "SystemClock") -> "Journal":
        return Journal(open_log(clock.now))

    try:
        if once:
            seen = asyncio.run(_look_once(settings, journal))
            _print(seen, output)
            if _fails(seen):
                raise typer.Exit(EXIT_PROBLEMS)
        else:
            asyncio.run(witness(settings, journal))
    except KeyboardInterrupt:
        pass  # a second Ctrl-C while ending
    except (KubeconfigError, OSError) as error:
        stop(str(error), EXIT_UNAVAILABLE)


async def _look_once(settings: "WitnessSettings", journal: "Callable[[SystemClock], Journal]") -> "Status":
    from controller.runtime.clock import SystemClock
    from controller.runtime.witness import Witness

    clock = SystemClock()
    return await Witness(settings, journal(clock), clock).look_once()


def _print(seen: "Status", output: Output) -> None:
    if output is Output.JSON:
        kept = {key: value for key, value in seen.items() if key != "shared"}
        typer.echo(json.dumps(kept))
        return
    for site in seen["sites"]:
        paths = ", ".join(f"{path['path']} {_shown(path)}" for path in site["paths"])
        typer.echo(f"{site['site']}: {paths}")
    trust = "it abstains" if seen["abstains"] else "it may vote"
    typer.echo(f"references: {seen['referencesAnswering']} of {seen['referencesAsked']} answer, {trust}")


def _shown(path: "Status") -> str:
    took = f" in {path['milliseconds']} ms" if "milliseconds" in path else ""
    status = f" {path['status']}" if "status" in path else ""
    return f"{path['result']}{status}{took}"


def _fails(seen: "Status") -> bool:
    return any(path["result"] in ("Refused", "TimedOut") for site in seen["sites"] for path in site["paths"])
