"""From wanted replicas to targets: latches, stabilization, bounds, and every reason not to shrink.

Growth is clamped, never withheld. Shrinking needs all of: fresh evidence, complete samples, no bell near, traffic
already gone (design §5 stages 1, 2 and 9). Precedence: quota and max > floor in force > min.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from controller.domain.explanation import Cut, Explained, Term
from controller.domain.fleet import Ent, Placement
from controller.domain.memory import Latch, Recommendation, Verdict
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.plan import Because
from controller.domain.reasons import Reason
from controller.domain.world import ReplicaState
from controller.planning.demand import Demand
from controller.planning.facts import EMERGENCY_UTILISATION, Facts
from controller.planning.health import Health
from controller.planning.placement import Placed
from controller.planning.reach import unheard_edges

BETWEEN_BELLS = timedelta(hours=1)
"""Between bells closer than this nothing shrinks (design §5 stage 2)."""


class Target(NamedTuple):
    """What one placement's replicas should become, and why not less. A named tuple: there is one per placement."""

    ent: Ent
    placement: Placement
    state: ReplicaState
    replicas: int
    """The decision, after all bounds; equal to the present when nothing is to be done."""
    would_be: int
    """What it would be if it might shrink."""
    recommended: int
    """Before stabilization, to be remembered."""
    asked: int
    """What was asked for before any bound cut it; what is wanted now where nothing was planned."""
    kept: Because | None
    """Why it does not shrink though less is asked for; also why it takes no part."""
    latch: Latch | None
    stabilizer: Recommendation | None
    """The earlier recommendation that is larger, within the stabilization window."""
    placed: Placed

    @property
    def number(self) -> Explained | None:
        """The chain of what placement asked for; None where nothing was planned."""
        return self.placed.explained_at(self.placement.site)

    @property
    def explained(self) -> Explained:
        """The number with its whole chain."""
        number = self.number or _nothing_planned(self.ent, self.placement.site, self.state)
        return _chain(number, self)

    @property
    def may_be_cut(self) -> bool:
        """Tell whether the chain may hold a bound: cheaper than to work the chain out."""
        return self.placed.bound or self.recommended < self.asked

    @property
    def withheld(self) -> bool:
        """Tell whether shrinking was planned and is withheld."""
        return self.kept is not None and self.would_be < self.state.wanted

    @property
    def because(self) -> Because:
        """Why it changes: the term that won."""
        number = self.number
        won = number.won if number is not None else None
        reason = won.reason if won is not None else Reason.SITE_UNREACHABLE
        detail = won.detail if won is not None else "left as it is"
        direction = "grow" if self.replicas > self.state.wanted else "shrink"
        to = self.would_be if self.withheld else self.replicas
        return Because(reason=reason, text=f"{direction} from {self.state.wanted} to {to}: {detail}")


def targets_of(
    facts: Facts,
    demands: dict[EntKey, Demand],
    placed: dict[EntKey, Placed],
    health: dict[SiteName, Health],
    coming: dict[tuple[EntKey, SiteName], float],
) -> list[Target]:
    """Decide the replicas of every placement whose workload was ever seen.

    `coming` is the share that each site gets by this plan's shifts: what is sent to a site stays provided for.
    """
    wanted = _within_quota(facts, demands, placed)
    unheard = unheard_edges(facts.world, health, facts.now)
    targets: list[Target] = []
    for key, demand in demands.items():
        targets += _targets_of_ent(facts, demand, placed[key], wanted[key], health, coming, unheard)
    return targets


