"""Conditions of ENTs and sites, each with the reason that a person needs first."""

from controller.domain.fleet import Ent, Order
from controller.domain.memory import Verdict
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Because, Condition, ConditionStatus, ConditionType
from controller.domain.reasons import Reason
from controller.planning.bottleneck import Ceiling
from controller.planning.demand import Demand
from controller.planning.facts import Facts
from controller.planning.health import Health
from controller.planning.placement import Placed
from controller.planning.scaling import Target


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
        _condition(
            site, ConditionType.QUORUM_POSSIBLE, health.no_quorum, well="observers and references are enough to vote"
        ),
    ]


def _condition(of: EntKey | SiteName, kind: ConditionType, wrong: Because | None, *, well: str) -> Condition:
    """Make a condition that is True unless something is wrong."""
    if wrong is None:
        because = Because(reason=Reason.ALL_WELL, text=well)
        return Condition(of=of, type=kind, status=ConditionStatus.TRUE, because=because)
    return Condition(of=of, type=kind, status=ConditionStatus.FALSE, because=wrong)


def _alarm(of: EntKey | SiteName, kind: ConditionType, because: Because | None, *, quiet: str) -> Condition:
    """Make a condition that is False unless something is to be told."""
    if because is None:
        nothing = Because(reason=Reason.NOT_NEEDED, text=quiet)
        return Condition(of=of, type=kind, status=ConditionStatus.FALSE, because=nothing)
    return Condition(of=of, type=kind, status=ConditionStatus.TRUE, because=because)


def _ent_conditions(
    facts: Facts,
    demand: Demand,
    ceiling: Ceiling,
    placed: Placed,
    targets: list[Target],
    health: dict[SiteName, Health],
) -> list[Condition]:
    key = demand.ent.key
    not_prescaled = _not_seen(demand.ent, targets, health) or _not_prescaled(targets, health)
    no_reserve = _no_reserve(placed) or not_prescaled
    blind = demand.no_shrink if demand.present_per_second is None else None
    unserved = _unserved(placed)
    return [
        _condition(key, ConditionType.READY, unserved or not_prescaled, well="what is expected can be served"),
        _condition(key, ConditionType.METRICS_AVAILABLE, blind, well="every site with traffic is measured"),
        _condition(key, ConditionType.PRESCALED, not_prescaled, well="what the next lead time needs is Ready"),
        _condition(key, ConditionType.RESERVE_READY, no_reserve, well="the loss of any one domain is paid for"),
        _alarm(key, ConditionType.TRAFFIC_SHIFTED, _away(facts, demand), quiet="all traffic is at home"),
        _alarm(key, ConditionType.SCALING_LIMITED, _limited(targets), quiet="no bound cuts the replicas"),
        _alarm(key, ConditionType.BOTTLENECK_ELSEWHERE, _bottleneck(demand, ceiling), quiet="pods bound the demand"),
        _alarm(key, ConditionType.FROZEN, _order(facts, facts.world.orders.freeze, Reason.FROZEN), quiet="no freeze"),
        _alarm(
            key,
            ConditionType.PAUSED,
            _order(facts, demand.ent.pause or facts.world.orders.pause, Reason.PAUSED),
            quiet="not paused",
        ),
    ]


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
    won = target.explained.won
    return max(target.recommended, round(won.value) if won is not None else 0)


def _not_seen(ent: Ent, targets: list[Target], health: dict[SiteName, Health]) -> Because | None:
    """A workload that was never seen is not Ready: missing is not fine."""
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
    homes = {p.site for p in demand.ent.placements if p.home}
    away = {site: share for site, share in facts.largest_shares(demand.ent).items() if site not in homes and share > 0}
    if not away:
        return None
    text = ", ".join(f"{share:.0%} at {site}" for site, share in sorted(away.items()))
    return Because(reason=Reason.AWAY_FROM_HOME, text=f"away from home: {text}")


def _limited(targets: list[Target]) -> Because | None:
    bounds = (Reason.AT_MAX, Reason.QUOTA, Reason.OBSERVED_CEILING)
    for target in targets:
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
