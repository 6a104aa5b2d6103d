"""Who is kept out does not come; a portal that is shut is shut for all; both by somebody's word, never by accident."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from controller.domain.effects import effect_of
from controller.domain.names import EntKey
from controller.domain.remote_schooling import RemoteSchooling, factors_of
from controller.domain.schooldays import DayType
from controller.domain.schooltime import SchoolPolicies, resolve
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
    PeakDemand,
    Reopening,
    Resolution,
    Schedule,
    ShareDemand,
)
from controller.domain.windows import Window, kept_out_at, shut_at

ENT = EntKey("portals", "hdf")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
EVERY_DAY = frozenset(DayType)
BOTH = ShareDemand(pupils_permille=100, parents_permille=100, within=10 * MINUTE)
ACCOUNTS = Accounts(pupils=6000, parents=12_000)
SIXTH = Days(first_day=date(2021, 4, 6), last_day=date(2021, 4, 6))


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_window(name: str, start: int, end: int, *, demand: object = BOTH, **more: object) -> LocalWindow:
    """A window of whole hours."""
    return LocalWindow(name=name, start=time(start), end=time(end), demand=demand, **more)  # type: ignore[arg-type]


def a_keep_out(start: int, end: int, *audiences: Audience) -> LocalWindow:
    """A window that keeps parents out, or whoever is named."""
    return a_window("later", start, end, demand=None, keep_out=audiences or (Audience.PARENTS,))


def windows(*plans: DayPlan, events: tuple[Event, ...] = (), peak: float = 0.0) -> tuple[Window, ...]:
    """The windows of 6 April 2021 in UTC, which is where the ENT is."""
    policies = SchoolPolicies(
        ent=ENT,
        time_zone="UTC",
        accounts=ACCOUNTS,
        usual_peak_per_second=peak,
        schedules=tuple(Schedule(name=f"s{n}", days=(plan,)) for n, plan in enumerate(plans)),
        events=events,
    )
    return resolve(policies, at("2021-04-06T00:00"), at("2021-04-07T00:00")).windows


def a_day(*parts: LocalWindow | Bell) -> DayPlan:
    """A plan for every kind of day."""
    return DayPlan(
        types=EVERY_DAY,
        bells=tuple(part for part in parts if isinstance(part, Bell)),
        windows=tuple(part for part in parts if isinstance(part, LocalWindow)),
    )


def curve(found: tuple[Window, ...], hours: range = range(24)) -> list[float]:
    """The largest demand at half past each hour."""
    instants = [at("2021-04-06T00:30") + hour * HOUR for hour in hours]
    return [max((w.demand_per_second for w in found if w.covers(i)), default=0.0) for i in instants]


def test_demand_is_lowered_by_who_is_kept_out_and_only_while_they_are() -> None:
    """Cut at both ends of the keep-out: 3 per second of all, 1 of pupils alone."""
    found = windows(a_day(a_window("day", 7, 19), a_keep_out(8, 17)))
    assert curve(found) == pytest.approx([0.0] * 7 + [3.0] + [1.0] * 9 + [3.0] * 2 + [0.0] * 5)
    assert kept_out_at(found, at("2021-04-06T08:00")) == ((Audience.PARENTS, "schedule s0: 08:00-17:00 later"),)
    assert kept_out_at(found, at("2021-04-06T07:59")) == ()
    assert kept_out_at(found, at("2021-04-06T17:00")) == ()


def test_one_schedule_keeps_out_for_the_whole_ent() -> None:
    """A portal has one door: another schedule's parents stand before it too."""
    found = windows(a_day(a_window("day", 7, 19)), a_day(a_keep_out(8, 17)))
    assert curve(found)[10] == pytest.approx(1.0)


def test_demand_that_does_not_say_who_comes_is_not_lowered() -> None:
    """Capacity too much, never too little."""
    found = windows(a_day(a_window("day", 7, 19, demand=FixedDemand(per_second=5)), a_keep_out(8, 17)))
    assert curve(found)[10] == 5