def _targets_of_ent(
    facts: Facts,
    demand: Demand,
    placed: Placed,
    wanted: dict[SiteName, int],
    health: dict[SiteName, Health],
    coming: dict[tuple[EntKey, SiteName], float],
    unheard: frozenset[EdgeName],
) -> list[Target]:
    ent = demand.ent
    states, shares = facts.states_of(ent.key), facts.largest_shares(ent)
    case = _Case(
        facts,
        demand,
        placed,
        window=latched_until(facts, ent, demand.lead),
        latches={latch.site: latch for latch in facts.remembered(ent.key).latches if facts.now < latch.until},
        largest=_largest_recommended(facts, ent),
    )
    found = []
    may_send_all = not unheard.isdisjoint(ent.edges)
    for placement in facts.placements[ent.key]:
        site = placement.site
        state, count = states.get(site), wanted.get(site)
        if state is None or site not in health:
            continue
        if count is not None and count >= state.wanted:
            found.append(case.standing(placement, state, count))
        else:
            share = max(shares.get(site, 0.0), coming.get((ent.key, site), 0.0), float(may_send_all))
            found.append(case.shrinking(placement, state, count, share * demand.now_per_second, health[site]))
    return _bell_kept(demand, found, states)


def _bell_kept(demand: Demand, found: list[Target], states: Mapping[SiteName, ReplicaState]) -> list[Target]:
    """Keep what a bell needs, as the last gate counts it (invariant 8): growth elsewhere is asked for, not yet there.

    A drained site is left by its users before the others have grown; until then its replicas are the bell's.
    """
    room, needed = demand.ent.capacity_per_replica, demand.scheduled_ahead_per_second
    if needed <= 0 or all(target.replicas >= target.state.wanted for target in found):
        return found
    before = sum(state.wanted for state in states.values())
    after = before - sum(max(0, target.state.wanted - target.replicas) for target in found)
    if not after * room < needed <= before * room:
        return found
    text = f"{needed:.1f}/s are announced, and without it {after * room:.1f}/s could be carried"
    kept = Because(reason=Reason.LATCHED, text=text)
    return [
        target._replace(replicas=target.state.wanted, kept=kept) if target.replicas < target.state.wanted else target
        for target in found
    ]


@dataclass(frozen=True, slots=True)
class _Case:
    """What the placements of one ENT have in common."""

    facts: Facts
    demand: Demand
    placed: Placed
    window: tuple[datetime, str] | None
    latches: dict[SiteName, Latch]
    largest: dict[SiteName, Recommendation]

    def standing(self, placement: Placement, state: ReplicaState, wanted: int) -> Target:
        """Nothing is to shrink: the usual case, and the cheap one."""
        site, replicas = placement.site, wanted
        stabilizer = self._stabilizer(site, wanted)
        if stabilizer is not None:
            replicas = min(stabilizer.replicas, placement.max_replicas)
        asked, latch = self.placed.asked[site], self._latch(site, wanted)
        return Target(
            self.demand.ent, placement, state, replicas, replicas, wanted, asked, None, latch, stabilizer, self.placed
        )

    def shrinking(
        self, placement: Placement, state: ReplicaState, wanted: int | None, sent_per_second: float, health: Health
    ) -> Target:
        """Less is asked for than there is, or nothing was planned here: look for a reason to keep it."""
        facts, ent, site = self.facts, self.demand.ent, placement.site
        kept: Because | None = None
        if wanted is None and _left_by_order(facts, site, sent_per_second):
            wanted = placement.min_replicas
        elif wanted is None:
            # Down, still draining or without data: planned elsewhere. What runs here stays until that is settled.
            wanted = state.wanted
            kept = Because(reason=Reason.SITE_UNREACHABLE, text=f"{site} takes no part: {health.because.text}")
        stabilizer = self._stabilizer(site, wanted)
        would_be = min(wanted if stabilizer is None else stabilizer.replicas, placement.max_replicas)
        replicas = would_be
        if would_be < state.wanted:
            kept = why_not_shrink(facts, self.demand, state, health)
            # A drained source shrinks after its traffic has left, a destination not below what is on its way
            # (invariant 5).
            needed = math.ceil(sent_per_second / (EMERGENCY_UTILISATION * ent.capacity_per_replica))
            replicas = state.wanted if kept is not None else min(state.wanted, max(would_be, needed))
        return Target(
            ent=ent,
            placement=placement,
            state=state,
            replicas=replicas,
            would_be=would_be,
            recommended=wanted,
            asked=self.placed.asked.get(site, state.wanted),
            kept=kept,
            latch=self._latch(site, wanted),
            stabilizer=stabilizer,
            placed=self.placed,
        )

    def _stabilizer(self, site: SiteName, wanted: int) -> Recommendation | None:
        """Return the largest recommendation of the window if it is larger, as the HPA does."""
        largest = self.largest.get(site)
        return largest if largest is not None and largest.replicas > wanted else None

    def _latch(self, site: SiteName, wanted: int) -> Latch | None:
        """Keep the floor of a bell until the window ends (design §5 stage 2): what the window asks for, and no more."""
        before = self.latches.get(site)
        if self.window is None:
            return before
        asked, announced = self.demand.ahead_per_second, self.demand.scheduled_ahead_per_second
        if announced < asked:
            wanted = math.ceil(wanted * announced / asked)
        until, source = self.window
        if before is None:
            return Latch(site=site, replicas=max(wanted, 0), until=until, source=source)
        if before.replicas >= wanted and before.until == until and before.source == source:
            return before
        return Latch(site=site, replicas=max(wanted, before.replicas), until=until, source=source)


