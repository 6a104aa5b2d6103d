"""The command that leaves a site for practice, watches whether anybody suffers, and gives it back by itself.

The order that it writes ends by itself a little after the drill: if this process is killed, or its machine lost, the
site is given back all the same.
"""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.ending import EXIT_PROBLEMS, EXIT_USAGE, stop
from controller.cli.orders import (
    ByOption,
    ForOption,
    JsonOption,
    ReasonOption,
    length_of,
    order_until,
    write_drain,
)
from controller.cli.output import stdout_for_plans_alone
from controller.cli.practice import Ending, Look, Practice, looked
from controller.cli.reaching import ContextOption, KubeconfigOption, NamespaceOption, Reach, reaching

if TYPE_CHECKING:
    from controller.domain.windows import Window
    from controller.kube.client import Cluster

LOOK_SECONDS = 5.0
"""One planning cycle."""
SPARE = timedelta(minutes=1)
"""How much longer the order lasts than the drill, so that its end is written and not waited for."""
SILENT_SECONDS = 30.0
"""An API server that does not answer for so long hides what happens to users: the drill is aborted."""


def drill(
    site: Annotated[str, typer.Argument(metavar="SITE", help="The Site to be left.")],
    length: ForOption,
    reason: ReasonOption = "drill",
    by: ByOption = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as JSON.")] = None,
    as_json: JsonOption = False,  # noqa: FBT002 - as typer calls it
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = "sonnerie-system",
) -> None:
    """Leave a site for practice, as it would be left for need, and give it back.

    Refused in a freeze, in a school peak, in a blocked window of any ENT that
    is placed there, while anything is not well, and where the next school day
    could not lose another site. Aborted, and the site given back at once,
    when an ENT is not served any more or loses its reserve, or another site
    falls ill. Ctrl-C and SIGTERM give it back too.

    Exit codes: 0 everybody left and nobody suffered, 1 refused or anything
    else, 2 wrong usage, 3 the cluster cannot be reached.

    Example: sonnerie drill north-one --for 10m --report drill.json
    """
    lasts = length_of(length)

    async def work(cluster: "Cluster") -> tuple[Practice, dict[str, str]]:
        from controller.runtime.clock import SystemClock

        clock = SystemClock()
        until = (clock.now() + lasts).replace(microsecond=0)
        order = order_until(until + SPARE, reason, by)
        refused = await _refused(cluster, site, order, namespace)
        if refused:
            stop(f"{site} is not drilled: {'; '.join(refused)}", EXIT_PROBLEMS)
        practice = Practice(site=site, first=await _look(cluster, namespace, site), until=until)
        async with _drained(cluster, site, order, by), _interruptible() as interrupted:
            while practice.ending is None:
                practice = await _next(cluster, namespace, practice, interrupted, told=not as_json)
        return practice, order

    with stdout_for_plans_alone() as out:
        practice, order = reaching(Reach(kubeconfig=kubeconfig, context=context, namespace=namespace), work)
        document = json.dumps(practice.document(order), indent=2, ensure_ascii=False)
        if report is not None:
            try:
                report.write_text(f"{document}\n", encoding="utf-8")
            except OSError as error:
                stop(f"{report}: {error.strerror}", EXIT_USAGE)
        typer.echo(document if as_json else _sentence(practice), file=out)
    if practice.ending is not Ending.PASSED:
        raise typer.Exit(EXIT_PROBLEMS)


def _sentence(practice: Practice) -> str:
    if practice.ending is Ending.PASSED and practice.left_at is not None:
        took = (practice.left_at - practice.first.at).total_seconds()
        return f"passed: everybody had left {practice.site} after {took:.0f} s, and nobody suffered"
    return f"{practice.ending}: {practice.why}"


async def _next(
    cluster: "Cluster", namespace: str, practice: Practice, interrupted: asyncio.Event, *, told: bool
) -> Practice:
    try:
        await asyncio.wait_for(interrupted.wait(), LOOK_SECONDS)
    except TimeoutError:
        pass
    else:
        return practice.ended(Ending.INTERRUPTED, "whoever ran it ended it")
    try:
        async with asyncio.timeout(SILENT_SECONDS):
            look = await _look(cluster, namespace, practice.site)
    except TimeoutError:
        return practice.ended(Ending.ABORTED, f"the cluster has not answered for {SILENT_SECONDS:g} s")
    after = practice.seeing(look)
    if told and len(after.looks) > len(practice.looks):
        shares = ", ".join(f"{ent} {percent} %" for ent, percent in sorted(look.percent.items()))
        typer.echo(f"{look.at:%H:%M:%S}Z at {practice.site}: {shares}", err=True)
        for line in look.harm:
            typer.echo(f"{look.at:%H:%M:%S}Z not well: {line}", err=True)
    return after


async def _look(cluster: "Cluster", namespace: str, site: str) -> Look:
    from controller.cli.status import look
    from controller.runtime.clock import SystemClock

    return looked(await look(cluster, namespace), site, SystemClock().now())


@asynccontextmanager
async def _drained(cluster: "Cluster", site: str, order: dict[str, str], by: str | None) -> AsyncIterator[None]:
    """Order the drain, and take it back whatever happens."""
    from controller.runtime.clock import SystemClock

    await write_drain(cluster, site, order)
    try:
        yield
    finally:
        await write_drain(cluster, site, order_until(SystemClock().now(), "the drill is over", by))


@asynccontextmanager
async def _interruptible() -> AsyncIterator[asyncio.Event]:
    """Give what is set when somebody wants it to end; a Kubernetes Job is told so with SIGTERM."""
    interrupted, loop = asyncio.Event(), asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for each in signals:
        loop.add_signal_handler(each, interrupted.set)
    try:
        yield interrupted
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


async def _refused(cluster: "Cluster", site: str, order: dict[str, str], namespace: str) -> list[str]:
    """Return why there is to be no drill now; empty: there may be."""
    from controller.cli.weighing import fleet_of, weigh_drain
    from controller.domain.peaks import AROUND
    from controller.domain.schooltime import resolve
    from controller.runtime.clock import SystemClock

    now = SystemClock().now()
    weighed = await weigh_drain(cluster, site, order)
    declared = await fleet_of(cluster)
    found = [f"short: {line}" for line in weighed.short]
    if declared.freeze is not None and declared.freeze.in_force(now):
        found.append(f"frozen until {declared.freeze.until:%H:%M}Z: {declared.freeze.reason}")
    placed = {ent.key for ent in declared.ents if any(p.site == site for p in ent.placements)}
    for school in declared.school:
        if school.ent in placed:
            windows = resolve(school, now - AROUND, now + AROUND).windows
            found += [f"{school.ent}: {why}" for why in _not_at_this_hour(windows, now)]
    look = await _look(cluster, namespace, site)
    found += look.harm
    if not any(look.percent.values()):
        found.append("nobody is there, so nothing can be practised")
    return found


def _not_at_this_hour(windows: "Sequence[Window]", now: datetime) -> list[str]:
    from controller.domain.peaks import blocked_at, peak_at

    held = ((blocked_at(windows, now), "blocked"), (peak_at(windows, now), "a school peak"))
    return [f"{what} until {window.end:%H:%M}Z ({window.source})" for window, what in held if window is not None]
