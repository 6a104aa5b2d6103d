"""School windows are resolved once per date and policy generation."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.schooldays import DayType
from controller.domain.schooltime import Facts, SchoolPolicies, resolve, windows_on
from controller.domain.timetable import Accounts, Bell, DayPlan, FixedDemand, Schedule
from controller.domain.windows import Window
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


def policies(generation: int = 1, accounts: int = 0) -> Policies:
    """One ENT with a bell every day and as many pupils as asked for."""
    ent = SchoolPolicies(
        ent=key(), time_zone="Europe/Paris", accounts=Accounts(pupils=accounts), schedules=(EVERY_DAY,)
    )
    return replace(NOTHING, declared=replace(NOTHING.declared, school=(ent,)), generation=generation)


def test_windows_reach_from_yesterday_to_the_day_after_tomorrow() -> None:
    """The World carries 24 h back and 48 h ahead, whatever the hour of the day."""
    book = SchoolBook()
    for hours in range(24):
        now = BELL + timedelta(hours=hours)
        windows = book.windows(policies(), now)
        assert len(windows) in (3, 4)
        assert all(w.overlaps(now - timedelta(hours=24), now + timedelta(hours=48)) for w in windows)


def test_they_are_resolved_once_per_date_and_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cycle costs no calendar work but the next date, once; a new policy costs its own dates."""
    asked: list[date] = []

    def counted(policies: SchoolPolicies, day: date, facts: Facts) -> tuple[Window, ...]:
        asked.append(day)
        return windows_on(policies, day, facts)

    monkeypatch.setattr("controller.observe.school.windows_on", counted)
    book = SchoolBook()
    for seconds in range(0, 60, 5):
        book.windows(policies(), BELL + timedelta(seconds=seconds))
    ahead = max(asked)
    first = set(asked) - {ahead}
    assert len(asked) == len(first) + 1
    assert ahead == max(first) + timedelta(days=1)
    book.windows(policies(generation=2), BELL)
    assert set(asked) == {*first, ahead}
    asked.clear()
    book.windows(policies(generation=2), BELL + timedelta(days=1))
    assert asked in ([], [ahead])
    asked.clear()
    book.windows(policies(generation=3, accounts=7), BELL + timedelta(days=1))
    assert len(asked) == len(first)


@given(st.lists(st.integers(-60 * 60 * 24 * 5, 60 * 60 * 24 * 5), min_size=1, max_size=8), st.integers(0, 3))
def test_whatever_was_asked_before_the_answer_is_what_is_resolved(offsets: list[int], changes: int) -> None:
    """Keeping what was resolved saves time and nothing else: the clock may even go back."""
    book = SchoolBook()
    for number, seconds in enumerate(offsets):
        now = BELL + timedelta(seconds=seconds)
        accounts = number * changes // 4
        asked = policies(generation=accounts + 1, accounts=accounts)
        (school,) = asked.declared.school
        near = resolve(school, now - timedelta(days=5), now + timedelta(days=5)).windows
        expected = [w for w in near if w.overlaps(now - timedelta(hours=24), now + timedelta(hours=48))]
        assert list(book.windows(asked, now)) == expected
