"""Bottleneck elsewhere: when more pods do not cure it, say so and stop growing (design §5 stage 4).

What is shared fails at every site that serves; errors at some of them only are those sites' own, and traffic may have
to leave them. Capacity counts where traffic is: what grows at a standby can help nobody yet.
Growth that did not help is believed for as long as the errors last and nothing more gets through: a rule that looked
only at the last minutes would forget its finding, grow again, and find it again.
"""

from dataclasses import dataclass
from datetime import timedelta

from controller.domain.fleet import Dependency, Ent
from controller.domain.memory import Bottleneck, DemandPoint, EntSamples
from controller.domain.plan import Because
from controller.domain.readings import Fresh
from controller.domain.reasons import Reason
from controller.planning.demand import Demand
from controller.planning.facts import TARGET_UTILISATION, Facts

WATCHED = timedelta(minutes=3)
"""How long errors must persist after the growth (design §5 stage 4)."""
LOOK_BACK = timedelta(minutes=10)
"""Growth begins at most this long ago: a step of nodes, then of pods, then the three minutes."""
GROWTH_RATIO = 1.2
"""How much Ready capacity must have risen (design §5 stage 4)."""
SUCCESS_RATIO = 1.05
"""Successes that rose by less than this did not follow; 5 % is the noise of a minute's rate."""
FORGOTTEN_AFTER = timedelta(minutes=1)
"""Errors may pause for so long: the window of a rate, in which a lull looks like a cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The most that pods are worth growing for, and why; all None when nothing bounds it."""

    per_second: float | None = None
    """Most demand that is worth capacity."""
    most_replicas: int | None = None
    """Most replicas of the ENT, at all sites together, that a dependency bears."""
    carried_per_second: float | None = None
    """Most demand that gets through, whatever the pods: what is beyond it is the admission's."""
    because: Because | None = None
    hold_traffic: Because | None = None
    """Why moving traffic would cure nothing now; leaving a dead site is never held."""
    bottleneck: Bottleneck | None = None
    """Growth that was seen not to help, to be remembered."""


NONE = Ceiling()


def ceiling_of(facts: Facts, demand: Demand) -> Ceiling:
    """Bound what to grow for by shared dependencies, and by growth that did not help."""
    samples = facts.sampled(demand.ent.key)
    stuck = _stuck(facts, demand, samples)
    if stuck is None and not demand.ent.dependencies:
        return NONE
    found = [_of_dependency(facts, demand, dependency) for dependency in demand.ent.dependencies]
    if stuck is not None:
        found.append(_of_growth(demand, stuck))
    return _tightest(found, stuck)


def _tightest(found: list[Ceiling], stuck: Bottleneck | None) -> Ceiling:
    """Join the bounds: the smallest of each kind counts, the tightest in demand gives the reason; names break ties."""

    def tightness(ceiling: Ceiling) -> tuple[float, str]:
        text = ceiling.because.text if ceiling.because is not None else ""
        return (ceiling.per_second if ceiling.per_second is not None else float("inf")), text

    first = min(found, key=tightness)
    replicas = [c.most_replicas for c in found if c.most_replicas is not None]
    carried = [c.carried_per_second for c in found if c.carried_per_second is not None]
    holds = sorted((c for c in found if c.hold_traffic is not None), key=tightness)
    return Ceiling(
        per_second=first.per_second,
        most_replicas=min(replicas, default=None),
        carried_per_second=min(carried, default=None),
        because=first.because,
        hold_traffic=holds[0].hold_traffic if holds else None,
        bottleneck=stuck,
    )


