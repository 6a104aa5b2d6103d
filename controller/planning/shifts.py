"""From where traffic should go to the next weights: bounded steps, hold, damping, no flapping."""

from dataclasses import dataclass, replace
from datetime import timedelta

from controller.domain.fleet import ANSWER_SETS, EdgeKind, Ent
from controller.domain.memory import Move, MoveKind, Verdict
from controller.domain.names import ActionId, EdgeName, EntKey, SiteName
from controller.domain.plan import Because, SetDnsTargets, SetWeights, SiteWeight, Withheld
from controller.domain.reasons import Reason
from controller.planning.bottleneck import Ceiling
from controller.planning.demand import Demand
from controller.planning.facts import Facts
from controller.planning.following import Followed, back_to, followed, follows_users
from controller.planning.health import Health
from controller.planning.programme import largest_remainder
from controller.planning.reversals import would_reverse
from controller.planning.routing import Routed, Shares, kind_of_shift, last_move
from controller.planning.safety_rules import no_room, ruled_out
from controller.planning.second_opinions import peers_answer_otherwise, second_opinion

WEIGHT_SUM = 100
"""Weights of one ENT at one edge sum to this, so that a weight reads as a percentage."""
FOR_THE_SITES_SAKE = (MoveKind.EVACUATION, MoveKind.SWITCHOVER)
"""Shifts whose reason is the site itself, dead or drained by order, and not how its users fare."""
WEIGHT_NOISE = 0.001
"""Shares closer than this round to the same weights, or are too small a change to be made."""
ROUNDING_PERCENT = 1
"""Weights are whole percents: a share that stays may gain that much by rounding."""
ROLLOUT_SUSPECTED_FOR = timedelta(minutes=15)
"""A new revision this young at a sick site is the first suspect."""
ROLLOUT_STEP_PERCENT = 5
"""The one small step that tells whether the errors follow the users (reference: the does-it-follow test)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One action on an edge with the moves that are remembered when it is taken, or the reason it is not."""

    action: SetWeights | SetDnsTargets
    moves: tuple[Move, ...]
    withheld: Because | None


def shifts_of(
    facts: Facts,
    demands: dict[EntKey, Demand],
    routed: dict[EntKey, Routed],
    health: dict[SiteName, Health],
    ceilings: dict[EntKey, Ceiling],
) -> list[Shift]:
    """Propose the next weights of every ENT at every edge."""
    kinds = {edge.name: edge.kind for edge in facts.world.edges}
    found = []
    for key, demand in demands.items():
        for edge in sorted(demand.ent.edges):
            shift = _shift(facts, demand, routed[key], edge, kinds.get(edge, EdgeKind.HAPROXY_AGENT), health)
            if shift is not None:
                found.append(_held(shift, ceilings[key]))
    return found


def _held(shift: Shift, ceiling: Ceiling) -> Shift:
    """Errors that no site of ours is the reason of follow the users wherever they are sent (design §5 stage 4)."""
    free = all(move.kind in FOR_THE_SITES_SAKE for move in shift.moves)
    if free or shift.withheld is not None or ceiling.hold_traffic is None:
        return shift
    return replace(shift, withheld=ceiling.hold_traffic)


def _shift(
    facts: Facts, demand: Demand, routed: Routed, edge: EdgeName, kind: EdgeKind, health: dict[SiteName, Health]
) -> Shift | None:
    ent = demand.ent
    current = facts.shares(ent.key, edge)
    followed_by = followed(facts, ent, edge)
    if followed_by is not None and followed_by.before_percent and kind not in ANSWER_SETS:
        back = _taken_back(facts, demand, routed, edge, followed_by, health)
        if back is not None:
            return back
    if not routed.shares:
        return None  # everything looks sick: keep the last good weights
    if current and _is_there(current, routed.shares):
        return None
    why = kind_of_shift(current, routed.shares, facts, health) if current else MoveKind.BALANCE
    if kind in ANSWER_SETS:
        return _answers(facts, demand, routed, edge, why, health)
    step = _step_share(facts, ent, why, current, health)
    shares = _stepped(facts, demand, current, routed.shares, step) if current else routed.shares
    before, after = _percents(ent, current), _percents(ent, shares)
    second = second_opinion(facts, ent.key, edge, why, before, after)
    after = second.percents
    if before == after or (why is not MoveKind.EVACUATION and _too_small(ent, current, routed.shares)):
        return None
    moves = tuple(
        Move(edge=edge, site=s, before_percent=before[s], after_percent=after[s], at=facts.now, kind=why)
        for s in sorted(after)
        if before[s] != after[s] and current
    )
    withheld = second.held or (_why_not_now(facts, demand, routed, edge, why, moves, health) if current else None)
    return Shift(action=_weights(ent, edge, why, before, after, current, routed), moves=moves, withheld=withheld)


