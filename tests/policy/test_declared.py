"""From resources to the domain: values arrive whole, and a broken reference takes the safe side and is named."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from controller.domain import fleet, timetable
from controller.domain.names import EntKey
from controller.domain.schooldays import DayType
from controller.policy.declared import Declared, declare
from controller.policy.parse import parse
from tests.policy.objects import (
    DELETED,
    Object,
    a_calendar,
    a_report,
    a_schedule,
    a_site,
    an_ent,
    an_event,
    changed,
)


def in_portals(data: Object) -> Object:
    """The object, in the namespace of the example ENTs."""
    return changed(data, ("metadata", "namespace"), "portals")


def an_event_for(*ents: str) -> Object:
    """An event for zones A and B that names only these ENTs."""
    event = an_event()
    event["spec"]["applies"]["ents"] = [{"namespace": "portals", "name": name} for name in ents]
    for field in ("suspend", "reduce", "keepOut"):
        event = changed(event, ("spec", field), DELETED)
    return event


def a_fleet() -> dict[str, Object]:
    """Objects that fit together, by a word for each."""
    return {
        "gra": a_site("gra"),
        "sbg": a_site("sbg"),
        "ent": in_portals(an_ent("hdf")),
        "calendar": a_calendar("zone-b"),
        "college": in_portals(a_schedule("college")),
        "lycee": in_portals(a_schedule("lycee")),
        "event": an_event_for("hdf"),
        "report": a_report(),
    }


def declared(objects: dict[str, Object]) -> Declared:
    """What the objects declare."""
    return declare(parse(data) for data in objects.values())


def test_a_whole_fleet_arrives_without_problems() -> None:
    """Every declared value reaches the planner in its own unit."""
    found = declared(a_fleet())
    assert found.problems == ()
    assert [site.name for site in found.sites] == ["gra", "sbg"]
    [ent] = found.ents
    assert ent.key == EntKey("portals", "hdf")
    assert ent.capacity_per_replica == 12.5
    assert ent.slo == fleet.Slo(error_ratio=0.01, latency_seconds=1.5)
    assert ent.scaling.warm_up == timedelta(seconds=20)
    assert ent.scaling.lead_time is None
    assert ent.placements[0].home
    assert ent.placements[1].data_mode is fleet.DataMode.READ_ONLY
    assert ent.pause == fleet.Order(until=datetime(2026, 9, 1, 18, tzinfo=UTC), reason="exercise", by="night shift")
    assert [edge.name for edge in found.edges] == ["dns", "front", "gateway"]
    assert found.freeze is not None
    assert found.sites[0].serving_domains == ("north",)
    assert found.sites[0].drain is not None


def test_school_time_arrives_whole() -> None:
    """Calendar, schedules, accounts and events of the ENT come together."""
    [school] = declared(a_fleet()).school
    assert school.time_zone == "Europe/Paris"
    assert school.accounts.parents == 330_000
    assert school.calendar is not None
    assert school.calendar.valid_until == date(2027, 7, 31)
    assert [schedule.name for schedule in school.schedules] == ["college", "lycee"]
    night = school.schedules[0].days[0].windows[1]
    assert night.ends_on is timetable.EndsOn.NEXT_DAY
    assert school.schedules[0].days[1].types == {DayType.WEDNESDAY}
    [event] = school.events
    assert event.when == timetable.Days(first_day=date(2021, 4, 6), last_day=date(2021, 4, 9))
    assert (
        timetable.Multiplier(audience=timetable.Audience.PUPILS, factor=5.6, per=timetable.Resolution.HOUR)
        in event.multipliers
    )


def test_documented_defaults_are_those_of_the_domain() -> None:
    """The CRD, the models and the planner agree on what is meant when nothing is said."""
    objects = a_fleet()
    for name in ("slo", "shifting", "scaling", "reserve", "replicas", "warmUp", "pause", "priority"):
        objects["ent"]["spec"].pop(name)
    [ent] = declared(objects).ents
    assert (ent.slo, ent.shifting, ent.scaling) == (fleet.Slo(), fleet.Shifting(), fleet.Scaling())
    assert (ent.reserve, ent.owner) == (fleet.ReservePolicy.SERVING_DOMAIN, fleet.ReplicaOwner.SCALE)
    assert ent.placements[0].data_grace == timedelta(minutes=30)


def test_a_lead_time_may_be_given() -> None:
    """Whoever knows better than the learned value may say so."""
    objects = a_fleet()
    objects["ent"]["spec"]["scaling"]["leadTime"] = "4m"
    assert declared(objects).ents[0].scaling.lead_time == timedelta(minutes=4)


@pytest.mark.parametrize(
    ("absent", "field", "said"),
    [
        ("calendar", "spec.calendarRef", "every day counts as in a school week"),
        ("lycee", "spec.scheduleRefs[1]", "no SchoolSchedule lycee in namespace portals"),
        ("sbg", "spec.placements[1].site", "no Site sbg"),
    ],
)
def test_a_broken_reference_is_named_and_the_rest_goes_on(absent: str, field: str, said: str) -> None:
    """One missing object never takes the others' capacity away."""
    objects = a_fleet()
    del objects[absent]
    found = declared(objects)
    [problem] = found.problems
    assert (problem.resource, problem.field) == ("RegionalENT portals/hdf", field)
    assert said in problem.message
    assert len(found.ents) == len(found.school) == 1


