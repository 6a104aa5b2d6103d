"""The past before a scenario: what was measured in the weeks before, and the forecasts that follow from it."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import numpy as np

from controller.domain.forecast import SLOT, Forecast, PastDay, SchoolDay
from controller.domain.names import EntKey
from controller.domain.schooldays import DayType
from controller.domain.windows import Window
from controller.planning.forecast import forecast_of
from controller.sim.dayshapes import DayKind
from controller.sim.declared import Declarations, day_windows, expected_day
from controller.sim.demand import SAMPLE_SECONDS, key_of
from controller.sim.scenario import EntSpec, Scenario
from controller.sim.streams import stream

_ONE_DAY = timedelta(days=1)
_SLOT_SAMPLES = int(SLOT.total_seconds()) // SAMPLE_SECONDS

DAY_TYPES: dict[DayKind, DayType] = {
    DayKind.WEDNESDAY: DayType.WEDNESDAY,
    DayKind.SATURDAY: DayType.SATURDAY,
    DayKind.SUNDAY: DayType.SUNDAY,
    DayKind.VACATION: DayType.VACATION,
    DayKind.FIRST_DAY_BACK: DayType.FIRST_DAY_BACK,
}
"""What a calendar calls the kinds of day; every other kind is a school day to it."""


def day_type(kind: DayKind) -> DayType:
    """Return what a calendar calls the kind."""
    return DAY_TYPES.get(kind, DayType.SCHOOL_DAY)


class Past:
    """Days before the scenario and of it, as measured; sizes differ from day to day."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._scenario, self._draws = scenario, stream(seed, "past")
        self._declarations = Declarations(scenario=scenario)
        self._days: dict[EntKey, list[PastDay]] = {key_of(spec): [] for spec in scenario.ents}
        first = scenario.start.date() - timedelta(weeks=scenario.known.history_weeks)
        for n in range((scenario.start.date() - first).days):
            day = first + n * _ONE_DAY
            for spec in scenario.ents:
                factor = float(np.exp(self._draws.normal(0.0, scenario.users.daily_sigma)))
                self._days[key_of(spec)].append(self._past_day(spec, day, scenario.ordinary(day), factor))

    def _past_day(self, spec: EntSpec, day: date, kind: DayKind, factor: float) -> PastDay:
        slots = expected_day(spec, kind).reshape(-1, _SLOT_SAMPLES).mean(axis=1) * factor
        return PastDay(day=self._school_day(day, kind, eventful=False), per_second=tuple(slots.tolist()))

    def _school_day(self, day: date, kind: DayKind, *, eventful: bool) -> SchoolDay:
        begins = self._scenario.utc(datetime.combine(day, datetime.min.time()))
        ends = self._scenario.utc(datetime.combine(day + _ONE_DAY, datetime.min.time()))
        return SchoolDay(start=begins, end=ends, day_type=day_type(kind), eventful=eventful)

    def learn(self, day: date, seen: dict[EntKey, tuple[float, ...]]) -> None:
        """Add a day of the scenario that has passed, as it was measured per slot."""
        kind, eventful = self._declarations.kind_known(day, datetime.max.replace(tzinfo=UTC))
        school_day = self._school_day(day, kind, eventful=eventful)
        for key, per_second in seen.items():
            self._days[key].append(PastDay(day=school_day, per_second=per_second))

    def forecasts(self, now: datetime) -> tuple[Forecast, ...]:
        """Return the forecasts of today and tomorrow, sorted."""
        today = now.astimezone(self._scenario.time_zone).date()
        found = []
        for spec in self._scenario.ents:
            for day in (today, today + _ONE_DAY):
                kind, eventful = self._declarations.kind_known(day, now)
                school_day = self._school_day(day, kind, eventful=eventful)
                past = self._days[key_of(spec)]
                found.append(forecast_of(key_of(spec), school_day, past, partial(self._calendar, spec)))
        return tuple(sorted((f for f in found if f is not None), key=lambda f: (f.ent, f.start)))

    def _calendar(self, spec: EntSpec, day: SchoolDay) -> list[Window]:
        if not self._scenario.known.schedule:
            return []
        local = (day.start + timedelta(hours=12)).astimezone(self._scenario.time_zone).date()
        kind = self._scenario.ordinary(local)
        return day_windows(self._scenario, spec, local, kind, by_event=False)

    def history(self) -> dict[EntKey, tuple[tuple[datetime, float], ...]]:
        """Return what was measured before the scenario, slot by slot."""
        return {
            key: tuple(
                (past.day.start + n * SLOT, value or 0.0) for past in days for n, value in enumerate(past.per_second)
            )
            for key, days in self._days.items()
        }
