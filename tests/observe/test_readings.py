"""The table of readings: what is Fresh, and what everything else becomes."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.names import EntKey, SignalName, SiteName
from controller.domain.readings import Fresh, Missing, Reading, ReadingReason, Stale
from controller.observe.metrics_source import QueryError, Sample
from controller.observe.readings import Freshness, LabelNames, SignalMemory, classify

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
    assert read(memory, soon) == Stale(value=1.5, at=soon, reason=ReadingReason.QUARANTINED)


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
