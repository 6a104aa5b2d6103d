"""The past of a site, asked in pieces: what is asked, what an absent series means, what is never guessed."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from controller.domain.names import SignalName, SiteName
from controller.domain.readings import ReadingReason
from controller.observe.history import HISTORY, PIECE, SCRAPED, SLOTS_PER_PIECE, SiteHistory
from controller.observe.metrics_source import Grid, QueryError, Sample, Series
from controller.observe.readings import LabelNames
from tests.builders import REQUESTS, key

NOW = datetime(2026, 9, 30, 7, 0, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)
ATTEMPTS = SignalName("firstAttempts")
LABELS = LabelNames(namespace="namespace", ent="ent")
NORD = {"namespace": "ents", "ent": "nord"}


class Past:
    """A Prometheus with these series, the same in every piece; notes what it is asked."""

    def __init__(self, *series: Series, scraped: tuple[float | None, ...] = (1.0,) * SLOTS_PER_PIECE) -> None:
        self.series, self.scraped = series, scraped
        self.asked: list[tuple[str, Grid]] = []
        self.error: QueryError | None = None

    async def query(self, promql: str) -> tuple[Sample, ...]:
        """Nobody asks for the present here."""
        raise AssertionError(f"an instant query: {promql}")

    async def query_range(self, promql: str, grid: Grid) -> tuple[Series, ...]:
        """The same in every piece, or the error."""
        self.asked.append((promql, grid))
        if self.error is not None:
            raise self.error
        return (Series(labels={}, values=self.scraped),) if promql == SCRAPED else self.series

    async def close(self) -> None:
        """Nothing is open."""


def a_series(value: float | None, labels: Mapping[str, str] = NORD, *, gaps: int = 0) -> Series:
    """A flat series whose first values are missing."""
    return Series(labels=labels, values=(None,) * gaps + (value,) * (SLOTS_PER_PIECE - gaps))


def history(source: Past) -> SiteHistory:
    queries = {REQUESTS: "sum by (namespace, ent) (rate(x[1m]))"}
    return SiteHistory(SiteName("a"), queries, LABELS, source)


async def asked(source: Past, start: datetime = MIDNIGHT) -> SiteHistory:
    found = history(source)
    assert await found.ask(start, REQUESTS)
    return found


def values(found: SiteHistory, name: str = "nord", start: datetime = MIDNIGHT, count: int = 4) -> list[float | None]:
    slots = found.slots(REQUESTS, key(name), start, count)
    return [None if math.isnan(value) else value for value in slots.tolist()]


def test_four_weeks_are_wanted_the_newest_first() -> None:
    """Only of signals that the site can measure, and only what is over."""
    missing = history(Past()).missing([REQUESTS, ATTEMPTS], NOW)
    assert {signal for _, signal in missing} == {REQUESTS}
    starts = [start for start, _ in missing]
    assert starts[0] == MIDNIGHT
    assert starts == sorted(starts, reverse=True)
    assert len(starts) == len(set(starts)) == HISTORY // PIECE


@pytest.mark.parametrize(("minutes", "asked_for"), [(9, False), (10, True)])
def test_a_piece_is_asked_for_when_it_has_settled(
    minutes: int,
    asked_for: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Late scrapes are waited for."""
    now = MIDNIGHT + PIECE + timedelta(minutes=minutes)
    assert ((MIDNIGHT, REQUESTS) in history(Past()).missing([REQUESTS], now)) is asked_for


async def test_a_slot_is_the_largest_value_within_it() -> None:
    """The value at an instant is that of the five minutes before it, so the grid begins a slot after the piece."""
    source = Past(a_series(3.0))
    await asked(source)
    promql, grid = source.asked[1]
    assert promql == "max_over_time((sum by (namespace, ent) (rate(x[1m])))[300s:30s])"
    assert (grid.start, grid.last) == (MIDNIGHT + timedelta(minutes=5), MIDNIGHT + PIECE)


async def test_what_was_answered_is_not_asked_again_and_what_is_old_is_forgotten() -> None:
    """Once per piece, whatever comes."""
    found = await asked(Past(a_series(3.0)))
    assert (MIDNIGHT, REQUESTS) not in found.missing([REQUESTS], NOW)
    assert values(found) == [3.0] * 4
    found.missing([REQUESTS], NOW + HISTORY + PIECE)
    assert found.pieces == {}


async def test_what_was_not_answered_is_asked_again() -> None:
    """An error is kept for people; nothing is known, and nothing is zero."""
    source = Past(a_series(3.0))
    source.error = QueryError(ReadingReason.HTTP_ERROR, "503")
    found = history(source)
    assert not await found.ask(MIDNIGHT, REQUESTS)
    assert found.error is source.error
    assert (MIDNIGHT, REQUESTS) in found.missing([REQUESTS], NOW)
    assert values(found) == [None] * 4


@pytest.mark.parametrize(
    ("series", "scraped", "expected"),
    [
        ((a_series(3.0),), 1.0, 3.0),
        ((), 1.0, 0.0),
        ((), None, None),
        ((a_series(None),), 1.0, 0.0),
        ((a_series(3.0), a_series(4.0)), 1.0, None),
        ((a_series(3.0, {"ent": "nord"}),), 1.0, 0.0),
    ],
    ids=[
        "measured",
        "no series while others were scraped: no users",
        "nothing was scraped: not known",
        "a series without values: no users",
        "several series: not known",
        "a series of nobody",
    ],
)
async def test_missing_is_not_zero(series: tuple[Series, ...], scraped: float | None, expected: float | None) -> None:
    """An ENT without a series had no users only if the Prometheus was scraping at the time."""
    found = await asked(Past(*series, scraped=(scraped,) * SLOTS_PER_PIECE))
    assert values(found, count=1) == [expected]


async def test_slots_go_over_pieces() -> None:
    """A local day begins in the middle of a piece; what was never asked is not known."""
    found = await asked(Past(a_series(3.0, gaps=1)), MIDNIGHT)
    start = MIDNIGHT - timedelta(minutes=10)
    assert values(found, start=start, count=5) == [None, None, 0.0, 3.0, 3.0]
    assert found.slots(REQUESTS, key(), MIDNIGHT, SLOTS_PER_PIECE + 1).shape == (SLOTS_PER_PIECE + 1,)


async def test_renewed_access_keeps_the_past() -> None:
    """Another token is no other past; another query is."""
    found = await asked(Past(a_series(3.0)))
    same = history(Past())
    same.inherit(found)
    assert values(same) == [3.0] * 4
    other = SiteHistory(SiteName("a"), {REQUESTS: "another"}, LABELS, Past())
    other.inherit(found)
    assert other.pieces == {}
    assert np.isnan(other.slots(REQUESTS, key(), MIDNIGHT, 1)).all()
