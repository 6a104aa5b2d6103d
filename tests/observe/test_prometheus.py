"""Every way in which a Prometheus can fail to answer becomes one error with one reason."""

import asyncio
import json
import math
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.domain.readings import ReadingReason
from controller.observe.metrics_source import Grid, QueryError, Series
from controller.observe.prometheus import THREADS_PER_SOURCE, PrometheusSource
from controller.observe.prometheus_address import PrometheusAddress
from tests.observe.answers import answering


def vector(*values: str, **envelope: Any) -> bytes:
    """An answer with one sample per value."""
    result = [{"metric": {"ent": "nord"}, "value": [1693551600.5, value]} for value in values]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}} | envelope).encode()


async def ask(url: str, *, deadline_seconds: float = 2.0) -> Any:
    """One query."""
    source = PrometheusSource(PrometheusAddress(url=url), deadline_seconds=deadline_seconds)
    try:
        return await source.query("up")
    finally:
        await source.close()


async def test_values_arrive_as_they_are() -> None:
    """NaN and infinities are passed on for the table of readings to judge; time is UTC."""
    with answering(200, vector("1.5", "NaN", "+Inf")) as url:
        samples = await ask(url)
    assert samples[0].value == 1.5
    assert math.isnan(samples[1].value)
    assert math.isinf(samples[2].value)
    assert samples[0].at.isoformat() == "2023-09-01T07:00:00.500000+00:00"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"", ReadingReason.HTTP_ERROR),
        (503, vector("1"), ReadingReason.HTTP_ERROR),
        (401, b"who are you", ReadingReason.HTTP_ERROR),
        (400, b'{"status":"error","error":"parse error"}', ReadingReason.HTTP_ERROR),
        (200, b"<html>log in</html>", ReadingReason.MALFORMED),
        (200, b'{"status":"error"}', ReadingReason.MALFORMED),
        (200, b'{"data":{"result":[{"metric":{},"value":"x"}]}}', ReadingReason.MALFORMED),
        (200, b'{"data":{"result":[1.0,"2"]}}', ReadingReason.MALFORMED),
        (200, b"[]", ReadingReason.MALFORMED),
        (200, b'{"data":{"result":[{"metric":{},"value":[1e20,"1"]}]}}', ReadingReason.MALFORMED),
        (200, b'{"data":{"result":[{"metric":"x","value":[1,"1"]}]}}', ReadingReason.MALFORMED),
        (200, b'{"data":{"result":[{"metric":{"ent":[]},"value":[1,"1"]}]}}', ReadingReason.MALFORMED),
        (200, b'{"data":' + b"[" * 100_000, ReadingReason.MALFORMED),
        (200, vector("1", warnings=["one store is down"]), ReadingReason.PARTIAL_RESULT),
    ],
)
async def test_every_failure_has_a_reason(status: int, body: bytes, reason: ReadingReason) -> None:
    """A partial result is a failure too: it looks like less demand than there is."""
    with answering(status, body) as url, pytest.raises(QueryError) as failed:
        await ask(url)
    assert failed.value.reason is reason


async def test_warnings_that_are_empty_are_none() -> None:
    """An empty list of warnings is no partial result."""
    with answering(200, vector("1", warnings=[])) as url:
        assert len(await ask(url)) == 1


async def test_nobody_there_is_unreachable() -> None:
    """A refused connection, also at the second try."""
    with pytest.raises(QueryError) as failed:
        await ask("http://127.0.0.1:1")
    assert failed.value.reason is ReadingReason.UNREACHABLE


async def test_a_hanging_source_costs_its_deadline_however_many_ask() -> None:
    """Queries that hang, and those that wait for their threads, are given up in time."""
    let_go = threading.Event()
    with answering(200, vector("1"), after=let_go) as url:
        source = PrometheusSource(PrometheusAddress(url=url), deadline_seconds=0.2)
        queries = (source.query("up") for _ in range(THREADS_PER_SOURCE * 3))
        failures = await asyncio.wait_for(asyncio.gather(*queries, return_exceptions=True), 2.0)
        assert all(isinstance(f, QueryError) and f.reason is ReadingReason.TIMED_OUT for f in failures)
        let_go.set()
        await source.close()


async def test_more_queries_than_threads_are_all_answered() -> None:
    """A site with many signals is asked for all of them."""
    with answering(200, vector("1")) as url:
        source = PrometheusSource(PrometheusAddress(url=url), deadline_seconds=2.0)
        answers = await asyncio.gather(*(source.query("up") for _ in range(THREADS_PER_SOURCE * 8)))
        assert all(len(answer) == 1 for answer in answers)
        await source.close()