def _taken_back(
    facts: Facts, demand: Demand, routed: Routed, edge: EdgeName, found: Followed, health: dict[SiteName, Health]
) -> Shift | None:
    """Take back the step after which the errors went along, unless a site must be left."""
    current = facts.shares(demand.ent.key, edge)
    before = _percents(demand.ent, current)
    after = back_to(found, before)
    if before == after or any(health[site].gone for site in after if after[site] > 0 and site in health):
        return None
    moves = tuple(
        Move(edge=edge, site=s, before_percent=before[s], after_percent=after[s], at=facts.now, kind=MoveKind.BALANCE)
        for s in sorted(after)
        if before[s] != after[s]
    )
    action = _weights(demand.ent, edge, MoveKind.BALANCE, before, after, current, routed)
    withheld = no_room(facts, demand, moves) or _not_yet(facts, demand.ent, edge, moves)
    return Shift(action=replace(action, because=found.because), moves=moves, withheld=withheld)


def _is_there(current: Shares, wanted: Shares) -> bool:
    """Tell whether every site has its share to the last per mille: less than any weight can say."""
    return len(current) == len(wanted) and all(
        abs(current.get(site, 0.0) - share) < WEIGHT_NOISE for site, share in wanted.items()
    )


def _answers(
    facts: Facts, demand: Demand, routed: Routed, edge: EdgeName, why: MoveKind, health: dict[SiteName, Health]
) -> Shift | None:
    """A DNS edge knows no weights worth the name: a site is answered or it is not, and one always is."""
    current = facts.shares(demand.ent.key, edge)
    was = tuple(site for site, share in sorted(current.items()) if share > 0)
    targets = tuple(site for site, percent in _percents(demand.ent, routed.shares).items() if percent > 0)
    if was == targets or not targets:
        return None
    moves = tuple(
        Move(
            edge=edge,
            site=site,
            before_percent=WEIGHT_SUM if site in was else 0,
            after_percent=WEIGHT_SUM if site in targets else 0,
            at=facts.now,
            kind=why,
        )
        for site in sorted({*was, *targets})
        if current and (site in was) != (site in targets)
    )
    because = Because(reason=REASON_OF[why], text=f"{why}: answer {', '.join(targets)} ({routed.because.text})")
    action = SetDnsTargets(
        id=ActionId(f"dns:{demand.ent.key}:{edge}"),
        ent=demand.ent.key,
        edge=edge,
        was=was,
        targets=targets,
        because=because,
    )
    held = peers_answer_otherwise(facts, demand.ent.key, edge, why, was, targets) if current else None
    withheld = held or (_why_not_now(facts, demand, routed, edge, why, moves, health) if current else None)
    return Shift(action=action, moves=moves, withheld=withheld)


def _step_share(facts: Facts, ent: Ent, kind: MoveKind, current: Shares, health: dict[SiteName, Health]) -> float:
    if kind is MoveKind.EVACUATION:
        return 1.0
    if kind is MoveKind.FAILOVER and _suspected_rollout(facts, ent, current, health) is not None:
        return ROLLOUT_STEP_PERCENT / 100
    return ent.shifting.max_step_percent / 100


def _stepped(facts: Facts, demand: Demand, current: Shares, wanted: Shares, step: float) -> Shares:
    """Go along the straight line to `wanted`, as far as the step allows.

    Every point of that line is between the present and the aim, so no destination is loaded more than both.
    An overloaded source goes on until it is no longer (design §5 stage 7).
    """
    sites = sorted({*current, *wanted})
    change = {site: wanted.get(site, 0.0) - current.get(site, 0.0) for site in sites}
    largest = max(abs(delta) for delta in change.values())
    if largest <= step:
        return {site: wanted.get(site, 0.0) for site in sites}
    factor = max(step / largest, _relief(facts, demand, current, change))
    return {site: current.get(site, 0.0) + factor * change[site] for site in sites}


