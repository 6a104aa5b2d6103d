"""Lead time: how long from a decision until its replicas are warm and Ready. Declared, or learned by watching."""

import math
from collections.abc import Sequence
from datetime import timedelta

from controller.domain.fleet import Ent
from controller.domain.memory import EntMemory, Growth, LeadRow, LearnedLead
from controller.domain.names import EntKey, SiteName
from controller.domain.windows import Window
from controller.planning.facts import TARGET_UTILISATION, Facts
from controller.planning.waits import broken_off, joined, largest_measured, observed, rounded, slowest_of

DEFAULT_LEAD = timedelta(minutes=5)
"""Before anything was measured: a node to be provisioned and an image to be pulled (autoscaler#4038: 5 to 6 min)."""
SHORTEST_LEAD = timedelta(seconds=30)
LONGEST_LEAD = timedelta(minutes=45)
"""Bounds of what is learned: below, a lucky start; above, a stuck one that no floor can cure."""


def lead_time(facts: Facts, ent: Ent, coming: Sequence[Window]) -> timedelta:
    """Return the horizon to look ahead for this ENT: its slowest placement and step, plus the time to warm up.

    `coming` are the windows of the ENT that are under way, or begin within the longest lead time.

    What small steps took says nothing of a large one: short times count only once a step as large as the largest
    that is coming was measured. A growth that is still not Ready counts as long as it has lasted.
    """
    if ent.scaling.lead_time is not None:
        return ent.scaling.lead_time + ent.scaling.warm_up
    growths, leads = taught(facts, facts.remembered(ent.key))
    rows = [row for lead in leads for row in lead.rows]
    slowest = slowest_of(rows)
    for growth in growths:
        if _is_pending(facts, ent.key, growth):
            slowest = max(slowest, rounded((facts.now - growth.since).total_seconds()))
    learned = timedelta(seconds=slowest)
    if learned < DEFAULT_LEAD and _larger_step_is_coming(facts, ent, coming, largest_measured(rows)):
        learned = DEFAULT_LEAD
    return min(max(learned, SHORTEST_LEAD), LONGEST_LEAD) + ent.scaling.warm_up


def _is_pending(facts: Facts, ent: EntKey, growth: Growth) -> bool:
    state = facts.seen_freshly(ent, growth.site)
    return state is not None and state.ready < growth.replicas <= state.wanted


def _larger_step_is_coming(facts: Facts, ent: Ent, coming: Sequence[Window], largest_step: int) -> bool:
    """Tell whether the windows may ask one placement for a step larger than any that was measured."""
    if largest_step < 0:
        return True
    peak = max([window.demand_per_second for window in coming], default=0.0)
    needed = math.ceil(peak / (TARGET_UTILISATION * ent.capacity_per_replica))
    if step_class(0, needed) <= largest_step:
        return False
    least = min([facts.ready(ent.key, placement.site) for placement in ent.placements], default=0)
    return step_class(least, needed) > largest_step


def step_class(before: int, after: int) -> int:
    """Return the doubling class of a growth: 0 for +1, 1 for +2 and +3, 2 for +4 to +7."""
    return max(1, after - before).bit_length() - 1


Learned = tuple[tuple[Growth, ...], tuple[LearnedLead, ...]]


def taught(facts: Facts, before: EntMemory) -> Learned:
    """Return the growths still under way, and the leads after those that ended: what is seen now counts at once."""
    if not before.growths:
        return (), before.leads
    rows = {lead.site: {row[0]: row for row in lead.rows} for lead in before.leads}
    growths = tuple(growth for growth in before.growths if not _ended(facts, before.ent, growth, rows))
    leads = tuple(LearnedLead(site=site, rows=joined(tuple(rows[site].values()))) for site in sorted(rows))
    return growths, leads


def learn(facts: Facts, before: EntMemory, raises: dict[SiteName, tuple[int, int]]) -> Learned:
    """Return what is to be remembered: also raises (site → before, after) as begun."""
    under_way, leads = taught(facts, before)
    if not raises:
        return under_way, leads
    growths = {growth.site: growth for growth in under_way}
    for site, (was, replicas) in raises.items():
        # A ramp raises again and again: the first raise is timed to its end. What is Ready already teaches nothing.
        if site not in growths and facts.ready(before.ent, site) < replicas:
            growths[site] = Growth(site=site, before_replicas=was, replicas=replicas, since=facts.now)
    return tuple(growths[site] for site in sorted(growths)), leads


def _ended(facts: Facts, ent: EntKey, growth: Growth, rows: dict[SiteName, dict[int, LeadRow]]) -> bool:
    """Tell whether the growth is over, and note what it taught. Out of sight it goes on, and teaches nothing."""
    waited = facts.now - growth.since
    seconds = waited.total_seconds()
    step = step_class(growth.before_replicas, growth.replicas)
    state = facts.seen_freshly(ent, growth.site)
    if state is None:
        return waited >= LONGEST_LEAD
    row = rows.get(growth.site, {}).get(step, (step, 0, 0, 0, 0))
    if state.ready >= growth.replicas or waited >= LONGEST_LEAD:
        # Beyond the bound it makes no difference how long it would have taken.
        rows.setdefault(growth.site, {})[step] = observed(row, min(seconds, LONGEST_LEAD.total_seconds()))
        return True
    # What was asked for takes a moment to be seen; later, fewer are wanted than this growth was for.
    if state.wanted < growth.replicas and waited >= SHORTEST_LEAD:
        after = broken_off(row, seconds)
        if after is not row:
            rows.setdefault(growth.site, {})[step] = after
        return True
    return False
