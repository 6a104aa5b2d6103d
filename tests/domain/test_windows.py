"""Windows: half-open, and what is expected at an instant of a ramp."""

import itertools
from datetime import UTC, date, datetime, time, timedelta

import pytest

from controller.domain.schooldays import DayType
from controller.domain.schooltime import SchoolPolicies, resolve, school_days
from controller.domain.timetable import (
    Audience,
    Bell,
    DayPlan,
    Days,
    Event,
    FixedDemand,
    Instants,
    Multiplier,
    Resolution,
    Schedule,
)
from tests.builders import BELL, a_window, key

RAMP = timedelta(minutes=10)


@pytest.mark.parametrize(("minutes", "expected"), [(-1, 0.0), (0, 0.0), (5, 50.0), (10, 100.0), (59, 100.0), (60, 0.0)])
def test_expected_demand_rises_evenly_over_the_ramp(minutes: int, expected: float) -> None:
    """Nothing outside, the whole from the end of the ramp on."""
    window = a_window(key(), BELL, 60, 100.0, ramp_seconds=RAMP.total_seconds())
    assert window.expected_at(BELL + timedelta(minutes=minutes)) == pytest.approx(expected)


def test_without_a_ramp_all_is_expected_at_once() -> None:
    """A window says the same from its first instant."""
    assert a_window(key(), BELL, 60, 100.0).expected_at(BELL) == 100.0


def policies(*events: Event, zone: str = "Europe/Paris") -> SchoolPolicies:
    bell = Bell(
        name="first", at=time(9), ramp=RAMP, duration=timedelta(minutes=50), demand=FixedDemand(per_second=100.0)
    )
    plan = DayPlan(types=frozenset(DayType), bells=(bell,))
    return SchoolPolicies(ent=key(), time_zone=zone, schedules=(Schedule(name="college", days=(plan,)),), events=events)


def doubled(when: Days | Instants) -> Event:
    twice = Multiplier(audience=Audience.ALL, factor=2.0, per=Resolution.MINUTE)
    return Event(name="strike", when=when, multipliers=(twice,))


def test_the_ramp_of_a_bell_is_known_to_its_window() -> None:
    """From the start of the ramp until the bell rings."""
    (window,) = resolve(policies(), BELL, BELL + timedelta(minutes=1)).windows
    assert (window.start, window.ramp_seconds) == (BELL - RAMP, 600.0)
    assert window.expected_at(BELL) == 100.0


def test_an_event_that_begins_within_the_ramp_has_what_is_left_of_it() -> None:
    """Its window starts later and is all there when the bell rings."""
    start = BELL - timedelta(minutes=4)
    event = doubled(Instants(start=start, end=BELL + timedelta(hours=1)))
    raised = next(w for w in resolve(policies(event), BELL, BELL + timedelta(minutes=1)).windows if w.by_event)
    assert (raised.start, raised.ramp_seconds) == (start, 240.0)
    late = doubled(Instants(start=BELL + timedelta(minutes=4), end=BELL + timedelta(hours=1)))
    after = next(w for w in resolve(policies(late), BELL, BELL + timedelta(hours=1)).windows if w.by_event)
    assert after.ramp_seconds == 0.0


def test_school_days_are_local_dates_in_utc() -> None:
    """Paris begins its days at 22:00 UTC in summer and at 23:00 in winter; the day between has twenty-five hours."""
    start = datetime(2026, 10, 24, 12, tzinfo=UTC)
    found = school_days(policies(), start, start + timedelta(days=2))
    assert [(d.start.hour, (d.end - d.start) / timedelta(hours=1)) for d in found] == [(22, 24), (22, 25), (23, 24)]
    assert [d.day_type for d in found] == [DayType.SATURDAY, DayType.SUNDAY, DayType.SCHOOL_DAY]
    assert all(a.end == b.start for a, b in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("when", "eventful"),
    [
        (Days(first_day=date(2026, 9, 1), last_day=date(2026, 9, 1)), [False, True, False]),
        (Instants(start=BELL, end=BELL + timedelta(hours=1)), [False, True, False]),
        (Instants(start=BELL, end=BELL + timedelta(days=1)), [False, True, True]),
    ],
)
def test_a_day_that_an_event_concerns_is_eventful(when: Days | Instants, eventful: list[bool]) -> None:
    """Whole days and hours alike."""
    start = BELL - timedelta(days=1)
    found = school_days(policies(doubled(when)), start, start + timedelta(days=2))
    assert [day.eventful for day in found] == eventful
