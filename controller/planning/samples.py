"""The recent past of one ENT after this cycle: a few points, a few sums, and what was recommended.

Points stand close together for as long as the trend looks back, then farther apart for as long as the bottleneck does.
Appending drops at most what has grown old, so a cycle costs the same however long the process has run.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from controller.domain.memory import Bottleneck, DemandPoint, EntSamples, Recommendation
from controller.planning.demand import Demand
from controller.planning.facts import Facts
from controller.planning.scaling import Target
from controller.planning.surprise import morning_after

RECENT_SPACING = timedelta(seconds=8)
"""Every other planning cycle, whatever its jitter."""
RECENT_SPAN = timedelta(seconds=150)
"""The trend's look-back and one point more: 16 points at most at the planning cycle."""
OLDER_SPACING = timedelta(seconds=30)
OLDER_SPAN = timedelta(minutes=12)
"""The bottleneck's look-back, and some: 20 points at most."""

STANDS_FOR = timedelta(seconds=20)
"""How long a recommendation that does not change is not noted again; at most a quarter of the stabilization window."""


def samples_after(facts: Facts, demand: Demand, bottleneck: Bottleneck | None, targets: Sequence[Target]) -> EntSamples:
    """Return what is to be remembered of the ENT until the next cycle. `targets` are those of the ENT, by site."""
    before = facts.sampled(demand.ent.key)
    now, present = facts.now, demand.present_per_second
    known, attempts = present is not None, demand.first_attempts_per_second
    recent, older = (
        _points_after(before, now, present, facts, demand) if present is not None else _points_blind(before, now)
    )
    return EntSamples(
        ent=demand.ent.key,
        recent=recent,
        older=older,
        known_per_second=present if known else before.known_per_second,
        known_at=now if known else before.known_at,
        failing_since=(before.failing_since or now) if demand.failing else None,
        morning=morning_after(before.morning, now, attempts=attempts, expected=demand.expected_per_second),
        morning_by_forecast=morning_after(
            before.morning_by_forecast, now, attempts=attempts, expected=demand.forecast_per_second
        ),
        bottleneck=bottleneck,
        recommendations=_recommendations(before, now, demand, targets),
    )


def _points_after(
    before: EntSamples, now: datetime, present: float, facts: Facts, demand: Demand
) -> tuple[tuple[DemandPoint, ...], tuple[DemandPoint, ...]]:
    recent, older = before.recent, before.older
    if recent and now - recent[-1].at < RECENT_SPACING:
        return recent, older
    point = DemandPoint(
        at=now,
        demand_per_second=present,
        first_attempts_per_second=demand.first_attempts_per_second,
        successes_per_second=demand.successes_per_second,
        ready_capacity_per_second=_ready_where_served(facts, demand),
    )
    since, gone = now - RECENT_SPAN, 0
    while gone < len(recent) and recent[gone].at < since:
        older = _with(older, recent[gone])
        gone += 1
    return (*recent[gone:], point), _young(older, now)


def _ready_where_served(facts: Facts, demand: Demand) -> float:
    """Return the Ready capacity of the sites that get traffic: what stands elsewhere can help nobody yet."""
    ent, shares = demand.ent, facts.largest_shares(demand.ent)
    ready = [facts.ready(ent.key, p.site) for p in ent.placements if not shares or shares.get(p.site, 0.0) > 0]
    return sum(ready) * ent.capacity_per_replica


def _points_blind(before: EntSamples, now: datetime) -> tuple[tuple[DemandPoint, ...], tuple[DemandPoint, ...]]:
    """Demand is not known as a whole: the trend starts empty again, the past stays as it was."""
    older = before.older
    for point in before.recent:
        older = _with(older, point)
    return (), _young(older, now)


def _with(older: tuple[DemandPoint, ...], point: DemandPoint) -> tuple[DemandPoint, ...]:
    return older if older and point.at - older[-1].at < OLDER_SPACING else (*older, point)


def _young(points: tuple[DemandPoint, ...], now: datetime) -> tuple[DemandPoint, ...]:
    gone, since = 0, now - OLDER_SPAN
    while gone < len(points) and points[gone].at < since:
        gone += 1
    return points[gone:] if gone else points


def _recommendations(
    before: EntSamples, now: datetime, demand: Demand, targets: Sequence[Target]
) -> tuple[Recommendation, ...]:
    """Keep, per placement, those that a later maximum may still need: each is larger than all that follow it."""
    window = demand.ent.scaling.stabilization_window
    if demand.no_shrink is None and _all_stand(before.recommendations, now - min(STANDS_FOR, window / 4), targets):
        return before.recommendations
    since = now - window
    kept: list[Recommendation] = []
    for target in targets:
        site, replicas = target.placement.site, target.recommended
        if demand.no_shrink is not None:
            # While the demand is not known what stands is recommended, so that nothing shrinks for a whole
            # stabilization window after a source returns (design §5 stage 1).
            replicas = max(replicas, target.state.wanted)
        mine = [r for r in before.recommendations if r.site == site and since <= r.at]
        if mine and mine[-1].replicas > replicas:
            # It stood until now, though it was noted a while ago.
            mine[-1] = Recommendation(site=site, at=now, replicas=mine[-1].replicas)
        kept += [r for r in mine if r.replicas > replicas]
        kept.append(Recommendation(site=site, at=now, replicas=replicas))
    return tuple(kept)


def _all_stand(noted: tuple[Recommendation, ...], since: datetime, targets: Sequence[Target]) -> bool:
    """Tell whether the same is recommended everywhere as was noted a moment ago: then nothing needs to be noted."""
    if len(noted) != len(targets):
        return False
    for recommendation, target in zip(noted, targets, strict=True):
        if recommendation.replicas != target.recommended or recommendation.site != target.placement.site:
            return False
        if recommendation.at <= since:
            return False
    return True
