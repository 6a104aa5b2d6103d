"""Forecasts beside the planning cycle: from every site's past and the calendar, for today and tomorrow."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from controller.domain.fleet import Ent
from controller.domain.forecast import SchoolDay
from controller.domain.names import SignalName, SiteName
from controller.domain.readings import ReadingReason
from controller.domain.schooldays import DayType
from controller.domain.schooltime import SchoolPolicies, school_days
from controller.domain.timetable import DayPlan, Days, Event, FixedDemand, LocalWindow, Schedule
from controller.observe.forecasts import RETRY_AFTER, ForecastBook, Outlook, forecasts_of, past_day
from controller.observe.history import SCRAPED, SLOTS_PER_PIECE, SiteHistory
from controller.observe.metrics_source import Grid, QueryError, Sample, Series
from controller.observe.policies import Policies
from controller.observe.readings import LabelNames
from controller.policy.declared import Declared
from tests.builders import REQUESTS, an_ent, key

NOW = datetime(2026, 10, 1, 7, 0, tzinfo=UTC)
"""A Thursday, nine o'clock in Paris."""
ATTEMPTS = SignalName("firstAttempts")
LABELS = LabelNames(namespace="namespace", ent="ent")
SITES = (SiteName("a"), SiteName("b"))


class Habit:
    """A Prometheus that has always seen the same of `nord`, day and night, per signal."""

    def __init__(self, **seen: float) -> None:
        self.seen = seen
        self.error: QueryError | None = None
        self.asked = 0

    async def query(self, promql: str) -> tuple[Sample, ...]:
        """Nobody asks for the present here."""
        raise AssertionError(promql)

    async def query_range(self, promql: str, grid: Grid) -> tuple[Series, ...]:
        """The habit, or the error."""
        self.asked += 1
        if self.error is not None:
            raise self.error
        whole = (1.0,) * grid.steps
        if promql == SCRAPED:
            return (Series(labels={}, values=whole),)
        value = next(v for name, v in self.seen.items() if f"({name})" in promql)
        return (Series(labels={"namespace": "ents", "ent": "nord"}, values=(value,) * grid.steps),)

    async def close(self) -> None:
        """Nothing is open."""


def history(site: SiteName, source: Habit) -> SiteHistory:
    return SiteHistory(site, {SignalName(name): name for name in source.seen}, LABELS, source)


def school(*events: Event, demand: float = 50.0) -> SchoolPolicies:
    """The same demand all day on every school day, without a calendar of vacations."""
    window = LocalWindow(name="day", start=time(0), end=time(23, 59), demand=FixedDemand(per_second=demand))
    plan = DayPlan(types=frozenset([DayType.SCHOOL_DAY]), windows=(window,))
    schedule = Schedule(name="college", days=(plan,))
    return SchoolPolicies(ent=key(), time_zone="Europe/Paris", schedules=(schedule,), events=events)


def policies(ent: Ent, *events: Event, generation: int = 1) -> Policies:
    declared = Declared(sites=(), ents=(ent,), edges=(), school=(school(*events),), freeze=None, problems=())
    return Policies(declared=declared, sites={}, generation=generation, problems=())


class Desk:
    """A book with everything it looks at in hand."""

    def __init__(self, **sources: Habit) -> None:
        self.sources = sources
        self.now = NOW
        self.policies = policies(an_ent())
        histories = {SiteName(site): history(SiteName(site), source) for site, source in sources.items()}
        self.book = ForecastBook(
            Outlook(policies=lambda: self.policies, histories=lambda: histories, now=lambda: self.now, sleep=self.sleep)
        )

    async def sleep(self, _seconds: float) -> None:
        """Nobody waits in a test."""

    @property
    def asked(self) -> int:
        """How many questions all of them were asked."""
        return sum(source.asked for source in self.sources.values())


async def test_forecasts_of_today_and_tomorrow() -> None:
    """Both sites together, in local days: Thursday and Friday begin at 22:00 UTC."""
    desk = Desk(a=Habit(requests=30.0), b=Habit(requests=12.0))
    await desk.book.refresh()
    found = desk.book.forecasts
    assert [f.start for f in found] == [NOW.replace(day=30, month=9, hour=22), NOW.replace(hour=22)]
    assert {value for f in found for value in f.per_second} == {42.0}
    assert all(f.set_aside == "" for f in found), "the calendar said 50"


