"""Calendar files: the ministry's with its quirks, others with their faults."""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.policy.calendar import SchoolCalendar
from controller.policy.calendar_events import Reading, joined, read_events
from controller.policy.calendar_ics import read_ics
from controller.policy.calendar_text import calendar_text
from controller.policy.calendar_update import FileSource, changes, in_a_row, updated
from controller.policy.errors import PolicyError, Problem
from controller.policy.load import load_text
from controller.policy.scalars import Territory
from controller.policy.territories import TIME_ZONES
from tests.policy.calendars.comparison import CALENDARS, resource

MINISTRY = Path(__file__).parent / "zones-2025-2026.ics"
"""The ministry's file of all zones as it was on 14 January 2025: vacations common to several zones are cut."""
SOURCE = FileSource(name="file-2026-09-18", title="a file", made_on=date(2026, 9, 18))


def an_event(first: str, end: str | None = None, summary: str = "Vacances de Noël", *more: str) -> str:
    """An event; days are dates, instants are given whole."""
    ends = [] if end is None else [f"DTEND{_value(end)}"]
    return "\n".join(["BEGIN:VEVENT", f"DTSTART{_value(first)}", *ends, f"SUMMARY:{summary}", *more, "END:VEVENT"])


def _value(text: str) -> str:
    return f";VALUE=DATE:{text}" if len(text) == 8 else text if text.startswith(";") else f":{text}"


def a_file(*events: str) -> bytes:
    """A calendar file of the events."""
    return "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *events, "END:VCALENDAR", ""]).encode()


def read(content: bytes, territory: Territory = Territory.ZONE_A) -> Reading:
    """What a file says about the territory."""
    return read_events(read_ics(content, "f.ics", ZoneInfo(TIME_ZONES[territory])), territory)


def spans(reading: Reading) -> list[tuple[str, str, str | None]]:
    """The vacations, shortly."""
    return [
        (v.name, v.departure.isoformat(), v.resumption and v.resumption.isoformat())  # type: ignore[misc]
        for v in reading.vacations
    ]


@pytest.mark.parametrize("name", ["zone-a", "zone-b", "zone-c", "corse", "zone-b-alsace-moselle"])
def test_the_ministry_file_changes_nothing_in_the_shipped_calendars(name: str) -> None:
    """The file and the calendars are two ways to the same days: pieces are joined, teachers' days left out."""
    present = resource(name)
    reading = read(MINISTRY.read_bytes(), present.spec.territory)
    after = updated(reading, name=name, territory=present.spec.territory, source=SOURCE, present=present)
    assert changes(present, after) == ()
    assert after == present


def test_a_vacation_that_is_cut_where_other_zones_end_is_whole_again() -> None:
    """Zone B's winter stands in four events, three of them with other zones."""
    found = spans(read(MINISTRY.read_bytes(), Territory.ZONE_B))
    assert ("Hiver 2026", "2026-02-14", "2026-03-02") in found
    assert ("Printemps 2026", "2026-04-11", "2026-04-27") in found
    assert ("Été 2026", "2026-07-04", None) in found


@pytest.mark.parametrize(
    ("territory", "first", "end"),
    [
        (Territory.ZONE_A, "20261218T230000Z", "20270103T230000Z"),  # midnight of Paris, in winter
        (Territory.ZONE_A, ";TZID=Europe/Paris:20261219T000000", ";TZID=Europe/Paris:20270104T000000"),
        (Territory.ZONE_A, "20261219T000000", "20270104T000000"),  # floating: the reader's own midnight
        (Territory.POLYNESIE_FRANCAISE, "20261218T230000Z", "20270103T230000Z"),  # Paris again: noon in Tahiti
        (Territory.POLYNESIE_FRANCAISE, "20261219T100000Z", "20270104T100000Z"),  # midnight in Tahiti
        (Territory.NOUVELLE_CALEDONIE, "20261218T130000Z", "20270103T130000Z"),  # midnight in Nouméa
    ],
)
def test_days_begin_at_midnight_where_the_users_are_or_in_paris(territory: Territory, first: str, end: str) -> None:
    """No territory gets the days of another for the sake of its clock."""
    [vacation] = read(a_file(an_event(first, end)), territory).vacations
    assert (vacation.departure, vacation.resumption) == (date(2026, 12, 19), date(2027, 1, 4))


def test_the_end_of_an_event_is_the_morning_of_the_return() -> None:
    """DTEND is exclusive: class resumes on it."""
    [vacation] = read(a_file(an_event("20261017", "20261102", "Vacances de la Toussaint - Zone A"))).vacations
    assert (vacation.departure, vacation.resumption) == (date(2026, 10, 17), date(2026, 11, 2))


