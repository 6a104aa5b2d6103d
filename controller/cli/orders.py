"""Orders of people: drain a site, freeze the fleet, and take either back. Each expires by itself and says by whom.

An order is a field of a declared object, written as the person at the keyboard; the controller sees it like any other
change. So it works while Prometheus is down, and whether the controller runs or not.

Where every site has an instance of its own, an order may be written at any of them: instances tell each other the
newest they know, and the newest holds. It says itself when it was given.
"""

import getpass
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop
from controller.cli.output import stdout_for_plans_alone
from controller.cli.reaching import ContextOption, KubeconfigOption, Reach, reaching
from controller.domain.orders import LONGEST_ORDER

if TYPE_CHECKING:
    from controller.cli.weighing import Weighed
    from controller.kube.client import Cluster

MANAGER = "sonnerie-orders"
"""Whose fields orders are, in `managedFields` and in the API server's audit log."""
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
    order = order_until(_until(length), reason, by)

    async def work(cluster: "Cluster") -> "Weighed":
        from controller.cli.weighing import weigh_drain

        weighed = await weigh_drain(cluster, site, order)
        if not weighed.short or accept_no_reserve:
            await write_drain(cluster, site, order, dry_run=dry_run)
        return weighed

    with stdout_for_plans_alone() as out:
        weighed = reaching(Reach(kubeconfig=kubeconfig, context=context, namespace=""), work)
        refused = bool(weighed.short) and not accept_no_reserve
        if as_json:
            typer.echo(json.dumps(weighed.document(order, refused=refused), indent=2), file=out)
        else:
            for line in weighed.short:
                typer.echo(f"short: {line}", file=out)
            if not refused:
                typer.echo(f"{site} is drained until {order['until']} by {order['by']}: {reason}", file=out)
    if refused:
        stop(f"{site} is not drained: see what would be short, or give --accept-no-reserve", EXIT_PROBLEMS)


def undrain(
    site: Annotated[str, typer.Argument(metavar="SITE", help="The Site that is drained.")],
    by: ByOption = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - as typer calls it
    as_json: JsonOption = False,  # noqa: FBT002
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """End a drain now, in whichever cluster it was ordered. The way back still waits for hold time, windows and steps.

    What is written is an order that has ended: it is newer than the drain, and the newest holds.

    Exit codes: 0 ended, 1 no such Site, 2 wrong usage, 3 the cluster cannot be reached.

    Example: sonnerie undrain north-one
    """
    order = _taken_back(by)

    async def work(cluster: "Cluster") -> None:
        await write_drain(cluster, site, order, dry_run=dry_run)

    _reached(kubeconfig, context, work, missing=f"there is no Site {site}")
    text = f"{site} is not drained any more; its traffic returns after the hold time, by steps"
    typer.echo(json.dumps({"site": site, **order}, indent=2) if as_json else text)


def freeze(
    length: ForOption,
    reason: ReasonOption,
    by: ByOption = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - as typer calls it
    as_json: JsonOption = False,  # noqa: FBT002
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Freeze the whole fleet: nothing shrinks, nothing moves but away from a dead site; growth stays allowed.

    It is a SchoolEvent, `freeze-by-hand`; a second freeze replaces the first.

    Exit codes: 0 ordered, 1 the cluster knows no SchoolEvents, 2 wrong usage, 3 the cluster cannot be reached.

    Example: sonnerie freeze --for 90m --reason "exams"
    """
    order = order_until(_until(length), reason, by)
    _applied(kubeconfig, context, _event(f"Frozen by hand: {reason}", order), dry_run=dry_run)
    text = f"frozen until {order['until']} by {order['by']}: {reason}"
    typer.echo(json.dumps(order, indent=2) if as_json else text)


def unfreeze(
    by: ByOption = None,
    dry_run: DryRunOption = False,  # noqa: FBT002 - as typer calls it
    as_json: JsonOption = False,  # noqa: FBT002
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """End a freeze by hand now, in whichever cluster it was ordered. Freezes that other events declare stay.

    Exit codes: 0 ended, 1 the cluster knows no SchoolEvents, 2 wrong usage, 3 the cluster cannot be reached.

    Example: sonnerie unfreeze
    """
    order = _taken_back(by)
    _applied(kubeconfig, context, _event("Frozen by hand no more", order), dry_run=dry_run)
    typer.echo(json.dumps(order, indent=2) if as_json else "not frozen by hand any more")


def order_until(until: datetime, reason: str, by: str | None) -> dict[str, str]:
    """Return an order as it stands in a spec, given now."""
    from controller.runtime.clock import SystemClock

    given = _text(SystemClock().now())
    return {"until": _text(until), "reason": reason, "by": by or getpass.getuser(), "givenAt": given}


async def write_drain(cluster: "Cluster", site: str, order: dict[str, str], *, dry_run: bool = False) -> None:
    """Put the order into the Site, under a name of its own among the managers of fields.

    Raises:
        ApiError: it is not there, or not taken.
    """
    from controller.kube.resources import ObjectKey
    from controller.runtime.reporting import SITES

    query = {"fieldManager": MANAGER} | ({"dryRun": "All"} if dry_run else {})
    path, change = SITES.path(ObjectKey("", site)), {"spec": {"drain": order}}
    await cluster.call("PATCH", path, query=query, body=change, content_type="application/merge-patch+json")


def _taken_back(by: str | None) -> dict[str, str]:
    from controller.runtime.clock import SystemClock

    return order_until(SystemClock().now(), "taken back", by)


def _event(description: str, order: dict[str, str]) -> dict[str, Any]:
    """Return the event of a freeze; of one that has ended, an event of a second."""
    given = datetime.fromisoformat(order["givenAt"])
    end = max(datetime.fromisoformat(order["until"]), given + timedelta(seconds=1))
    return {
        "description": description,
        "announcedOn": given.date().isoformat(),
        "start": order["givenAt"],
        "end": _text(end),
        "freeze": order,
    }


def length_of(length: str) -> timedelta:
    """Return how long an order is to last; ends the command where it cannot."""
    from controller.policy.scalars import parse_duration

    try:
        found = parse_duration(length)
    except ValueError as error:
        stop(f"--for {length}: {error}", EXIT_USAGE)
    if not timedelta(0) < found <= LONGEST_ORDER:
        stop(f"--for {length}: write a time up to 168h", EXIT_USAGE)
    return found


def _until(length: str) -> datetime:
    from controller.runtime.clock import SystemClock

    return (SystemClock().now() + length_of(length)).replace(microsecond=0)


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


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
