"""Lead time: how long from a decision until its replicas are warm and Ready. Declared, or learned by watching."""

import math
from datetime import timedelta

from controller.domain.fleet import Ent
from controller.domain.memory import EntMemory, Growth, LearnedLead
from controller.domain.names import SiteName
from controller.planning.facts import TARGET_UTILISATION, Facts

DEFAULT_LEAD = timedelta(minutes=5)
"""Before anything was measured: a node to be provisioned and an image to be pulled (autoscaler#4038: 5 to 6 min)."""
SHORTEST_LEAD = timedelta(seconds=30)
LONGEST_LEAD = timedelta(minutes=45)
"""Bounds of what is learned: below, a lucky start; above, a stuck one that no floor can cure."""
LEAD_RESOLUTION_SECONDS = 5
"""Learned times are rounded up to this, so that jitter does not rewrite the status."""
REMEMBERED_PER_CLASS = 2
"""The 95th percentile of so few is the largest; more would not fit into 4 KiB of status with many sites."""


def lead_time(facts: Facts, ent: Ent) -> timedelta:
    """Return the horizon to look ahead for this ENT: its slowest placement and step, plus the time to warm up.

    What small steps took says nothing of a large one: short times count only once a step as large as the largest
    that is coming was measured.
    """
    if ent.scaling.lead_time is not None:
        return ent.scaling.lead_time + ent.scaling.warm_up
    leads = facts.remembered(ent.key).leads
    learned = timedelta(seconds=max((lead.seconds for lead in leads), default=0))
    if not any(lead.step_class >= _coming_class(facts, ent) for lead in leads):
        learned = max(learned, DEFAULT_LEAD)
    return min(max(learned, SHORTEST_LEAD), LONGEST_LEAD) + ent.scaling.warm_up


def _coming_class(facts: Facts, ent: Ent) -> int:
    """Return the class of the largest step that the known windows may ask of one placement."""
    peak = max((window.demand_per_second for window in facts.windows.get(ent.key, ())), default=0.0)
    least = min((facts.ready(ent.key, placement.site) for placement in ent.placements), default=0)
    return step_class(least, math.ceil(peak / (TARGET_UTILISATION * ent.capacity_per_replica)))


def step_class(before: int, after: int) -> int:
    """Return the doubling class of a growth: 0 for +1, 1 for +2 and +3, 2 for +4 to +7."""
    return max(0, math.floor(math.log2(max(1, after - before))))


def learn(facts: Facts, memory: EntMemory, raises: dict[SiteName, tuple[int, int]]) -> EntMemory:
    """Remember raises (site → before, after) as begun, and turn those that became Ready into measured lead times."""
    growths: list[Growth] = []
    leads = list(memory.leads)
    for growth in memory.growths:
        state = facts.seen_freshly(memory.ent, growth.site)
        if state is not None and state.ready >= growth.replicas:
            leads.append(_measured(growth, (facts.now - growth.since).total_seconds()))
        elif facts.now - growth.since < LONGEST_LEAD:
            growths.append(growth)
    running = {growth.site for growth in growths}
    for site, (before, after) in sorted(raises.items()):
        # A ramp raises again and again: the first raise is timed to its end. What is Ready already teaches nothing.
        if site in running or facts.ready(memory.ent, site) >= after:
            continue
        growths.append(Growth(site=site, before_replicas=before, replicas=after, since=facts.now))
    return EntMemory(
        ent=memory.ent,
        moves=memory.moves,
        latches=memory.latches,
        growths=tuple(sorted(growths, key=lambda growth: growth.site)),
        leads=_bounded(leads),
        data_ready=memory.data_ready,
    )


def _measured(growth: Growth, seconds: float) -> LearnedLead:
    rounded = math.ceil(seconds / LEAD_RESOLUTION_SECONDS) * LEAD_RESOLUTION_SECONDS
    return LearnedLead(
        site=growth.site, step_class=step_class(growth.before_replicas, growth.replicas), seconds=rounded
    )


def _bounded(leads: list[LearnedLead]) -> tuple[LearnedLead, ...]:
    kept: dict[tuple[SiteName, int], list[LearnedLead]] = {}
    for lead in leads:
        kept.setdefault((lead.site, lead.step_class), []).append(lead)
    return tuple(lead for key in sorted(kept) for lead in kept[key][-REMEMBERED_PER_CLASS:])
