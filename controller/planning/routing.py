"""Routing, the fast programme: where the traffic goes, on Ready capacity.

Lexicographic for each ENT: unserved, overload, strain, distance from placement, movement (design §5 stage 7, ADR 0001).
What may not change is a bound, so that an answer is always allowed; steps and reversals are looked at after. How the
demand is spread within the bounds is in `spreading`.
"""

from dataclasses import dataclass, replace

from controller.domain.fleet import DataMode, Ent
from controller.domain.memory import Move, MoveKind, Verdict
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.plan import Because
from controller.domain.readings import ReadingReason, Stale
from controller.domain.reasons import Reason
from controller.planning.data import data_can_serve
from controller.planning.demand import Demand
from controller.planning.facts import EMERGENCY_UTILISATION, NOWHERE_READ, TARGET_UTILISATION, Facts
from controller.planning.health import Health
from controller.planning.placement import Placed
from controller.planning.reach import unreached
from controller.planning.returning import drain_ended, returns_at
from controller.planning.spreading import NOTHING_PER_SECOND, Basin, spread

Shares = dict[SiteName, float]

LAST_GOOD = Because(reason=Reason.KEEP_LAST_GOOD, text="nothing that is alive could serve: the weights stay")
NOTHING_IN_THE_WAY = Because(reason=Reason.TOWARDS_PLACEMENT, text="every site may take its placed share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How much of the ENT's traffic a site may get, and what bounds it."""

    site: SiteName
    least: float
    most: float
    ready_per_second: float
    because: Because | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """Where one ENT's traffic should go in the end, steps apart."""

    shares: Shares
    """Sums to 1; empty when nothing better than the present is known."""
    served_per_second: float
    short: bool
    """Demand is left over, or a site is asked for more than 85 % of Ready."""
    emergency: bool
    """A site that has traffic is gone."""
    bounds: tuple[Bound, ...]
    because: Because


def route(
    facts: Facts, demands: dict[EntKey, Demand], placed: dict[EntKey, Placed], health: dict[SiteName, Health]
) -> dict[EntKey, Routed]:
    """Solve the routing of every ENT: each has its own workloads, so none can spoil another's answer."""
    away = unreached(facts.world, facts.sites.values(), facts.now)
    clear = _clear_sites(facts, health) - away
    return {
        key: _as_placed(facts, demand, placed[key], clear) or _routed(facts, demand, placed[key], health, away)
        for key, demand in demands.items()
    }


def _clear_sites(facts: Facts, health: dict[SiteName, Health]) -> frozenset[SiteName]:
    """Return the sites that bound no ENT by what they are: Healthy, never fallen, not drained, nor lately."""
    return frozenset(
        name
        for name, site in facts.sites.items()
        if health[name].verdict is Verdict.HEALTHY
        and health[name].fell_at is None
        and not (site.drain is not None and site.drain.in_force(facts.now))
        and drain_ended(site, facts.now) is None
    )


def _as_placed(facts: Facts, demand: Demand, placed: Placed, clear: frozenset[SiteName]) -> Routed | None:
    """Return the placed shares where nothing is in the way and every site carries its own in comfort, else None.

    That is the answer of the whole programme then: no cost is left to be saved. It is the usual case, and a cheap one.
    """
    ent, per_second, shares = demand.ent, demand.now_per_second, placed.shares
    if per_second <= NOTHING_PER_SECOND or not shares or not clear.issuperset(facts.largest_shares(ent)):
        return None
    states, comfortable = facts.states_of(ent.key), TARGET_UTILISATION * ent.capacity_per_replica
    for placement in facts.placements[ent.key]:
        site = placement.site
        state = states.get(site)
        if (
            site not in clear
            or placement.data_mode is not DataMode.STATELESS
            or state is None
            or state.ready == 0
            or state.seen_at < facts.fresh_since
            or shares.get(site, 0.0) * per_second > comfortable * state.ready
        ):
            return None
    read = facts.readings_of(ent.key)
    for signal in ent.signals:
        for reading in read.get(signal.signal, NOWHERE_READ).values():
            if isinstance(reading, Stale):
                return None
    return Routed(
        shares=shares,
        served_per_second=per_second,
        short=False,
        emergency=False,
        bounds=(),
        because=NOTHING_IN_THE_WAY,
    )


def _routed(
    facts: Facts, demand: Demand, placed: Placed, health: dict[SiteName, Health], away: frozenset[SiteName]
) -> Routed:
    """A site in its fail-back hold is left alone as long as the others can carry the users."""
    careful = _Block(facts, demand, placed, health, away, waive_hold=False).solve()
    if not careful.short or all(bound.because is None for bound in careful.bounds):
        return careful
    return _Block(facts, demand, placed, health, away, waive_hold=True).solve()


class _Block:
    """The sites of one ENT, what bounds each, and how the demand is spread over them."""

    def __init__(
        self,
        facts: Facts,
        demand: Demand,
        placed: Placed,
        health: dict[SiteName, Health],
        away: frozenset[SiteName],
        *,
        waive_hold: bool,
    ) -> None:
        self.ent, self.demand, self.placed = demand.ent, demand, placed
        self.current = facts.largest_shares(demand.ent)
        self.emergency = any(health[s].gone for s, share in self.current.items() if share > 0 and s in health)
        situation = Situation(
            facts, demand, self.current, health, away, emergency=self.emergency, waive_hold=waive_hold
        )
        bounds = tuple(
            [
                bound_of(situation, placement.site)
                for placement in facts.placements[demand.ent.key]
                if placement.site in health
            ]
        )
        # Several edges may hold shares that add up to more than all: no bound may ask for more than there is.
        whole = sum(bound.least for bound in bounds)
        self.bounds = bounds if whole <= 1.0 else tuple([replace(b, least=b.least / whole) for b in bounds])

    def solve(self) -> Routed:
        """Return where the traffic should go; with nothing to carry the nearest allowed to placement."""
        found = spread(self.demand.now_per_second, [self._basin(bound) for bound in self.bounds])
        served = sum(found.flows)
        if served <= NOTHING_PER_SECOND:
            return self._without_flow()
        shares = {bound.site: flow / served for bound, flow in zip(self.bounds, found.flows, strict=True)}
        short = found.unserved + found.overload > NOTHING_PER_SECOND
        return self._answer(shares, served=served, short=short, because=self._because())

    def _basin(self, bound: Bound) -> Basin:
        """Beyond 75 % of Ready is strain, beyond 85 % overload; only what is there already may overload a site."""
        per_second = self.demand.now_per_second
        full = EMERGENCY_UTILISATION * bound.ready_per_second
        least, held = bound.least * per_second, self.current.get(bound.site, 0.0) * per_second
        return Basin(
            least=least,
            most=max(least, min(bound.most * per_second, max(full, held, least))),
            comfortable=TARGET_UTILISATION * bound.ready_per_second,
            full=full,
            aim=self.placed.shares.get(bound.site, 0.0) * per_second,
            held=held,
        )

    def _without_flow(self) -> Routed:
        """Nothing to carry, or nothing that could carry it: near placement where allowed, else by Ready capacity."""
        allowed = {b.site: min(max(self.placed.shares.get(b.site, 0.0), b.least), b.most) for b in self.bounds}
        if sum(allowed.values()) <= 0:
            allowed = {b.site: b.ready_per_second if b.most > 0 else 0.0 for b in self.bounds}
        whole = sum(allowed.values())
        short = self.demand.now_per_second > 0
        if whole <= 0:
            return self._answer({}, served=0.0, short=short, because=LAST_GOOD)
        shares = {site: share / whole for site, share in allowed.items()}
        return self._answer(shares, served=0.0, short=short, because=self._because())

    def _answer(self, shares: Shares, *, served: float, short: bool, because: Because) -> Routed:
        return Routed(
            shares=shares,
            served_per_second=served,
            short=short,
            emergency=self.emergency,
            bounds=self.bounds,
            because=because,
        )

    def _because(self) -> Because:
        limits = [b.because for b in self.bounds if b.because is not None]
        if limits:
            return Because(reason=limits[0].reason, text="; ".join([limit.text for limit in limits]))
        return NOTHING_IN_THE_WAY


@dataclass(frozen=True, slots=True)
class Situation:
    """What bounds a site's share depends on."""

    facts: Facts
    demand: Demand
    current: Shares
    health: dict[SiteName, Health]
    away: frozenset[SiteName]
    """What this instance does not reach itself."""
    emergency: bool
    waive_hold: bool


def bound_of(situation: Situation, site: SiteName) -> Bound:
    """Say how much a site may get: the first rule that applies."""
    facts, ent, sick = situation.facts, situation.demand.ent, situation.health[site]
    held = situation.current.get(site, 0.0)
    ready = facts.ready(ent.key, site) * ent.capacity_per_replica
    drain = facts.sites[site].drain
    # Without any weights in force everybody may get everything: that is how the first weights come about.
    frozen_in = held if situation.current else 1.0
    if sick.gone:
        return _bound(site, 0.0, 0.0, 0.0, sick.because, Reason.SITE_DOWN)
    if drain is not None and drain.in_force(facts.now):
        text = f"{site} is drained until {drain.until:%H:%M}Z by {drain.by}: {drain.reason}"
        return _bound(site, 0.0, held, ready, Because(reason=Reason.DRAIN_ORDERED, text=text), Reason.DRAIN_ORDERED)
    placement = ent.placement(site)
    if placement is not None and not data_can_serve(facts, ent, placement):
        text = f"the data at {site} could not serve"
        return _bound(site, 0.0, held, ready, Because(reason=Reason.SITE_DEGRADED, text=text), Reason.SITE_DEGRADED)
    least = _least(situation, held, ready)
    why = _why_not_more(situation, site)
    if why is not None:
        unseen = held if sick.verdict is Verdict.UNKNOWN and not situation.emergency else least
        return _bound(site, unseen, frozen_in, ready, why, why.reason)
    return Bound(site=site, least=least, most=1.0, ready_per_second=ready)


def _least(situation: Situation, held: float, ready: float) -> float:
    """In an emergency only the dead site's share moves: the living keep what they can carry."""
    per_second = situation.demand.now_per_second
    if not situation.emergency or per_second <= NOTHING_PER_SECOND:
        return 0.0
    return min(held, EMERGENCY_UTILISATION * ready / per_second)


def _bound(site: SiteName, least: float, most: float, ready: float, because: Because, reason: Reason) -> Bound:
    told = Because(reason=reason, text=because.text)
    return Bound(site=site, least=least, most=most, ready_per_second=ready, because=told)


def _why_not_more(situation: Situation, site: SiteName) -> Because | None:
    """Return why a living site must not get more than it has, or None. In an emergency a doubtful site beats none."""
    facts, ent, health = situation.facts, situation.demand.ent, situation.health[site]
    if facts.ready(ent.key, site) == 0:
        return Because(reason=Reason.READY_CAPACITY, text=f"no replica is Ready at {site}")
    if site in situation.away:
        text = f"{site} does not answer {facts.world.self_site}: its edge would not reach it"
        return Because(reason=Reason.SITE_UNREACHABLE, text=text)
    held_until = returns_at(facts, health, ent.shifting.failback_hold)
    if held_until is not None and facts.now < held_until and not situation.waive_hold:
        text = f"{site} is back; traffic returns after its hold time, at {held_until:%H:%M:%S}Z"
        return Because(reason=Reason.FAILBACK_HOLD, text=text)
    if situation.emergency:
        return None
    if facts.seen_freshly(ent.key, site) is None:
        return Because(reason=Reason.EVIDENCE_NOT_FRESH, text=f"the Ready replicas at {site} were not seen lately")
    silent = _silent_signal(facts, ent, site)
    if silent is not None:
        return silent
    if health.verdict is Verdict.DEGRADED:
        return Because(reason=Reason.SITE_DEGRADED, text=health.because.text)
    if health.verdict is Verdict.UNKNOWN:
        return Because(reason=Reason.NO_EVIDENCE, text=health.because.text)
    return None


def _silent_signal(facts: Facts, ent: Ent, site: SiteName) -> Because | None:
    """Return which demand signal of the site was known and is not believed now, or None.

    A series that ended is no reason: where nobody is sent there is often nothing to count.
    """
    for signal in ent.signals:
        match facts.reading(ent.key, site, signal.signal):
            case Stale(reason=reason) if reason is not ReadingReason.EMPTY:
                text = f"{signal.signal} at {site} is stale ({reason})"
                return Because(reason=Reason.EVIDENCE_NOT_FRESH, text=text)
            case _:
                pass
    return None


def kind_of_shift(current: Shares, wanted: Shares, facts: Facts, health: dict[SiteName, Health]) -> MoveKind:
    """Name the shift by its source: gone, sick, drained, or by a destination that has come back."""
    sources = [s for s, share in sorted(current.items()) if wanted.get(s, 0.0) < share]
    if any(s in health and health[s].gone for s in sources):
        return MoveKind.EVACUATION
    if any(s in health and health[s].verdict is Verdict.DEGRADED for s in sources):
        return MoveKind.FAILOVER
    if any((d := facts.sites[s].drain) is not None and d.in_force(facts.now) for s in sources if s in facts.sites):
        return MoveKind.SWITCHOVER
    grown = [s for s, share in sorted(wanted.items()) if share > current.get(s, 0.0)]
    if any(s in health and _came_back(facts, health[s]) for s in grown):
        return MoveKind.FAILBACK
    return MoveKind.BALANCE


def _came_back(facts: Facts, health: Health) -> bool:
    drained = facts.sites.get(health.site)
    return health.fell_at is not None or (drained is not None and drain_ended(drained, facts.now) is not None)


def last_move(facts: Facts, ent: Ent, edge: EdgeName) -> Move | None:
    """Return the most recent move of the ENT at the edge."""
    moves = [move for move in facts.remembered(ent.key).moves if move.edge == edge]
    return max(moves, key=lambda move: move.at, default=None)
