"""Evidence rounds: what this observer sees of every site and of the world outside, every two seconds.

All probes of a round run at the same time, each with its own deadline, so that a hanging site makes no round longer
than the deadline and no other site's probe later. Any HTTP answer counts as answered, an error status too. Several
public addresses of one site are one path: it answers if one of them does.

What has not answered after a part of the deadline is asked once more, on a connection of its own, and the first answer
counts: a lost packet is no failed probe. TCP itself would send it again only when the deadline is over.

Names are resolved in threads. The resolver asks for a name once at a time, so a dead name server holds up at most one
thread per name; the loop's pool must have more threads than there are names (`runtime` sees to it).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from controller.domain.names import ObserverName, SiteName
from controller.domain.readings import Answered, NotAttempted, Probe, ProbePath, ProbeResult, Refused, TimedOut
from controller.domain.world import EvidenceRound

ROUNDS_KEPT = 12
"""Three rounds make a verdict; the rest shows how it came about."""

NAMES_KEPT_SECONDS = 10
"""How long a resolved name is used: a moved address is found within, a dead name server is not asked every round."""

SECOND_QUESTION_SHARE = 0.4
"""Of the deadline: then the question is put again. What answers at all answers in less, and the second has as long."""

LONGEST_WHY = 160

STALE_PERIODS = 3
"""Rounds that end longer ago than this many periods say nothing about now; a gap of this length cuts off what is
before it, so that rounds "in a row" are one after the other in time too."""

HttpProbe = Callable[[float], Awaitable[int]]
"""Asks one address within the given seconds and returns the HTTP status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteProbes:
    """How to look at one site. None: there is no such way."""

    site: SiteName
    api: HttpProbe | None
    public: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTiming:
    """The pace of evidence."""

    every_seconds: float = 2.0
    deadline_seconds: float = 1.0


