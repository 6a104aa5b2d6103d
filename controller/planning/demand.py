"""Demand at now + lead time: the largest of schedule, event, forecast, surprise and present demand with its trend.

Demand is counted per second in the unit of the ENT's first demand signal; other signals are converted by what a
replica carries of each, so that the largest need wins (design §5 stage 3).
"""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from controller.domain.explanation import Explained, Term
from controller.domain.fleet import Ent
from controller.domain.memory import DemandSample
from controller.domain.names import SignalName, SiteName
from controller.domain.plan import Because
from controller.domain.readings import Fresh, Missing, Stale
from controller.domain.reasons import Reason
from controller.domain.windows import Window
from controller.planning.facts import Facts
from controller.planning.health import ERRORS, Health
from controller.planning.lead import lead_time

FIRST_ATTEMPTS = SignalName("firstAttempts")
SUCCESSES = SignalName("successes")
FORECAST = SignalName("forecast")

SURPRISE_ATTEMPTS = 200.0
"""First attempts before a surprise is believed, and the weight with which it is shrunk towards 1 (design §5)."""
SURPRISE_SPAN = timedelta(minutes=5)
"""How long a surprise must have been watched (design §5)."""
TREND_SPAN = timedelta(minutes=2)
"""Look-back of the trend: a bell's burst doubles within it, a single noisy scrape does not bend it."""
LEAST_TREND_SAMPLES = 6
"""At the planning cycle of 5 s: half a minute."""
TREND_MAX_FACTOR = 2.0
"""A trend may at most double the present: beyond that it is extrapolation, and the schedule's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What an ENT's users want."""

    ent: Ent
    now_per_second: float
    """For routing: the larger of what is measured and what is expected at this instant."""
    ahead_per_second: float
    """For capacity: at now + lead time."""
    scheduled_ahead_per_second: float
    present_per_second: float | None
    """Measured and Fresh at every living site with traffic; None when not known as a whole."""
    first_attempts_per_second: float | None
    successes_per_second: float | None
    failing: bool
    """Errors above the SLO on a fresh reading at any site."""
    lead: timedelta
    no_shrink: Because | None
    """Why nothing of this ENT may shrink; None when it may."""
    explained: Explained


def demand_of(facts: Facts, ent: Ent, health: dict[SiteName, Health]) -> Demand:
    """Say what the ENT's users want now and a lead time ahead, and whether it is known well enough to shrink."""
    lead = lead_time(facts, ent)
    windows = facts.windows.get(ent.key, ())
    present, missing = _present(facts, ent, health)
    if missing:
        present = max(present, _last_known(facts, ent))
    scheduled_now = _largest([w for w in windows if w.covers(facts.now)])
    ahead = [w for w in windows if w.overlaps(facts.now, facts.now + lead)]
    terms = _terms(facts, ent, ahead, present, lead)
    value = max(term.value for term in terms)
    failing = _failing(facts, ent)
    return Demand(
        ent=ent,
        now_per_second=max(present, scheduled_now),
        ahead_per_second=max(value, scheduled_now),
        scheduled_ahead_per_second=max(_largest(ahead), scheduled_now),
        present_per_second=None if missing else present,
        first_attempts_per_second=_summed(facts, ent, health, FIRST_ATTEMPTS),
        successes_per_second=_summed(facts, ent, health, SUCCESSES),
        failing=failing,
        lead=lead,
        no_shrink=_no_shrink(missing, failing=failing),
        explained=Explained(subject=str(ent.key), quantity="demand ahead", value=value, unit="per second", terms=terms),
    )


def _last_known(facts: Facts, ent: Ent) -> float:
    """Return the last demand that was known as a whole: the users of a site that fell silent are still there."""
    known = [s.demand_per_second for s in facts.samples.get(ent.key, ()) if s.demand_per_second is not None]
    return known[-1] if known else 0.0


def _largest(windows: list[Window]) -> float:
    return max((w.demand_per_second for w in windows), default=0.0)


def _terms(facts: Facts, ent: Ent, ahead: list[Window], present: float, lead: timedelta) -> tuple[Term, ...]:
    terms = [_present_term(facts, ent, present, lead)]
    scheduled = [w for w in ahead if not w.by_event]
    events = [w for w in ahead if w.by_event]
    for reason, windows in ((Reason.SCHEDULE, scheduled), (Reason.EVENT, events)):
        if windows:
            top = max(windows, key=lambda w: (w.demand_per_second, w.source))
            terms.append(Term(reason=reason, value=top.demand_per_second, detail=top.source))
    if scheduled and not events:
        terms.extend(_surprise(facts, ent, _largest(scheduled)))
    terms.extend(_forecast(facts, ent))
    return tuple(terms)


def _present_term(facts: Facts, ent: Ent, present: float, lead: timedelta) -> Term:
    slope = _trend_per_second(facts, ent)
    grown = min(present + slope * lead.total_seconds(), present * TREND_MAX_FACTOR)
    detail = f"measured {present:.1f}/s, rising {slope * 60:.1f}/s each minute, {lead.total_seconds():.0f} s ahead"
    return Term(reason=Reason.PRESENT_DEMAND, value=max(present, grown), detail=detail)


