"""The planner's own answer for a quiet fleet: every site well, every figure fresh, nothing remembered.

The stages that decide capacity are called as `planner.plan` calls them, so that a preview and a plan never disagree.
What is not quiet comes on top of it: surprises, trends, forecasts, sites that fall.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
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
_DIGITS = 6
"""7.0000001 replicas are 7: what is smaller is arithmetic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """Replicas of one ENT for one demand."""

    by_site: Mapping[SiteName, int]
    unserved_per_second: float
    """What all sites together cannot carry at target utilisation, however many replicas they may have."""
    unserved_after_loss_per_second: float
    """The same after the loss of the worst serving domain; 0 where no reserve is wanted."""
    beyond_ceiling_per_second: float
    """What no pod can help with, since a shared dependency carries no more."""
    sizing: str
    """How demand became replicas."""
    bounds: tuple[str, ...]
    """What kept it from being more, or what cannot be carried; empty when nothing does."""

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
    least = sum(target.placement.min_replicas for target in targets)
    planned = (
        demand.ahead_per_second if ceiling.per_second is None else min(demand.ahead_per_second, ceiling.per_second)
    )
    return Sized(
        by_site=by_site,
        unserved_per_second=placed.unserved_per_second,
        unserved_after_loss_per_second=placed.unserved_after_loss_per_second,
        beyond_ceiling_per_second=demand.ahead_per_second - planned,
        sizing=_sizing(demand, planned, sum(by_site.values()), least),
        bounds=tuple(_bounds(demand, ceiling, placed, targets, planned)),
    )


def _sizing(demand: Demand, planned: float, replicas: int, least: int) -> str:
    if demand.ahead_per_second <= 0.0:
        return "min of the placements"
    per_replica = demand.ent.capacity_per_replica
    needed = math.ceil(round(planned / (TARGET_UTILISATION * per_replica), _DIGITS))
    said = f"{needed} replicas at {TARGET_UTILISATION:.0%} of {per_replica:g}/s each"
    if replicas <= needed:
        return said
    why = "min of the placements" if replicas == least else "reserve for the loss of a site, and whole replicas"
    return f"{said}; {replicas - needed} more: {why}"


def _bounds(demand: Demand, ceiling: Ceiling, placed: Placed, targets: list[Target], planned: float) -> Iterator[str]:
    if planned < demand.ahead_per_second and ceiling.because is not None:
        yield f"planned for {planned:g}/s, since {ceiling.because.text}"
    yield from sorted({cut.detail for target in targets for cut in target.explained.cuts if cut.after < cut.before})
    if placed.unserved_per_second > 0.0:
        yield f"{placed.unserved_per_second:.1f}/s cannot be carried"
