"""Evidence rounds."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from controller.domain.names import ObserverName, SiteName
from controller.domain.readings import Answered, NotAttempted, ProbePath, ProbeResult, Refused, TimedOut
from controller.observe.probes import ROUNDS_KEPT, SECOND_QUESTION_SHARE, Prober, RoundTiming, SiteProbes, best

NOBODY = "http://127.0.0.1:1/"


@pytest.fixture
async def answering() -> AsyncIterator[str]:
    """A server that answers 503 at once, and at /hang never."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/hang":
            await asyncio.sleep(60)
        return web.Response(status=503)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("/"))
    await server.close()


def a_prober(*references: str, deadline_seconds: float = 0.3, monotonic: Callable[[], float] | None = None) -> Prober:
    """An observer with these references."""
    timing = RoundTiming(every_seconds=0.01, deadline_seconds=deadline_seconds)
    clocks: tuple[Callable[[], datetime], Callable[[], float]] = (
        (lambda: datetime(2026, 9, 1, tzinfo=UTC)),
        monotonic or _ticks,
    )
    return Prober(ObserverName("me"), references, timing=timing, now=clocks[0], monotonic=clocks[1])


def _ticks() -> float:
    return time.perf_counter()


async def _api_answers(_deadline_seconds: float) -> int:
    return 401


async def _api_hangs(_deadline_seconds: float) -> int:
    await asyncio.sleep(60)
    return 200


async def test_any_http_answer_is_an_answer(answering: str) -> None:
    """An error status proves that somebody is there."""
    prober = a_prober(answering, NOBODY)
    prober.sites = (SiteProbes(site=SiteName("a"), api=_api_answers, public=(answering,)),)
    seen = {(p.path, p.target): p.result for p in (await prober.take_round()).probes}
    await prober.close()
    assert isinstance(seen[(ProbePath.API, "a")], Answered)
    public = seen[(ProbePath.PUBLIC, "a")]
    assert isinstance(public, Answered)
    assert public.status == 503
    assert isinstance(seen[(ProbePath.REFERENCE, answering)], Answered)
    assert isinstance(seen[(ProbePath.REFERENCE, NOBODY)], Refused)


async def test_a_hanging_site_makes_no_round_longer_than_the_deadline(answering: str) -> None:
    """All probes run at once, each with its own deadline; the others' results are there."""
    prober = a_prober(answering)
    hanging = SiteProbes(site=SiteName("b"), api=_api_hangs, public=(f"{answering}hang",))
    prober.sites = (SiteProbes(site=SiteName("a"), api=_api_answers, public=(answering,)), hanging)
    began = _ticks()
    seen = {(p.path, p.target): p.result for p in (await prober.take_round()).probes}
    await prober.close()
    assert _ticks() - began < 1.0
    assert isinstance(seen[(ProbePath.API, "b")], TimedOut)
    assert isinstance(seen[(ProbePath.PUBLIC, "b")], TimedOut)
    assert isinstance(seen[(ProbePath.PUBLIC, "a")], Answered)


async def test_a_lost_packet_is_not_a_failed_probe() -> None:
    """What does not answer for a while is asked once more; the first answer counts, and what was asked in vain ends."""
    asked: list[float] = []
    ended: list[str] = []

    async def loses_the_first(deadline_seconds: float) -> int:
        asked.append(deadline_seconds)
        if len(asked) == 1:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("first")
        return 401

    prober = a_prober()
    prober.sites = (SiteProbes(site=SiteName("a"), api=loses_the_first, public=()),)
    (api, _public) = (await prober.take_round()).probes
    assert isinstance(api.result, Answered)
    assert 0.3 * SECOND_QUESTION_SHARE <= api.result.seconds < 0.3
    assert ended == ["first"]
    assert asked == [0.3, pytest.approx(0.3 * (1 - SECOND_QUESTION_SHARE))]


@pytest.mark.parametrize("failing", [{1}, {2}, {1, 2}])
async def test_one_answer_of_two_questions_is_enough(failing: set[int]) -> None:
    """An error counts when there is no answer left to wait for."""
    asked = 0

    async def slow(_deadline_seconds: float) -> int:
        nonlocal asked
        asked += 1
        number = asked
        await asyncio.sleep(0.15)  # the second question is put meanwhile
        if number in failing:
            raise ConnectionResetError(f"question {number}")
        return 200

    prober = a_prober(deadline_seconds=0.35)
    prober.sites = (SiteProbes(site=SiteName("a"), api=slow, public=()),)
    (api, _public) = (await prober.take_round()).probes
    assert asked == 2
    assert isinstance(api.result, Refused if failing == {1, 2} else Answered)


async def test_what_is_refused_at_once_is_not_asked_again() -> None:
    """Somebody was there to refuse."""
    asked = 0

    async def refuses(_deadline_seconds: float) -> int:
        nonlocal asked
        asked += 1
        raise ConnectionRefusedError

    prober = a_prober()
    prober.sites = (SiteProbes(site=SiteName("a"), api=refuses, public=()),)
    (api, _public) = (await prober.take_round()).probes
    assert isinstance(api.result, Refused)
    assert asked == 1


async def test_a_way_that_does_not_exist_is_no_evidence() -> None:
    """Without access or public address nothing was looked at, which is not a failure."""
    prober = a_prober()
    prober.sites = (SiteProbes(site=SiteName("a"), api=None, public=()),)
    results = [probe.result for probe in (await prober.take_round()).probes]
    assert all(isinstance(result, NotAttempted) for result in results)


async def test_the_last_rounds_are_kept_in_order() -> None:
    """Sequences grow by one; only the last dozen is kept."""
    prober = a_prober()
    for _ in range(ROUNDS_KEPT + 3):
        await prober.take_round()
    assert [r.sequence for r in prober.rounds] == list(range(4, ROUNDS_KEPT + 4))


async def test_old_rounds_say_nothing() -> None:
    """Evidence that has ended is neither shown nor put in a row with what comes after the gap."""
    elapsed = 0.0
    prober = a_prober(monotonic=lambda: elapsed)
    await prober.take_round()
    await prober.take_round()
    assert [r.sequence for r in prober.rounds] == [1, 2]
    elapsed = 1.0
    assert not prober.rounds
    assert prober.age_seconds == 1.0
    await prober.take_round()
    assert [r.sequence for r in prober.rounds] == [3]


async def test_a_bug_of_ours_is_no_evidence() -> None:
    """A probe through a client that has been closed meanwhile failed here, not there."""

    async def closed(_deadline_seconds: float) -> int:
        raise RuntimeError("Session is closed")

    prober = a_prober()
    prober.sites = (SiteProbes(site=SiteName("a"), api=closed, public=()),)
    (api, _public) = (await prober.take_round()).probes
    assert api.result == NotAttempted(why="RuntimeError: Session is closed")


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([Refused(why="no"), Answered(status=200, seconds=0.1)], Answered(status=200, seconds=0.1)),
        ([Answered(status=503, seconds=0.1), Answered(status=200, seconds=0.2)], Answered(status=200, seconds=0.2)),
        ([TimedOut(seconds=1.0), Refused(why="no")], TimedOut(seconds=1.0)),
    ],
)
def test_several_addresses_are_one_path(results: list[ProbeResult], expected: ProbeResult) -> None:
    """A site with two doors is reachable while one of them opens."""
    assert best(results) == expected
