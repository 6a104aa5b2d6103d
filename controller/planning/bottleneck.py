"""Bottleneck elsewhere: when more pods do not cure it, say so and stop growing (design §5 stage 4)."""

from dataclasses import dataclass
from datetime import timedelta

from controller.domain.fleet import Ent
from controller.domain.plan import Because
from controller.domain.reasons import Reason
from controller.planning.demand import Demand
from controller.planning.facts import Facts

WATCHED = timedelta(minutes=3)
"""How long errors must persist after the growth (design §5 stage 4)."""
GROWTH_RATIO = 1.2
"""How much Ready capacity must have risen (design §5 stage 4)."""
SUCCESS_RATIO = 1.05
"""Successes that rose by less than this did not follow; 5 % is the noise of a minute's rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The most demand that pods are worth growing for, and why; both None when nothing bounds it."""

    per_second: float | None = None
    because: Because | None = None


def ceiling_of(facts: Facts, demand: Demand) -> Ceiling:
    """Bound the demand to grow for by shared dependencies, and by growth that did not help."""
    found = [c for c in (_did_not_help(facts, demand), _dependency(demand.ent)) if c is not None]
    return min(found, key=lambda ceiling: ceiling.per_second or 0.0, default=Ceiling())


def _dependency(ent: Ent) -> Ceiling | None:
    if not ent.dependencies:
        return None
    tightest = min(ent.dependencies, key=lambda d: (d.capacity_per_second, d.name))
    text = f"{tightest.name} carries {tightest.capacity_per_second:.0f}/s for all sites; more pods cannot cure that"
    because = Because(reason=Reason.BOTTLENECK_ELSEWHERE, text=text)
    return Ceiling(per_second=tightest.capacity_per_second, because=because)


def _did_not_help(facts: Facts, demand: Demand) -> Ceiling | None:
    """Ready capacity had risen by 20 % three minutes ago, errors have not ended since, successes have not followed."""
    samples = [s for s in facts.samples.get(demand.ent.key, ()) if s.at >= facts.now - 2 * WATCHED]
    before = [s for s in samples if s.at < facts.now - WATCHED and s.successes_per_second is not None]
    since = [s for s in samples if s.at >= facts.now - WATCHED]
    if not before or not since or not demand.failing or not all(s.failing for s in since):
        return None
    first, grown, last = before[0], before[-1], since[-1]
    if last.successes_per_second is None:
        return None
    grew = grown.ready_capacity_per_second >= first.ready_capacity_per_second * GROWTH_RATIO
    followed = last.successes_per_second > (first.successes_per_second or 0.0) * SUCCESS_RATIO
    if not grew or followed:
        return None
    text = (
        f"Ready capacity rose from {first.ready_capacity_per_second:.0f}/s to {last.ready_capacity_per_second:.0f}/s; "
        f"{WATCHED.total_seconds() / 60:.0f} min of errors later successes have not followed"
    )
    because = Because(reason=Reason.BOTTLENECK_ELSEWHERE, text=text)
    return Ceiling(per_second=max(demand.scheduled_ahead_per_second, last.demand_per_second or 0.0), because=because)
