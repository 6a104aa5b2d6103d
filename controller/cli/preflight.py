"""The command that asks, the evening before, whether tomorrow's bell will hold."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.ending import EXIT_PROBLEMS
from controller.cli.output import stdout_for_plans_alone
from controller.cli.reaching import ContextOption, KubeconfigOption, NamespaceOption, Reach, lease, reaching

if TYPE_CHECKING:
    from controller.cli.findings import Finding
    from controller.cli.tomorrow import Tomorrow
    from controller.kube.client import Cluster

SCHEMA_VERSION = 1
"""Of the JSON that is printed."""
MARKS = {"ok": "ok     ", "warning": "look   ", "failed": "FAILED "}
STALE_LEASE_SECONDS = 30.0


def preflight(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,  # noqa: FBT002 - as typer calls it
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = "sonnerie-system",
) -> None:
    """Will tomorrow's bell hold? Credentials, floors, quota, reserve, calendar, metrics, lead times, the controller.

    What the bells need is asked of the planner itself; floors are tried as server-side dry runs. Nothing is written.
    Each line that is not well says what to do.

    Exit codes: 0 it holds, 1 it does not, 3 the management cluster cannot be reached.

    Example: sonnerie preflight --json
    """
    reach = Reach(kubeconfig=kubeconfig, context=context, namespace=namespace)
    with stdout_for_plans_alone() as out:
        told = reaching(reach, lambda cluster: _looked(cluster, namespace))
        typer.echo(json.dumps(told.document(), indent=2, ensure_ascii=False) if as_json else told.text(), file=out)
    if not told.holds:
        raise typer.Exit(EXIT_PROBLEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The answer."""

    now: datetime
    tomorrow: "Tomorrow"
    findings: "tuple[Finding, ...]"

    @property
    def holds(self) -> bool:
        """Tell whether nothing failed."""
        return all(finding.state != "failed" for finding in self.findings)

    def document(self) -> dict[str, Any]:
        """Return the answer as JSON has it."""
        bells = self.tomorrow.bells
        return {
            "schema_version": SCHEMA_VERSION,
            "observed_at": _instant(self.now),
            "holds": self.holds,
            "first_bell": _instant(bells[0].start) if bells else None,
            "last_bell": _instant(max(bell.start for bell in bells)) if bells else None,
            "bells": len({bell.start for bell in bells}),
            "needs": [
                {
                    "ent": str(need.ent),
                    "site": need.site,
                    "replicas": need.replicas,
                    "at": _instant(need.at),
                    "source": need.source,
                }
                for need in self.tomorrow.needs
            ],
            "checks": [asdict(finding) for finding in self.findings],
        }

    def text(self) -> str:
        """Return the answer for people: what is wrong last, where it is read first in a terminal."""
        order = ("ok", "warning", "failed")
        lines = []
        for finding in sorted(self.findings, key=lambda finding: order.index(finding.state)):
            lines.append(f"{MARKS[finding.state]}{finding.check:<12}{finding.subject}: {finding.text}")
            if finding.todo:
                lines.append(f"{'':19}→ {finding.todo}")
        count = sum(finding.state == "failed" for finding in self.findings)
        bells = self.tomorrow.bells
        when = (
            f"The next bells ring from {_instant(bells[0].start)} on" if bells else "No bell rings in the coming months"
        )
        verdict = "they will hold" if bells else "nothing is at risk"
        lines.append(f"{when}: {verdict if self.holds else f'{count} thing(s) must be done first'}.")
        return "\n".join(lines)


def _instant(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


async def _looked(cluster: "Cluster", namespace: str) -> Told:
    from controller.cli import findings, looking
    from controller.cli.tomorrow import foresee
    from controller.domain.names import SiteName
    from controller.policy.declared import declare
    from controller.policy.site import Site
    from controller.runtime.clock import SystemClock
    from controller.runtime.remembering import inherited

    now = SystemClock().now()
    objects = await looking.objects(cluster)
    good = [each.declared for each in objects if each.declared is not None]
    declared = declare(good)
    problems = [*(problem for each in objects for problem in each.problems), *declared.problems]
    memory, _ = inherited(objects, lambda _about, _why: None)
    first_look = foresee(declared, (), memory.ents, now)
    needed = {(need.ent, need.site): need.replicas for need in first_look.needs}
    sites = await looking.reach_sites(cluster, {SiteName(s.metadata.name): s for s in good if isinstance(s, Site)})
    try:
        floors, states = await looking.floors(declared.ents, sites, needed, _writable(objects))
        measured = await looking.metrics(declared.ents, sites)
    finally:
        await sites.close(cluster)
    tomorrow = foresee(declared, states, memory.ents, now)
    first, last = (f(bell.start for bell in tomorrow.bells) if tomorrow.bells else now for f in (min, max))
    found = [
        await _controller(cluster, namespace, now),
        *findings.of_policies(problems),
        *findings.of_orders(declared, tomorrow),
        *findings.of_calendars(declared.school, tomorrow, now),
        *findings.of_credentials(sites.reached, sites.refused, sites.unreachable, last, now),
        *floors,
        *measured,
        *findings.of_capacity(declared, tomorrow),
    ]
    if tomorrow.bells:
        found += findings.of_leads(declared.ents, {each.ent: each for each in memory.ents}, first, now)
    return Told(now=now, tomorrow=tomorrow, findings=tuple(found))


def _writable(objects: Any) -> dict[Any, tuple[str, str]]:  # noqa: ANN401 - objects as watched
    from controller.domain.names import EntKey

    return {
        EntKey(each.key.namespace, each.key.name): (str(condition.get("status")), str(condition.get("message", "")))
        for each in objects
        if each.kind == "RegionalENT"
        for condition in each.status.conditions
        if condition.get("type") == "FloorWritable"
    }


async def _controller(cluster: "Cluster", namespace: str, now: datetime) -> "Finding":
    """Somebody leads: without a controller nothing grows."""
    from controller.cli.findings import Finding, State, failed
    from controller.kube.errors import ApiError

    where = f"{namespace}/sonnerie"
    todo = "see docs/runbooks/SonnerieNoLeader.md"
    try:
        seen = await lease(cluster, namespace)
    except ApiError as error:
        return failed("controller", where, f"the Lease cannot be read: {error}", todo)
    if not seen.holder or seen.renewed_at is None:
        return failed("controller", where, "nobody leads", todo)
    age = (now - datetime.fromisoformat(seen.renewed_at)).total_seconds()
    if age > STALE_LEASE_SECONDS:
        return failed("controller", where, f"{seen.holder} has not renewed the Lease for {age:.0f} s", todo)
    return Finding(check="controller", subject=where, state=State.OK, text=f"{seen.holder} leads")
