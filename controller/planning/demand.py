"""Demand at now + lead time: the largest of schedule, event, forecast, surprise and present demand with its trend.

Demand is counted per second in the unit of the ENT's first demand signal; other signals are converted by what a
replica carries of each, so that the largest need wins (design §5 stage 3).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from controller.domain.explanation import Explained, Term
from controller.domain.fleet import Ent
from controller.domain.forecast import Forecast
from controller.domain.memory import EntSamples, Morning
from controller.domain.names import SiteName
from controller.domain.plan import Because
from controller.domain.reasons import Reason
from controller.domain.timetable import Audience
from controller.domain.windows import LONGEST_OWN_LEAD, Window, kept_out_at, shut_at
from controller.planning.facts import Facts
from controller.planning.health import Health
from controller.planning.lead import LONGEST_LEAD, lead_time
from controller.planning.measured import Measured, measure
from controller.planning.surprise import MORNING_ENDS_AFTER, NO_SURPRISE, ratio
from controller.planning.trend import grown, slope_per_second

ABOUT_AS_ANNOUNCED = 1.2
"""So much above what windows announce is no other morning yet: who announces guesses, and the target utilisation leaves
a third more than is announced."""


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
    """Errors or failed log-ins above the SLO on a fresh reading at any site."""
    failing_everywhere: bool
    """The same at every living site with traffic: no site of ours is the reason."""
    expected_per_second: float
    """The schedule's curve at this instant, which first attempts are judged by; 0 while an event explains them."""
    forecast_per_second: float
    """The forecast's, likewise; 0 where there is none."""
    lead: timedelta
    blind: Because | None
    """What is not known of the demand; None when it is known as a whole. No living site is left on such evidence."""
    no_shrink: Because | None
    """Why nothing of this ENT may shrink; None when it may: also when the blind hold is over."""
    candidates: tuple["Candidate", ...] = field(compare=False)
    """What asked for how much; the largest is the demand ahead."""
    kept_out: tuple[tuple[Audience, str], ...] = ()
    """Audiences that are not let in now, and by which policy; `all`: shut on purpose."""

    @property
    def won(self) -> "Candidate":
        """The candidate that decided; the first of equals."""
        return max(self.candidates, key=_by_value)

    @property
    def explained(self) -> Explained:
        """The demand ahead and its chain, worked out when somebody asks."""
        terms = tuple(Term(reason=c.reason, value=c.value, detail=c.told()) for c in self.candidates)
        ahead = self.ahead_per_second
        return Explained(
            subject=str(self.ent.key), quantity="demand ahead", value=ahead, unit="per second", terms=terms
        )


class Candidate(NamedTuple):
    """One candidate for the demand ahead. The sentence is made when it is read: mostly nobody asks."""

    reason: Reason
    value: float
    detail: str | Callable[[], str]

    def told(self) -> str:
        """Say where it comes from."""
        return self.detail if isinstance(self.detail, str) else self.detail()


def _by_value(candidate: Candidate) -> float:
    return candidate.value


def demand_of(facts: Facts, ent: Ent, health: dict[SiteName, Health]) -> Demand:
    """Say what the ENT's users want now and a lead time ahead, and whether it is known well enough to shrink."""
    coming = _coming(facts, ent)
    lead = lead_time(facts, ent, coming)
    samples = facts.sampled(ent.key)
    measured = measure(facts, ent, health)
    view = _view(facts, ent, coming, lead)
    held = bool(measured.unknown) and not _hold_is_over(facts, ent, samples)
    failing = measured.failing and shut_at(coming, facts.now) is None  # shut on purpose is no outage
    present = measured.need_per_second
    if held and samples.known_per_second is not None:
        # The users of a site that fell silent are still there.
        present = max(present, samples.known_per_second)
    candidates = _candidates(facts, ent, samples, measured, view, present, lead)
    ahead = max([candidate.value for candidate in candidates])
    blind = Because(reason=Reason.EVIDENCE_NOT_FRESH, text="; ".join(measured.unknown)) if measured.unknown else None
    return Demand(
        ent=ent,
        now_per_second=max(present, view.scheduled_now),
        ahead_per_second=ahead,
        scheduled_ahead_per_second=view.scheduled_ahead,
        present_per_second=None if measured.unknown else present,
        first_attempts_per_second=measured.first_attempts_per_second,
        successes_per_second=measured.successes_per_second,
        failing=failing,
        failing_everywhere=failing and measured.failing_everywhere,
        expected_per_second=view.curve_now,
        forecast_per_second=view.usual_now,
        lead=lead,
        blind=blind,
        no_shrink=_no_shrink(blind, held=held or bool(view.windows), failing=failing),
        candidates=tuple(candidates),
        kept_out=kept_out_at(coming, facts.now),
    )