def _relief(facts: Facts, demand: Demand, current: Shares, change: Shares) -> float:
    """Return how far along the line the last source stops being above 100 % of its Ready capacity."""
    farthest = 0.0
    for site, delta in change.items():
        ready = facts.ready(demand.ent.key, site) * demand.ent.capacity_per_replica
        load = current.get(site, 0.0) * demand.now_per_second
        if delta < 0 and load > ready:
            farthest = max(farthest, (load - ready) / (-delta * demand.now_per_second))
    return min(1.0, farthest)


def _percents(ent: Ent, shares: Shares) -> dict[SiteName, int]:
    rounded = largest_remainder({p.site: shares.get(p.site, 0.0) for p in ent.placements}, WEIGHT_SUM)
    return {SiteName(site): percent for site, percent in rounded.items()}


def _too_small(ent: Ent, current: Shares, wanted: Shares) -> bool:
    if not current:
        return False
    sites = {*current, *wanted}
    if any(share > 0 and wanted.get(site, 0.0) == 0 for site, share in current.items()):
        return False  # the last percent of a site that is to be left
    largest = max(abs(wanted.get(s, 0.0) - current.get(s, 0.0)) for s in sites)
    return largest * 100 < ent.shifting.min_step_percent


def _why_not_now(
    facts: Facts,
    demand: Demand,
    routed: Routed,
    edge: EdgeName,
    kind: MoveKind,
    moves: tuple[Move, ...],
    health: dict[SiteName, Health],
) -> Because | None:
    """Return why the shift must wait, or None. Leaving a dead site waits for nothing."""
    if kind is MoveKind.EVACUATION:
        return None
    ent = demand.ent
    if demand.blind is not None and not _needs_no_metrics(kind, moves, health):
        return demand.blind
    unseen = [m.site for m in moves if m.site in health and health[m.site].verdict is Verdict.UNKNOWN]
    if unseen:
        return Because(reason=Reason.NO_EVIDENCE, text=health[unseen[0]].because.text)
    bounded = _bounded_here(routed, moves) or ruled_out(facts, demand, edge, kind, moves)
    if bounded is not None:
        return bounded
    not_yet = _not_yet(facts, ent, edge, moves)
    if not_yet is not None:
        return not_yet
    if kind is MoveKind.FAILOVER:
        return follows_users(facts, ent) or _rollout_follows(facts, ent, moves, health)
    return None


def _not_yet(facts: Facts, ent: Ent, edge: EdgeName, moves: tuple[Move, ...]) -> Because | None:
    """Return why weights must not move now, whatever the reason is that they should."""
    last = last_move(facts, ent, edge)
    if last is not None and facts.now - last.at < ent.shifting.step_interval:
        text = f"the last step was at {last.at:%H:%M:%S}Z; steps are {ent.shifting.step_interval} apart"
        return Because(reason=Reason.STEP_INTERVAL, text=text)
    remembered = facts.remembered(ent.key).moves
    for move in moves:
        if would_reverse(remembered, move, ent.shifting.reversal_window):
            text = f"{move.site} turned round once in {ent.shifting.reversal_window} already"
            return Because(reason=Reason.REVERSAL, text=text)
    return None


def _bounded_here(routed: Routed, moves: tuple[Move, ...]) -> Because | None:
    """Return why a site must not get more than it has at this edge, though another edge sends it more already."""
    bounded = {bound.site: bound.because for bound in routed.bounds if bound.because is not None}
    grown = [m.site for m in moves if m.after_percent - m.before_percent > ROUNDING_PERCENT and m.site in bounded]
    return bounded[grown[0]] if grown else None


def _needs_no_metrics(kind: MoveKind, moves: tuple[Move, ...], health: dict[SiteName, Health]) -> bool:
    """A drain is an order, and a public address that fails its probes is fresh evidence by itself."""
    sources = [m.site for m in moves if m.after_percent < m.before_percent]
    return kind is MoveKind.SWITCHOVER or (
        kind is MoveKind.FAILOVER
        and any(health[s].because.reason is Reason.PUBLIC_ADDRESS_FAILING for s in sources if s in health)
    )


