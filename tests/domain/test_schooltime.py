"""School time: local bells and windows become the right UTC instants on every day, in every territory."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from controller.domain.names import EntKey
from controller.domain.schooldays import Calendar, DayType, VacationDays
from controller.domain.schooltime import Blocked, SchoolPolicies, resolve
from controller.domain.timetable import (
    Accounts,
    Audience,
    Bell,
    DayPlan,
    Days,
    EndsOn,
    Event,
    FixedDemand,
    Instants,
    LocalWindow,
    Multiplier,
    Resolution,
    Schedule,
    ShareDemand,
)
from controller.domain.windows import Window

ENT = EntKey("portals", "hdf")
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WEEK = frozenset({DayType.SCHOOL_DAY, DayType.WEDNESDAY, DayType.SATURDAY, DayType.SUNDAY})


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_bell(
    rings: time, *, ramp: timedelta = 10 * MINUTE, duration: timedelta = 30 * MINUTE, demand: float = 50
) -> Bell:
    """A bell with a plain number of demand."""
    return Bell(name="bell", at=rings, ramp=ramp, duration=duration, demand=FixedDemand(per_second=demand))


def a_window(start: time, end: time, *, ends_on: EndsOn = EndsOn.SAME_DAY, demand: float = 5) -> LocalWindow:
    """A window with a plain number of demand."""
    return LocalWindow(name="window", start=start, end=end, ends_on=ends_on, demand=FixedDemand(per_second=demand))


def every_day(*, bells: tuple[Bell, ...] = (), windows: tuple[LocalWindow, ...] = (), name: str = "s") -> Schedule:
    """A schedule for all days of the week."""
    return Schedule(name=name, days=(DayPlan(types=WEEK, bells=bells, windows=windows),))


def windows_of(
    schedule: Schedule,
    start: str,
    end: str,
    *,
    zone: str = "Europe/Paris",
    events: tuple[Event, ...] = (),
    accounts: Accounts | None = None,
) -> tuple[Window, ...]:
    """The windows of one schedule between two UTC instants."""
    policies = SchoolPolicies(
        ent=ENT, time_zone=zone, accounts=accounts or Accounts(), schedules=(schedule,), events=events
    )
    return resolve(policies, at(start), at(end)).windows


@pytest.mark.parametrize(
    ("zone", "day", "rings"),
    [
        ("Europe/Paris", "2026-01-15", "2026-01-15T07:00"),
        ("Europe/Paris", "2026-06-15", "2026-06-15T06:00"),
        ("Indian/Reunion", "2026-06-15", "2026-06-15T04:00"),
        ("America/Guadeloupe", "2026-06-15", "2026-06-15T12:00"),
        ("America/Miquelon", "2026-01-15", "2026-01-15T11:00"),
        ("America/Miquelon", "2026-06-15", "2026-06-15T10:00"),
        ("Pacific/Noumea", "2026-06-15", "2026-06-14T21:00"),
        ("Pacific/Wallis", "2026-06-15", "2026-06-14T20:00"),
        ("Pacific/Marquesas", "2026-06-15", "2026-06-15T17:30"),
    ],
)
def test_a_bell_rings_when_the_local_clock_shows_it(zone: str, day: str, rings: str) -> None:
    """Eight o'clock is eight o'clock where the pupils are."""
    schedule = every_day(bells=(a_bell(time(8), ramp=timedelta(0)),))
    noon = at(f"{day}T12:00")
    found = resolve(SchoolPolicies(ent=ENT, time_zone=zone, schedules=(schedule,)), noon - DAY, noon + DAY).windows
    assert (at(rings), at(rings) + 30 * MINUTE) in {(w.start, w.end) for w in found}


def test_a_bell_covers_its_ramp_and_its_duration() -> None:
    """Capacity is wanted from the first early comer on."""
    [window] = windows_of(every_day(bells=(a_bell(time(8)),)), "2026-01-15T00:00", "2026-01-15T12:00")
    assert (window.start, window.end) == (at("2026-01-15T06:50"), at("2026-01-15T07:30"))
    assert window.demand_per_second == 50
    assert window.source == "schedule s: 08:00 bell"
    assert not window.by_event


def test_windows_are_half_open() -> None:
    """Two windows that touch never both cover an instant."""
    schedule = every_day(windows=(a_window(time(8), time(9)),))
    assert windows_of(schedule, "2026-01-15T08:00", "2026-01-15T09:00") == ()
    [window] = windows_of(schedule, "2026-01-15T07:59", "2026-01-15T08:00")
    assert window.covers(at("2026-01-15T07:00"))
    assert not window.covers(at("2026-01-15T08:00"))


def test_a_window_across_midnight_belongs_to_the_day_it_starts() -> None:
    """A window is never lost at midnight, neither local nor UTC."""
    schedule = every_day(windows=(a_window(time(22), time(1), ends_on=EndsOn.NEXT_DAY),))
    [window] = windows_of(schedule, "2026-01-15T12:00", "2026-01-16T12:00")
    assert (window.start, window.end) == (at("2026-01-15T21:00"), at("2026-01-16T00:00"))


DST = [
    # Clocks skip 02:00 to 03:00 on 29 March 2026 in Paris, and show it twice on 25 October.
    ("Europe/Paris", "2026-03-29", time(2, 30), time(4), "2026-03-29T01:00", "2026-03-29T02:00"),
    ("Europe/Paris", "2026-03-29", time(1), time(2, 30), "2026-03-29T00:00", "2026-03-29T01:00"),
    ("Europe/Paris", "2026-03-29", time(1, 30), time(3, 30), "2026-03-29T00:30", "2026-03-29T01:30"),
    ("Europe/Paris", "2026-10-25", time(2, 30), time(4), "2026-10-25T00:30", "2026-10-25T03:00"),
    ("Europe/Paris", "2026-10-25", time(1), time(2, 30), "2026-10-24T23:00", "2026-10-25T01:30"),
    ("Europe/Paris", "2026-10-25", time(2), time(3), "2026-10-25T00:00", "2026-10-25T02:00"),
    # Saint-Pierre-et-Miquelon changes on North American dates: 8 March and 1 November 2026.
    ("America/Miquelon", "2026-03-08", time(2, 30), time(4), "2026-03-08T05:00", "2026-03-08T06:00"),
    ("America/Miquelon", "2026-11-01", time(1, 30), time(3), "2026-11-01T03:30", "2026-11-01T06:00"),
    ("Indian/Reunion", "2026-03-29", time(2, 30), time(4), "2026-03-28T22:30", "2026-03-29T00:00"),
]


@pytest.mark.parametrize(("zone", "day", "opens", "closes", "start", "end"), DST)
def test_clock_changes_give_too_much_and_never_too_little(
    zone: str, day: str, opens: time, closes: time, start: str, end: str
) -> None:
    """A skipped time is the instant after the gap; a time that comes twice starts early and ends late."""
    policies = SchoolPolicies(ent=ENT, time_zone=zone, schedules=(every_day(windows=(a_window(opens, closes),)),))
    noon = at(f"{day}T12:00")
    found = resolve(policies, noon - DAY, noon + DAY).windows
    assert (at(start), at(end)) in {(w.start, w.end) for w in found}


def test_a_window_inside_the_gap_does_not_happen() -> None:
    """No clock ever showed it."""
    schedule = every_day(windows=(a_window(time(2, 10), time(2, 50)),))
    assert windows_of(schedule, "2026-03-29T00:00", "2026-03-29T12:00") == ()


def test_ramp_and_duration_are_real_time_across_a_clock_change() -> None:
    """Half an hour is half an hour, also when the clock is turned in it."""
    [window] = windows_of(every_day(bells=(a_bell(time(3), ramp=60 * MINUTE),)), "2026-03-29T00:00", "2026-03-29T02:00")
    assert (window.start, window.end) == (at("2026-03-29T00:00"), at("2026-03-29T01:30"))


def test_a_bell_that_rings_twice_is_covered_from_the_first_to_the_second() -> None:
    """When 02:30 comes twice nobody knows which one the author meant."""
    [window] = windows_of(every_day(bells=(a_bell(time(2, 30)),)), "2026-10-25T00:00", "2026-10-25T06:00")
    assert (window.start, window.end) == (at("2026-10-25T00:20"), at("2026-10-25T02:00"))


def test_demand_as_a_share_of_accounts_fits_the_ent() -> None:
    """300 permille of 100,000 pupils within ten minutes are 50 connections per second."""
    demand = ShareDemand(pupils_permille=300, parents_permille=100, within=10 * MINUTE)
    bell = Bell(name="bell", at=time(8), ramp=10 * MINUTE, duration=30 * MINUTE, demand=demand)
    [window] = windows_of(
        every_day(bells=(bell,)),
        "2026-01-15T00:00",
        "2026-01-15T12:00",
        accounts=Accounts(pupils=100_000, parents=60_000, teachers=9_000),
    )
    assert window.demand_per_second == pytest.approx(60)


def test_each_kind_of_day_has_its_own_plan_and_special_days_fall_back() -> None:
    """A first day back without a plan of its own is an ordinary day, never an empty one."""
    plans = (
        DayPlan(types=frozenset({DayType.SCHOOL_DAY}), bells=(a_bell(time(8)),)),
        DayPlan(types=frozenset({DayType.WEDNESDAY}), bells=(a_bell(time(9)),)),
        DayPlan(types=frozenset({DayType.SUNDAY})),
    )
    vacation = VacationDays(name="v", departure=date(2026, 10, 14), resumption=date(2026, 11, 2))
    calendar = Calendar(name="c", source="s", valid_until=date(2027, 1, 1), vacations=(vacation,))
    policies = SchoolPolicies(ent=ENT, time_zone="UTC", calendar=calendar, schedules=(Schedule(name="s", days=plans),))
    found = resolve(policies, at("2026-10-12T00:00"), at("2026-11-04T00:00")).windows
    starts = [w.start + 10 * MINUTE for w in found]
    # Mon, Tue, Wed 14 (last day before, a Wednesday), then Mon 2 November (first day back) and Tue.
    monday, tuesday, wednesday = at("2026-10-12T08:00"), at("2026-10-13T08:00"), at("2026-10-14T09:00")
    assert starts == [monday, tuesday, wednesday, at("2026-11-02T08:00"), at("2026-11-03T08:00")]


def test_wednesday_without_a_plan_is_a_school_day() -> None:
    """Forgetting Wednesday costs money, not a morning."""
    schedule = Schedule(name="s", days=(DayPlan(types=frozenset({DayType.SCHOOL_DAY}), bells=(a_bell(time(8)),)),))
    assert len(windows_of(schedule, "2026-01-14T00:00", "2026-01-15T00:00")) == 1


def test_days_that_no_calendar_knows_are_said_once_with_their_span() -> None:
    """The author learns that the calendar has run out before the school does."""
    calendar = Calendar(name="zone-b", source="s", valid_until=date(2026, 7, 3))
    policies = SchoolPolicies(ent=ENT, time_zone="Europe/Paris", calendar=calendar)
    found = resolve(policies, at("2026-07-01T00:00"), at("2026-07-08T00:00"))
    assert found.warnings == (
        (
            "calendar zone-b speaks about no day after 2026-07-03: "
            "treated as in a school week from 2026-07-04 to 2026-07-08"
        ),
    )
    assert resolve(policies, at("2026-07-01T00:00"), at("2026-07-02T00:00")).warnings == ()


SIXTH_OF_APRIL = Days(first_day=date(2021, 4, 6), last_day=date(2021, 4, 9))


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        (((Audience.ALL, 5.6, Resolution.HOUR),), 50 * (1 + 4.6 * 6)),
        (((Audience.ALL, 23, Resolution.MINUTE),), 50 * 23),
        (((Audience.ALL, 5.6, Resolution.HOUR), (Audience.ALL, 23, Resolution.MINUTE)), 50 * 23),
        (((Audience.PUPILS, 2, Resolution.MINUTE), (Audience.PARENTS, 3, Resolution.MINUTE)), 50 * 3),
        (((Audience.ALL, 0.5, Resolution.HOUR),), 50),
    ],
)
def test_a_multiplier_is_carried_over_to_the_ramp_of_the_bell(
    factors: tuple[tuple[Audience, float, Resolution], ...], expected: float
) -> None:
    """A factor of an hour says more about a ramp of ten minutes than its number; an event only adds."""
    multipliers = tuple(Multiplier(audience=a, factor=f, per=p) for a, f, p in factors)
    event = Event(name="home", when=SIXTH_OF_APRIL, multipliers=multipliers)
    found = windows_of(every_day(bells=(a_bell(time(8)),)), "2021-04-06T00:00", "2021-04-06T12:00", events=(event,))
    [raised] = [w for w in found if w.by_event]
    [usual] = [w for w in found if not w.by_event]
    assert raised.demand_per_second == pytest.approx(expected)
    assert usual.demand_per_second == 50
    assert (raised.start, raised.end) == (usual.start, usual.end)
    assert raised.source == "event home, schedule s: 08:00 bell"


def test_a_multiplier_of_one_audience_leaves_the_others() -> None:
    """Parents do not come more often because pupils do."""
    demand = ShareDemand(pupils_permille=100, parents_permille=100, within=10 * MINUTE)
    window = LocalWindow(name="day", start=time(8), end=time(18), demand=demand)
    pupils = Multiplier(audience=Audience.PUPILS, factor=3, per=Resolution.HOUR)
    found = windows_of(
        every_day(windows=(window,)),
        "2021-04-06T00:00",
        "2021-04-06T12:00",
        events=(Event(name="home", when=SIXTH_OF_APRIL, multipliers=(pupils,)),),
        accounts=Accounts(pupils=6000, parents=6000),
    )
    assert sorted(w.demand_per_second for w in found) == pytest.approx([2, 4])


def test_an_event_between_instants_raises_only_what_it_covers() -> None:
    """The rest of the window stays as scheduled."""
    double = Multiplier(audience=Audience.ALL, factor=2, per=Resolution.HOUR)
    when = Instants(start=at("2021-04-06T08:00"), end=at("2021-04-06T09:00"))
    found = windows_of(
        every_day(windows=(a_window(time(8), time(18)),)),
        "2021-04-06T00:00",
        "2021-04-07T00:00",
        events=(Event(name="e", when=when, multipliers=(double,)),),
    )
    assert [(w.start, w.end) for w in found if w.by_event] == [(when.start, when.end)]


def test_only_a_reduction_lowers_what_the_schedule_wants() -> None:
    """And it was given for this ENT by name, or it would not be here."""
    event = Event(name="e", when=SIXTH_OF_APRIL, remaining_percent=40)
    [window] = windows_of(every_day(bells=(a_bell(time(8)),)), "2021-04-06T00:00", "2021-04-06T12:00", events=(event,))
    assert window.demand_per_second == 20


@pytest.mark.parametrize(
    ("day", "school_days_only", "hours"),
    [
        ("2026-06-15", True, ("2026-06-15T05:30", "2026-06-15T07:00")),
        ("2026-01-15", True, ("2026-01-15T06:30", "2026-01-15T08:00")),
        ("2026-06-14", True, None),  # a Sunday
        ("2026-06-14", False, ("2026-06-14T05:30", "2026-06-14T07:00")),
    ],
)
def test_a_blocked_time_is_one_where_the_users_are_and_says_nothing_of_demand(
    day: str,
    school_days_only: bool,  # noqa: FBT001 - a row of the table
    hours: tuple[str, str] | None,
) -> None:
    """Half past seven to nine on the clocks of the ENT, on days with class unless told."""
    blocked = Blocked(start=time(7, 30), end=time(9), school_days_only=school_days_only)
    policies = SchoolPolicies(ent=ENT, time_zone="Europe/Paris", blocked=(blocked,))
    found = resolve(policies, at(f"{day}T00:00"), at(f"{day}T23:00")).windows
    assert [(w.start, w.end, w.no_moves, w.demand_per_second) for w in found] == (
        [(at(hours[0]), at(hours[1]), True, 0.0)] if hours else []
    )