async def test_a_query_that_cannot_be_submitted_keeps_no_thread() -> None:
    """Queries to a closed source fail at once, however many; none waits for a thread that nobody gives back."""
    source = PrometheusSource(PrometheusAddress(url="http://127.0.0.1:1"), deadline_seconds=1.0)
    await source.close()
    for _ in range(THREADS_PER_SOURCE + 1):
        with pytest.raises(QueryError, match="closed"):
            await source.query("up")


async def test_credentials_are_sent_and_not_shown() -> None:
    """The token goes to the Prometheus and nowhere else."""
    address = PrometheusAddress(url="http://p", bearer_token="planted-secret")
    assert "planted-secret" not in repr(address)


GRID = Grid(start=datetime(2023, 9, 1, 7, 0, tzinfo=UTC), steps=3, step_seconds=300)


def matrix(*values: tuple[float, str], **envelope: Any) -> bytes:
    """An answer with one series of (seconds after the start, value)."""
    found = [[GRID.start.timestamp() + after, value] for after, value in values]
    data = {"resultType": "matrix", "result": [{"metric": {"ent": "nord"}, "values": found}]}
    return json.dumps({"status": "success", "data": data} | envelope).encode()


async def ask_range(url: str) -> tuple[Series, ...]:
    """One query of the past."""
    source = PrometheusSource(PrometheusAddress(url=url), deadline_seconds=2.0)
    try:
        return await source.query_range("up", GRID)
    finally:
        await source.close()


@pytest.mark.parametrize(
    ("values", "on_grid"),
    [
        (((0, "1.5"), (300, "2"), (600, "0")), (1.5, 2.0, 0.0)),
        (((300, "2"),), (None, 2.0, None)),
        (((0, "NaN"), (300, "+Inf"), (600, "-1")), (None, None, None)),
        ((), (None, None, None)),
    ],
    ids=["all", "gaps", "no numbers of what is counted", "nothing"],
)
async def test_the_past_is_put_on_the_grid(
    values: tuple[tuple[float, str], ...], on_grid: tuple[float | None, ...]
) -> None:
    """What is not there, or no usable number, is None: never 0."""
    with answering(200, matrix(*values)) as url:
        (series,) = await ask_range(url)
    assert series.values == on_grid
    assert series.labels == {"ent": "nord"}
    assert GRID.last == GRID.start + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"", ReadingReason.HTTP_ERROR),
        (400, b"exceeded maximum resolution", ReadingReason.HTTP_ERROR),
        (200, b"<html>", ReadingReason.MALFORMED),
        (200, matrix((900, "1")), ReadingReason.MALFORMED),
        (200, matrix((-300, "1")), ReadingReason.MALFORMED),
        (200, vector("1"), ReadingReason.MALFORMED),
        (200, matrix((0, "1"), warnings=["store down"]), ReadingReason.PARTIAL_RESULT),
    ],
)
async def test_a_past_that_cannot_be_used_is_one_error(status: int, body: bytes, reason: ReadingReason) -> None:
    """The same reasons as of the present; instants off the grid are nobody's."""
    with answering(status, body) as url, pytest.raises(QueryError) as caught:
        await ask_range(url)
    assert caught.value.reason is reason


async def test_a_closed_source_says_so() -> None:
    """Whoever still asks is told, with the one error."""
    source = PrometheusSource(PrometheusAddress(url="http://127.0.0.1:1"), deadline_seconds=1.0)
    await source.close()
    with pytest.raises(QueryError, match="closed"):
        await source.query_range("up", GRID)


async def test_what_is_asked_for_is_shown() -> None:
    """Name and password, token and tenant arrive as headers; a .netrc of the account has no say."""
    for address, expected in (
        ({"username": "me", "password": "secret"}, {"Authorization": "Basic bWU6c2VjcmV0"}),
        ({"bearer_token": "t"}, {"Authorization": "Bearer t"}),
        ({"tenant": ("X-Scope-OrgID", "north")}, {"X-Scope-OrgID": "north"}),
    ):
        seen: list[Mapping[str, str]] = []
        with answering(200, vector("1"), seen=seen) as url:
            source = PrometheusSource(PrometheusAddress(url=url, **address), deadline_seconds=2.0)
            await source.query("up")
            await source.close()
        assert expected.items() <= seen[0].items()
