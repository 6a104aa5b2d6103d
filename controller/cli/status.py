"""The command that tells the morning at a glance: from the statuses in the management cluster, which survive us."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop
from controller.cli.reaching import (
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Reach,
    lease,
    reaching,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from controller.kube.client import Cluster

SCHEMA_VERSION = 1
"""Of the JSON that is printed."""
LOOK_SECONDS = 2.0
"""Between two looks of `--watch`: as often as evidence is gathered."""
STALE_LEASE_SECONDS = 30.0
"""Twice the duration of a Lease: nobody leads, or clocks differ."""
Found = dict[str, Any]


def status(
    watch: Annotated[  # noqa: FBT002 - as typer calls it
        bool, typer.Option("--watch", help="Look again every two seconds, until Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,  # noqa: FBT002 - as typer calls it
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = "sonnerie-system",
) -> None:
    """Tell how sites and ENTs are: verdicts, replicas, who is served where, the next bell, and what is not well.

    Exit codes: 0 all is well, 1 something is not, 2 wrong usage, 3 the management cluster cannot be reached.

    Example: sonnerie status --watch
    """
    if watch and as_json:
        stop("--watch is for people, --json for programs; give one of them", EXIT_USAGE)
    reach = Reach(kubeconfig=kubeconfig, context=context, namespace=namespace)
    if watch:
        with contextlib.suppress(KeyboardInterrupt):
            reaching(reach, lambda cluster: _keep_showing(cluster, reach))
        return
    found = reaching(reach, lambda cluster: look(cluster, namespace))
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        from rich.console import Console

        Console().print(shown(found))
    if not found["well"]:
        raise typer.Exit(EXIT_PROBLEMS)


async def look(cluster: "Cluster", namespace: str) -> Found:
    """Return what the statuses say now.

    Raises:
        ApiError: they cannot be read.
    """
    from controller.kube.errors import ApiError
    from controller.observe.policies import resource_of
    from controller.policy.ent import RegionalENT
    from controller.policy.site import Site
    from controller.runtime.clock import SystemClock

    sites, ents = await asyncio.gather(*(listed(cluster, resource_of(kind).path()) for kind in (Site, RegionalENT)))
    try:
        seen = await lease(cluster, namespace)
        leader: Found | None = {"identity": seen.holder or None, "renewed_at": seen.renewed_at}
    except ApiError:
        leader = None
    now = SystemClock().now()
    return assembled(sites, ents, leader, now)


async def listed(cluster: "Cluster", path: str) -> list[Found]:
    """Return all objects of a kind.

    Raises:
        ApiError: they cannot be read.
    """
    items: list[Found] = json.loads(await cluster.call("GET", path))["items"]
    return items


def assembled(sites: list[Found], ents: list[Found], leader: Found | None, now: datetime) -> Found:
    """Return everything in the form that is printed, sorted by name."""
    if leader is not None:
        leader["age_seconds"] = _age(leader["renewed_at"], now)
    led = leader is not None and leader["identity"] is not None and (leader["age_seconds"] or 0) < STALE_LEASE_SECONDS
    found_sites = sorted((_site(site) for site in sites), key=lambda each: str(each["name"]))
    found_ents = sorted((_ent(ent) for ent in ents), key=lambda each: str(each["name"]))
    return {
        "schema_version": SCHEMA_VERSION,
        "observed_at": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "well": led and not any(each["not_well"] for each in (*found_sites, *found_ents)),
        "leader": leader,
        "sites": found_sites,
        "ents": found_ents,
    }


def _site(site: Found) -> Found:
    status = site.get("status") or {}
    return {
        "name": site["metadata"]["name"],
        "provider": site.get("spec", {}).get("provider"),
        "verdict": status.get("verdict"),
        "since": status.get("verdictSince"),
        "ready_replicas": status.get("readyReplicas"),
        "wanted_replicas": status.get("wantedReplicas"),
        "drain_until": (site.get("spec", {}).get("drain") or {}).get("until"),
        "not_well": _not_well(status),
        "summary": status.get("summary", ""),
    }


def _ent(ent: Found) -> Found:
    status, metadata = ent.get("status") or {}, ent["metadata"]
    return {
        "name": f"{metadata['namespace']}/{metadata['name']}",
        "region": ent.get("spec", {}).get("region"),
        "ready_replicas": status.get("readyReplicas"),
        "wanted_replicas": status.get("wantedReplicas"),
        "serving": status.get("serving", ""),
        "next_bell": status.get("nextBell", ""),
        "placements": [
            {
                "site": placement["site"],
                "ready_replicas": placement.get("readyReplicas"),
                "wanted_replicas": placement.get("wantedReplicas"),
                "weight": placement.get("weight"),
            }
            for placement in status.get("placements", ())
        ],
        "not_well": _not_well(status),
        "summary": status.get("summary", ""),
    }


def _not_well(status: Mapping[str, Any]) -> list[Found]:
    """Return the conditions that somebody should look at; of an object without any, that nobody has judged it."""
    from controller.planning.explain import WELL_WHEN_FALSE

    conditions = status.get("conditions") or []
    if not conditions:
        return [{"type": "Ready", "status": "Unknown", "reason": "NoEvidence", "message": "no controller has seen it"}]
    return [
        {key: condition.get(key, "") for key in ("type", "status", "reason", "message")}
        for condition in conditions
        if condition.get("status") != ("False" if condition.get("type") in WELL_WHEN_FALSE else "True")
    ]


def _age(renewed_at: str | None, now: datetime) -> float | None:
    if renewed_at is None:
        return None
    return round((now - datetime.fromisoformat(renewed_at)).total_seconds(), 1)


async def _keep_showing(cluster: "Cluster", reach: Reach) -> None:
    from rich.live import Live
    from rich.text import Text

    from controller.kube.errors import ApiError

    with Live(Text("looking…"), auto_refresh=False, screen=False) as live:
        while True:
            try:
                live.update(shown(await look(cluster, reach.namespace)), refresh=True)
            except ApiError as error:
                live.update(Text(f"the management cluster does not answer: {error}"), refresh=True)
            await asyncio.sleep(LOOK_SECONDS)


def shown(found: Found) -> "RenderableType":
    """Return the tables."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    sites = Table("Site", "Verdict", "Since", "Ready", "Wanted", "What", title="Sites", title_justify="left")
    for site in found["sites"]:
        verdict = site["verdict"] or "—"
        style = {"Healthy": "green", "Down": "bold red", "Degraded": "yellow"}.get(verdict, "")
        drained = f"drained until {site['drain_until']}; " if site["drain_until"] else ""
        told = f"{drained}{_words(site) or site['summary']}"
        sites.add_row(site["name"], Text(verdict, style), site["since"] or "", *_replicas(site), told)
    ents = Table("ENT", "Ready", "Wanted", "Served by", "Next bell", "What", title="ENTs", title_justify="left")
    for ent in found["ents"]:
        what = Text(_words(ent), "yellow") if ent["not_well"] else Text(ent["summary"])
        ents.add_row(ent["name"], *_replicas(ent), ent["serving"], ent["next_bell"], what)
    return Group(Text(_leader(found)), sites, ents)


def _replicas(each: Found) -> tuple[str, str]:
    """Return both counts; what is not known is no number."""
    ready, wanted = each["ready_replicas"], each["wanted_replicas"]
    return "?" if ready is None else str(ready), "?" if wanted is None else str(wanted)


def _words(each: Found) -> str:
    return "; ".join(f"{c['type']} {c['status']}: {c['message']}" for c in each["not_well"])


def _leader(found: Found) -> str:
    leader = found["leader"]
    if leader is None:
        return f"{found['observed_at']}  nobody has ever led: the Lease is not there, or may not be read"
    if leader["identity"] is None:
        return f"{found['observed_at']}  nobody leads"
    return f"{found['observed_at']}  led by {leader['identity']}, renewed {leader['age_seconds']} s ago"
