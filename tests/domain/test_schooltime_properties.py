"""School time against the clock itself: what zoneinfo shows minute by minute, computed independently."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.localtime import Occurrence, to_utc
from controller.domain.names import EntKey
from controller.domain.schooldays import DayType
from controller.domain.schooltime import SchoolPolicies, resolve
from controller.domain.timetable import Bell, DayPlan, EndsOn, FixedDemand, LocalWindow, Schedule

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ZONES = (
    "Europe/Paris",
    "America/Miquelon",
    "Indian/Reunion",
    "Indian/Mayotte",
    "America/Guadeloupe",
    "America/Cayenne",
    "Pacific/Noumea",
    "Pacific/Marquesas",
    "Pacific/Wallis",
)
CHANGES = {
    "Europe/Paris": [date(2020, 3, 29), date(2021, 10, 31), date(2026, 3, 29), date(2026, 10, 25), date(2027, 3, 28)],
    "America/Miquelon": [date(2020, 3, 8), date(2021, 11, 7), date(2026, 3, 8), date(2026, 11, 1), date(2027, 3, 14)],
}


@st.composite
def zones_and_days(draw: st.DrawFn) -> tuple[str, date]:
    """A zone and a day in it, half of the time a day on which its clocks change."""
    zone = draw(st.sampled_from(ZONES))
    any_day = st.dates(date(2019, 1, 1), date(2030, 1, 1))
    if zone in CHANGES and draw(st.booleans()):
        return zone, draw(st.sampled_from(CHANGES[zone]))
    return zone, draw(any_day)


def minutes_of_day() -> st.SearchStrategy[time]:
    """Times of day, the hours in which clocks change drawn often."""
    night = st.builds(time, hour=st.integers(0, 4), minute=st.integers(0, 59))
    return st.one_of(night, st.builds(time, hour=st.integers(0, 23), minute=st.integers(0, 59)))


def shown(zone: str, day: date) -> list[tuple[datetime, datetime]]:
    """Every UTC minute around the day with what the clocks of the zone show."""
    first = datetime.combine(day, time(), tzinfo=UTC) - 15 * timedelta(hours=1)
    instants = (first + minute * MINUTE for minute in range(54 * 60))
    return [(instant, instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for instant in instants]


@given(zones_and_days(), minutes_of_day())
def test_a_local_time_is_when_the_clocks_show_it(zone_and_day: tuple[str, date], at: time) -> None:
    """First and second occurrence are those on the clock; a skipped time is the first minute shown after it."""
    zone, day = zone_and_day
    wanted = datetime.combine(day, at)
    clock = shown(zone, day)
    occurrences = [instant for instant, local in clock if local == wanted]
    after = next(instant for instant, local in clock if local > wanted)
    expected = (occurrences[0], occurrences[-1]) if occurrences else (after, after)
    found = tuple(to_utc(ZoneInfo(zone), day, at, occurrence) for occurrence in Occurrence)
    assert found == expected


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """A schedule for every kind of day, with bells and windows anywhere."""
    demand = FixedDemand(per_second=1.0)
    bells = tuple(
        Bell(
            name=f"bell-{index}",
            at=draw(minutes_of_day()),
            ramp=draw(st.integers(0, 240)) * MINUTE,
            duration=draw(st.integers(1, 1440)) * MINUTE,
            demand=demand,
        )
        for index in range(draw(st.integers(0, 3)))
    )
    windows = []
    for index in range(draw(st.integers(0, 3))):
        start, end = draw(minutes_of_day()), draw(minutes_of_day())
        ends_on = EndsOn.SAME_DAY if start < end else EndsOn.NEXT_DAY
        windows.append(LocalWindow(name=f"w-{index}", start=start, end=end, ends_on=ends_on, demand=demand))
    plan = DayPlan(types=frozenset(DayType), bells=bells, windows=tuple(windows))
    return Schedule(name="s", days=(plan,))


@given(zones_and_days(), schedules(), st.integers(0, 4 * 1440), st.integers(1, 3 * 1440))
def test_windows_do_not_depend_on_what_was_asked(
    zone_and_day: tuple[str, date], schedule: Schedule, after: int, length: int
) -> None:
    """A restart in the middle of anything sees exactly what the process before it saw."""
    zone, day = zone_and_day
    policies = SchoolPolicies(ent=EntKey("n", "e"), time_zone=zone, schedules=(schedule,))
    week = datetime.combine(day, time(), tzinfo=UTC) - 3 * DAY
    start = week + DAY + after * MINUTE
    end = start + length * MINUTE
    whole = resolve(policies, week, week + 10 * DAY).windows
    asked = resolve(policies, start, end).windows
    assert asked == tuple(w for w in whole if w.start < end and start < w.end)


@given(zones_and_days(), schedules())
def test_windows_are_sorted_utc_and_not_empty(zone_and_day: tuple[str, date], schedule: Schedule) -> None:
    """Whoever plans needs no time zone, no sorting and no guard."""
    zone, day = zone_and_day
    policies = SchoolPolicies(ent=EntKey("n", "e"), time_zone=zone, schedules=(schedule,))
    start = datetime.combine(day, time(), tzinfo=UTC)
    found = resolve(policies, start, start + 3 * DAY).windows
    assert list(found) == sorted(found)
    assert all(w.start.tzinfo is UTC and w.end.tzinfo is UTC and w.start < w.end for w in found)
