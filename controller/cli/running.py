"""The command that runs the controller."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.ending import EXIT_UNAVAILABLE, EXIT_USAGE, stop
from controller.cli.output import Output, Printer, stdout_for_plans_alone

if TYPE_CHECKING:
    from controller.domain.plan import Plan
    from controller.runtime.clock import SystemClock
    from controller.runtime.journal import Journal


def run(
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Kubeconfig of the management cluster; without it, the cluster we run in.")
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The one site this instance writes; it reads the reports of the others."),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Witness whose report counts (sonnerie probe); repeat. Only with --site."),
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
    record: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep every world and plan there, compressed and bounded, for replay."),
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

    One instance per site, in the cluster of the site: sonnerie run --site gra --witness paris
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
            "site": site,
            "witnesses": tuple(witness) if witness else None,
            "lease_namespace": lease_namespace,
            "identity": identity,
            "references": tuple(reference) if reference else None,
            "agent_address": Address.parse(agent_address) if agent_address else None,
            "listen": Address.parse(listen) if listen else None,
            "record": record,
            "dry_run": dry_run,
        }
        settings = read_settings(flags, os.environ)
    except (SettingsError, ValueError) as error:
        stop(str(error), EXIT_USAGE)

    def journal(clock: "SystemClock") -> "Journal":
        return Journal(open_log(clock.now))

    try:
        with stdout_for_plans_alone() as plans:
            printer = Printer(output, plans).show if settings.dry_run else _show_nothing
            asyncio.run(run_process(settings, Outlets(journal=journal, on_plan=printer, once=once)))
    except KeyboardInterrupt:
        pass  # a second Ctrl-C while ending
    except (KubeconfigError, ApiError, OSError) as error:
        stop(str(error), EXIT_UNAVAILABLE)


def _show_nothing(_plan: "Plan") -> None:
    return None
