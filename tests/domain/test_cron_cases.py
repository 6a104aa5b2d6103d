"""What pairs of cron expressions get wrong, said in school time and right, minute by minute.

Each case names the pair as somebody wrote it for KEDA and what came of it (kedacore/keda #4677, #5882, #6846, and the
next-start-before-next-end rule run over the clock changes of 2021); the intervals are what was meant.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from controller.domain.names import EntKey
from controller.domain.schooldays import Calendar, DayType, HolidayDate, VacationDays
from controller.domain.schooltime import SchoolPolicies, resolve
from controller.domain.timetable import Bell, DayPlan, EndsOn, FixedDemand, LocalWindow, Schedule

PARIS = ZoneInfo("Europe/Paris")
MINUTE = timedelta(minutes=1)
WEEKDAYS = frozenset({DayType.SCHOOL_DAY, DayType.WEDNESDAY, DayType.FIRST_DAY_BACK, DayType.LAST_DAY_BEFORE})
EVERY_DAY = frozenset(DayType)
DEMAND = FixedDemand(per_second=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One pair of cron expressions, what was meant by it, and when that is; times with their offset."""

    start_cron: str
    end_cron: str
    went_wrong: str
    plan: DayPlan
    asked: tuple[str, str]
    meant: tuple[tuple[str, str], ...]
    calendar: Calendar | None = None

    def __str__(self) -> str:
        return f"{self.start_cron} to {self.end_cron}: {self.went_wrong}"


def a_plan(types: frozenset[DayType], start: time, end: time, *, ends_on: EndsOn = EndsOn.SAME_DAY) -> DayPlan:
    """One window on these kinds of day."""
    window = LocalWindow(name="on", start=start, end=end, ends_on=ends_on, demand=DEMAND)
    return DayPlan(types=types, windows=(window,))


CHRISTMAS = VacationDays(name="Christmas", departure=date(2021, 12, 17), resumption=date(2022, 1, 3))
EASTER_MONDAY = HolidayDate(date=date(2021, 4, 5), name="Easter Monday")

