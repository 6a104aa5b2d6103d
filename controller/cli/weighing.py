"""What a drain would leave: the planner asked about the next school day, with the site and without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from controller.cli import looking
from controller.cli.ending import EXIT_PROBLEMS, stop
from controller.cli.tomorrow import Tomorrow, foresee
from controller.domain.fleet import Order
from controller.domain.memory import EntMemory
from controller.domain.names import SiteName
from controller.kube.client import Cluster
from controller.policy.declared import Declared, declare
from controller.runtime.clock import SystemClock
from controller.runtime.remembering import inherited


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What would be short on the next school day and is not short without the drain."""

    site: str
    short: tuple[str, ...]

    def document(self, order: Mapping[str, str], *, refused: bool) -> dict[str, Any]:
        """Return the answer as JSON has it."""
        return {"site": self.site, **order, "refused": refused, "short": list(self.short)}


async def fleet_of(cluster: Cluster) -> Declared:
    """Return the fleet as it is declared in the cluster.

    Raises:
        ApiError: the cluster cannot be read.
    """
    return declare(each.declared for each in await looking.objects(cluster) if each.declared is not None)


async def weigh_drain(cluster: Cluster, site: str, order: Mapping[str, str]) -> Weighed:
    """Return what the drain would leave short; ends the command where there is no such Site.

    Raises:
        ApiError: the cluster cannot be read.
    """
    objects = await looking.objects(cluster)
    declared = declare(each.declared for each in objects if each.declared is not None)
    memory, _ = inherited(objects, lambda _about, _why: None)
    if site not in {each.name for each in declared.sites}:
        known = ", ".join(each.name for each in declared.sites) or "none"
        stop(f"there is no Site {site}; there are: {known}", EXIT_PROBLEMS)
    drain = Order(until=datetime.fromisoformat(order["until"]), reason=order["reason"], by=order["by"])
    return Weighed(site=site, short=left_short(declared, SiteName(site), drain, memory.ents, SystemClock().now()))


def left_short(
    declared: Declared, site: SiteName, order: Order, ents: Sequence[EntMemory], now: datetime
) -> tuple[str, ...]:
    """Return what would be short with the order in force, and is not without it, each in a sentence."""
    drained = replace(
        declared, sites=tuple(replace(each, drain=order) if each.name == site else each for each in declared.sites)
    )
    before = {(short.of, short.type) for short in foresee(declared, (), ents, now).short}
    return tuple(_told(foresee(drained, (), ents, now), before))


def _told(tomorrow: Tomorrow, before: set[tuple[Any, Any]]) -> list[str]:
    return [
        f"{short.of}: {short.type}, {short.because.text}"
        for short in tomorrow.short
        if (short.of, short.type) not in before
    ]