def test_a_keep_out_across_midnight_meets_the_windows_of_both_days() -> None:
    """Yesterday's keep-out still holds this morning."""
    night = a_window("night", 20, 9, demand=None, keep_out=(Audience.PARENTS,), ends_on=EndsOn.NEXT_DAY)
    assert curve(windows(a_day(a_window("day", 7, 12), night)))[7:12] == pytest.approx([1.0, 1.0, 3.0, 3.0, 3.0])


def test_a_bell_that_is_cut_keeps_its_ramp() -> None:
    """Parts judge what is seen by the same curve as the whole."""
    bell = Bell(name="b", at=time(8), ramp=60 * MINUTE, duration=HOUR, demand=BOTH)
    half_past = LocalWindow(name="l", start=time(7, 30), end=time(17), keep_out=(Audience.PARENTS,))
    first, second = [w for w in windows(a_day(bell, half_past)) if not w.kept_out]
    assert (first.start, first.end, first.ramp_seconds) == (at("2021-04-06T07:00"), at("2021-04-06T07:30"), 3600)
    assert (second.start, second.end, second.ramp_seconds) == (at("2021-04-06T07:30"), at("2021-04-06T09:00"), 1800)
    assert (first.demand_per_second, second.demand_per_second) == pytest.approx((3.0, 1.0))


def test_a_window_of_those_who_are_kept_out_does_not_happen() -> None:
    """Nothing is planned for nobody."""
    parents = ShareDemand(parents_permille=100, within=10 * MINUTE)
    found = windows(a_day(a_window("evening", 9, 11, demand=parents), a_keep_out(8, 17)))
    assert [w.source for w in found] == ["schedule s0: 08:00-17:00 later"]


def test_what_an_event_adds_is_lowered_likewise() -> None:
    """Parents who are out do not come twice as often."""
    double = Event(
        name="e", when=SIXTH, multipliers=(Multiplier(audience=Audience.ALL, factor=2, per=Resolution.HOUR),)
    )
    found = windows(a_day(a_window("day", 7, 19), a_keep_out(8, 17)), events=(double,))
    assert curve(found)[7:10] == pytest.approx([6.0, 2.0, 2.0])


def test_demand_may_be_relative_to_the_usual_peak() -> None:
    """One schedule sizes many ENTs, whatever they know of their accounts."""
    found = windows(a_day(a_window("day", 7, 19, demand=PeakDemand(percent=80))), peak=50.0)
    assert curve(found)[8] == 40


def test_an_event_brings_bells_of_its_own_as_they_are() -> None:
    """Beside the schedule's, on its kinds of day only; its multipliers are for the schedule's."""
    bell = Bell(name="late", at=time(9, 30), ramp=10 * MINUTE, duration=HOUR, demand=FixedDemand(per_second=9))
    own = DayPlan(types=frozenset({DayType.SCHOOL_DAY}), bells=(bell,))
    double = Multiplier(audience=Audience.ALL, factor=2, per=Resolution.HOUR)
    event = Event(name="e", when=SIXTH, multipliers=(double,), plans=(own,))
    found = windows(a_day(a_window("day", 7, 12)), events=(event,))
    [late] = [w for w in found if w.source == "event e: 09:30 late"]
    assert (late.demand_per_second, late.by_event) == (9, True)
    sunday = Event(name="e", when=SIXTH, plans=(DayPlan(types=frozenset({DayType.SUNDAY}), bells=(bell,)),))
    assert not any(w.by_event for w in windows(a_day(a_window("day", 7, 12)), events=(sunday,)))


REOPENING = Reopening(ramp=30 * MINUTE, duration=HOUR)


def test_a_suspension_keeps_the_floors_and_reopens_with_a_ramp() -> None:
    """Shut on purpose: the schedule stays wanted as it is, and those who waited come back together."""
    when = Instants(start=at("2021-04-05T10:00"), end=at("2021-04-06T14:00"))
    found = windows(a_day(a_window("day", 7, 12)), events=(Event(name="e", when=when, reopening=REOPENING),))
    assert curve(found)[7:12] == pytest.approx([3.0] * 5)
    shut = shut_at(found, at("2021-04-06T13:59"))
    assert shut is not None
    assert (shut.source, shut.demand_per_second) == ("event e: shut on purpose", 0.0)
    assert shut_at(found, when.end) is None
    [rush] = [w for w in found if w.source == "event e: reopening"]
    assert (rush.start, rush.end) == (when.end, when.end + 90 * MINUTE)
    assert rush.ramp_seconds == 1800
    assert rush.demand_per_second == pytest.approx(3.0)
    assert rush.expected_at(when.end + 15 * MINUTE) == pytest.approx(1.5)


