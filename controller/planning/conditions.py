"""Conditions of ENTs and sites, each with the reason that a person needs first."""

from functools import lru_cache

from controller.domain.fleet import Ent, Order
from controller.domain.memory import Verdict
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Because, Condition, ConditionStatus, ConditionType
from controller.domain.reasons import Reason
from controller.domain.timetable import Audience
from controller.planning.bottleneck import Ceiling
from controller.planning.demand import Demand
from controller.planning.facts import Facts
from controller.planning.following import follows_users
from controller.planning.health import Health
from controller.planning.placement import Placed
from controller.planning.scaling import Target


def _fine(text: str) -> Because:
    return Because(reason=Reason.ALL_WELL, text=text)


def _quiet(text: str) -> Because:
    return Because(reason=Reason.NOT_NEEDED, text=text)


QUORUM = _fine("observers and references are enough to vote")
SERVED = _fine("what is expected can be served")
MEASURED = _fine("every site with traffic is measured")
PRESCALED = _fine("what the next lead time needs is Ready")
RESERVED = _fine("the loss of any one domain is paid for")
AT_HOME = _quiet("all traffic is at home")
UNCUT = _quiet("no bound cuts the replicas")
PODS_BOUND = _quiet("pods bound the demand")
NOT_FROZEN = _quiet("no freeze")
NOT_PAUSED = _quiet("not paused")


def conditions_of(
    facts: Facts,
    demands: dict[EntKey, Demand],
    ceilings: dict[EntKey, Ceiling],
    placed: dict[EntKey, Placed],
    targets: list[Target],
    health: dict[SiteName, Health],
) -> tuple[Condition, ...]:
    """Return all conditions, those of sites first, sorted by object and type."""
    found = [c for name in facts.sites for c in _site_conditions(name, health[name])]
    by_ent: dict[EntKey, list[Target]] = {}
    for target in targets:
        by_ent.setdefault(target.ent.key, []).append(target)
    for key, demand in demands.items():
        mine = by_ent.get(key, [])
        found += _ent_conditions(facts, demand, ceilings[key], placed[key], mine, health)
    return tuple(found)


def _site_conditions(site: SiteName, health: Health) -> list[Condition]:
    ready = {Verdict.HEALTHY: ConditionStatus.TRUE, Verdict.UNKNOWN: ConditionStatus.UNKNOWN}
    status = ready.get(health.verdict, ConditionStatus.FALSE)
    return [
        Condition(of=site, type=ConditionType.READY, status=status, because=health.because),
        _condition(site, ConditionType.QUORUM_POSSIBLE, health.no_quorum, QUORUM),
    ]


def _condition(of: EntKey | SiteName, kind: ConditionType, wrong: Because | None, well: Because) -> Condition:
    """Make a condition that is True unless something is wrong."""
    status = ConditionStatus.TRUE if wrong is None else ConditionStatus.FALSE
    return Condition(of=of, type=kind, status=status, because=wrong or well)


def _alarm(of: EntKey | SiteName, kind: ConditionType, alarm: Because | None, quiet: Because) -> Condition:
    """Make a condition that is False unless something is to be told."""
    status = ConditionStatus.FALSE if alarm is None else ConditionStatus.TRUE
    return Condition(of=of, type=kind, status=status, because=alarm or quiet)


def _ent_conditions(
    facts: Facts,
    demand: Demand,
    ceiling: Ceiling,
    placed: Placed,
    targets: list[Target],
    health: dict[SiteName, Health],
) -> tuple[Condition, ...]:
    key = demand.ent.key
    not_prescaled = _not_seen(demand.ent, targets, health) or _not_prescaled(targets, health)
    no_reserve = _no_reserve(placed) or not_prescaled
    blind = _blind(demand)
    unserved = _unserved(placed)
    away, limited = _away(facts, demand), _limited(targets)
    bottleneck = follows_users(facts, demand.ent) or _bottleneck(demand, ceiling)
    frozen = _order(facts, facts.world.orders.freeze, Reason.FROZEN)
    paused = _order(facts, demand.ent.pause or facts.world.orders.pause, Reason.PAUSED)
    shut = _shut(demand)
    if not (unserved or blind or no_reserve or away or limited or bottleneck or frozen or paused or shut):
        return _all_well(key)
    return (
        _condition(key, ConditionType.READY, unserved or not_prescaled, shut or SERVED),
        _condition(key, ConditionType.METRICS_AVAILABLE, blind, MEASURED),
        _condition(key, ConditionType.PRESCALED, not_prescaled, PRESCALED),
        _condition(key, ConditionType.RESERVE_READY, no_reserve, RESERVED),
        _alarm(key, ConditionType.TRAFFIC_SHIFTED, away, AT_HOME),
        _alarm(key, ConditionType.SCALING_LIMITED, limited, UNCUT),
        _alarm(key, ConditionType.BOTTLENECK_ELSEWHERE, bottleneck, PODS_BOUND),
        _alarm(key, ConditionType.FROZEN, frozen, NOT_FROZEN),
        _alarm(key, ConditionType.PAUSED, paused, NOT_PAUSED),
    )