class Prober:
    """Takes evidence rounds; run `run` in a task of its own."""

    def __init__(
        self,
        observer: ObserverName,
        references: Sequence[str],
        *,
        timing: RoundTiming,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        on_round: Callable[[], None] = lambda: None,
        stands_at: SiteName | None = None,
    ) -> None:
        self._observer = observer
        self._stands_at = stands_at
        self._references = tuple(references)
        self._timing = timing
        self._now = now
        self._monotonic = monotonic
        self._on_round = on_round
        self._sequence = 0
        self._rounds: deque[EvidenceRound] = deque(maxlen=ROUNDS_KEPT)
        self._session: ClientSession | None = None
        self._stale_after_seconds = STALE_PERIODS * timing.every_seconds + timing.deadline_seconds
        self._last_round_at = monotonic()
        self.last_round_seconds = 0.0
        """How long the last round took."""
        self.declares_sick = False
        """The site at which this observer stands should not be sent users, by its own word."""
        self.sites: tuple[SiteProbes, ...] = ()
        """Where to look; replaced when the fleet changes."""

    @property
    def rounds(self) -> tuple[EvidenceRound, ...]:
        """The last rounds, oldest first; none when the last is too old to say anything."""
        return () if self.age_seconds > self._stale_after_seconds else tuple(self._rounds)

    @property
    def age_seconds(self) -> float:
        """How long ago the last round ended; before the first, how long it has been waited for."""
        return self._monotonic() - self._last_round_at

    async def run(self) -> None:
        """Take a round every two seconds until cancelled."""
        try:
            while True:
                began = self._monotonic()
                await self.take_round()
                self._on_round()
                await asyncio.sleep(max(0.0, self._timing.every_seconds - (self._monotonic() - began)))
        finally:
            await self.close()

    async def close(self) -> None:
        """Give up connections; the next round opens new ones."""
        session, self._session = self._session, None
        if session:
            await session.close()

    async def take_round(self) -> EvidenceRound:
        """Probe everything once."""
        began = self._monotonic()
        looks = [self._look_at_api(site) for site in self.sites]
        looks += [self._look_at_public(site) for site in self.sites]
        looks += [self._look_at_reference(address) for address in self._references]
        probes = await asyncio.gather(*looks)
        self._sequence += 1
        taken = EvidenceRound(
            observer=self._observer,
            sequence=self._sequence,
            at=self._now(),
            probes=tuple(sorted(probes, key=lambda probe: (probe.target, probe.path))),
            site=self._stands_at,
            declares_sick=self.declares_sick and self._stands_at is not None,
        )
        if self.age_seconds > self._stale_after_seconds:
            self._rounds.clear()
        self._rounds.append(taken)
        self._last_round_at = self._monotonic()
        self.last_round_seconds = self._last_round_at - began
        return taken

    async def _look_at_api(self, site: SiteProbes) -> Probe:
        result = await self._result(site.api) if site.api else NotAttempted(why="there is no access to its API server")
        return Probe(path=ProbePath.API, target=site.site, result=result)

    async def _look_at_public(self, site: SiteProbes) -> Probe:
        results = await asyncio.gather(*(self._get(address) for address in site.public))
        return Probe(path=ProbePath.PUBLIC, target=site.site, result=best(results))

    async def _look_at_reference(self, address: str) -> Probe:
        return Probe(path=ProbePath.REFERENCE, target=address, result=await self._get(address))

    async def _get(self, address: str) -> ProbeResult:
        async def ask(deadline_seconds: float) -> int:
            limits = ClientTimeout(total=deadline_seconds)
            async with self._open_session().get(address, timeout=limits, allow_redirects=False) as answer:
                return answer.status

        return await self._result(ask)

    async def _result(self, ask: HttpProbe) -> ProbeResult:
        began = self._monotonic()
        try:
            async with asyncio.timeout(self._timing.deadline_seconds):
                status = await _first_of_two(ask, self._timing.deadline_seconds)
        except TimeoutError:
            return TimedOut(seconds=round(self._monotonic() - began, 3))
        except (ClientError, OSError) as error:
            return Refused(why=f"{type(error).__name__}: {error}"[:LONGEST_WHY])
        except Exception as error:  # noqa: BLE001 - a bug or a closed client of ours is no evidence about the site
            return NotAttempted(why=f"{type(error).__name__}: {error}"[:LONGEST_WHY])
        return Answered(status=status, seconds=round(self._monotonic() - began, 4))

    def _open_session(self) -> ClientSession:
        if self._session is None:
            # A new connection for each probe: a kept one would prove that the past was well.
            connector = TCPConnector(force_close=True, limit=0, ttl_dns_cache=NAMES_KEPT_SECONDS)
            self._session = ClientSession(connector=connector)
        return self._session


async def _first_of_two(ask: HttpProbe, deadline_seconds: float) -> int:
    """Ask, and again where nothing came for a while; the first answer counts, and an error only when both have failed.

    What is refused before that is refused: somebody was there to say so.
    """
    patience_seconds = SECOND_QUESTION_SHARE * deadline_seconds
    asked = {asyncio.ensure_future(ask(deadline_seconds))}
    pending = set(asked)
    try:
        done, pending = await asyncio.wait(pending, timeout=patience_seconds)
        if not done:
            second = asyncio.ensure_future(ask(deadline_seconds - patience_seconds))
            asked.add(second)
            pending.add(second)
        while True:
            for question in done:
                if question.exception() is None:
                    return question.result()
            if done and not pending:
                return next(iter(done)).result()  # raises what went wrong
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for question in asked:
            question.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


def best(results: Sequence[ProbeResult]) -> ProbeResult:
    """Return the one result of several addresses of one path: the healthiest answer, else the first failure."""
    if not results:
        return NotAttempted(why="no public address is declared")
    answered = [result for result in results if isinstance(result, Answered)]
    return min(answered, key=lambda result: (result.status, result.seconds), default=results[0])
