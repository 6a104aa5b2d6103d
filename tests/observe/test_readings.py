"""The table of readings: what is Fresh, and what everything else becomes."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.names import EntKey, SignalName, SiteName
from controller.domain.readings import Fresh, Missing, Reading, ReadingReason, Stale
from controller.observe.metrics_source import QueryError, Sample
from controller.observe.readings import Freshness, LabelNames, SignalMemory, classify, counts_events

NOW = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)
FRESHNESS = Freshness(quarantine=timedelta(seconds=60))
LABELS = LabelNames(namespace="namespace", ent="ent")
NORD, SUD = EntKey("ents", "nord"), EntKey("ents", "sud")


def a_sample(value: float = 5.0, *, at: datetime = NOW, ent: str = "nord") -> Sample:
    """A sample of one ENT."""
    return Sample(labels={"namespace": "ents", "ent": ent}, value=value, at=at)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([a_sample()], Fresh(value=5.0, at=NOW)),
        ([a_sample(0.0)], Fresh(value=0.0, at=NOW)),
        ([], Missing(reason=ReadingReason.EMPTY)),
        ([a_sample(), a_sample()], Missing(reason=ReadingReason.SEVERAL_SERIES)),
        ([a_sample(math.nan)], Missing(reason=ReadingReason.NOT_A_NUMBER)),
        ([a_sample(math.inf)], Missing(reason=ReadingReason.INFINITE)),
        ([a_sample(-math.inf)], Missing(reason=ReadingReason.INFINITE)),
        ([a_sample(-0.001)], Missing(reason=ReadingReason.NEGATIVE)),
        ([a_sample(1e9)], Fresh(value=1e9, at=NOW)),
        ([a_sample(2**64 / 60)], Missing(reason=ReadingReason.IMPLAUSIBLE)),
        ([a_sample(at=NOW - timedelta(hours=1))], Missing(reason=ReadingReason.TOO_OLD)),
        ([a_sample(at=NOW + timedelta(hours=1))], Missing(reason=ReadingReason.FROM_THE_FUTURE)),
        ([a_sample(at=NOW - timedelta(seconds=31))], Missing(reason=ReadingReason.TOO_OLD)),
        ([a_sample(at=NOW + timedelta(seconds=11))], Missing(reason=ReadingReason.FROM_THE_FUTURE)),
        ([a_sample(at=NOW - timedelta(seconds=30))], Fresh(value=5.0, at=NOW - timedelta(seconds=30))),
    ],
)
def test_what_is_fresh(samples: list[Sample], expected: Reading) -> None:
    """One finite value of the present is Fresh; everything else says why it is not, and none of it is zero."""
    assert classify(samples, NOW, FRESHNESS) == expected


@given(st.floats(), st.floats(-100, 100))
def test_a_fresh_value_is_always_usable(value: float, age_seconds: float) -> None:
    """Whatever a Prometheus answers, what comes out as Fresh is finite, not negative and of now."""
    reading = classify([a_sample(value, at=NOW - timedelta(seconds=age_seconds))], NOW, FRESHNESS)
    if isinstance(reading, Fresh):
        assert math.isfinite(reading.value)
        assert reading.value >= 0
        assert timedelta(seconds=-10) <= NOW - reading.at <= timedelta(seconds=30)


def read(memory: SignalMemory, now: datetime = NOW, ent: EntKey = NORD) -> Reading:
    """The reading of one ENT."""
    return memory.readings((ent,), now)[0].reading


def a_memory() -> SignalMemory:
    """Nothing asked yet."""
    return SignalMemory(SiteName("a"), SignalName("requests"), LABELS, FRESHNESS)


@pytest.mark.parametrize("reason", list(ReadingReason))
def test_a_failed_query_leaves_the_last_fresh_value_as_stale(reason: ReadingReason) -> None:
    """A Prometheus that dies at the peak leaves the peak standing, marked as not fresh."""
    memory = a_memory()
    memory.take((a_sample(),), NOW)
    assert read(memory) == Fresh(value=5.0, at=NOW)
    memory.take(QueryError(reason, "why"), NOW + timedelta(seconds=5))
    assert read(memory, NOW + timedelta(seconds=5)) == Stale(value=5.0, at=NOW, reason=reason)


def test_what_was_never_fresh_is_missing() -> None:
    """Before the first answer, and after a first failure, there is no value at all."""
    memory = a_memory()
    assert read(memory) == Missing(reason=ReadingReason.NEVER_READ)
    memory.take(QueryError(ReadingReason.TIMED_OUT, "why"), NOW)
    assert read(memory) == Missing(reason=ReadingReason.TIMED_OUT)


def test_memory_of_a_value_ends() -> None:
    """After half a day a value says nothing any more (design: blindHold)."""
    memory = a_memory()
    memory.take((a_sample(),), NOW)
    read(memory)
    memory.take(QueryError(ReadingReason.TIMED_OUT, "why"), NOW)
    assert isinstance(read(memory, NOW + timedelta(hours=12)), Stale)
    assert read(memory, NOW + timedelta(hours=12, seconds=1)) == Missing(reason=ReadingReason.TIMED_OUT)


def test_a_returned_source_is_in_quarantine_for_one_window() -> None:
    """Rates over a half-empty window look like falling demand: they are Stale until the window is full."""
    memory = a_memory()
    memory.take((a_sample(),), NOW)
    read(memory)
    memory.take(QueryError(ReadingReason.UNREACHABLE, "why"), NOW)
    memory.take((a_sample(1.0),), NOW)
    assert read(memory) == Stale(value=1.0, at=NOW, reason=ReadingReason.QUARANTINED)
    later = NOW + timedelta(seconds=59)
    memory.take((a_sample(2.0, at=later),), later)
    assert isinstance(read(memory, later), Stale)
    full = NOW + timedelta(seconds=60)
    memory.take((a_sample(3.0, at=full),), full)
    assert read(memory, full) == Fresh(value=3.0, at=full)


def test_one_slow_answer_is_no_absence() -> None:
    """A single timeout empties no window; two in a row may have."""
    memory = a_memory()
    memory.take((a_sample(),), NOW)
    read(memory)
    memory.take(QueryError(ReadingReason.TIMED_OUT, "why"), NOW)
    memory.take((a_sample(),), NOW)
    assert isinstance(read(memory), Fresh)
    for _ in range(2):
        memory.take(QueryError(ReadingReason.TIMED_OUT, "why"), NOW)
    memory.take((a_sample(),), NOW)
    assert isinstance(read(memory), Stale)


def test_quarantine_begins_when_the_ents_own_samples_return() -> None:
    """A Prometheus that restarts answers before it has scraped: the window fills from the first sample on."""
    memory = a_memory()
    memory.take((a_sample(),), NOW)
    read(memory)
    memory.take(QueryError(ReadingReason.UNREACHABLE, "why"), NOW)
    later = NOW + timedelta(seconds=50)
    memory.take((), later)
    assert read(memory, later) == Stale(value=5.0, at=NOW, reason=ReadingReason.EMPTY)
    back = NOW + timedelta(seconds=100)
    memory.take((a_sample(1.0, at=back),), back)
    soon = back + timedelta(seconds=59)
    memory.take((a_sample(1.5, at=soon),), soon)
    assert read(memory, soon) == Stale(value=1.5, at=soon, reason=ReadingReason.HALF_WINDOW)
    full = back + timedelta(seconds=60)
    memory.take((a_sample(2.0, at=full),), full)
    assert isinstance(read(memory, full), Fresh)


def test_our_own_start_is_no_return_of_the_source() -> None:
    """The first answer of all is believed."""
    memory = a_memory()
    memory.take((a_sample(),), NOW)
    assert isinstance(read(memory), Fresh)


def test_an_answer_that_is_not_renewed_grows_old() -> None:
    """If asking itself has stopped, the last answer does not stay Fresh."""
    memory = a_memory()
    memory.take((a_sample(),), NOW)
    read(memory)
    stale = read(memory, NOW + timedelta(seconds=31))
    assert stale == Stale(value=5.0, at=NOW, reason=ReadingReason.TOO_OLD)


def test_each_ent_has_its_own_reading() -> None:
    """One batched answer is told apart by labels; samples of others are nobody's."""
    memory = a_memory()
    other = Sample(labels={"ent": "nord"}, value=9.0, at=NOW)
    memory.take((a_sample(ent="nord"), a_sample(7.0, ent="sud"), other), NOW)
    assert read(memory) == Fresh(value=5.0, at=NOW)
    assert read(memory, ent=SUD) == Fresh(value=7.0, at=NOW)


