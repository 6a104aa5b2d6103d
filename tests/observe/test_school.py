"""School windows are resolved once per date and policy generation."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from controller.domain.schooldays import DayType
from controller.domain.schooltime import SchoolPolicies, SchoolTime, resolve
from controller.domain.timetable import Bell, DayPlan, FixedDemand, Schedule
from controller.observe.policies import NOTHING, Policies
from controller.observe.school import SchoolBook
from tests.builders import BELL, key

EVERY_DAY = Schedule(
    name="college",
    days=(
        DayPlan(
            types=frozenset(DayType),
            bells=(
                Bell(
                    name="first",
                    at=time(8, 30),
                    ramp=timedelta(minutes=10),
                    duration=timedelta(minutes=30),
                    demand=FixedDemand(per_second=50.0),
                ),
            ),
        ),
    ),
)


def policies(generation: int = 1) -> Policies:
    """One ENT with a bell every day."""
    ent = SchoolPolicies(ent=key(), time_zone="Europe/Paris", schedules=(EVERY_DAY,))
    return replace(NOTHING, declared=replace(NOTHING.declared, school=(ent,)), generation=generation)


def test_windows_reach_from_yesterday_to_the_day_after_tomorrow() -> None:
    """The World carries 24 h back and 48 h ahead, whatever the hour of the day."""
    book = SchoolBook()
    for hours in range(24):
        now = BELL + timedelta(hours=hours)
        windows = book.windows(policies(), now)
        assert len(windows) in (3, 4)
        assert all(w.overlaps(now - timedelta(hours=24), now + timedelta(hours=48)) for w in windows)


def test_they_are_resolved_once_per_date_and_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cycle costs no calendar work; a new policy or a new day does."""
    calls = 0

    def counted(*arguments: object) -> SchoolTime:
        nonlocal calls
        calls += 1
        return resolve(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("controller.observe.school.resolve", counted)
    book = SchoolBook()
    for seconds in range(0, 60, 5):
        book.windows(policies(), BELL + timedelta(seconds=seconds))
    assert calls == 1
    book.windows(policies(generation=2), BELL)
    book.windows(policies(generation=2), BELL + timedelta(days=1))
    assert calls == 3