@pytest.mark.parametrize(
    ("summary", "why"),
    [
        ("Vacances d'Été(prérentrée Enseignants) - Zones A/B/C", "for teachers"),
        ("Rentrée des enseignants", "for teachers"),
        ("Vacances d'Hiver - Zones B/C", "for zone-b, zone-c"),
        ("Vacances de Noël - Corse", "for corse"),
        ("Vacances de Mai(prérentrée Premier degré et collèges)", "for some pupils only: Premier degré et collèges"),
    ],
)
def test_what_is_not_about_the_pupils_of_the_territory_is_left_out_and_told(summary: str, why: str) -> None:
    """An author sees what was not read, and why."""
    reading = read(a_file(an_event("20260829", "20260901", summary)))
    assert ([i.why for i in reading.ignored], reading.vacations, reading.days_off) == ([why], (), ())


def test_whom_an_event_of_guadeloupe_is_for_is_understood() -> None:
    """The ministry writes it like a day for teachers, with a question mark for the apostrophe."""
    content = a_file(
        an_event("20261219", "20270104"),
        an_event("20261009", "20261009", "Abolition de l?esclavage(prérentrée Saint-Barthélémy)"),
        an_event("20270527", "20270527", "Abolition de l?esclavage(prérentrée Guadeloupe sauf Saint-Martin)"),
        an_event("20270528", "20270528", "Abolition de l?esclavage(prérentrée Saint-Martin)"),
    )

    def off(territory: Territory) -> list[str]:
        return [day.day.isoformat() for day in read(content, territory).days_off]

    assert off(Territory.GUADELOUPE) == ["2027-05-27"]
    assert off(Territory.SAINT_MARTIN) == ["2027-05-28"]
    assert off(Territory.SAINT_BARTHELEMY) == ["2026-10-09", "2027-05-27"]


def test_a_bridge_that_is_told_by_its_friday_reaches_from_the_holiday_to_the_weekend() -> None:
    """The file of 2026-27 has the Friday alone, the ones before have Wednesday or Thursday to Monday."""
    friday = read(a_file(an_event("20270507", "20270507", "Pont de l'Ascension")))
    wednesday = read(a_file(an_event("20200520", "20200525", "Pont de l'Ascension")))
    assert spans(friday) == [("Pont de l'Ascension 2027", "2027-05-06", "2027-05-10")]
    assert spans(wednesday) == [("Pont de l'Ascension 2020", "2020-05-21", "2020-05-25")]


def test_the_begin_of_summer_finds_the_return_of_the_next_year() -> None:
    """Older files tell the begin and the return as two markers."""
    content = a_file(
        an_event("20080703", None, "Début des vacances d'été - Zones A B C"),
        an_event("20080902", None, "Rentrée scolaire des élèves - Zones A B C"),
    )
    assert spans(read(content)) == [("Été 2008", "2008-07-03", "2008-09-02")]


BAD = [
    (b"", 1, "not a calendar file"),
    (b"<html>not found</html>", 1, "not a calendar file"),
    (a_file(), 1, "there is no event"),
    (a_file(an_event("20261219", "20270104")).replace(b"END:VEVENT", b""), 3, "has no END:VEVENT"),
    (a_file("END:VEVENT"), 3, "END:VEVENT without BEGIN:VEVENT"),
    (a_file("BEGIN:VEVENT", an_event("20261219", "20270104")), 4, "within the event of line 3"),
    (a_file(an_event("20261319", "20270104")), 4, "DTSTART"),
    (a_file(an_event("20261219", "20260104")), 5, "ends (2026-01-04) before it begins (2026-12-19)"),
    (a_file(an_event("20261009", "20270528", "Abolition de l'esclavage")), 3, "lasts 231 days"),
    (a_file(an_event("20260704", "20271102", "Vacances de la Toussaint")), 3, "lasts 486 days"),
    (a_file(an_event("20261219T080000Z", "20270104")), 4, "midnight neither in Europe/Paris nor in Paris"),
    (a_file(an_event(";TZID=Nowhere/Land:20261219T000000", "20270104")), 4, "time zone Nowhere/Land is not known"),
    (a_file(an_event("20261219", "20270104", "Vacances", "RRULE:FREQ=YEARLY")), 7, "repeats"),
    (a_file(an_event("20261219", "20270104", "Vacances", "no colon here")), 7, "is not a line of a calendar"),
    (a_file(an_event("20261219", "20270104", "Vacances", "DTSTART;VALUE=DATE:20261220")), 4, "stands twice"),
    (a_file("BEGIN:VEVENT", "SUMMARY:Vacances", "END:VEVENT"), 3, "has no DTSTART"),
    (a_file(an_event("20261219", None, "Vacances", "DURATION:PT5H")), 6, "not a number of whole days"),
    (a_file(an_event("20261219", "20270104")).replace("Noël".encode(), b"No\xebl"), 6, "not UTF-8"),
    (b"BEGIN:VCALENDAR\n" + b"X" * 6_000_000, 1, "larger than 5 MB"),
]