@dataclass(slots=True)
class _View:
    """What is expected from now until the horizon; filled window by window."""

    windows: list[Window]
    event: Window | None = None
    scheduled: Window | None = None
    scheduled_now: float = 0.0
    scheduled_ahead: float = 0.0
    curve_now: float = 0.0
    usual_now: float = 0.0
    forecast_ahead: float = 0.0
    set_aside: Forecast | None = None


def _coming(facts: Facts, ent: Ent) -> list[Window]:
    """Return the windows that are under way, or begin within the longest lead time; they are sorted by their start."""
    now = facts.now
    longest = max(LONGEST_LEAD, ent.scaling.lead_time or LONGEST_LEAD) + ent.scaling.warm_up
    learned, farthest = now + longest, now + max(longest, LONGEST_OWN_LEAD)
    found = []
    for window in facts.windows.get(ent.key, ()):
        if window.start > farthest:
            break
        if window.end > now and (
            window.start <= learned or (window.lead_seconds and window.asked_for_at(longest) <= now)
        ):
            found.append(window)
    return found


def _view(facts: Facts, ent: Ent, coming: list[Window], lead: timedelta) -> _View:
    now, horizon, view, explained_by_event = facts.now, facts.now + lead, _View([]), False
    for window in coming:
        if window.asked_for_at(lead) > now if window.lead_seconds else window.start > horizon:
            continue
        view.windows.append(window)
        view.scheduled_ahead = max(view.scheduled_ahead, window.demand_per_second)
        rung = window.start <= now
        if rung:
            view.scheduled_now = max(view.scheduled_now, window.demand_per_second)
        if window.by_event:
            view.event = _larger(view.event, window)
            explained_by_event = explained_by_event or rung
        else:
            view.scheduled = _larger(view.scheduled, window)
            view.curve_now = max(view.curve_now, window.expected_at(now))
    _look_at_forecasts(view, facts.forecasts.get(ent.key, ()), now, horizon)
    if explained_by_event:
        view.curve_now = view.usual_now = 0.0
    return view


def _larger(best: Window | None, window: Window) -> Window:
    if best is None:
        return window
    return max(best, window, key=lambda w: (w.demand_per_second, w.source))


def _look_at_forecasts(view: _View, forecasts: tuple[Forecast, ...], now: datetime, horizon: datetime) -> None:
    """A forecast may only add. One that was set aside is named, and neither adds nor judges."""
    for forecast in forecasts:
        ahead = forecast.most(now, horizon)
        if ahead <= 0.0:
            continue
        if forecast.set_aside:
            view.set_aside = forecast
            continue
        view.forecast_ahead = max(view.forecast_ahead, ahead)
        view.usual_now = max(view.usual_now, forecast.at(now))


def _candidates(
    facts: Facts,
    ent: Ent,
    samples: EntSamples,
    measured: Measured,
    view: _View,
    present: float,
    lead: timedelta,
) -> list[Candidate]:
    found = [_present(facts, ent, samples, measured, present, lead, announced=view.scheduled_ahead)]
    for reason, window in ((Reason.SCHEDULE, view.scheduled), (Reason.EVENT, view.event)):
        if window is not None:
            found.append(Candidate(reason, window.demand_per_second, window.source))
    found += _beaten(view)
    if view.event is None:
        found += _surprise(facts, ent, samples, view)
    if view.forecast_ahead > 0.0:
        found.append(Candidate(Reason.FORECAST, view.forecast_ahead, "usual on past days of this kind"))
    elif view.set_aside is not None:
        found.append(Candidate(Reason.FORECAST_SET_ASIDE, 0.0, view.set_aside.set_aside))
    return found