def _within_quota(
    facts: Facts, demands: dict[EntKey, Demand], placed: dict[EntKey, Placed]
) -> dict[EntKey, dict[SiteName, int]]:
    """Latch the floors, clamp to max, and share out quotas: the lowest priority gives way first."""
    wanted: dict[EntKey, dict[SiteName, int]] = {}
    for key, found in placed.items():
        latched = {latch.site: latch.replicas for latch in facts.remembered(key).latches if facts.now < latch.until}
        wanted[key] = mine = {}
        for placement in facts.placements[key]:
            site = placement.site
            replicas = found.replicas.get(site)
            if replicas is not None:
                floor = max(replicas, latched.get(site, 0), placement.min_replicas)
                mine[site] = min(floor, placement.max_replicas)
    for name, at in facts.sites.items():
        if at.quota_replicas is not None:
            here = sorted((key for key, mine in wanted.items() if name in mine), reverse=True)
            counts = {key: wanted[key][name] for key in here}
            _share_out(counts, here, at.quota_replicas, {key: demands[key].ent.priority for key in here})
            for key, count in counts.items():
                wanted[key][name] = count
    return wanted


def _share_out(wanted: dict[EntKey, int], here: list[EntKey], quota: int, priority: dict[EntKey, int]) -> None:
    """Cut the largest of the lowest priority down to a common level, so that nobody is starved for a rounding."""
    excess = sum(wanted[k] for k in here) - quota
    for lowest in sorted({priority[k] for k in here}):
        if excess <= 0:
            return
        group = [k for k in here if priority[k] == lowest]
        level = _level([wanted[k] for k in group], excess)
        spare = sum(max(0, wanted[k] - level) for k in group) - excess
        for k in group:
            # The level is whole: the first few of those that are cut keep one more, so that no replica is lost.
            kept = level + 1 if spare > 0 and wanted[k] > level else level
            spare -= kept - level
            excess -= max(0, wanted[k] - kept)
            wanted[k] = min(wanted[k], kept)


def _level(counts: list[int], excess: int) -> int:
    """Return the highest level to which cutting all frees at least the excess; 0 when nothing frees enough."""
    low, high = 0, max(counts)
    while low < high:
        middle = (low + high + 1) // 2
        if sum(max(0, count - middle) for count in counts) >= excess:
            low = middle
        else:
            high = middle - 1
    return low


def _left_by_order(facts: Facts, site: SiteName, sent_per_second: float) -> bool:
    """Tell whether a drain is in force and the traffic has gone."""
    drain = facts.sites[site].drain
    return drain is not None and drain.in_force(facts.now) and sent_per_second <= 0


def _nothing_planned(ent: Ent, site: SiteName, state: ReplicaState) -> Explained:
    terms = (Term(reason=Reason.SITE_UNREACHABLE, value=state.wanted, detail="left as it is"),)
    subject = f"{ent.key} at {site}"
    return Explained(subject=subject, quantity="replicas", value=state.wanted, unit="replicas", terms=terms)