def test_a_suspension_of_whole_days_lasts_from_midnight_to_midnight_where_the_users_are() -> None:
    """And there is no rush on a day on which nothing is wanted."""
    policies = SchoolPolicies(
        ent=ENT, time_zone="Europe/Paris", events=(Event(name="e", when=SIXTH, reopening=REOPENING),)
    )
    [shut] = resolve(policies, at("2021-04-06T00:00"), at("2021-04-08T00:00")).windows
    assert (shut.start, shut.end) == (at("2021-04-05T22:00"), at("2021-04-06T22:00"))


def test_overlapping_and_touching_windows_each_stay_and_the_largest_counts() -> None:
    """No minute between two that touch is lost, none of two that overlap counts twice."""
    parts = [a_window(n, a, b, demand=FixedDemand(per_second=d)) for n, a, b, d in (("a", 7, 9, 1), ("b", 9, 12, 2),
             ("c", 8, 10, 5))]  # fmt: skip
    found = windows(a_day(*parts))
    assert len(found) == 3
    assert curve(found, range(6, 13)) == [0, 1, 5, 5, 2, 2, 0]
    assert all(any(w.covers(at("2021-04-06T07:00") + n * MINUTE) for w in found) for n in range(300))


@pytest.mark.parametrize(
    ("kind", "minute", "ten_minutes", "hour"),
    [(RemoteSchooling.MARCH_2020, 7, 7, 4), (RemoteSchooling.APRIL_2021, 23, 17, 5.6)],
)
def test_remote_schooling_is_what_was_measured(
    kind: RemoteSchooling, minute: float, ten_minutes: float, hour: float
) -> None:
    """The pupils' factors are the published ones, each at its resolution; nobody comes less often."""
    pupils = {m.per: m.factor for m in factors_of(kind) if m.audience is Audience.PUPILS}
    assert pupils == {Resolution.MINUTE: minute, Resolution.TEN_MINUTES: ten_minutes, Resolution.HOUR: hour}
    assert all(m.factor > 1 for m in factors_of(kind))
    bell = Bell(name="b", at=time(9), ramp=10 * MINUTE, duration=HOUR, demand=ShareDemand(
        pupils_permille=100, within=10 * MINUTE))  # fmt: skip
    event = Event(name="e", when=SIXTH, multipliers=factors_of(kind))
    [raised] = [w for w in windows(a_day(bell), events=(event,)) if w.by_event]
    assert raised.demand_per_second == pytest.approx(min(ten_minutes, minute))


def test_the_effect_of_an_event_is_a_sentence_with_the_largest_changes() -> None:
    """What the trail says: whom it concerns, and from what to what."""
    double = Multiplier(audience=Audience.ALL, factor=2, per=Resolution.HOUR)
    schedule = Schedule(name="s", days=(a_day(a_window("day", 7, 12)),))

    def an_ent(name: str, *events: Event) -> SchoolPolicies:
        return SchoolPolicies(
            ent=EntKey("p", name), time_zone="UTC", accounts=ACCOUNTS, schedules=(schedule,), events=events
        )

    raises = Event(name="e", when=SIXTH, multipliers=(double,))
    shuts = Event(name="e", when=SIXTH, reopening=REOPENING)
    lowers = Event(name="e", when=SIXTH, remaining_percent=50)
    school = [an_ent("a", raises), an_ent("b", shuts), an_ent("c"), an_ent("d", lowers)]
    assert effect_of("e", school) == (
        "concerns 3 ENTs; raises the peak per second of p/a 3.0 → 6.0; "
        "lowers the peak per second of p/d 3.0 → 1.5; shuts p/b on purpose"
    )
    assert effect_of("f", school) == "concerns no ENT that is declared"
