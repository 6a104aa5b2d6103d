"""Safety rules of the spec that bound moves from outside: sites at least, windows in which nothing goes back.

Largest step and pause between steps are where steps are made (`shifts`). Leaving a dead site is bound by none of them.
"""

from collections.abc import Iterable

from controller.domain.memory import Move, MoveKind
from controller.domain.names import EdgeName
from controller.domain.peaks import blocked_at, peak_at
from controller.domain.plan import Because
from controller.domain.reasons import Reason
from controller.planning.data import data_can_serve
from controller.planning.demand import Demand
from controller.planning.facts import EMERGENCY_UTILISATION, Facts

WHOLE_PERCENT = 100


def ruled_out(facts: Facts, demand: Demand, edge: EdgeName, kind: MoveKind, moves: tuple[Move, ...]) -> Because | None:
    """Return which rule forbids the moves now, or None."""
    return _too_few_sites(facts, demand, edge, moves) or _not_at_this_hour(facts, demand, kind, moves)


def no_room(facts: Facts, demand: Demand, moves: Iterable[Move]) -> Because | None:
    """Return why a step cannot be taken back: more have come since than the site can carry, or its data is away."""
    ent = demand.ent
    for move in moves:
        placement = ent.placement(move.site)
        if move.after_percent <= move.before_percent or placement is None:
            continue
        load = demand.now_per_second * move.after_percent / WHOLE_PERCENT
        room = EMERGENCY_UTILISATION * facts.ready(ent.key, move.site) * ent.capacity_per_replica
        if load > room or not data_can_serve(facts, ent, placement):
            text = f"{move.site} would carry {load:.1f}/s with room for {room:.1f}/s"
            return Because(reason=Reason.READY_CAPACITY, text=text)
    return None


def _too_few_sites(facts: Facts, demand: Demand, edge: EdgeName, moves: Iterable[Move]) -> Because | None:
    """Fewer than there may be is no reason to move nothing: only what makes them fewer is held."""
    least = demand.ent.shifting.min_sites
    before = {site for site, share in facts.shares(demand.ent.key, edge).items() if share > 0}
    left = {move.site for move in moves if move.before_percent > 0 and move.after_percent == 0}
    joined = {move.site for move in moves if move.before_percent == 0 and move.after_percent > 0}
    after = (before - left) | joined
    if len(after) >= least or len(after) >= len(before):
        return None
    text = f"without {', '.join(sorted(left))} {len(after)} would answer, and minSites is {least}"
    return Because(reason=Reason.MIN_SITES, text=text)


def _not_at_this_hour(facts: Facts, demand: Demand, kind: MoveKind, moves: Iterable[Move]) -> Because | None:
    """The way back can wait, unless whoever stands in has more than it can carry."""
    if kind is not MoveKind.FAILBACK or _overloaded(facts, demand, moves):
        return None
    windows = [window for window in facts.world.windows if window.ent == demand.ent.key]
    blocked = blocked_at(windows, facts.now)
    if blocked is not None:
        text = f"nothing goes back until {blocked.end:%H:%M}Z ({blocked.source})"
        return Because(reason=Reason.BLOCKED_WINDOW, text=text)
    peak = peak_at(windows, facts.now)
    if peak is not None:
        text = f"nothing goes back in a school peak, until {peak.end:%H:%M}Z ({peak.source})"
        return Because(reason=Reason.SCHOOL_PEAK, text=text)
    return None


def _overloaded(facts: Facts, demand: Demand, moves: Iterable[Move]) -> bool:
    for move in moves:
        ready = facts.ready(demand.ent.key, move.site) * demand.ent.capacity_per_replica
        load = demand.now_per_second * move.before_percent / WHOLE_PERCENT
        if move.after_percent < move.before_percent and load > EMERGENCY_UTILISATION * ready:
            return True
    return False
