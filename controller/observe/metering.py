"""Asking every site's Prometheus, each in its own time, and handing out the readings as they stand.

Queries run beside the planning cycle: a cycle takes what is there and never waits for a Prometheus.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from controller.domain.names import EntKey, SignalName, SiteName
from controller.domain.world import SignalReading
from controller.observe.metrics_source import MetricsSource, QueryError, Sample
from controller.observe.readings import Freshness, LabelNames, SignalMemory, counts_events


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalQuery:
    """One batched query: one signal of all ENTs at the site."""

    signal: SignalName
    promql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPlan:
    """What to ask one site's Prometheus, how often, and what to believe."""

    site: SiteName
    queries: tuple[SignalQuery, ...]
    labels: LabelNames
    freshness: Freshness
    every_seconds: float


class SiteMeter:
    """Keeps one site's readings current; run `run` in a task of its own."""

    def __init__(
        self,
        plan: MeterPlan,
        source: MetricsSource,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.plan = plan
        self._source = source
        self._now = now
        self._sleep = sleep
        self.asked = False
        """Every query has been asked once."""
        self._memories = {
            q.signal: SignalMemory(plan.site, q.signal, plan.labels, plan.freshness, of_events=counts_events(q.promql))
            for q in plan.queries
        }

    async def run(self) -> None:
        """Ask again and again until cancelled."""
        while True:
            await self.ask()
            await self._sleep(self.plan.every_seconds)

    async def close(self) -> None:
        """Close the source; nothing can be asked any more."""
        await self._source.close()

    @property
    def troubles(self) -> Mapping[SignalName, QueryError]:
        """Return why signals cannot be read, as last answered."""
        errors = {signal: memory.error for signal, memory in self._memories.items()}
        return {signal: error for signal, error in sorted(errors.items()) if error is not None}

    async def ask(self) -> None:
        """Ask every query once, all at the same time."""
        await asyncio.gather(*(self._ask_one(query) for query in self.plan.queries))
        self.asked = True

    def readings(
        self, ents: Iterable[EntKey], now: datetime, used: frozenset[EntKey] = frozenset()
    ) -> tuple[SignalReading, ...]:
        """Return all signals of the ENTs as of now. `used` are the ENTs whose users are sent to this site."""
        keys = tuple(ents)
        return tuple(
            reading for query in self.plan.queries for reading in self._memories[query.signal].readings(keys, now, used)
        )

    async def _ask_one(self, query: SignalQuery) -> None:
        answer: tuple[Sample, ...] | QueryError
        try:
            answer = await self._source.query(query.promql)
        except QueryError as error:
            answer = error
        self._memories[query.signal].take(answer, self._now())