def _beaten(view: _View) -> list[Candidate]:
    """Return the largest window of every other schedule: whoever asks which of them wins sees by how much."""
    if view.scheduled is None:
        return []
    winner = f"{view.scheduled.policy}: "
    largest: dict[str, Window] = {}
    for window in view.windows:
        if not window.by_event and window.demand_per_second > 0.0 and not window.source.startswith(winner):
            largest[window.policy] = _larger(largest.get(window.policy), window)
    return [
        Candidate(Reason.SCHEDULE, window.demand_per_second, window.source) for _, window in sorted(largest.items())
    ]


def _present(
    facts: Facts,
    ent: Ent,
    samples: EntSamples,
    measured: Measured,
    present: float,
    lead: timedelta,
    *,
    announced: float,
) -> Candidate:
    """A rise that windows announce is theirs: it is not drawn on beyond them before the present is."""
    slope = 0.0
    if not measured.unknown:
        by_attempts = measured.first_attempts_per_second is not None and measured.signal == ent.signals[0].signal
        slope = slope_per_second(samples.recent, facts.now, of_first_attempts=by_attempts)
    told = partial(_present_told, ent, measured, present, slope, lead)
    ahead = grown(present, slope, lead)
    if present <= announced * ABOUT_AS_ANNOUNCED:
        ahead = max(present, min(ahead, announced))
    return Candidate(Reason.PRESENT_DEMAND, ahead, told)


def _present_told(ent: Ent, measured: Measured, present: float, slope: float, lead: timedelta) -> str:
    detail = f"measured {measured.own_per_second:.1f}/s of {measured.signal}"
    if measured.signal != ent.signals[0].signal:
        detail += f", which need as much as {present:.1f}/s of {ent.signals[0].signal}"
    if present > measured.need_per_second:
        detail = f"{present:.1f}/s when last known; {detail}"
    if slope > 0.0:
        detail += f", rising {slope * 60:.1f}/s each minute, {lead.total_seconds():.0f} s ahead"
    return detail


def _surprise(facts: Facts, ent: Ent, samples: EntSamples, view: _View) -> list[Candidate]:
    """Raise the rest of the morning by how far first attempts run above their curve, before the peak."""
    found: list[Candidate] = []
    if samples.morning is not None and view.scheduled is not None:
        rest = _rest_of_morning(view.windows, samples.morning.at + MORNING_ENDS_AFTER)
        found += _raised(facts, ent, samples.morning, rest, curve="the schedule's curve")
    if samples.morning_by_forecast is not None:
        found += _raised(facts, ent, samples.morning_by_forecast, view.forecast_ahead, curve="what is usual")
    return found


def _raised(facts: Facts, ent: Ent, morning: Morning, rest: float, *, curve: str) -> list[Candidate]:
    above = ratio(morning, facts.now)
    bounded = min(above, ent.scaling.surprise_max)
    if rest <= 0.0 or bounded <= NO_SURPRISE:
        return []
    minutes = morning.watched_seconds / 60
    detail = f"first attempts ran at {above:.2f} times {curve}, watched for {minutes:.0f} min this morning"
    if bounded < above:
        detail += f", taken as {bounded:g} at most"
    return [Candidate(Reason.SURPRISE, rest * bounded, detail)]


def _rest_of_morning(windows: list[Window], ends: datetime) -> float:
    return max((w.demand_per_second for w in windows if w.start < ends and not w.by_event), default=0.0)


def _hold_is_over(facts: Facts, ent: Ent, samples: EntSamples) -> bool:
    """Tell whether demand has been unknown for so long that what it was says nothing any more."""
    known_at = samples.known_at or facts.world.memory.samples.complete_since
    return known_at is not None and facts.now - known_at > ent.scaling.blind_hold


def _no_shrink(blind: Because | None, *, held: bool, failing: bool) -> Because | None:
    if blind is not None and held:
        return blind
    if failing:
        text = "errors are above the SLO: less demand now may only mean that users cannot get in"
        return Because(reason=Reason.ERRORS_PERSIST, text=text)
    return None
