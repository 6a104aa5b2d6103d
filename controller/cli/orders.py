"""Orders of people: drain a site, freeze the fleet, and take either back. Each expires by itself and says by whom.

An order is a field of a declared object, written as the person at the keyboard; the controller sees it like any other
change. So it works while Prometheus is down, and whether the controller runs or not.
"""

import getpass
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop
from controller.cli.output import stdout_for_plans_alone
from controller.cli.reaching import ContextOption, KubeconfigOption, Reach, reaching

if TYPE_CHECKING:
    from controller.cli.weighing import Weighed
    from controller.kube.client import Cluster

LONGEST = timedelta(days=7)
"""Whoever needs longer changes the policy, where others review it."""
FREEZE = "freeze-by-hand"
"""Name of the one SchoolEvent that `freeze` writes."""

ForOption = Annotated[
    str, typer.Option("--for", metavar="DURATION", help="How long, such as 45m or 2h; 7 days at most.")
]
ReasonOption = Annotated[str, typer.Option(help="Why, for whoever is on call.")]
ByOption = Annotated[str | None, typer.Option(help="Who orders it [your user name].")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Ask the API server whether it would take it; write nothing.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def drain(
    site: Annotated[str, typer.Argument(metavar="SITE", help="The Site to be left.")],
    length: ForOption,
    reason: ReasonOption,
    by: ByOption = None,
    accept_no_reserve: Annotated[  # noqa: FBT002 - as typer calls it
        bool, typer.Option("--accept-no-reserve", help="Also where the next school day could not lose another site.")
    ] = False,
    dry_run: DryRunOption = False,  # noqa: FBT002
    as_json: JsonOption = False,  # noqa: FBT002
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Move a site's users away, by the usual steps, until the drain ends.

    Its end permits the way back, which still waits for hold time, windows and steps. Refused where what is left could
    not carry the next school day, or could not lose another site then: the planner itself is asked.

    Exit codes: 0 ordered, 1 refused or no such Site, 2 wrong usage, 3 the cluster cannot be reached.

    Example: sonnerie drain north-one --for 2h --reason "new switches"
    """
    until, who = _until(length), by or getpass.getuser()

    async def work(cluster: "Cluster") -> "Weighed":
        from controller.cli.weighing import weigh_drain

        weighed = await weigh_drain(cluster, site, until=until, reason=reason, by=who)
        if not weighed.short or accept_no_reserve:
            order = {"until": _text(until), "reason": reason, "by": who}
            await _write(cluster, _site_path(site), {"spec": {"drain": order}}, dry_run=dry_run)
        return weighed

    with stdout_for_plans_alone() as out:
        weighed = reaching(Reach(kubeconfig=kubeconfig, context=context, namespace=""), work)
        refused = bool(weighed.short) and not accept_no_reserve
        if as_json:
            typer.echo(json.dumps(weighed.document(until=_text(until), by=who, refused=refused), indent=2), file=out)
        else:
            for line in weighed.short:
                typer.echo(f"short: {line}", file=out)
            if not refused:
                typer.echo(f"{site} is drained until {_text(until)} by {who}: {reason}", file=out)
    if refused:
        stop(f"{site} is not drained: see what would be short, or give --accept-no-reserve", EXIT_PROBLEMS)


def undrain(
    site: Annotated[str, typer.Argument(metavar="SITE", help="The Site that is drained.")],
    dry_run: DryRunOption = False,  # noqa: FBT002 - as typer calls it
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """End a drain now. The way back still waits for hold time, windows and steps.

    Exit codes: 0 ended, 1 no such Site, 2 wrong usage, 3 the cluster cannot be reached.

    Example: sonnerie undrain north-one
    """
    _ordered(kubeconfig, context, _site_path(site), {"spec": {"drain": None}}, dry_run=dry_run)
    typer.echo(f"{site} is not drained any more; its traffic returns after the hold time, by steps")


def freeze(
    length: ForOption,
    reason: ReasonOption,
    by: ByOption = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - as typer calls it
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Freeze the whole fleet: nothing shrinks, nothing moves but away from a dead site; growth stays allowed.

    It is a SchoolEvent, `freeze-by-hand`; a second freeze replaces the first.

    Exit codes: 0 ordered, 2 wrong usage, 3 the cluster cannot be reached.

    Example: sonnerie freeze --for 90m --reason "exams"
    """
    from controller.runtime.clock import SystemClock

    until, who, now = _until(length), by or getpass.getuser(), SystemClock().now()
    spec = {
        "description": f"Frozen by hand: {reason}",
        "announcedOn": now.date().isoformat(),
        "start": _text(now),
        "end": _text(until),
        "freeze": {"until": _text(until), "reason": reason, "by": who},
    }
    _applied(kubeconfig, context, spec, dry_run=dry_run)
    typer.echo(f"frozen until {_text(until)} by {who}: {reason}")


def unfreeze(
    dry_run: DryRunOption = False,  # noqa: FBT002 - as typer calls it
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """End the freeze that `sonnerie freeze` ordered. Freezes of other events stay.

    Exit codes: 0 ended, 1 there is none, 2 wrong usage, 3 the cluster cannot be reached.

    Example: sonnerie unfreeze
    """
    query = {"dryRun": "All"} if dry_run else {}

    async def work(cluster: "Cluster") -> None:
        await cluster.call("DELETE", _event_path(), query=query)

    _reached(kubeconfig, context, work, missing="nothing is frozen by hand")
    typer.echo("not frozen any more")


def _until(length: str) -> datetime:
    from controller.policy.scalars import parse_duration
    from controller.runtime.clock import SystemClock

    try:
        found = parse_duration(length)
    except ValueError as error:
        stop(f"--for {length}: {error}", EXIT_USAGE)
    if not timedelta(0) < found <= LONGEST:
        stop(f"--for {length}: write a time up to 168h", EXIT_USAGE)
    return (SystemClock().now() + found).replace(microsecond=0)


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def _site_path(site: str) -> str:
    from controller.kube.resources import ObjectKey
    from controller.runtime.reporting import SITES

    return SITES.path(ObjectKey("", site))


def _event_path() -> str:
    from controller.kube.resources import ObjectKey
    from controller.observe.policies import resource_of
    from controller.policy.event import SchoolEvent

    return resource_of(SchoolEvent).path(ObjectKey("", FREEZE))


async def _write(cluster: "Cluster", path: str, change: dict[str, Any], *, dry_run: bool) -> None:
    """Change a few fields of an object, under a name of its own among the managers of fields."""
    query = {"fieldManager": "sonnerie-orders"} | ({"dryRun": "All"} if dry_run else {})
    await cluster.call("PATCH", path, query=query, body=change, content_type="application/merge-patch+json")


def _ordered(kubeconfig: Any, context: str | None, path: str, change: dict[str, Any], *, dry_run: bool) -> None:  # noqa: ANN401 - as typer gives it
    async def work(cluster: "Cluster") -> None:
        await _write(cluster, path, change, dry_run=dry_run)

    _reached(kubeconfig, context, work, missing=f"there is no Site {path.rpartition('/')[2]}")


def _applied(kubeconfig: Any, context: str | None, spec: dict[str, Any], *, dry_run: bool) -> None:  # noqa: ANN401 - as typer gives it
    async def work(cluster: "Cluster") -> None:
        from controller.kube.apply import server_side_apply
        from controller.kube.resources import ObjectKey
        from controller.observe.policies import resource_of
        from controller.policy.event import SchoolEvent

        key = ObjectKey("", FREEZE)
        await server_side_apply(cluster, resource_of(SchoolEvent), key, {"spec": spec}, dry_run=dry_run)

    _reached(kubeconfig, context, work, missing="this cluster does not know SchoolEvents")


def _reached(kubeconfig: Any, context: str | None, work: Any, *, missing: str) -> None:  # noqa: ANN401 - as typer gives it
    from controller.kube.errors import NotFound

    async def careful(cluster: "Cluster") -> bool:
        try:
            await work(cluster)
        except NotFound:
            return False
        return True

    if not reaching(Reach(kubeconfig=kubeconfig, context=context, namespace=""), careful):
        stop(missing, EXIT_PROBLEMS)