def test_a_signal_that_a_site_does_not_measure_is_named() -> None:
    """A demand that nobody measures would stay missing for ever."""
    objects = a_fleet()
    objects["sbg"]["spec"]["prometheus"]["queries"][0]["signal"] = "requests"
    [problem] = declared(objects).problems
    assert (problem.field, problem.message[:32]) == ("spec.demandSignals[0].signal", "Site sbg has no query for firstA")


def test_a_schedule_that_counts_accounts_needs_accounts() -> None:
    """Without accounts a share of them is nothing, and the bell would find no capacity."""
    objects = a_fleet()
    objects["ent"]["spec"]["accounts"] = {}
    assert {problem.field for problem in declared(objects).problems} == {"spec.accounts"}


def test_an_event_that_names_an_absent_ent_is_named() -> None:
    """A misspelt name would leave an ENT alone on the worst day."""
    [problem] = declared(a_fleet() | {"event": an_event_for("hdf", "hfd")}).problems
    assert (problem.resource, problem.field) == ("SchoolEvent remote", "spec.applies.ents[1]")


def test_a_calendar_of_another_territory_is_named() -> None:
    """The wrong holidays are an easy mistake and a hard one to see."""
    objects = a_fleet()
    objects["ent"]["spec"]["territory"] = "zone-c"
    [problem] = declared(objects).problems
    assert "is for zone-b, the ENT is in zone-c" in problem.message


def test_ents_behind_one_edge_agree_on_its_kind() -> None:
    """An edge is told its weights in one way only."""
    objects = a_fleet()
    other = in_portals(an_ent("idf"))
    other["spec"]["edges"] = [{"name": "dns", "kind": "HAProxyAgent"}]
    found = declared(objects | {"other": other})
    [problem] = found.problems
    assert (problem.resource, problem.field) == ("RegionalENT portals/idf", "spec.edges[0].kind")


@pytest.mark.parametrize(
    ("ent", "territory", "events"),
    [
        ("hdf", "zone-b", ["remote"]),
        ("hdf", "zone-c", []),
        ("corse", "corse", ["remote"]),
        ("bfc", "corse", ["remote"]),
        ("idf", "corse", ["remote"]),
        ("nor", "corse", []),
    ],
)
def test_an_event_concerns_its_territories_and_the_ents_it_names(ent: str, territory: str, events: list[str]) -> None:
    """Who is not meant is left alone; who is suspended, reduced or raised is not."""
    meant = changed(in_portals(an_ent(ent)), ("spec", "territory"), territory)
    [school] = declared(a_fleet() | {"ent": meant, "event": an_event()}).school
    assert [event.name for event in school.events] == events


def test_a_reduction_reaches_only_the_ent_it_names() -> None:
    """Nobody's capacity is lowered by a wide net."""
    objects = a_fleet() | {"event": an_event(), "bfc": in_portals(an_ent("bfc"))}
    bfc, hdf = declared(objects).school
    assert [event.remaining_percent for event in bfc.events] == [50]
    assert [event.remaining_percent for event in hdf.events] == [100]


def the_event(name: str, data: Object) -> timetable.Event:
    """What the event means for an ENT of that name in Corse."""
    ent = changed(in_portals(an_ent(name)), ("spec", "territory"), "corse")
    [school] = declared(a_fleet() | {"ent": ent, "event": data}).school
    [event] = school.events
    return event


