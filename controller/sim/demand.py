"""What users want: log-ins per second for every ENT, and the open-loop demand that follows if nobody ever fails.

A `Course` is sampled every `SAMPLE_SECONDS`; the engine looks up the sample of its instant. Sizes are drawn from the
named random stream of the run, so that every controller of a run meets the same crowd.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from controller.domain.names import EntKey
from controller.sim.dayshapes import (
    BELL_HOURS,
    BELL_SHARES,
    BURST_FROM,
    BURST_UNTIL,
    HOURS,
    REQUESTS_PER_LOGIN,
    SHAPES,
    DayKind,
    DayShape,
)
from controller.sim.scenario import EntSpec, FlashSpec, Scenario

Array = NDArray[np.float64]

SAMPLE_SECONDS = 10
"""A burst of two minutes' scale is smooth at this resolution."""
NAMESPACE = "portals"
_MINUTE, _HOUR = 60.0, 3600.0
_ONE_DAY = timedelta(days=1)
_LONGEST_LOCAL_DAY = 25
"""Hours of the day on which the clocks are put back."""
AFTERNOON_FROM = 13.0
KEPT_OUT_FROM, KEPT_OUT_UNTIL = 7.5, 17.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Demand over the whole scenario; arrays are ENT × sample."""

    start: datetime
    logins: Array
    """First log-ins per second."""
    direct: Array
    """Requests per second that belong to no session, as a recorded load has them."""
    visit_seconds: Array
    page_rate: Array
    """Requests per second of one active user."""
    open_loop: Array
    """Requests per second of first attempts if every one is served at once."""

    def index(self, second: float) -> int:
        """Return the sample of an instant, counted in seconds from the start."""
        return min(int(second // SAMPLE_SECONDS), len(self.logins[0]) - 1)


def key_of(spec: EntSpec) -> EntKey:
    """Return the key of the portal."""
    return EntKey(NAMESPACE, spec.name)


def login_curve(spec: EntSpec, kind: DayKind, hours: Array) -> Array:
    """Return log-ins per second of one ENT at the local hours of a day of the kind."""
    shape = SHAPES[kind]
    audiences = (
        (spec.pupils * shape.pupil_logins, shape.profile.pupils, shape.burst_share),
        (spec.teachers * shape.teacher_logins, shape.profile.teachers, 0.0),
        (spec.parents * shape.parent_logins, shape.profile.parents, 0.0),
    )
    total = np.zeros_like(hours)
    for index, (logins, weights, burst) in enumerate(audiences):
        flow = _even_flow(hours, weights, burst) * logins
        if burst:
            tied = burst * logins * sum(weights[BURST_FROM:BURST_UNTIL])
            flow += tied * _bursts(hours, shape)
        if shape.parents_kept_out and index == len(audiences) - 1:
            flow = np.where((hours >= KEPT_OUT_FROM) & (hours < KEPT_OUT_UNTIL), 0.0, flow)
        total += flow
    return np.where(hours >= AFTERNOON_FROM, total * shape.afternoon, total)


def _even_flow(hours: Array, weights: tuple[float, ...], burst: float) -> Array:
    """Join the hourly weights by straight lines, as a density per second."""
    each = np.array(weights) / _HOUR
    each[BURST_FROM:BURST_UNTIL] *= 1.0 - burst
    middles = np.arange(HOURS) + 0.5
    found: Array = np.interp(hours, middles, each, period=HOURS)
    return found


def _bursts(hours: Array, shape: DayShape) -> Array:
    """Return the density per second of the logistic bursts around the bells."""
    total = np.zeros_like(hours)
    for bell, share in zip(BELL_HOURS, BELL_SHARES, strict=True):
        z = np.clip((hours - bell) * _HOUR / (shape.burst_minutes * _MINUTE), -40.0, 40.0)
        e = np.exp(-np.abs(z))
        total += share * e / (1.0 + e) ** 2 / (shape.burst_minutes * _MINUTE)
    return total


def course_of(scenario: Scenario, sizes: np.random.Generator) -> Course:
    """Draw how many truly come, and return the course of the whole scenario."""
    start, until = scenario.utc(scenario.start), scenario.utc(scenario.until)
    count = int((until - start).total_seconds() // SAMPLE_SECONDS) + 1
    ents = len(scenario.ents)
    logins, visits, rates = np.zeros((ents, count)), np.full((ents, count), 360.0), np.zeros((ents, count))
    for day in local_days(scenario):
        kind = scenario.kind_on(day)
        shape = SHAPES[kind]
        first = int((scenario.utc(datetime.combine(day, datetime.min.time())) - start).total_seconds())
        after = int((scenario.utc(datetime.combine(day + _ONE_DAY, datetime.min.time())) - start).total_seconds())
        at = np.arange(max(0, -(-first // SAMPLE_SECONDS)), min(count, -(-after // SAMPLE_SECONDS)))
        hours = (at * SAMPLE_SECONDS - first) / _HOUR
        for row, spec in enumerate(scenario.ents):
            factor = size_factor(scenario, kind, day, sizes)
            logins[row, at] = login_curve(spec, kind, hours) * factor
        visits[:, at] = shape.visit_seconds
        rates[:, at] = shape.requests_per_active_second
    if scenario.flash is not None:
        logins *= _flash(scenario.flash, scenario, count, sizes)
    return Course(
        start=start,
        logins=logins,
        direct=np.zeros_like(logins),
        visit_seconds=visits,
        page_rate=rates,
        open_loop=open_loop(logins, visits, rates),
    )


def size_factor(scenario: Scenario, kind: DayKind, day: date, sizes: np.random.Generator) -> float:
    """Draw how many more or fewer come than was declared or is usual on such days."""
    users = scenario.users
    usual = kind is scenario.ordinary(day)
    sigma = users.daily_sigma if usual else (users.size_sigma or users.daily_sigma)
    return float(np.exp(sizes.normal(0.0, sigma))) if sigma else 1.0


def local_days(scenario: Scenario) -> list[date]:
    """Return the local dates that the scenario touches."""
    first, last = scenario.start.date(), scenario.until.date()
    return [first + n * _ONE_DAY for n in range((last - first).days + 1)]


def open_loop(logins: Array, visits: Array, rates: Array) -> Array:
    """Return requests per second if all are served at once: log-ins, and pages of the sessions that follow."""
    active = logins[:, 0] * visits[:, 0]
    kept = np.exp(-SAMPLE_SECONDS / visits)
    gained = logins * visits * (1.0 - kept)
    found = np.empty_like(logins)
    for i in range(logins.shape[1]):
        found[:, i] = active
        active = active * kept[:, i] + gained[:, i]
    return found * rates + logins * REQUESTS_PER_LOGIN


def _flash(flash: FlashSpec, scenario: Scenario, count: int, sizes: np.random.Generator) -> Array:
    """Return the factor over time: a straight ramp, a plateau, an exponential end."""
    times, ramp = sizes.uniform(*flash.times), sizes.uniform(*flash.ramp_minutes) * _MINUTE
    plateau = sizes.uniform(*flash.plateau_minutes) * _MINUTE
    begins = (scenario.utc(flash.start) - scenario.utc(scenario.start)).total_seconds()
    since = np.arange(count) * SAMPLE_SECONDS - begins
    rising = np.clip(since / ramp, 0.0, 1.0)
    falling = np.exp(-np.clip(since - ramp - plateau, 0.0, None) / (flash.decay_minutes * _MINUTE))
    return np.asarray(1.0 + (times - 1.0) * rising * falling)


def recorded(scenario: Scenario, points: list[tuple[datetime, float]]) -> Course:
    """Return the course of a recorded load, the same for every ENT: requests per second without sessions."""
    start, until = scenario.utc(scenario.start), scenario.utc(scenario.until)
    count = int((until - start).total_seconds() // SAMPLE_SECONDS) + 1
    known = np.array([(at.astimezone(UTC) - start).total_seconds() for at, _ in points])
    values = np.array([value for _, value in points])
    direct = np.interp(np.arange(count) * SAMPLE_SECONDS, known, values)
    whole = np.tile(direct, (len(scenario.ents), 1))
    nothing = np.zeros_like(whole)
    visits = np.full_like(whole, 360.0)
    return Course(start=start, logins=nothing, direct=whole, visit_seconds=visits, page_rate=nothing, open_loop=whole)
