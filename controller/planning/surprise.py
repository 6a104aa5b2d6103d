"""Surprise: a morning whose first attempts run above their curve raises what is still to come (design §5 stage 3).

There are two curves, the schedule's with its ramps and the forecast's; each is judged by its own sums and raises
what it says itself, so that a forecast that comes up in the middle of a morning takes nothing away.

Rates count from when they are seen until the next ones are known, and for no longer than `LONGEST_STEP`: a gap in the
readings adds nothing and loses nothing. The sums are the same however often a plan is made at one instant.
"""

from datetime import datetime, timedelta

from controller.domain.memory import Morning

SURPRISE_ATTEMPTS = 200.0
"""First attempts before a surprise is believed, and the weight with which it is shrunk towards 1 (design §5)."""
SURPRISE_SPAN = timedelta(minutes=5)
"""How long a surprise must have been watched (design §5)."""
LONGEST_STEP = timedelta(seconds=15)
"""How long a rate counts when no other follows: three planning cycles."""
MORNING_ENDS_AFTER = timedelta(hours=3)
"""So long without anything expected begins another morning: a lunch break does not, a night does."""
LONGEST_MORNING = timedelta(hours=12)
"""Where something is expected around the clock a morning ends all the same."""
NO_SURPRISE = 1.0


def lasts(morning: Morning, now: datetime) -> bool:
    """Tell whether it is still the same morning."""
    return now - morning.at < MORNING_ENDS_AFTER and now - morning.begun_at < LONGEST_MORNING


def ratio(morning: Morning | None, now: datetime) -> float:
    """Return how far first attempts run above their curve, shrunk towards 1; never below 1, not yet bounded above."""
    if morning is None or not lasts(morning, now):
        return NO_SURPRISE
    step = _step_seconds(morning, now)
    seen = morning.seen + morning.attempts_per_second * step
    if seen < SURPRISE_ATTEMPTS or morning.watched_seconds + step < SURPRISE_SPAN.total_seconds():
        return NO_SURPRISE
    foreseen = morning.foreseen + morning.expected_per_second * step
    return max(NO_SURPRISE, (seen + SURPRISE_ATTEMPTS) / (foreseen + SURPRISE_ATTEMPTS))


def morning_after(morning: Morning | None, now: datetime, *, attempts: float | None, expected: float) -> Morning | None:
    """Return the sums after this cycle. Without a fresh reading, or with nothing expected, they stay as they are."""
    if attempts is None or expected <= 0.0:
        return morning
    if morning is None or not lasts(morning, now):
        return Morning(
            begun_at=now,
            at=now,
            attempts_per_second=attempts,
            expected_per_second=expected,
        )
    step = _step_seconds(morning, now)
    return Morning(
        begun_at=morning.begun_at,
        at=now,
        attempts_per_second=attempts,
        expected_per_second=expected,
        seen=morning.seen + morning.attempts_per_second * step,
        foreseen=morning.foreseen + morning.expected_per_second * step,
        watched_seconds=morning.watched_seconds + step,
    )


def _step_seconds(morning: Morning, now: datetime) -> float:
    """Return how long the last rates count: never backwards, should the clock be set back."""
    return max(0.0, min(now - morning.at, LONGEST_STEP).total_seconds())