ENTS_REMEMBERED = 65_536
"""ENTs whose conditions are kept for as long as all is well with them: more than any fleet has."""


@lru_cache(maxsize=ENTS_REMEMBERED)
def _all_well(key: EntKey) -> tuple[Condition, ...]:
    """Return the conditions of an ENT with which nothing is wrong: the same every cycle of nearly every day."""
    true, false = ConditionStatus.TRUE, ConditionStatus.FALSE
    return tuple(
        Condition(of=key, type=kind, status=status, because=because)
        for kind, status, because in (
            (ConditionType.READY, true, SERVED),
            (ConditionType.METRICS_AVAILABLE, true, MEASURED),
            (ConditionType.PRESCALED, true, PRESCALED),
            (ConditionType.RESERVE_READY, true, RESERVED),
            (ConditionType.TRAFFIC_SHIFTED, false, AT_HOME),
            (ConditionType.SCALING_LIMITED, false, UNCUT),
            (ConditionType.BOTTLENECK_ELSEWHERE, false, PODS_BOUND),
            (ConditionType.FROZEN, false, NOT_FROZEN),
            (ConditionType.PAUSED, false, NOT_PAUSED),
        )
    )


def _shut(demand: Demand) -> Because | None:
    """Say that nobody is let in on purpose: that is no outage."""
    said = next((source for audience, source in demand.kept_out if audience is Audience.ALL), None)
    return None if said is None else Because(reason=Reason.SUSPENDED, text=said)


def _blind(demand: Demand) -> Because | None:
    """Say what is not measured, and that capacity is no longer held for it."""
    if demand.blind is None or demand.no_shrink is not None:
        return demand.blind
    text = f"not known for longer than {demand.ent.scaling.blind_hold}, so it may shrink: {demand.blind.text}"
    return Because(reason=Reason.BLIND_HOLD_OVER, text=text)


def _unserved(placed: Placed) -> Because | None:
    if placed.unserved_per_second <= 1e-6:
        return None
    text = f"{placed.unserved_per_second:.1f}/s of the expected demand fit nowhere"
    return Because(reason=Reason.CAPACITY_SHORT, text=text)


def _not_prescaled(targets: list[Target], health: dict[SiteName, Health]) -> Because | None:
    waiting = [
        f"{t.placement.site} has {t.state.ready} of {t.replicas}"
        for t in targets
        if t.state.ready < _needed(t) and not health[t.placement.site].gone
    ]
    if not waiting:
        return None
    return Because(reason=Reason.WAITING_FOR_READY, text="Ready replicas: " + ", ".join(waiting))


def _needed(target: Target) -> int:
    """Replicas that were asked for before a quota cut them: being cut short is not being ready."""
    return max(target.recommended, target.asked)


def _not_seen(ent: Ent, targets: list[Target], health: dict[SiteName, Health]) -> Because | None:
    """A workload that was never seen is not Ready: missing is not fine."""
    if len(targets) == len(ent.placements):
        return None
    seen = {t.placement.site for t in targets}
    unseen = sorted(p.site for p in ent.placements if p.site not in seen and not _gone(health, p.site))
    if not unseen:
        return None
    text = f"the workload was never seen at {', '.join(unseen)}; does it exist, and may we read it?"
    return Because(reason=Reason.EVIDENCE_NOT_FRESH, text=text)


def _gone(health: dict[SiteName, Health], site: SiteName) -> bool:
    return site in health and health[site].gone


def _no_reserve(placed: Placed) -> Because | None:
    if placed.unserved_after_loss_per_second > 1e-6:
        text = f"after the worst loss {placed.unserved_after_loss_per_second:.1f}/s would fit nowhere"
        return Because(reason=Reason.RESERVE_LOST, text=text)
    return None


def _away(facts: Facts, demand: Demand) -> Because | None:
    sent = [(site, share) for site, share in facts.largest_shares(demand.ent).items() if share > 0]
    homes = {p.site for p in demand.ent.placements if p.home}
    away = {site: share for site, share in sent if site not in homes}
    if not away:
        return None
    text = ", ".join(f"{share:.0%} at {site}" for site, share in sorted(away.items()))
    return Because(reason=Reason.AWAY_FROM_HOME, text=f"away from home: {text}")


def _limited(targets: list[Target]) -> Because | None:
    bounds = (Reason.AT_MAX, Reason.QUOTA, Reason.OBSERVED_CEILING)
    for target in targets:
        if not target.may_be_cut:
            continue
        for cut in target.explained.cuts:
            if cut.reason in bounds and cut.after < cut.before:
                text = f"{target.placement.site}: {cut.before:g} cut to {cut.after:g} ({cut.detail})"
                return Because(reason=cut.reason, text=text)
    return None


def _bottleneck(demand: Demand, ceiling: Ceiling) -> Because | None:
    bounds = ceiling.per_second is not None and ceiling.per_second < demand.ahead_per_second
    return ceiling.because if bounds else None


def _order(facts: Facts, order: Order | None, reason: Reason) -> Because | None:
    if order is None or not order.in_force(facts.now):
        return None
    return Because(reason=reason, text=f"until {order.until:%Y-%m-%d %H:%M}Z by {order.by}: {order.reason}")