async def test_first_attempts_count_where_they_are_known() -> None:
    """Retries are no habit of users."""
    desk = Desk(a=Habit(requests=30.0, firstAttempts=20.0), b=Habit(requests=12.0, firstAttempts=1.0))
    await desk.book.refresh()
    assert desk.book.forecasts[0].per_second[100] == 21.0


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"a": {"requests": 30.0, "firstAttempts": 20.0}, "b": {"requests": 12.0}}, 42.0),
        ({"a": {"requests": 30.0}}, None),
        ({}, None),
    ],
    ids=["first attempts at one site only: all requests", "one site's past is not known", "nobody's is"],
)
async def test_missing_is_not_zero(seen: Mapping[str, Mapping[str, float]], expected: float | None) -> None:
    """The whole is known only where every placement's past is."""
    desk = Desk(**{site: Habit(**signals) for site, signals in seen.items()})
    await desk.book.refresh()
    assert [f.per_second[100] for f in desk.book.forecasts] == ([] if expected is None else [expected, expected])


async def test_the_past_is_asked_once() -> None:
    """A later look asks for what has passed since, and makes nothing anew when nothing has changed."""
    desk = Desk(a=Habit(requests=30.0), b=Habit(requests=12.0))
    await desk.book.refresh()
    asked, made = desk.asked, desk.book.forecasts
    await desk.book.refresh()
    assert desk.asked == asked
    assert desk.book.forecasts is made
    desk.now += timedelta(hours=6)
    await desk.book.refresh()
    assert desk.asked == asked + 4, "one piece and one look at the scrapes, at both sites"


async def test_a_change_of_policy_is_followed_at_once() -> None:
    """An event makes today a day like no other: what it brings is said by the event."""
    desk = Desk(a=Habit(requests=30.0), b=Habit(requests=12.0))
    await desk.book.refresh()
    today = Days(first_day=NOW.date(), last_day=NOW.date())
    desk.policies = policies(an_ent(), Event(name="strike", when=today), generation=2)
    await desk.book.refresh()
    assert [f.start.day for f in desk.book.forecasts] == [1]


async def test_a_prometheus_that_fails_is_left_alone_for_a_while() -> None:
    """One question in ten minutes; the forecasts there are stay."""
    desk = Desk(a=Habit(requests=30.0), b=Habit(requests=12.0))
    await desk.book.refresh()
    made = desk.book.forecasts
    source = desk.sources["a"]
    source.error = QueryError(ReadingReason.UNREACHABLE, "refused")
    desk.now += timedelta(hours=6)
    before = source.asked
    await desk.book.refresh()
    await desk.book.refresh()
    assert source.asked == before + 1
    assert desk.book.forecasts == made
    desk.now += RETRY_AFTER
    source.error = None
    await desk.book.refresh()
    assert source.asked > before + 1


async def test_a_forecast_is_judged_by_the_calendar_as_it_stands() -> None:
    """The calendar said exactly what came; the forecast is as good, so it is used. Above it, it is set aside."""
    sources = {SiteName("a"): Habit(requests=50.0), SiteName("b"): Habit(requests=0.0)}
    histories = {site: history(site, source) for site, source in sources.items()}
    for each in histories.values():
        for start, signal in each.missing([REQUESTS], NOW):
            await each.ask(start, signal)
    exact, *_ = forecasts_of(an_ent(), school(), histories, NOW)
    assert exact.set_aside == ""
    for piece_key, piece in list(histories[SiteName("a")].pieces.items()):
        if piece_key[1] >= datetime(2026, 9, 28, 18, tzinfo=UTC):
            less = {ent: each * 0.6 for ent, each in piece.values.items()}
            histories[SiteName("a")].pieces[piece_key] = replace(piece, values=less)
    lost, *_ = forecasts_of(an_ent(), school(demand=30.0), histories, NOW)
    assert "set aside: on 2026-09-29" in lost.set_aside, "Tuesday: Wednesdays are another kind of day"


async def test_a_day_has_its_own_slots() -> None:
    """On the day the clocks go back there are twenty-five hours."""
    source = Habit(requests=1.0)
    found = history(SITES[0], source)
    for hours in range(0, 36, 6):
        await found.ask(datetime(2026, 10, 24, 18, tzinfo=UTC) + timedelta(hours=hours), REQUESTS)
    days = [d for d in _days() if (d.end - d.start) == timedelta(hours=25)]
    assert len(days) == 1
    ent = an_ent(sites=("a",))
    assert past_day(ent, days[0], {SITES[0]: found}).per_second == (1.0,) * 300
    assert SLOTS_PER_PIECE == 72


def _days() -> tuple[SchoolDay, ...]:
    start = datetime(2026, 10, 23, tzinfo=UTC)
    return school_days(school(), start, start + timedelta(days=4))
