"""`MetricsSource` over prometheus-api-client, with its traps closed.

The library has no timeout by default, raises errors of four families, retries inside and discards warnings. Here: an
explicit timeout, no retries inside and at most one outside within the total deadline, one error, and warnings seen by a
hook on the session, since a partial result looks like a complete one.

The library blocks. Its queries run in a small pool of threads per source, so that a hanging Prometheus holds up its own
queries only; a query waits for a free thread no longer than its deadline.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

import requests
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect
from tenacity import retry_if_exception, stop_after_attempt, wait_random
from tenacity.asyncio import AsyncRetrying
from urllib3.util.retry import Retry

from controller.domain.readings import ReadingReason
from controller.observe.metrics_source import Grid, QueryError, Sample, Series
from controller.observe.prometheus_address import OwnTls, PrometheusAddress, tls_context

T = TypeVar("T")

CONNECT_SECONDS = 1.0
THREADS_PER_SOURCE = 4
"""A handful of signals at once is plenty for one Prometheus."""

ATTEMPTS = 2
"""One more try after a broken connection, such as a closed keep-alive; the next query is only seconds away."""

RETRY_AFTER_SECONDS = (0.05, 0.25)
"""Bounds of the pause before the second try; random, so that observers do not march in step."""

RANGE_DEADLINE_SECONDS = 30.0
"""A query of the past reads much; nobody waits for it."""

LARGEST_ANSWER_BYTES = 8 * 2**20
"""A vector of one sample per ENT; anything larger is a query gone wrong."""

_NO_RETRY = Retry(total=0, read=False)
"""Nothing inside. `read=False` lets a read timeout through as what it is; counted as a retry it would come out as a
failed connection."""


class PrometheusSource:
    """One Prometheus."""

    def __init__(self, address: PrometheusAddress, *, deadline_seconds: float) -> None:
        self._deadline_seconds = deadline_seconds
        self._session = requests.Session()
        self._session.hooks["response"].append(_refuse_partial)
        url = address.url.rstrip("/")
        self._connect = PrometheusConnect(
            url=url,
            headers=address.headers,
            auth=address.basic_auth or _as_it_is,  # type: ignore[arg-type]  # what requests takes
            retry=_NO_RETRY,
            session=self._session,
        )
        context = tls_context(address)
        if context is not None:
            self._session.mount(url, OwnTls(context, _NO_RETRY))
        self._pool = ThreadPoolExecutor(max_workers=THREADS_PER_SOURCE, thread_name_prefix="prometheus")
        self._closed = False
        self._free_threads = asyncio.Semaphore(THREADS_PER_SOURCE)

    async def query(self, promql: str) -> tuple[Sample, ...]:
        """Return the vector within the deadline; see `MetricsSource`."""

        def ask() -> tuple[Sample, ...]:
            result = self._connect.custom_query(promql, timeout=self._limits(self._deadline_seconds))  # type: ignore[arg-type]  # a pair is passed on to requests
            return tuple(map(_sample, result))

        return await self._within(self._deadline_seconds, ask)

    async def query_range(self, promql: str, grid: Grid) -> tuple[Series, ...]:
        """Return the matrix, within a deadline of its own; see `MetricsSource`."""

        def ask() -> tuple[Series, ...]:
            result = self._connect.custom_query_range(
                promql,
                start_time=grid.start,
                end_time=grid.last,
                step=str(grid.step_seconds),
                timeout=self._limits(RANGE_DEADLINE_SECONDS),  # type: ignore[arg-type]  # as above
            )
            return tuple(_series(element, grid) for element in result)

        return await self._within(RANGE_DEADLINE_SECONDS, ask)

    async def close(self) -> None:
        """Give up connections; threads end with their calls. Whoever still asks is told so."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    def _limits(self, deadline_seconds: float) -> tuple[float, float]:
        return CONNECT_SECONDS, deadline_seconds

    async def _within(self, deadline_seconds: float, ask: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(deadline_seconds):
                async for attempt in AsyncRetrying(
                    stop=stop_after_attempt(ATTEMPTS),
                    retry=retry_if_exception(_is_unreachable),
                    wait=wait_random(*RETRY_AFTER_SECONDS),
                    reraise=True,
                ):
                    with attempt:
                        return await self._in_thread(ask)
        except TimeoutError:
            raise QueryError(ReadingReason.TIMED_OUT, f"no answer in {deadline_seconds} s") from None
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _in_thread(self, ask: Callable[[], T]) -> T:
        await self._free_threads.acquire()
        try:
            if self._closed:
                raise QueryError(ReadingReason.NEVER_READ, "the source was closed")
            future = asyncio.get_running_loop().run_in_executor(self._pool, _translated, ask)
        except BaseException:
            self._free_threads.release()
            raise
        future.add_done_callback(self._thread_is_free)
        return await asyncio.shield(future)  # a thread cannot be cancelled: it counts as running until it ends

    def _thread_is_free(self, done: "asyncio.Future[Any]") -> None:
        self._free_threads.release()
        if not done.cancelled():
            done.exception()  # looked at, also when nobody waits any more


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Take the place of a .netrc, which requests would let win over our token."""
    return request


def _translated(ask: Callable[[], T]) -> T:
    """Make one error of all the families of errors."""
    try:
        return ask()
    except QueryError:
        raise
    except requests.Timeout as error:
        raise QueryError(ReadingReason.TIMED_OUT, _short(error)) from None
    except requests.JSONDecodeError as error:
        raise QueryError(ReadingReason.MALFORMED, f"the answer is not JSON: {_short(error)}") from None
    except requests.RequestException as error:
        raise QueryError(ReadingReason.UNREACHABLE, _short(error)) from None
    except PrometheusApiClientException as error:
        raise QueryError(ReadingReason.HTTP_ERROR, _short(error)) from None
    except Exception as error:  # noqa: BLE001 - HTML, `status: error` with 200, no vector, instants beyond time
        raise QueryError(ReadingReason.MALFORMED, f"the answer is not what was asked for: {_short(error)}") from None


def _is_unreachable(error: BaseException) -> bool:
    return isinstance(error, QueryError) and error.reason is ReadingReason.UNREACHABLE


def _refuse_partial(response: requests.Response, *_args: object, **_kwargs: object) -> None:
    if len(response.content) > LARGEST_ANSWER_BYTES:
        raise QueryError(ReadingReason.MALFORMED, f"the answer is larger than {LARGEST_ANSWER_BYTES} bytes")
    if response.status_code != 200 or b'"warnings"' not in response.content:
        return
    try:
        warnings = response.json().get("warnings")
    except (ValueError, AttributeError):
        return  # what follows says that it is malformed
    if warnings:
        raise QueryError(ReadingReason.PARTIAL_RESULT, f"partial result: {warnings}")


def _labels(element: Mapping[str, Any]) -> Mapping[str, str]:
    labels = element["metric"]
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise TypeError("the labels are not a map of texts")
    return labels


def _sample(element: Mapping[str, Any]) -> Sample:
    labels = _labels(element)
    seconds, text = element["value"]
    # Prometheus writes NaN and infinities as text; float() reads all its spellings.
    return Sample(labels=labels, value=float(text), at=datetime.fromtimestamp(float(seconds), UTC))


def _series(element: Mapping[str, Any], grid: Grid) -> Series:
    """Put the values on the grid. What is no usable number of something that is counted is not there."""
    values: list[float | None] = [None] * grid.steps
    first = grid.start.timestamp()
    for seconds, text in element["values"]:
        value = float(text)
        step = round((float(seconds) - first) / grid.step_seconds)
        if not 0 <= step < grid.steps:
            raise ValueError(f"an instant off the grid: {seconds}")
        if math.isfinite(value) and value >= 0:
            values[step] = value
    return Series(labels=_labels(element), values=tuple(values))


def _short(error: Exception) -> str:
    """Say what went wrong. Errors of connections begin with the whole query and hide the reason behind it."""
    hidden = getattr(error.args[0], "reason", None) if error.args else None
    return f"{type(error).__name__}: {hidden or error}"[:300]