@pytest.mark.parametrize(("content", "line", "message"), BAD)
def test_a_bad_file_is_refused_at_its_line(content: bytes, line: int, message: str) -> None:
    """The author can jump to it."""
    with pytest.raises(PolicyError) as refused:
        read(content)
    [problem] = refused.value.problems
    assert problem.position is not None
    assert (problem.position.line, message in problem.message) == (line, True), str(problem)


@given(st.binary(max_size=400), st.integers(min_value=0, max_value=4000), st.integers(min_value=0, max_value=60))
def test_a_damaged_file_is_read_or_refused_with_a_place(noise: bytes, at: int, cut: int) -> None:
    """No traceback, whatever happened to the file."""
    content = MINISTRY.read_bytes()
    damaged = content[:at] + noise + content[at + cut :]
    refused: tuple[Problem, ...] = ()
    try:
        read(damaged)
    except PolicyError as error:
        refused = error.problems
    assert all(problem.position is not None for problem in refused)


def test_a_new_year_is_added_and_what_people_decided_stays() -> None:
    """A file moves a vacation and adds one: the rest of the calendar, its remarks and its exceptions are kept."""
    present = resource("zone-a")
    reading = read(
        a_file(
            an_event("20280422", "20280502", "Vacances de Printemps"),
            an_event("20280704", "20280904", "Vacances d'Été"),
        )
    )
    after = updated(reading, name="zone-a", territory=Territory.ZONE_A, source=SOURCE, present=present)
    assert after.spec.valid_until == date(2028, 9, 4)
    assert after.spec.remarks == present.spec.remarks
    assert after.spec.vacations[:70] == present.spec.vacations[:70]
    assert after.spec.public_holidays[-1].name == "Assomption"
    rows = [
        (row[0].after.date.isoformat(), row[-1].after.date.isoformat()) for row in in_a_row(changes(present, after))
    ]
    assert ("2028-05-03", "2028-05-07") in rows
    assert ("2028-05-02", "2028-05-02") in rows
    assert rows[-1] == ("2028-09-04", "2028-09-04")


def test_without_a_present_calendar_a_whole_one_is_made() -> None:
    """Public holidays come from the law, the source is the file."""
    reading = read(a_file(an_event("20261219", "20270201", "Vacances d'été austral")), Territory.LA_REUNION)
    made = updated(reading, name="la-reunion", territory=Territory.LA_REUNION, source=SOURCE, present=None)
    assert (made.spec.valid_from, made.spec.valid_until) == (date(2026, 12, 19), date(2027, 2, 1))
    assert [holiday.name for holiday in made.spec.public_holidays] == [
        "Abolition de l'esclavage",
        "Noël",
        "Jour de l'an",
    ]
    assert made.spec.sources[0].published_on == date(2026, 9, 18)


def test_a_return_that_is_not_published_is_left_open() -> None:
    """The days between the begin of a summer and the next vacation are unknown, not invented."""
    content = a_file(
        an_event("20260704", "20260704", "Début des Vacances d'Été"),
        an_event("20261017", "20261102", "Vacances de la Toussaint"),
    )
    made = updated(read(content), name="x", territory=Territory.ZONE_A, source=SOURCE, present=None)
    [span] = made.spec.unknown_days
    assert (span.first_day, span.last_day) == (date(2026, 7, 5), date(2026, 10, 16))


@pytest.mark.parametrize("name", sorted(path.stem for path in CALENDARS.glob("*.yaml")))
def test_a_calendar_is_written_as_it_is_read(name: str) -> None:
    """Nothing is lost on the way through a file, and the comment at its head stays."""
    text = (CALENDARS / f"{name}.yaml").read_text("utf-8")
    written = calendar_text(resource(name), text)
    [item] = load_text(written, "f.yaml")
    assert isinstance(item.resource, SchoolCalendar)
    assert item.resource == resource(name)
    assert written.partition("apiVersion")[0] == text.partition("apiVersion")[0]


@given(
    st.lists(
        st.tuples(st.dates(date(2020, 1, 1), date(2020, 3, 1)), st.integers(min_value=1, max_value=9)), max_size=12
    )
)
def test_joined_spans_cover_the_same_days_and_do_not_touch(pieces: list[tuple[date, int]]) -> None:
    """Whatever the order of the pieces, no day is lost or won."""
    cut = [(first, first + timedelta(days=length)) for first, length in pieces]
    whole = joined(cut)

    def days(spans: list[tuple[date, date]]) -> set[date]:
        return {first + timedelta(days=n) for first, end in spans for n in range((end - first).days)}

    assert days(list(whole)) == days(cut)
    assert all(earlier[1] < later[0] for earlier, later in pairwise(whole))