def test_remote_schooling_stands_for_its_factors_and_yields_to_what_is_said() -> None:
    """One word for what two springs taught, and a better figure of one's own replaces it."""
    factors = {(m.audience, m.per): m.factor for m in the_event("corse", an_event()).multipliers}
    assert factors[(timetable.Audience.PUPILS, timetable.Resolution.MINUTE)] == 23
    assert factors[(timetable.Audience.PARENTS, timetable.Resolution.HOUR)] == 3.4
    assert factors[(timetable.Audience.ALL, timetable.Resolution.TEN_MINUTES)] == 1.5
    own = {"audience": "pupils", "factor": "9", "per": "minute"}
    said = changed(an_event(), ("spec", "multipliers"), [own])
    factors = {(m.audience, m.per): m.factor for m in the_event("corse", said).multipliers}
    assert factors[(timetable.Audience.PUPILS, timetable.Resolution.MINUTE)] == 9
    assert factors[(timetable.Audience.PUPILS, timetable.Resolution.TEN_MINUTES)] == 17


def test_an_event_brings_its_bells_to_whom_it_applies() -> None:
    """On days with class unless it says otherwise, with the defaults of any bell."""
    [plan] = the_event("corse", an_event()).plans
    assert plan.types == {DayType.SCHOOL_DAY, DayType.WEDNESDAY, DayType.FIRST_DAY_BACK, DayType.LAST_DAY_BEFORE}
    [bell] = plan.bells
    assert (bell.ramp, bell.duration, bell.lead) == (
        timedelta(minutes=10),
        timedelta(minutes=30),
        timedelta(minutes=20),
    )
    assert the_event("bfc", an_event()).plans == ()


def test_a_suspension_and_a_keep_out_reach_only_the_ents_they_name() -> None:
    """Nobody is shut out by a wide net."""
    idf = the_event("idf", an_event())
    assert idf.reopening == timetable.Reopening(ramp=timedelta(minutes=30), duration=timedelta(hours=2))
    [plan] = idf.plans
    assert [(w.start, w.end, w.keep_out) for w in plan.windows] == [
        (time(7, 30), time(17, 30), (timetable.Audience.PARENTS,))
    ]
    assert the_event("corse", an_event()).reopening is None
    assert not any(w.keep_out for plan in the_event("corse", an_event()).plans for w in plan.windows)


def test_a_keep_out_without_hours_is_for_the_whole_day() -> None:
    """From midnight to midnight, clock changes included."""
    event = changed(changed(an_event(), ("spec", "keepOut", "start"), DELETED), ("spec", "keepOut", "end"), DELETED)
    [plan] = the_event("idf", event).plans
    assert [(w.start, w.end, w.ends_on) for w in plan.windows] == [(time(0), time(0), timetable.EndsOn.NEXT_DAY)]


@pytest.mark.parametrize("where", ["schedule", "event"])
def test_a_demand_relative_to_the_usual_peak_needs_a_usual_peak(where: str) -> None:
    """Without one a part of it is nothing, and the bell would find no capacity."""
    objects = a_fleet()
    demand = {"percentOfUsualPeak": 80}
    if where == "schedule":
        objects["college"]["spec"]["days"][0]["bells"][0]["demand"] = demand
    else:
        objects["event"]["spec"]["bells"][0]["demand"] = demand
    [problem] = declared(objects).problems
    assert problem.field == "spec.usualPeak"
    objects["ent"]["spec"]["usualPeak"] = {"connectionsPerSecond": "65"}
    found = declared(objects)
    assert found.problems == ()
    assert found.school[0].usual_peak_per_second == 65


def test_a_keep_out_of_an_absent_ent_is_named() -> None:
    """A misspelt name would let in those who were to stay out."""
    event = an_event_for("hdf")
    event["spec"]["keepOut"] = {"ents": [{"namespace": "portals", "name": "hfd"}], "audiences": ["parents"]}
    [problem] = declared(a_fleet() | {"event": event}).problems
    assert problem.field == "spec.keepOut.ents[0]"


def test_the_order_of_resources_does_not_matter() -> None:
    """The same cluster gives the same world, whatever order a list comes in."""
    objects = a_fleet()
    backwards = dict(reversed(objects.items()))
    assert declared(objects) == declared(backwards)
