"""The planner's own answer for a quiet fleet: every site well, every figure fresh, nothing remembered.

The stages that decide capacity are called as `planner.plan` calls them, so that a preview and a plan never disagree.
What is not quiet comes on top of it: surprises, trends, forecasts, sites that fall.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.domain.fleet import DataMode, Ent, Site
from controller.domain.memory import Verdict
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Because
from controller.domain.readings import Fresh
from controller.domain.reasons import Reason
from controller.domain.windows import Window
from controller.domain.world import ReplicaState, SignalReading, World
from controller.planning.bottleneck import Ceiling, ceiling_of
from controller.planning.data import DATA_READY, DATA_WRITABLE
from controller.planning.demand import Demand, demand_of
from controller.planning.facts import TARGET_UTILISATION, Facts, facts_of
from controller.planning.health import Health
from controller.planning.placement import Placed, place
from controller.planning.scaling import Target, targets_of

_LASTS = timedelta(hours=1)
"""What is expected now lasts for a while; for how long does not matter to the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """Replicas of one ENT for one demand."""

    by_site: Mapping[SiteName, int]
    unserved_per_second: float
    """What all sites together cannot carry at target utilisation, however many replicas they may have."""
    unserved_after_loss_per_second: float
    """The same after the loss of the worst serving domain; 0 where no reserve is wanted."""
    because: str
    """How demand became replicas, and what bounded them."""

    @property
    def replicas(self) -> int:
        """Return the replicas at all sites."""
        return sum(self.by_site.values())


def size(
    sites: Iterable[Site], ents: Iterable[Ent], expected: Iterable[Window], now: datetime
) -> Mapping[EntKey, Sized]:
    """Return what the planner wants of every ENT when it expects the given windows, together: quotas are shared."""
    sites, ents = tuple(sites), tuple(ents)
    facts = facts_of(_quiet(sites, ents, expected, now), now)
    health = {site.name: _well(site, now) for site in sites}
    demands = {key: demand_of(facts, ent, health) for key, ent in facts.ents.items()}
    ceilings = {key: ceiling_of(facts, demand) for key, demand in demands.items()}
    placed = place(facts, demands, ceilings, health)
    targets: dict[EntKey, list[Target]] = {key: [] for key in facts.ents}
    for target in targets_of(facts, demands, placed, health, coming={}):
        targets[target.ent.key].append(target)
    return {key: _sized(facts, demands[key], ceilings[key], placed[key], targets[key]) for key in facts.ents}


def expecting(ent: EntKey, per_second: float, source: str, now: datetime) -> Window:
    """Return the window of a demand that is there at once."""
    return Window(start=now, end=now + _LASTS, ent=ent, demand_per_second=per_second, source=source)


def _quiet(sites: tuple[Site, ...], ents: tuple[Ent, ...], expected: Iterable[Window], now: datetime) -> World:
    """Nothing runs yet, so that every number is one to grow to; whoever depends on data has it."""
    known = {site.name for site in sites}
    places = [(ent, placement) for ent in ents for placement in ent.placements if placement.site in known]
    return World(
        sites=sites,
        ents=ents,
        windows=tuple(sorted(expected)),
        replicas=tuple(
            ReplicaState(ent=ent.key, site=placement.site, wanted=0, ready=0, seen_at=now) for ent, placement in places
        ),
        readings=tuple(
            SignalReading(site=placement.site, ent=ent.key, signal=signal, reading=Fresh(value=1.0, at=now))
            for ent, placement in places
            if placement.data_mode is not DataMode.STATELESS
            for signal in (DATA_READY, DATA_WRITABLE)
        ),
    )


def _well(site: Site, now: datetime) -> Health:
    return Health(
        site=site.name,
        verdict=Verdict.HEALTHY,
        since=now,
        healthy_since=now,
        fell_at=None,
        well_since=now,
        relapses=0,
        because=Because(reason=Reason.ALL_WELL, text="a quiet fleet"),
        no_quorum=None,
    )


def _sized(facts: Facts, demand: Demand, ceiling: Ceiling, placed: Placed, targets: list[Target]) -> Sized:
    by_site = {target.placement.site: target.replicas for target in targets}
    return Sized(
        by_site=by_site,
        unserved_per_second=placed.unserved_per_second,
        unserved_after_loss_per_second=placed.unserved_after_loss_per_second,
        because="; ".join(_reasons(demand, ceiling, placed, targets, sum(by_site.values()))),
    )


def _reasons(
    demand: Demand, ceiling: Ceiling, placed: Placed, targets: list[Target], replicas: int
) -> Iterable[str]:
    per_second = demand.ahead_per_second
    if per_second <= 0.0:
        yield "nothing is scheduled: min of the placements"
        return
    if ceiling.per_second is not None and ceiling.because is not None and ceiling.per_second < per_second:
        yield f"planned for {ceiling.per_second:g}/s, since {ceiling.because.text}"
        per_second = ceiling.per_second
    per_replica = TARGET_UTILISATION * demand.ent.capacity_per_replica
    needed = math.ceil(round(per_second / per_replica, 6))
    yield f"{needed} replicas at {TARGET_UTILISATION:.0%} of {demand.ent.capacity_per_replica:g}/s each"
    if replicas > needed:
        least = sum(target.placement.min_replicas for target in targets)
        why = "min of the placements" if replicas == least else "reserve for the loss of a site, and whole replicas"
        yield f"{replicas - needed} more: {why}"
    cuts = {cut.detail for target in targets for cut in target.explained.cuts if cut.after < cut.before}
    yield from sorted(cuts)
    if placed.unserved_per_second > 0.0:
        yield f"{placed.unserved_per_second:.1f}/s cannot be carried"
