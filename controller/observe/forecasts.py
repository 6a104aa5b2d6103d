"""Forecasts of today and tomorrow for every ENT, kept current beside the planning cycle.

The past is asked for and forecasts are made in a task of its own, one question and one ENT at a time, so that neither
a slow Prometheus nor arithmetic holds anything up. The planner takes what is there; a forecast may only add.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from controller.domain.fleet import Ent
from controller.domain.forecast import SLOT, Forecast, PastDay, SchoolDay
from controller.domain.names import SignalName, SiteName
from controller.domain.schooltime import SchoolPolicies, resolve, school_days
from controller.domain.windows import Window
from controller.observe.history import HISTORY, SiteHistory
from controller.observe.policies import Policies
from controller.planning.forecast import LEAST_COVERAGE, forecast_of
from controller.planning.measured import FIRST_ATTEMPTS

EVERY_SECONDS = 60.0
"""How often is looked whether there is anything to do, which is rare."""
RETRY_AFTER = timedelta(minutes=10)
"""A Prometheus that did not answer is left alone for so long."""
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Where the book looks."""

    policies: Callable[[], Policies]
    histories: Callable[[], Mapping[SiteName, SiteHistory]]
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class ForecastBook:
    """Forecasts of all ENTs; run `run` in a task of its own."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook = outlook
        self._retry_at: dict[SiteName, datetime] = {}
        self._made_for: tuple[datetime, int] | None = None
        self.forecasts: tuple[Forecast, ...] = ()
        """Of today and tomorrow, sorted; empty until there is history enough."""

    async def run(self) -> None:
        """Keep the forecasts current until cancelled."""
        while True:
            await self.refresh()
            await self._outlook.sleep(EVERY_SECONDS)

    async def refresh(self) -> None:
        """Ask for what is missing of the past, and make the forecasts anew if anything has changed."""
        policies, now = self._outlook.policies(), self._outlook.now()
        histories = self._outlook.histories()
        signals = {FIRST_ATTEMPTS, *(ent.signals[0].signal for ent in policies.declared.ents)}
        learned = await asyncio.gather(*(self._catch_up(history, signals) for history in histories.values()))
        # A local day begins on the hour or half hour: forecasts for another day are made within the hour.
        made_for = (now.replace(minute=0, second=0, microsecond=0), policies.generation)
        if any(learned) or made_for != self._made_for:
            self.forecasts = await self._made(policies, histories, now)
            self._made_for = made_for

    async def _catch_up(self, history: SiteHistory, signals: set[SignalName]) -> bool:
        """Ask for everything that is missing, until one question is not answered; tell whether anything was."""
        now = self._outlook.now()
        if now < self._retry_at.get(history.site, now):
            return False
        learned = False
        for start, signal in history.missing(signals, now):
            if not await history.ask(start, signal):
                self._retry_at[history.site] = now + RETRY_AFTER
                break
            learned = True
        return learned

    async def _made(
        self, policies: Policies, histories: Mapping[SiteName, SiteHistory], now: datetime
    ) -> tuple[Forecast, ...]:
        made: list[Forecast] = []
        for ent, school in zip(policies.declared.ents, policies.declared.school, strict=True):
            made += forecasts_of(ent, school, histories, now)
            await self._outlook.sleep(0)  # others have their turn between two ENTs
        return tuple(sorted(made, key=lambda forecast: (forecast.ent, forecast.start)))


def forecasts_of(
    ent: Ent, school: SchoolPolicies, histories: Mapping[SiteName, SiteHistory], now: datetime
) -> list[Forecast]:
    """Return the forecasts of today and tomorrow, as far as past days make one."""
    days = school_days(school, now - HISTORY, now + ONE_DAY)
    coming = [day for day in days if now < day.end]
    kinds = {day.day_type for day in coming if not day.eventful}
    past = [
        past_day(ent, day, histories) for day in days if day.end <= now and day.day_type in kinds and not day.eventful
    ]

    def calendar(day: SchoolDay) -> Sequence[Window]:
        return resolve(school, day.start, day.end).windows

    made = (forecast_of(ent.key, day, past, calendar) for day in coming)
    return [forecast for forecast in made if forecast is not None]


def past_day(ent: Ent, day: SchoolDay, histories: Mapping[SiteName, SiteHistory]) -> PastDay:
    """Return what all sites saw of the ENT on the day: first attempts, or all requests where those are not counted."""
    count = (day.end - day.start) // SLOT
    total = np.full(count, np.nan)
    for signal in (FIRST_ATTEMPTS, ent.signals[0].signal):
        total = np.zeros(count)
        for placement in ent.placements:
            history = histories.get(placement.site)
            # A site whose past cannot be asked makes the whole unknown: missing is not zero.
            total += np.nan if history is None else history.slots(signal, ent.key, day.start, count)
        if np.count_nonzero(~np.isnan(total)) >= LEAST_COVERAGE * count:
            break
    return PastDay(day=day, per_second=tuple(None if math.isnan(value) else value for value in total.tolist()))