def _suspected_rollout(facts: Facts, ent: Ent, shares: Shares, health: dict[SiteName, Health]) -> SiteName | None:
    """Return the sick site whose pods run a young revision, if there is one."""
    for site in sorted(shares):
        state = facts.states_of(ent.key).get(site)
        if state is None or state.revision_since is None or site not in health:
            continue
        young = facts.now - state.revision_since < ROLLOUT_SUSPECTED_FOR
        if young and health[site].fell_at is not None and health[site].healthy_since is None:
            return site
    return None


def _rollout_follows(facts: Facts, ent: Ent, moves: tuple[Move, ...], health: dict[SiteName, Health]) -> Because | None:
    """One small step away from a suspected release, and none towards a site that runs it too."""
    sick = _suspected_rollout(facts, ent, {m.site: 1.0 for m in moves if m.after_percent < m.before_percent}, health)
    if sick is None:
        return None
    state = facts.states_of(ent.key)[sick]
    for move in moves:
        there = facts.states_of(ent.key).get(move.site)
        if move.after_percent > move.before_percent and there is not None and there.revision == state.revision:
            text = f"{sick} fell after revision {state.revision}, and {move.site} runs it too"
            return Because(reason=Reason.ROLLOUT_SUSPECTED, text=text)
    taken = [m for m in facts.remembered(ent.key).moves if m.site == sick and m.kind is MoveKind.FAILOVER]
    if any(state.revision_since is not None and m.at >= state.revision_since for m in taken):
        text = f"{sick} fell after revision {state.revision}; one small step was taken, roll the release back"
        return Because(reason=Reason.ROLLOUT_SUSPECTED, text=text)
    return None


REASON_OF: dict[MoveKind, Reason] = {
    MoveKind.EVACUATION: Reason.SITE_DOWN,
    MoveKind.FAILOVER: Reason.SITE_DEGRADED,
    MoveKind.SWITCHOVER: Reason.DRAIN_ORDERED,
    MoveKind.FAILBACK: Reason.FAILBACK,
    MoveKind.BALANCE: Reason.TOWARDS_PLACEMENT,
}


def _weights(
    ent: Ent,
    edge: EdgeName,
    why: MoveKind,
    before: dict[SiteName, int],
    after: dict[SiteName, int],
    current: Shares,
    routed: Routed,
) -> SetWeights:
    text = ", ".join(f"{s} {before[s]} → {after[s]} %" for s in sorted(after) if before[s] != after[s])
    return SetWeights(
        id=ActionId(f"weights:{ent.key}:{edge}"),
        ent=ent.key,
        edge=edge,
        was=tuple(SiteWeight(site=s, weight=before[s]) for s in sorted(before)) if current else (),
        weights=tuple(SiteWeight(site=s, weight=after[s]) for s in sorted(after)),
        kind=why,
        because=Because(reason=REASON_OF[why], text=f"{why}: {text} ({routed.because.text})"),
    )


def withheld_shift(shift: Shift) -> Withheld | None:
    """Return the shift as withheld, if it is."""
    return Withheld(action=shift.action, because=shift.withheld) if shift.withheld is not None else None


def taken(shifts: list[Shift]) -> list[SetWeights | SetDnsTargets]:
    """Return the actions of the shifts that are to be taken."""
    return [shift.action for shift in shifts if shift.withheld is None]


def coming_shares(shifts: list[Shift]) -> dict[tuple[EntKey, SiteName], float]:
    """Return the largest share that each site gets by shifts that are to be taken."""
    coming: dict[tuple[EntKey, SiteName], float] = {}
    for action in taken(shifts):
        match action:
            case SetWeights(ent=ent, weights=weights):
                for new in weights:
                    coming[(ent, new.site)] = max(coming.get((ent, new.site), 0.0), new.weight / WEIGHT_SUM)
            case SetDnsTargets(ent=ent, targets=targets):
                for site in targets:
                    coming[(ent, site)] = max(coming.get((ent, site), 0.0), 1 / len(targets))
    return coming
