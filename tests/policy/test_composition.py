"""Schedules that extend others: nothing is copied, and what cannot be composed is named and takes the safe side."""

from datetime import time, timedelta
from typing import Any

import pytest

from controller.domain import timetable
from controller.domain.names import EntKey
from controller.domain.schooldays import DayType
from controller.policy.composition import LONGEST_CHAIN, compose
from controller.policy.declared import Declared, declare
from controller.policy.parse import parse
from controller.policy.schedule import SchoolSchedule
from tests.policy.objects import Object, a_calendar, a_site, an_ent, an_object

DAY = {"name": "day", "start": "07:30", "end": "18:00", "demand": {"connectionsPerSecond": "4"}}
FIRST = {"name": "first", "at": "08:00", "ramp": "20m", "demand": {"connectionsPerSecond": "40"}}
SECOND = {"name": "second", "at": "09:00", "demand": {"connectionsPerSecond": "60"}}
BASE = [
    {"types": ["SchoolDay", "LastDayBefore"], "bells": [FIRST, SECOND], "windows": [DAY]},
    {"types": ["Sunday"], "windows": [DAY]},
]


def a_schedule(name: str, days: list[Any], *, extends: str | None = None) -> Object:
    """A schedule in the namespace of the ENT."""
    data = an_object("SchoolSchedule", {"days": days} | ({"extends": extends} if extends else {}), name=name)
    data["metadata"]["namespace"] = "portals"
    return data


def declared(*schedules: Object) -> Declared:
    """What the schedules declare for an ENT that refers to all of them."""
    ent = an_ent("hdf")
    ent["metadata"]["namespace"] = "portals"
    ent["spec"]["scheduleRefs"] = [schedule["metadata"]["name"] for schedule in schedules]
    return declare(parse(data) for data in (a_site("gra"), a_site("sbg"), ent, a_calendar("zone-b"), *schedules))


def plan_of(found: Declared, name: str, kind: DayType) -> timetable.DayPlan:
    """What a schedule has for a kind of day."""
    [school] = found.school
    [schedule] = [each for each in school.schedules if each.name == name]
    [plan] = [plan for plan in schedule.days if kind in plan.types]
    return plan


def test_a_lycee_differs_in_one_bell_and_copies_nothing() -> None:
    """What is not said is what the base says: ramp, demand, the other bell, the window, the other days."""
    lycee = a_schedule("lycee", [{"types": ["SchoolDay"], "bells": [{"name": "first", "at": "08:10"}]}], extends="base")
    found = declared(a_schedule("base", BASE), lycee)
    assert found.problems == ()
    plan, base = plan_of(found, "lycee", DayType.SCHOOL_DAY), plan_of(found, "base", DayType.SCHOOL_DAY)
    assert [(bell.name, bell.at) for bell in plan.bells] == [("first", time(8, 10)), ("second", time(9))]
    assert plan.bells[0].ramp == timedelta(minutes=20)
    assert plan.bells[0].demand == base.bells[0].demand
    assert (plan.bells[1], plan.windows) == (base.bells[1], base.windows)
    assert plan_of(found, "lycee", DayType.LAST_DAY_BEFORE).bells == base.bells
    assert plan_of(found, "lycee", DayType.SUNDAY) == plan_of(found, "base", DayType.SUNDAY)


def test_a_kind_of_day_that_the_base_falls_back_on_starts_from_there() -> None:
    """Whoever changes Wednesday starts from what the base does on a Wednesday, which is its school day."""
    days = [{"types": ["Wednesday"], "bells": [{"name": "first", "at": "08:30"}], "without": ["second"]}]
    found = declared(a_schedule("base", BASE), a_schedule("lycee", days, extends="base"))
    assert found.problems == ()
    plan = plan_of(found, "lycee", DayType.WEDNESDAY)
    assert [(bell.name, bell.at) for bell in plan.bells] == [("first", time(8, 30))]
    assert [window.name for window in plan.windows] == ["day"]


def test_bells_are_added_and_taken_away() -> None:
    """A new name is a new bell; `without` takes away bells and windows alike."""
    lunch = {"name": "lunch", "at": "12:00", "demand": {"connectionsPerSecond": "9"}}
    days = [{"types": ["SchoolDay"], "bells": [lunch], "without": ["first", "day"]}]
    found = declared(a_schedule("base", BASE), a_schedule("lycee", days, extends="base"))
    assert found.problems == ()
    plan = plan_of(found, "lycee", DayType.SCHOOL_DAY)
    assert ([bell.name for bell in plan.bells], plan.windows) == (["second", "lunch"], ())