# ------------------------------------------------------------------------------------------------ frozen counters


@pytest.mark.parametrize(
    ("promql", "expected"),
    [
        ("sum by (namespace, ent) (rate(portal_requests_total[1m]))", True),
        ("irate(x[30s])", True),
        ("sum(increase(x[1m]))", True),
        ('sum(rate(x{path="/login"}[1m]))', True),
        ("sum(rate(x{path='a/b'}[1m]))", True),
        ("sum(rate(bad[1m])) / sum(rate(all[1m]))", False),
        ("histogram_quantile(0.95, sum by (le) (rate(x_bucket[1m])))", False),
        ("portal_sessions", False),
        ("generate(x)", False),
        ('up{job="rate(x)"}', False),
    ],
)
def test_what_counts_events(promql: str, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    """Only a plain rate of a counter must move while there are users; a quotient or a gauge may stand still."""
    assert counts_events(promql) is expected


STEP = timedelta(seconds=5)
USED = frozenset({NORD})


def after(
    *values: float | None, of_events: bool = True, used: frozenset[EntKey] = USED, every: timedelta = STEP
) -> list[Reading]:
    """The readings of a query asked every five seconds; None: the ENT has no sample."""
    memory = SignalMemory(SiteName("a"), SignalName("requests"), LABELS, FRESHNESS, of_events=of_events)
    memory.readings((NORD,), NOW, used)
    found = []
    for i, value in enumerate(values):
        now = NOW + every * i
        memory.take(() if value is None else (a_sample(value, at=now),), now)
        found.append(memory.readings((NORD,), now, used)[0].reading)
    return found


def reason_of(reading: Reading) -> ReadingReason | None:
    return None if isinstance(reading, Fresh) else reading.reason


def test_a_rate_that_falls_silent_at_once_is_frozen() -> None:
    """Nobody's users all leave within one window: the counter stands still, and the last flow is carried on."""
    found = after(50.0, 30.0, 10.0, 0.0, 0.0)
    assert found[2] == Fresh(value=10.0, at=NOW + 2 * STEP)
    assert found[3:] == [Stale(value=10.0, at=NOW + 2 * STEP, reason=ReadingReason.FROZEN_COUNTER)] * 2


@pytest.mark.parametrize("zeros", [1, 30])
def test_a_frozen_rate_that_moves_again_counts_half_a_window(zeros: int) -> None:
    """However long it stood still, it is believed one window after it has moved."""
    found = after(50.0, *[0.0] * zeros, *[float(n) for n in range(20, 34)])
    moved = found[1 + zeros :]
    assert {reason_of(r) for r in moved[:12]} == {ReadingReason.HALF_WINDOW}
    assert isinstance(moved[12], Fresh)


@pytest.mark.parametrize(
    ("values", "of_events", "used"),
    [
        ((50.0, 0.0), True, frozenset[EntKey]()),
        ((50.0, 0.0), False, USED),
        ((0.9, 0.0), True, USED),
        ((0.0, 0.0), True, USED),
        ((0.02, 0.0), True, USED),
        ((5.0, *[0.9 - n / 20 for n in range(13)], 0.0), True, USED),
    ],
)
def test_a_zero_that_may_be_true_is_believed(
    values: tuple[float, ...],
    of_events: bool,  # noqa: FBT001 - a row of the table
    used: frozenset[EntKey],
) -> None:
    """Where nobody is sent, of what is no rate, after next to nothing, or after a whole window of decline."""
    assert isinstance(after(*values, of_events=of_events, used=used)[-1], Fresh)


def test_a_rate_that_repeats_itself_is_frozen() -> None:
    """The same bits for two minutes with users about: a recording rule, a gateway or a scrape stands still."""
    found = after(*[50.0] * 30)
    assert all(isinstance(r, Fresh) for r in found[:24])
    assert {reason_of(r) for r in found[24:]} == {ReadingReason.FROZEN_COUNTER}
    assert all(isinstance(r, Fresh) for r in after(*[50.0 + n % 2 / 1e9 for n in range(30)]))
    assert all(isinstance(r, Fresh) for r in after(*[0.5] * 30)), "a regular probe at night is no frozen counter"
    assert all(isinstance(r, Fresh) for r in after(*[50.0] * 30, of_events=False)), "a gauge may stay what it is"
    assert all(isinstance(r, Fresh) for r in after(*[50.0] * 30, used=frozenset()))


def test_an_ent_that_was_left_begins_anew() -> None:
    """Traffic is moved away, the rate falls to 0 and traffic returns: that is no frozen counter."""
    memory = SignalMemory(SiteName("a"), SignalName("requests"), LABELS, FRESHNESS, of_events=True)
    for i, (value, used) in enumerate([(50.0, USED), (20.0, frozenset[EntKey]()), (0.0, frozenset()), (0.0, USED)]):
        now = NOW + STEP * i
        memory.take((a_sample(value, at=now),), now)
        found = memory.readings((NORD,), now, used)[0].reading
        assert found == Fresh(value=value, at=now)


def test_a_frozen_counter_is_remembered_as_long_as_anything() -> None:
    """After half a day the last flow says nothing any more."""
    memory = SignalMemory(SiteName("a"), SignalName("requests"), LABELS, FRESHNESS, of_events=True)
    for at, value in ((NOW, 50.0), (NOW + STEP, 0.0)):
        memory.take((a_sample(value, at=at),), at)
        memory.readings((NORD,), at, USED)
    for later, kind in ((timedelta(hours=12), Stale), (timedelta(hours=12, seconds=1), Missing)):
        memory.take((a_sample(0.0, at=NOW + later),), NOW + later)
        found = memory.readings((NORD,), NOW + later, USED)[0].reading
        assert isinstance(found, kind)
        assert reason_of(found) is ReadingReason.FROZEN_COUNTER


def test_a_restart_that_empties_the_answer_counts_half_a_window() -> None:
    """Refused, then answering without the ENT, then with it: what counts is when its own window began to fill."""
    memory = a_memory()
    memory.take((a_sample(),), NOW)
    read(memory)
    memory.take(QueryError(ReadingReason.UNREACHABLE, "why"), NOW + STEP)
    memory.take((), NOW + 2 * STEP)
    back = NOW + 3 * STEP
    memory.take((a_sample(1.0, at=back),), back)
    assert read(memory, back) == Stale(value=1.0, at=back, reason=ReadingReason.HALF_WINDOW)
