"""From wanted replicas to targets: latches, stabilization, bounds, and every reason not to shrink.

Growth is clamped, never withheld. Shrinking needs all of: fresh evidence, complete samples, no bell near, traffic
already gone (design §5 stages 1, 2 and 9). Precedence: quota and max > floor in force > min.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.domain.explanation import Cut, Explained, Term
from controller.domain.fleet import Ent, Placement
from controller.domain.memory import Latch, Recommendation, Verdict
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Because
from controller.domain.reasons import Reason
from controller.domain.world import ReplicaState
from controller.planning.demand import Demand
from controller.planning.facts import EMERGENCY_UTILISATION, Facts
from controller.planning.health import Health
from controller.planning.placement import Placed

BETWEEN_BELLS = timedelta(hours=1)
"""Between bells closer than this nothing shrinks (design §5 stage 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What one placement's replicas should become, and why not less."""

    ent: Ent
    placement: Placement
    state: ReplicaState
    replicas: int
    """The decision, after all bounds; equal to the present when nothing is to be done."""
    would_be: int
    """What it would be if it might shrink."""
    recommended: int
    """Before stabilization, to be remembered."""
    kept: Because | None
    """Why it did not shrink to `would_be`; None when nothing was withheld."""
    latch: Latch | None
    explained: Explained

    @property
    def because(self) -> Because:
        """Why it changes: the term that won."""
        won = self.explained.won
        reason = won.reason if won is not None else Reason.PRESENT_DEMAND
        detail = won.detail if won is not None else "no demand"
        direction = "grow" if self.replicas > self.state.wanted else "shrink"
        return Because(reason=reason, text=f"{direction} from {self.state.wanted} to {self.replicas}: {detail}")


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
    recommended = _within_quota(facts, demands, placed)
    targets = []
    for key, demand in demands.items():
        shares = facts.largest_shares(demand.ent)
        window = latched_until(facts, demand.ent, demand.lead)
        for placement in facts.placements[key]:
            state = facts.replicas.get((key, placement.site))
            wanted = recommended.get((key, placement.site))
            if state is not None and placement.site in health:
                number = placed[key].explained.get(placement.site)
                share = max(shares.get(placement.site, 0.0), coming.get((key, placement.site), 0.0))
                sent = share * demand.now_per_second
                sick = health[placement.site]
                targets.append(_target(facts, demand, placement, state, wanted, sent, number, sick, window))
    return targets


def _within_quota(
    facts: Facts, demands: dict[EntKey, Demand], placed: dict[EntKey, Placed]
) -> dict[tuple[EntKey, SiteName], int]:
    """Latch the floors, clamp to max, and share out quotas: the lowest priority gives way first."""
    wanted: dict[tuple[EntKey, SiteName], int] = {}
    for key, found in placed.items():
        latched = {latch.site: latch.replicas for latch in facts.remembered(key).latches if facts.now < latch.until}
        for placement in facts.placements[key]:
            replicas = found.replicas.get(placement.site)
            if replicas is not None:
                floor = max(replicas, latched.get(placement.site, 0), placement.min_replicas)
                wanted[(key, placement.site)] = min(floor, placement.max_replicas)
    for name, site in facts.sites.items():
        if site.quota_replicas is not None:
            here = sorted((k for k in wanted if k[1] == name), reverse=True)
            _share_out(wanted, here, site.quota_replicas, {k: demands[k[0]].ent.priority for k in here})
    return wanted


def _share_out(
    wanted: dict[tuple[EntKey, SiteName], int],
    here: list[tuple[EntKey, SiteName]],
    quota: int,
    priority: dict[tuple[EntKey, SiteName], int],
) -> None:
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


def _latch_before(facts: Facts, ent: EntKey, site: SiteName) -> Latch | None:
    latches = facts.remembered(ent).latches
    return next((latch for latch in latches if latch.site == site and facts.now < latch.until), None)


def _target(
    facts: Facts,
    demand: Demand,
    placement: Placement,
    state: ReplicaState,
    wanted: int | None,
    sent_per_second: float,
    number: Explained | None,
    health: Health,
    window: tuple[datetime, str] | None,
) -> Target:
    ent, site = demand.ent, placement.site
    explained = number or _nothing_planned(ent, site, state)
    kept: Because | None = None
    if wanted is None and _left_by_order(facts, site, sent_per_second):
        wanted = placement.min_replicas
    elif wanted is None:
        # Down, still draining or without data: planned elsewhere. What runs here stays until that is settled.
        wanted = state.wanted
        kept = Because(reason=Reason.SITE_UNREACHABLE, text=f"{site} takes no part: {health.because.text}")
    stabilized, stabilizer = _stabilized(facts, ent, site, wanted)
    would_be = min(stabilized, placement.max_replicas)
    if would_be >= state.wanted:
        replicas = would_be
    else:
        kept = why_not_shrink(facts, demand, state, health)
        # A drained source shrinks after its traffic has left, a destination not below what is on its way (invariant 5).
        needed = math.ceil(sent_per_second / (EMERGENCY_UTILISATION * ent.capacity_per_replica))
        replicas = state.wanted if kept is not None else min(state.wanted, max(would_be, needed))
    return Target(
        ent=ent,
        placement=placement,
        state=state,
        replicas=replicas,
        would_be=would_be,
        recommended=wanted,
        kept=kept if would_be < state.wanted or number is None else None,
        latch=_latch(facts, ent.key, site, wanted, window),
        explained=_chain(explained, wanted, stabilizer, replicas, kept),
    )


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


def _latch(facts: Facts, key: EntKey, site: SiteName, wanted: int, window: tuple[datetime, str] | None) -> Latch | None:
    """Keep the floor of a bell until the window ends (design §5 stage 2)."""
    before = _latch_before(facts, key, site)
    if window is None:
        return before
    until, source = window
    return Latch(
        site=site, replicas=max(wanted, before.replicas if before is not None else 0), until=until, source=source
    )


def _stabilized(facts: Facts, ent: Ent, site: SiteName, wanted: int) -> tuple[int, Recommendation | None]:
    """Return the largest recommendation of the stabilization window, as the HPA does (`stabilizationWindowSeconds`)."""
    since = facts.now - ent.scaling.stabilization_window
    recent = [r for r in facts.recommended(ent.key, site) if r.at >= since and r.replicas > wanted]
    if not recent:
        return wanted, None
    largest = max(recent, key=lambda r: (r.replicas, r.at))
    return largest.replicas, largest


def _chain(
    explained: Explained, wanted: int, stabilizer: Recommendation | None, replicas: int, kept: Because | None
) -> Explained:
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