def _of_dependency(facts: Facts, demand: Demand, dependency: Dependency) -> Ceiling:
    """What the dependency bears: demand, or replicas that take of it by merely running."""
    used = _use(facts, demand.ent, dependency)
    full = used is not None and used >= dependency.capacity
    text = f"{dependency.name} carries {dependency.capacity:.0f}/s for all sites; more pods cannot cure that"
    per_second, carried = dependency.capacity, dependency.capacity
    most = dependency.most_replicas
    if most is not None:
        per_second = most * demand.ent.capacity_per_replica * TARGET_UTILISATION
        carried = most * demand.ent.capacity_per_replica
        text = (
            f"{dependency.name} has {dependency.capacity:g}, every replica takes {dependency.use_per_replica:g}: "
            f"{most} replicas at all sites"
        )
    if full:
        text = f"{dependency.name} is full: {used:g} of {dependency.capacity:g} are in use; {text}"
    because = Because(reason=Reason.BOTTLENECK_ELSEWHERE, text=text)
    return Ceiling(
        per_second=per_second,
        most_replicas=most,
        carried_per_second=carried,
        because=because,
        hold_traffic=because if full else None,
    )


def _use(facts: Facts, ent: Ent, dependency: Dependency) -> float | None:
    """Return what all sites use of the dependency, as far as it is fresh; None when nobody says."""
    if dependency.signal is None:
        return None
    readings = (facts.reading(ent.key, p.site, dependency.signal) for p in sorted(ent.placements, key=lambda p: p.site))
    fresh = [reading.value for reading in readings if isinstance(reading, Fresh)]
    return sum(fresh) if fresh else None


def _of_growth(demand: Demand, stuck: Bottleneck) -> Ceiling:
    text = (
        f"Ready capacity rose from {stuck.ready_before_per_second:.0f}/s to {stuck.ready_after_per_second:.0f}/s, and "
        f"after {WATCHED.total_seconds() / 60:.0f} min of errors no more than {stuck.successes_per_second:.0f}/s get "
        f"through (since {stuck.since:%H:%M}Z)"
    )
    because = Because(reason=Reason.BOTTLENECK_ELSEWHERE, text=text)
    return Ceiling(
        per_second=max(demand.scheduled_ahead_per_second, stuck.successes_per_second),
        carried_per_second=stuck.successes_per_second,
        because=because,
        hold_traffic=because,
        bottleneck=stuck,
    )


def _stuck(facts: Facts, demand: Demand, samples: EntSamples) -> Bottleneck | None:
    """Return the bottleneck in force after this look, or None."""
    if samples.bottleneck is not None:
        return _still(facts, demand, samples.bottleneck)
    since = samples.failing_since
    if not demand.failing_everywhere or since is None or facts.now - since < WATCHED:
        return None
    return _found(facts, demand, samples)


def _still(facts: Facts, demand: Demand, stuck: Bottleneck) -> Bottleneck | None:
    """It ends when more gets through, or when errors have ended for a while; a missing reading ends nothing."""
    failed_at = facts.now if demand.failing else stuck.failed_at
    through = demand.successes_per_second
    if demand.blind is None and facts.now - failed_at > FORGOTTEN_AFTER:
        return None
    if through is not None and through > stuck.successes_per_second * SUCCESS_RATIO:
        return None
    if failed_at == stuck.failed_at:
        return stuck
    return Bottleneck(
        since=stuck.since,
        failed_at=failed_at,
        ready_before_per_second=stuck.ready_before_per_second,
        ready_after_per_second=stuck.ready_after_per_second,
        successes_per_second=stuck.successes_per_second,
    )


def _found(facts: Facts, demand: Demand, samples: EntSamples) -> Bottleneck | None:
    """Ready capacity had risen by 20 % three minutes ago, errors have not ended since, successes have not followed."""
    now, through = facts.now, demand.successes_per_second
    if through is None:
        return None
    seen = (*samples.older, *samples.recent)
    before = [p for p in seen if now - LOOK_BACK <= p.at < now - WATCHED and p.successes_per_second is not None]
    if not before:
        return None
    first, grown = before[0], before[-1]
    ready = first.ready_capacity_per_second
    if ready <= 0.0 or grown.ready_capacity_per_second < ready * GROWTH_RATIO:
        return None
    was = _successes(first)
    if through > was * SUCCESS_RATIO:
        return None
    return Bottleneck(
        since=now,
        failed_at=now,
        ready_before_per_second=ready,
        ready_after_per_second=grown.ready_capacity_per_second,
        successes_per_second=max(was, through),
    )


def _successes(point: DemandPoint) -> float:
    return point.successes_per_second or 0.0