def _trend_per_second(facts: Facts, ent: Ent) -> float:
    """Slope of a straight line through the recent samples; a falling line counts as flat."""
    since = facts.now - TREND_SPAN
    points = [
        ((sample.at - since).total_seconds(), sample.demand_per_second)
        for sample in facts.samples.get(ent.key, ())
        if sample.at >= since and sample.demand_per_second is not None
    ]
    if len(points) < LEAST_TREND_SAMPLES:
        return 0.0
    seconds, values = np.array(points, dtype=float).T
    spread = float(((seconds - seconds.mean()) ** 2).sum())
    if spread == 0.0:
        return 0.0
    slope = float(((seconds - seconds.mean()) * (values - values.mean())).sum()) / spread
    return max(0.0, slope)


def _surprise(facts: Facts, ent: Ent, expected: float) -> list[Term]:
    """Raise the rest of the morning by how far first attempts run above their curve, before the peak."""
    seen, foreseen, span = _attempts_today(facts, ent)
    if span < SURPRISE_SPAN or seen < SURPRISE_ATTEMPTS or foreseen <= 0.0:
        return []
    ratio = (seen + SURPRISE_ATTEMPTS) / (foreseen + SURPRISE_ATTEMPTS)
    bounded = min(ratio, ent.scaling.surprise_max)
    if bounded <= 1.0:
        return []
    detail = f"first attempts ran at {ratio:.2f} times their curve for {span.total_seconds():.0f} s"
    return [Term(reason=Reason.SURPRISE, value=expected * bounded, detail=detail)]


def _attempts_today(facts: Facts, ent: Ent) -> tuple[float, float, timedelta]:
    """Sum first attempts seen and foreseen over the samples in which both are known, and the time they cover."""
    known = [
        (sample.at, sample.first_attempts_per_second, sample.expected_per_second)
        for sample in facts.samples.get(ent.key, ())
        if sample.first_attempts_per_second is not None and sample.expected_per_second > 0.0
    ]
    seen = foreseen = 0.0
    span = timedelta(0)
    for (before, _, _), (at, attempts, expected) in itertools.pairwise(known):
        step = min(at - before, TREND_SPAN)
        seen += attempts * step.total_seconds()
        foreseen += expected * step.total_seconds()
        span += step
    return seen, foreseen, span


def _forecast(facts: Facts, ent: Ent) -> list[Term]:
    """A forecast may only add: it is one more term, and the largest wins."""
    values = [facts.reading(ent.key, p.site, FORECAST) for p in ent.placements]
    fresh = [reading.value for reading in values if isinstance(reading, Fresh)]
    return [Term(reason=Reason.FORECAST, value=sum(fresh), detail="forecast of the sites")] if fresh else []


def _present(facts: Facts, ent: Ent, health: dict[SiteName, Health]) -> tuple[float, tuple[str, ...]]:
    """Sum the fresh demand over sites, as a lower bound, and name what is not fresh at living sites with traffic."""
    shares = facts.largest_shares(ent)
    needed: dict[SignalName, float] = {}
    missing: list[str] = []
    for placement in sorted(ent.placements, key=lambda p: p.site):
        carries = shares.get(placement.site, 0.0 if shares else 1.0) > 0
        # The users of a dead site arrive elsewhere: its last word would count them twice.
        gone = placement.site in health and health[placement.site].gone
        for signal in ent.signals:
            match facts.reading(ent.key, placement.site, signal.signal):
                case Fresh(value=value) if not gone:
                    needed[signal.signal] = needed.get(signal.signal, 0.0) + value
                case Stale(value=value, reason=reason) if carries and not gone:
                    needed[signal.signal] = needed.get(signal.signal, 0.0) + value
                    missing.append(f"{signal.signal} at {placement.site} is stale ({reason})")
                case Missing(reason=reason) if carries and not gone:
                    missing.append(f"{signal.signal} at {placement.site} is missing ({reason})")
                case _ if carries and gone:
                    missing.append(f"{placement.site} is down, its users are not counted")
                case _:
                    pass
    first = ent.signals[0].capacity_per_replica
    in_first_unit = (needed.get(s.signal, 0.0) / s.capacity_per_replica * first for s in ent.signals)
    return max(in_first_unit, default=0.0), tuple(missing)


def _summed(facts: Facts, ent: Ent, health: dict[SiteName, Health], signal: SignalName) -> float | None:
    """Sum a signal over the living sites; None unless all of it is fresh."""
    total = 0.0
    for placement in ent.placements:
        if placement.site in health and health[placement.site].gone:
            continue
        reading = facts.reading(ent.key, placement.site, signal)
        if not isinstance(reading, Fresh):
            return None
        total += reading.value
    return total


def _failing(facts: Facts, ent: Ent) -> bool:
    readings = (facts.reading(ent.key, p.site, ERRORS) for p in ent.placements)
    return any(isinstance(r, Fresh) and r.value > ent.slo.error_ratio for r in readings)


def _no_shrink(missing: tuple[str, ...], *, failing: bool) -> Because | None:
    if missing:
        return Because(reason=Reason.EVIDENCE_NOT_FRESH, text="; ".join(missing))
    if failing:
        text = "errors are above the SLO: less demand now may only mean that users cannot get in"
        return Because(reason=Reason.ERRORS_PERSIST, text=text)
    return None


def sample_of(demand: Demand, now: datetime, *, ready_capacity: float, expected: float) -> DemandSample:
    """Turn this cycle's view into a sample for the trend, the surprise and the bottleneck."""
    return DemandSample(
        ent=demand.ent.key,
        at=now,
        demand_per_second=demand.present_per_second,
        first_attempts_per_second=demand.first_attempts_per_second,
        successes_per_second=demand.successes_per_second,
        expected_per_second=expected,
        ready_capacity_per_second=ready_capacity,
        failing=demand.failing,
    )
