"""Random school policies with everything that they can say, for property tests."""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import strategies as st

from controller.domain.names import EntKey
from controller.domain.schooldays import Calendar, DayType, HolidayDate, VacationDays
from controller.domain.schooltime import SchoolPolicies
from controller.domain.timetable import (
    Accounts,
    Audience,
    Bell,
    DayPlan,
    Days,
    Demand,
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

MINUTE = timedelta(minutes=1)
ENT = EntKey("portals", "hdf")
ZONES = ("Europe/Paris", "America/Miquelon", "Indian/Reunion", "America/Cayenne", "Pacific/Noumea", "Pacific/Wallis")
FIRST_DAY = date(2021, 3, 20)
"""Nine days before the clocks change in France, six days after they did in Saint-Pierre-et-Miquelon."""
DAYS = 20
SHUTTABLE = (Audience.PUPILS, Audience.TEACHERS, Audience.PARENTS)


def days() -> st.SearchStrategy[date]:
    """Days around the change of the clocks."""
    return st.dates(FIRST_DAY, FIRST_DAY + timedelta(days=DAYS))


def instants() -> st.SearchStrategy[datetime]:
    """Whole minutes around the change of the clocks."""
    begins = datetime.combine(FIRST_DAY, time(), tzinfo=UTC)
    return st.integers(0, DAYS * 1440).map(lambda minute: begins + minute * MINUTE)


def times() -> st.SearchStrategy[time]:
    """Times of day, those at which clocks change drawn often."""
    night = st.builds(time, hour=st.integers(0, 4), minute=st.integers(0, 59))
    return st.one_of(night, st.builds(time, hour=st.integers(0, 23), minute=st.integers(0, 59)))


def demands() -> st.SearchStrategy[Demand]:
    """Demand of every kind."""
    permille = st.integers(0, 100)
    return st.one_of(
        st.builds(FixedDemand, per_second=st.integers(0, 50).map(float)),
        st.builds(PeakDemand, percent=st.integers(1, 300)),
        st.builds(
            ShareDemand,
            pupils_permille=permille,
            teachers_permille=permille,
            parents_permille=permille,
            within=st.integers(1, 60).map(lambda n: n * MINUTE),
        ),
    )


def leads() -> st.SearchStrategy[timedelta | None]:
    """Learned, or the author's own."""
    return st.one_of(st.none(), st.integers(1, 240).map(lambda n: n * MINUTE))


@st.composite
def local_windows(draw: st.DrawFn, name: str) -> LocalWindow:
    """A window, across midnight or not, that keeps somebody out or not."""
    start, end = draw(times()), draw(times())
    keep_out = tuple(sorted(draw(st.sets(st.sampled_from(SHUTTABLE), max_size=2))))
    return LocalWindow(
        name=name,
        start=start,
        end=end,
        ends_on=EndsOn.SAME_DAY if start < end else EndsOn.NEXT_DAY,
        demand=draw(demands()) if not keep_out or draw(st.booleans()) else None,
        lead=draw(leads()),
        keep_out=keep_out,
    )


@st.composite
def bells(draw: st.DrawFn, name: str) -> Bell:
    """A bell."""
    return Bell(
        name=name,
        at=draw(times()),
        ramp=draw(st.integers(0, 240)) * MINUTE,
        duration=draw(st.integers(1, 1440)) * MINUTE,
        demand=draw(demands()),
        lead=draw(leads()),
    )


@st.composite
def plans(draw: st.DrawFn, types: frozenset[DayType]) -> DayPlan:
    """A plan for these kinds of day."""
    return DayPlan(
        types=types,
        bells=tuple(draw(bells(f"bell-{n}")) for n in range(draw(st.integers(0, 2)))),
        windows=tuple(draw(local_windows(f"window-{n}")) for n in range(draw(st.integers(0, 2)))),
    )


@st.composite
def events(draw: st.DrawFn, name: str) -> Event:
    """An event with anything that events can do."""
    if draw(st.booleans()):
        first = draw(days())
        when: Days | Instants = Days(first_day=first, last_day=first + timedelta(days=draw(st.integers(0, 5))))
    else:
        start = draw(instants())
        when = Instants(start=start, end=start + draw(st.integers(1, 5000)) * MINUTE)
    multiplier = st.builds(
        Multiplier, audience=st.sampled_from(Audience), factor=st.floats(0.5, 20), per=st.sampled_from(Resolution)
    )
    reopening = Reopening(ramp=draw(st.integers(0, 60)) * MINUTE, duration=draw(st.integers(1, 240)) * MINUTE)
    return Event(
        name=name,
        when=when,
        multipliers=tuple(draw(st.lists(multiplier, max_size=2))),
        remaining_percent=draw(st.sampled_from([100, 100, 40])),
        plans=(draw(plans(frozenset(DayType))),) if draw(st.booleans()) else (),
        reopening=draw(st.sampled_from([None, None, reopening])),
    )


@st.composite
def policies(draw: st.DrawFn) -> SchoolPolicies:
    """School policies of one ENT."""
    first = draw(days())
    vacation = VacationDays(name="v", departure=first, resumption=first + timedelta(days=draw(st.integers(1, 9))))
    calendar = Calendar(
        name="c",
        source="s",
        valid_until=draw(days()),
        vacations=(vacation,),
        public_holidays=(HolidayDate(date=draw(days()), name="h"),),
    )
    week = frozenset({DayType.SCHOOL_DAY, DayType.FIRST_DAY_BACK, DayType.LAST_DAY_BEFORE, DayType.WEDNESDAY})
    return SchoolPolicies(
        ent=ENT,
        time_zone=draw(st.sampled_from(ZONES)),
        accounts=Accounts(pupils=90_000, teachers=9_000, parents=50_000),
        usual_peak_per_second=12.0,
        calendar=draw(st.sampled_from([None, calendar])),
        schedules=tuple(
            Schedule(name=f"s{n}", days=(draw(plans(week)), draw(plans(frozenset(DayType) - week))))
            for n in range(draw(st.integers(1, 2)))
        ),
        events=tuple(draw(events(f"e{n}")) for n in range(draw(st.integers(0, 2)))),
    )