def why_not_shrink(facts: Facts, demand: Demand, state: ReplicaState, health: Health) -> Because | None:
    """Return why this placement must not shrink, or None when it may."""
    ent = demand.ent
    if demand.no_shrink is not None:
        return demand.no_shrink
    if health.verdict is not Verdict.HEALTHY:
        text = f"{state.site} is {health.verdict}: {health.because.text}"
        return Because(reason=Reason.EVIDENCE_NOT_FRESH, text=text)
    if facts.seen_freshly(ent.key, state.site) is None:
        text = f"the replicas at {state.site} were last seen at {state.seen_at:%H:%M:%S}Z"
        return Because(reason=Reason.EVIDENCE_NOT_FRESH, text=text)
    if state.pending_since is not None and facts.now - state.pending_since > demand.lead:
        text = f"replicas at {state.site} are still on their way; taking them back would cancel their nodes"
        return Because(reason=Reason.OBSERVED_CEILING, text=text)
    complete = facts.world.memory.samples.complete_since
    if complete is None or facts.now - complete < ent.scaling.stabilization_window:
        text = "the recent past is not known for a whole stabilization window yet"
        return Because(reason=Reason.MEMORY_INCOMPLETE, text=text)
    return _between_bells(facts, ent)


def _between_bells(facts: Facts, ent: Ent) -> Because | None:
    windows = facts.windows.get(ent.key, ())
    rung = [w for w in windows if w.start <= facts.now and facts.now < w.end + BETWEEN_BELLS]
    coming = [w for w in windows if facts.now < w.start]
    for before in rung:
        for after in coming:
            if timedelta(0) <= after.start - before.end < BETWEEN_BELLS:
                text = f"{before.source} is followed by {after.source} within the hour"
                return Because(reason=Reason.BETWEEN_BELLS, text=text)
    return None


def latched_until(facts: Facts, ent: Ent, lead: timedelta) -> tuple[datetime, str] | None:
    """Return when the window that asks for most ends, and its source; None when no window is near."""
    windows = facts.windows.get(ent.key, ())
    near = [w for w in windows if w.overlaps(facts.now, facts.now + lead)]
    if not near:
        return None
    most = max(near, key=lambda w: (w.demand_per_second, w.end, w.source))
    return most.end, most.source


def _largest_recommended(facts: Facts, ent: Ent) -> dict[SiteName, Recommendation]:
    """Return the largest recommendation of the stabilization window by site (HPA `stabilizationWindowSeconds`)."""
    since = facts.now - ent.scaling.stabilization_window
    largest: dict[SiteName, Recommendation] = {}
    for noted in facts.sampled(ent.key).recommendations:
        if noted.at >= since:
            best = largest.get(noted.site)
            # Of equals the latest: it is the one that holds longest.
            if best is None or (noted.replicas, noted.at) > (best.replicas, best.at):
                largest[noted.site] = noted
    return largest


def _chain(explained: Explained, target: Target) -> Explained:
    wanted, replicas, kept, stabilizer = target.recommended, target.replicas, target.kept, target.stabilizer
    cuts = list(explained.cuts)
    if wanted != round(explained.value):
        reason = Reason.LATCHED if wanted > explained.value else Reason.QUOTA
        detail = (
            "the floor of the bell holds until its window ends" if wanted > explained.value else "quota of the site"
        )
        cuts.append(Cut(reason=reason, before=explained.value, after=wanted, detail=detail))
    if stabilizer is not None:
        detail = f"{stabilizer.replicas} were recommended at {stabilizer.at:%H:%M:%S}Z, within the stabilization window"
        cuts.append(Cut(reason=Reason.STABILIZED, before=wanted, after=stabilizer.replicas, detail=detail))
    last = cuts[-1].after if cuts else explained.value
    if kept is not None and replicas != round(last):
        cuts.append(Cut(reason=kept.reason, before=last, after=replicas, detail=kept.text))
    elif replicas != round(last):
        detail = "traffic is still here"
        cuts.append(Cut(reason=Reason.TRAFFIC_NOT_LEFT, before=last, after=replicas, detail=detail))
    if len(cuts) == len(explained.cuts) and replicas == explained.value:
        return explained
    return Explained(
        subject=explained.subject,
        quantity=explained.quantity,
        value=replicas,
        unit=explained.unit,
        terms=explained.terms,
        cuts=tuple(cuts),
    )