CASES = (
    Case(
        start_cron="30 6 * * 1-5",
        end_cron="10 22 * * *",
        went_wrong="on all weekend, from Friday 06:30 to Sunday 22:10 (#4677)",
        plan=a_plan(WEEKDAYS, time(6, 30), time(22, 10)),
        asked=("2023-06-08T00:00+02:00", "2023-06-13T00:00+02:00"),
        meant=(
            ("2023-06-08T06:30+02:00", "2023-06-08T22:10+02:00"),
            ("2023-06-09T06:30+02:00", "2023-06-09T22:10+02:00"),
            ("2023-06-12T06:30+02:00", "2023-06-12T22:10+02:00"),
        ),
    ),
    Case(
        start_cron="* * * * 1-5",
        end_cron="* * * * 6",
        went_wrong="on from Friday 23:59 to Saturday 23:59 only (#5882)",
        plan=a_plan(WEEKDAYS, time(0), time(0), ends_on=EndsOn.NEXT_DAY),
        asked=("2024-06-10T00:00+02:00", "2024-06-17T00:00+02:00"),
        meant=(("2024-06-10T00:00+02:00", "2024-06-15T00:00+02:00"),),
    ),
    Case(
        start_cron="30 2 * * *",
        end_cron="0 8 * * *",
        went_wrong="on for a day and a half when 02:30 is skipped, from Saturday 02:30 to Sunday 08:00",
        plan=a_plan(EVERY_DAY, time(2, 30), time(8)),
        asked=("2021-03-27T00:00+01:00", "2021-03-29T00:00+02:00"),
        meant=(
            ("2021-03-27T02:30+01:00", "2021-03-27T08:00+01:00"),
            ("2021-03-28T03:00+02:00", "2021-03-28T08:00+02:00"),
        ),
    ),
    Case(
        start_cron="30 2 * * *",
        end_cron="0 8 * * *",
        went_wrong="an hour late when 02:30 comes twice: it starts at the second",
        plan=a_plan(EVERY_DAY, time(2, 30), time(8)),
        asked=("2021-10-31T00:00+02:00", "2021-11-01T00:00+01:00"),
        meant=(("2021-10-31T02:30+02:00", "2021-10-31T08:00+01:00"),),
    ),
    Case(
        start_cron="0 0 18 12 *",
        end_cron="0 0 3 1 *",
        went_wrong="nothing, until the dates of the next year differ",
        plan=a_plan(frozenset({DayType.VACATION}), time(0), time(0), ends_on=EndsOn.NEXT_DAY),
        asked=("2021-12-10T00:00+01:00", "2022-01-10T00:00+01:00"),
        meant=(("2021-12-18T00:00+01:00", "2022-01-03T00:00+01:00"),),
        calendar=Calendar(name="c", source="s", valid_until=date(2022, 7, 1), vacations=(CHRISTMAS,)),
    ),
    Case(
        start_cron="50 7 * * 1-5",
        end_cron="30 8 * * 1-5",
        went_wrong="Easter Monday is a Monday like any other: there is no calendar (#6846)",
        plan=DayPlan(
            types=WEEKDAYS,
            bells=(Bell(name="b", at=time(8), ramp=10 * MINUTE, duration=30 * MINUTE, demand=DEMAND),),
        ),
        asked=("2021-04-02T00:00+02:00", "2021-04-07T00:00+02:00"),
        meant=(
            ("2021-04-02T07:50+02:00", "2021-04-02T08:30+02:00"),
            ("2021-04-06T07:50+02:00", "2021-04-06T08:30+02:00"),
        ),
        calendar=Calendar(name="c", source="s", valid_until=date(2021, 7, 1), public_holidays=(EASTER_MONDAY,)),
    ),
    Case(
        start_cron="0 22 * * 1-5",
        end_cron="0 5 * * 1-5",
        went_wrong="a start after the end: the night of Friday lasts until Monday 05:00",
        plan=a_plan(WEEKDAYS, time(22), time(5), ends_on=EndsOn.NEXT_DAY),
        asked=("2024-06-13T12:00+02:00", "2024-06-17T12:00+02:00"),
        meant=(
            ("2024-06-13T22:00+02:00", "2024-06-14T05:00+02:00"),
            ("2024-06-14T22:00+02:00", "2024-06-15T05:00+02:00"),
        ),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_was_meant_is_what_happens_in_every_minute(case: Case) -> None:
    """Intervals of local days, not two lists of instants of which the nearer one wins."""
    policies = SchoolPolicies(
        ent=EntKey("n", "e"),
        time_zone=PARIS.key,
        calendar=case.calendar,
        schedules=(Schedule(name="s", days=(case.plan,)),),
    )
    start, end = (datetime.fromisoformat(each).astimezone(UTC) for each in case.asked)
    meant = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in case.meant]
    found = resolve(policies, start, end).windows
    minutes = [start + n * MINUTE for n in range((end - start) // MINUTE)]
    on = [any(window.covers(minute) for window in found) for minute in minutes]
    assert on == [any(a <= minute < b for a, b in meant) for minute in minutes]


def test_the_lead_time_is_taken_off_after_the_change_to_utc() -> None:
    """Half an hour before a bell is half an hour of waiting, also when the clock jumps in it."""
    bell = Bell(
        name="b", at=time(3), ramp=timedelta(0), duration=30 * MINUTE, demand=DEMAND, lead=timedelta(minutes=40)
    )
    schedule = Schedule(name="s", days=(DayPlan(types=EVERY_DAY, bells=(bell,)),))
    policies = SchoolPolicies(ent=EntKey("n", "e"), time_zone=PARIS.key, schedules=(schedule,))
    midnight = datetime(2021, 3, 28, tzinfo=UTC)
    [window] = resolve(policies, midnight, midnight + timedelta(hours=4)).windows
    assert window.start == midnight + timedelta(hours=1)
    assert window.asked_for_at(timedelta(minutes=5)) == midnight + timedelta(minutes=20)
