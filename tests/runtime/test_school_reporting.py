"""Calendars, schedules and events say whether they are in force; events keep a trail that is written once."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import msgspec
import pytest

from controller.domain.names import EntKey
from controller.domain.plan import ConditionStatus
from controller.domain.reasons import Reason
from controller.domain.schooldays import Calendar
from controller.domain.schooltime import SchoolPolicies
from controller.kube.resources import ObjectKey
from controller.observe.policies import CustomObject, Model, decoder
from controller.policy.calendar import SchoolCalendar
from controller.policy.declared import declare
from controller.policy.ent import RegionalENT
from controller.policy.event import SchoolEvent
from controller.policy.parse import parse
from controller.policy.schedule import SchoolSchedule
from controller.runtime.reporting import Problems
from controller.runtime.school_reporting import SchoolReport, Trail, school_documents, school_told
from controller.runtime.telemetry import NO_CALENDAR, Telemetry
from tests.builders import BELL
from tests.policy.objects import Object, a_calendar, a_schedule, a_site, an_ent, an_event, changed

MODELS: dict[str, Model] = {m.__name__: m for m in (SchoolCalendar, SchoolSchedule, SchoolEvent, RegionalENT)}
HDF = EntKey("portals", "hdf")


def seen(data: Object, *, generation: int = 1, status: Any = None) -> CustomObject:
    """The object as the API server has it."""
    data = changed(changed(data, ("metadata", "generation"), generation), ("metadata", "uid"), data["metadata"]["name"])
    if status is not None:
        data = data | {"status": status}
    return decoder(MODELS[str(data["kind"])])(msgspec.json.encode(data))


class Store:
    """What the cluster holds."""

    def __init__(self, *objects: CustomObject) -> None:
        self._objects = objects

    def objects(self, kind: str) -> tuple[CustomObject, ...]:
        """Return those of a kind."""
        return tuple(each for each in self._objects if each.kind == kind)

    def ent(self, key: EntKey) -> CustomObject | None:
        """Return an ENT."""
        wanted = ObjectKey(key.namespace, key.name)
        return next((each for each in self.objects("RegionalENT") if each.key == wanted), None)


def store(*objects: CustomObject) -> Any:
    """The store, as far as reporting asks."""
    return cast("Any", Store(*objects))


def a_report(*resources: Object, **more: Any) -> SchoolReport:
    """What is to be said of these resources."""
    declared = declare(parse(data) for data in resources)
    problems: dict[str, str] = {problem.resource: problem.message for problem in declared.problems}
    return replace(SchoolReport(problems=problems, warnings={}, school=declared.school), **more)


def in_portals(data: Object) -> Object:
    """The object in the namespace of the ENTs."""
    return changed(data, ("metadata", "namespace"), "portals")


def condition_of(document: Any) -> tuple[str, str]:
    """Status and reason of its only condition."""
    [condition] = document.status["conditions"]
    assert condition["type"] == "PolicyValid"
    return condition["status"], condition["reason"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (a_calendar(), ("True", "AllWell")),
        (changed(a_calendar(), ("spec", "validUntil"), "2026-09-02"), ("False", "CalendarEnded")),
        (changed(a_calendar(), ("spec", "validUntil"), "2026-09-03"), ("True", "AllWell")),
        (in_portals(a_schedule()), ("True", "AllWell")),
        (changed(in_portals(a_schedule()), ("spec", "extends"), "nowhere"), ("False", "PolicyInvalid")),
        (an_event(), ("False", "PolicyInvalid")),
    ],
)
def test_an_object_says_whether_it_is_in_force(data: Object, expected: tuple[str, str]) -> None:
    """Missing references, circles and calendars that end within two days, on the object itself."""
    [document] = school_documents(store(seen(data)), a_report(data), Trail(), BELL)
    assert condition_of(document) == expected
    assert document.status["observedGeneration"] == 1


def an_event_for(name: str) -> Object:
    """An event that raises one ENT."""
    event = an_event()
    for field in ("suspend", "reduce", "keepOut"):
        del event["spec"][field]
    event["spec"]["applies"] = {"ents": [{"namespace": "portals", "name": name}]}
    return event


def a_world_for(event: Object) -> tuple[Object, ...]:
    """The event, and an ENT with a calendar and a schedule."""
    calendar = changed(a_calendar(), ("spec", "validFrom"), "2021-01-01")
    ent = changed(in_portals(an_ent("hdf")), ("spec", "scheduleRefs"), ["college"])
    return (a_site("gra"), a_site("sbg"), calendar, in_portals(a_schedule("college")), ent, event)


def test_the_trail_says_when_a_generation_was_first_seen_and_what_it_changed() -> None:
    """Early announcement is proven by the status: six days before, and from how much to how much."""
    event, trail = an_event_for("hdf"), Trail()
    trail.by = "sonnerie-1"
    [document] = [
        d
        for d in school_documents(store(seen(event)), a_report(*a_world_for(event)), trail, BELL)
        if "audit" in d.status
    ]
    [entry] = document.status["audit"]
    assert (entry["generation"], entry["seenAt"], entry["by"]) == (1, "2026-09-01T07:00:00Z", "sonnerie-1")
    assert entry["changed"].startswith(
        "announced on 2021-03-31; concerns 1 ENT; raises the peak per second of portals/hdf 45.0 → "
    )
    assert entry["changed"].endswith("freezes the whole fleet until 2021-04-09T20:00:00Z")


def test_what_stands_in_the_trail_is_never_written_anew() -> None:
    """Later cycles, other processes and other clocks keep the first word; a new generation adds one."""
    event, trail = an_event_for("hdf"), Trail()
    report = a_report(*a_world_for(event))
    first = trail.of(seen(event), report.school, BELL)
    assert trail.of(seen(event), (), BELL + timedelta(hours=1)) == first
    status = {"audit": first}
    assert Trail().of(seen(event, status=status), (), BELL + timedelta(days=1)) == first
    second = Trail().of(seen(event, generation=2, status=status), report.school, BELL + timedelta(days=1))
    assert [entry["generation"] for entry in second] == [1, 2]
    assert second[0] == first[0]
    assert second[1]["seenAt"] == "2026-09-02T07:00:00Z"


def test_the_trail_stays_within_its_bound_and_survives_a_broken_event() -> None:
    """Sixteen generations; a generation that is not valid is said to have changed nothing."""
    old = [{"generation": n, "seenAt": "2026-01-01T00:00:00Z", "changed": "x"} for n in range(1, 17)]
    broken = changed(an_event(), ("spec", "applies"), {})
    found = Trail().of(seen(broken, generation=17, status={"audit": old}), (), BELL)
    assert [entry["generation"] for entry in found] == list(range(2, 18))
    assert found[-1]["changed"] == "not valid, so the generation before it stays in force"


def test_events_tell_of_broken_references_and_of_calendars_that_ran_out() -> None:
    """On the object that refers in vain, on the calendar, and on every ENT whose days are not known."""
    calendar = changed(a_calendar(), ("spec", "validUntil"), "2026-09-01")
    schedule = changed(in_portals(a_schedule()), ("spec", "extends"), "nowhere")
    ent = in_portals(an_ent("hdf"))
    report = a_report(schedule, warnings={HDF: ("treated as in a school week from 2026-09-02 to 2026-09-03",)})
    told = school_told(store(seen(calendar), seen(schedule), seen(ent)), report, BELL)
    assert [(t.about.key.name, t.reason, t.warning) for t in told] == [
        ("zone-b", "CalendarEnded", True),
        ("college", "PolicyInvalid", True),
        ("hdf", "CalendarEnded", True),
    ]
    tomorrow = replace(report, warnings={HDF: ("treated as in a school week from 2026-09-02 to 2026-09-04",)})
    again = school_told(store(seen(calendar), seen(schedule), seen(ent)), tomorrow, BELL)
    assert [t.identity for t in again] == [t.identity for t in told]


def test_an_ent_says_that_its_calendar_has_ended() -> None:
    """`PolicyValid=False` with a reason of its own; a broken reference is worse and goes first."""
    problems = Problems(by_object={}, calendars={HDF: ("calendar zone-b does not speak about this day",)})
    condition = problems.condition(HDF)
    assert (condition.status, condition.because.reason) == (ConditionStatus.FALSE, Reason.CALENDAR_ENDED)
    worse = replace(problems, by_object={f"RegionalENT {HDF}": "there is no SchoolSchedule x"})
    assert worse.condition(HDF).because.reason is Reason.POLICY_INVALID
    assert Problems(by_object={}).condition(HDF).status is ConditionStatus.TRUE


def test_the_days_left_of_each_calendar_are_a_metric() -> None:
    """An alert can be due weeks before; no calendar at all is found by the same alert."""
    telemetry = Telemetry()
    known = Calendar(name="zone-b", source="s", valid_until=date(2027, 7, 31))
    school = [
        SchoolPolicies(ent=HDF, time_zone="UTC", calendar=known),
        SchoolPolicies(ent=EntKey("portals", "idf"), time_zone="UTC"),
    ]
    telemetry.show_calendars(school, date(2027, 7, 21))
    text = telemetry.text().decode()
    assert 'sonnerie_calendar_days_left{ent="portals/hdf"} 10.0' in text
    assert f'sonnerie_calendar_days_left{{ent="portals/idf"}} {float(NO_CALENDAR)}' in text
