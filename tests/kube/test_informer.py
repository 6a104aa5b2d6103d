"""List and watch against a server that misbehaves in ways a real one cannot be told to."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from aiohttp import web

from controller.kube.client import Cluster
from controller.kube.informer import Informer, Surroundings, WatchTiming
from controller.kube.resources import DEPLOYMENTS, ObjectKey
from tests.kube.scripted import line, page, serving, stream

TIMING = WatchTiming(session_seconds=60, silence_seconds=0.3)


class Ticking:
    """Clocks of which each reading is a second later; sleeping is remembered, not done."""

    def __init__(self) -> None:
        self._seconds = itertools.count()
        self.slept: list[float] = []
        self.changed = asyncio.Event()

    def now(self) -> datetime:
        """Return the next second."""
        return datetime(2026, 9, 1, tzinfo=UTC) + timedelta(seconds=next(self._seconds))

    async def sleep(self, seconds: float) -> None:
        """Remember, and let others run."""
        self.slept.append(seconds)
        await asyncio.sleep(0)


def name_of(body: bytes) -> str:
    """Keep the name only."""
    return str(json.loads(body)["metadata"]["name"])


@asynccontextmanager
async def watching(
    cluster: Cluster, ticking: Ticking, *, quick: bool = False, timing: WatchTiming = TIMING
) -> AsyncIterator[Informer[str]]:
    """An informer that runs. `quick`: the monotonic clock stands still, so that every session seems too short."""
    around = Surroundings(
        now=ticking.now,
        monotonic=(lambda: 0.0) if quick else itertools.count().__next__,
        random=lambda: 0.5,
        wake=ticking.changed.set,
        sleep=ticking.sleep,
    )
    informer = Informer(cluster, DEPLOYMENTS, name_of, around, timing=timing)
    task = asyncio.create_task(informer.run())
    try:
        yield informer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for the condition, five seconds at most."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the condition is the informer's public state
            await asyncio.sleep(0.005)


async def test_all_pages_are_read_before_it_is_synced() -> None:
    """A fleet of many pages is never seen half."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await stream(request, then_silence_seconds=0.2)
        assert request.query["limit"] == "500"
        return page("two") if request.query.get("continue") == "next" else page("one", more="next")

    async with serving(answer) as cluster, watching(cluster, Ticking()) as informer:
        await until(lambda: informer.synced)
        assert sorted(informer.objects.values()) == ["one", "two"]


async def test_events_change_the_cache_and_bookmarks_only_the_position() -> None:
    """Added, modified and deleted objects follow; a bookmark moves the position and proves life."""
    positions: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return page("one", "two")
        positions.append(request.query["resourceVersion"])
        assert request.query["allowWatchBookmarks"] == "true"
        events = [line("ADDED", "three", "2"), line("DELETED", "one", "3"), line("BOOKMARK", "", "9")]
        # What is older than the position would be a server restored from the past, and listed anew.
        told = events if positions[-1] == "1" else []
        return await stream(request, *told, then_silence_seconds=0.05)

    async with serving(answer) as cluster, watching(cluster, Ticking()) as informer:
        await until(lambda: "9" in positions)  # a slow machine may end a session before its events are read
        assert set(informer.objects) == {ObjectKey("n", "two"), ObjectKey("n", "three")}
        assert set(positions[: positions.index("9")]) == {"1"}


async def test_instantly_closed_watches_make_no_hot_loop() -> None:
    """A server that accepts and ends every watch at once is asked at the pace of the backoff, not of the network."""
    requests = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal requests
        requests += 1
        return await stream(request) if "watch" in request.query else page("one")

    ticking = Ticking()
    async with serving(answer) as cluster, watching(cluster, ticking, quick=True):
        await until(lambda: len(ticking.slept) >= 5)
    assert requests <= len(ticking.slept) + 2
    assert ticking.slept[3] > ticking.slept[0]


async def test_a_position_too_old_means_listing_again() -> None:
    """After 410, as status or as event, objects that disappeared meanwhile are gone."""
    lists = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal lists
        if "watch" not in request.query:
            lists += 1
            return page("one", "two") if lists == 1 else page("two")
        if lists == 1:
            return web.json_response({"kind": "Status", "message": "too old"}, status=410)
        expired = b'{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}\n'
        return await stream(request, expired)

    async with serving(answer) as cluster, watching(cluster, Ticking()) as informer:
        await until(lambda: lists >= 3)
        assert set(informer.objects.values()) == {"two"}


async def test_a_half_open_connection_is_noticed() -> None:
    """A watch that is silent beyond its deadline is given up, its objects stay, and its proof of life grows old."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await stream(request, then_silence_seconds=30) if "watch" in request.query else page("one")

    async with serving(answer) as cluster, watching(cluster, Ticking()) as informer:
        await until(lambda: informer.last_error is not None)
        assert "no answer before the deadline" in str(informer.last_error)
        assert informer.objects[ObjectKey("n", "one")] == "one"


async def test_throttling_is_honoured() -> None:
    """`Retry-After` is waited for, although the backoff alone would come back sooner."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "33"})

    ticking = Ticking()
    async with serving(answer) as cluster, watching(cluster, ticking):
        await until(lambda: bool(ticking.slept))
    assert ticking.slept[0] == 33.0


async def test_an_unreadable_answer_breaks_only_this_stream() -> None:
    """HTML from a proxy is an error like any other: the cache stays and the stream is tried again."""
    broken = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return page("one")
        broken.set()
        return await stream(request, b"<html>log in</html>\n")

    async with serving(answer) as cluster, watching(cluster, Ticking()) as informer:
        await until(lambda: informer.last_error is not None)
        assert informer.objects


async def test_a_session_that_the_server_does_not_end_is_ended() -> None:
    """A trickle of bytes that never makes a line is no proof of life and keeps no watch open for ever."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return page("one")
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    timing = WatchTiming(session_seconds=1, silence_seconds=0.3)
    async with serving(answer) as cluster, watching(cluster, Ticking(), timing=timing) as informer:
        await until(lambda: informer.last_error is not None)
        assert "was to end after 1 s and did not" in str(informer.last_error)


async def test_a_position_that_moves_backwards_means_listing_again() -> None:
    """A server that was restored from a backup: what it says is about another past."""
    lists = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal lists
        if "watch" in request.query:
            return await stream(request, line("ADDED", "ghost", "5"), then_silence_seconds=0.2)
        lists += 1
        return page("one", version="90") if lists == 1 else page("two", version="4")

    async with serving(answer) as cluster, watching(cluster, Ticking()) as informer:
        await until(lambda: lists == 2 and len(informer.objects) == 2)
        assert set(informer.objects.values()) == {"two", "ghost"}


async def test_a_server_that_was_away_for_long_is_listed_anew() -> None:
    """Each reading of these clocks is a second later: after some failures half a minute has passed."""
    lists, failures = 0, 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal lists, failures
        if "watch" not in request.query:
            lists += 1
            return page("one")
        failures += 1
        return web.Response(status=500)

    async with serving(answer) as cluster, watching(cluster, Ticking()):
        await until(lambda: lists == 2)
    assert failures > 1