def test_a_chain_is_composed_from_its_end() -> None:
    """Each link sees what the one before it made."""
    first = a_schedule("b", [{"types": ["SchoolDay"], "bells": [{"name": "first", "at": "08:10"}]}], extends="base")
    second = a_schedule("a", [{"types": ["SchoolDay"], "bells": [{"name": "first", "ramp": "5m"}]}], extends="b")
    found = declared(second, first, a_schedule("base", BASE))
    bell = plan_of(found, "a", DayType.SCHOOL_DAY).bells[0]
    assert (bell.at, bell.ramp) == (time(8, 10), timedelta(minutes=5))


@pytest.mark.parametrize(
    ("days", "extends", "field", "said"),
    [
        ([{"types": ["Sunday"]}], "bas", "spec.extends", "did you mean base?"),
        ([{"types": ["Sunday"], "without": ["dya"]}], "base", "spec.days[0].without[0]", "did you mean day?"),
        ([{"types": ["Sunday"], "bells": [{"name": "new", "at": "10:00"}]}], "base", "spec.days[0].bells[0].demand",
         "it is left out"),
        ([{"types": ["SchoolDay"], "bells": [{"name": "frist", "ramp": "1m"}]}], "base", "spec.days[0].bells[0].at",
         "did you mean first?"),
        ([{"types": ["SchoolDay"], "windows": [{"name": "day", "end": "07:00"}]}], "base",
         "spec.days[0].windows[0].end", "that of the base stands"),
        ([{"types": ["SchoolDay"], "windows": [{"name": "day", "endsOn": "NextDay"}]}], "base",
         "spec.days[0].windows[0].endsOn", "that of the base stands"),
    ],
)  # fmt: skip
def test_what_cannot_be_composed_is_named_once(days: list[Any], extends: str, field: str, said: str) -> None:
    """The author learns the field and the remedy; the rest of the base stays in force."""
    found = declared(a_schedule("base", BASE), a_schedule("lycee", days, extends=extends))
    [problem] = found.problems
    assert (problem.resource, problem.field) == ("SchoolSchedule portals/lycee", field)
    assert said in problem.message
    if extends == "base":
        assert [bell.name for bell in plan_of(found, "lycee", DayType.SCHOOL_DAY).bells] == ["first", "second"]


def test_a_circle_is_named_at_each_of_its_schedules() -> None:
    """Nobody waits for ever, and what a schedule says itself stays in force."""
    one = a_schedule("one", BASE, extends="two")
    two = a_schedule("two", [{"types": ["Sunday"]}], extends="one")
    outside = a_schedule("three", [{"types": ["Saturday"], "windows": [DAY]}], extends="one")
    found = declared(one, two, outside)
    assert [(p.resource.rpartition("/")[2], p.field) for p in found.problems] == [
        ("one", "spec.extends"),
        ("two", "spec.extends"),
    ]
    assert "one → two → one" in found.problems[0].message
    assert len(plan_of(found, "one", DayType.SCHOOL_DAY).bells) == 2
    assert len(plan_of(found, "three", DayType.SCHOOL_DAY).bells) == 2
    assert len(plan_of(found, "three", DayType.SATURDAY).windows) == 1


def test_a_schedule_that_extends_itself_is_a_circle() -> None:
    """The shortest one."""
    [problem] = declared(a_schedule("one", BASE, extends="one")).problems
    assert "one → one" in problem.message


def test_a_chain_that_nobody_can_follow_is_cut() -> None:
    """However many schedules extend one another, nothing crashes and every cut is named."""
    links = [
        a_schedule(f"s{n:04}", [{"types": ["Saturday"], "windows": [DAY]}], extends=f"s{n - 1:04}")
        for n in range(1, 1500)
    ]
    found = declared(a_schedule("s0000", BASE), *links[:14])
    assert found.problems[0].resource == f"SchoolSchedule portals/s{LONGEST_CHAIN:04}"
    assert "nobody can follow that" in found.problems[0].message
    assert plan_of(found, f"s{LONGEST_CHAIN - 1:04}", DayType.SCHOOL_DAY).bells
    schedules = {
        EntKey("portals", data["metadata"]["name"]): parse(data) for data in (a_schedule("s0000", BASE), *links)
    }
    composed = compose({key: each for key, each in schedules.items() if isinstance(each, SchoolSchedule)})
    assert len(composed.days) == 1500
    assert len(composed.problems) == 1500 - LONGEST_CHAIN
