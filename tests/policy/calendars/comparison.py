"""The days on which the shipped calendars and the libraries do not agree."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from controller.domain.schooldays import Calendar, DayType, day_fact
from controller.policy.calendar import SchoolCalendar
from controller.policy.convert import calendar as converted
from controller.policy.load import load
from tests.policy.calendars.dump_libraries import FIRST, LAST
from tests.policy.calendars.libraries import HERE, days, told

CALENDARS = Path(__file__).parents[3] / "policies" / "calendars"
ZONES = ("zone-a", "zone-b", "zone-c")
PUBLIC = {
    "zone-a": "",
    "zone-b": "",
    "zone-c": "",
    "zone-b-alsace-moselle": "6AE",
    "corse": "",
    "guadeloupe": "971",
    "martinique": "972",
    "guyane": "973",
    "la-reunion": "974",
    "mayotte": "976",
    "saint-barthelemy": "BL",
    "saint-martin": "MF",
    "saint-pierre-et-miquelon": "PM",
    "nouvelle-caledonie": "NC",
    "polynesie-francaise": "PF",
    "wallis-et-futuna": "WF",
}
"""What `holidays` calls the territory of each calendar."""


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """A day that a library calls something else than we do."""

    library: str
    calendar: str
    day: date
    theirs: str
    ours: str


def resource(name: str) -> SchoolCalendar:
    """Return a shipped calendar as it is declared."""
    [item] = load([CALENDARS / f"{name}.yaml"])
    assert isinstance(item.resource, SchoolCalendar)
    return item.resource


def shipped(name: str) -> Calendar:
    """Return a shipped calendar as the controller reads it."""
    return converted(resource(name))


def every_day(first: date, last: date) -> Iterator[date]:
    """Return the days between the two, both included."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def ours(calendar: Calendar, day: date) -> str:
    """Return what we call the day."""
    fact = day_fact(calendar, day)
    return fact.day_type.value if fact.known else "Unknown"


def school_differences(library: str) -> Iterator[Difference]:
    """Return the days of zones A, B and C that are of a vacation for one of us alone."""
    says: dict[str, Any] = told()[library]["school"]
    for zone in ZONES:
        calendar, vacation = shipped(zone), days(says[zone])
        for day in every_day(FIRST, LAST):
            theirs, mine = "vacation" if day in vacation else "class", ours(calendar, day)
            if (theirs == "vacation") is not (mine == DayType.VACATION):
                yield Difference(library, zone, day, theirs, mine)


def public_differences() -> Iterator[Difference]:
    """Return the days of all calendars that are a public holiday for one of us alone."""
    says: dict[str, dict[str, str]] = told()["holidays"]["public"]
    for name, key in PUBLIC.items():
        calendar, theirs = shipped(name), says[key]
        listed = {holiday.date for holiday in calendar.public_holidays}
        for day in every_day(calendar.valid_from or FIRST, calendar.valid_until):
            if (day.isoformat() in theirs) is not (day in listed):
                yield Difference(
                    "holidays",
                    name,
                    day,
                    "public holiday" if day.isoformat() in theirs else "no public holiday",
                    ours(calendar, day),
                )


def found() -> frozenset[Difference]:
    """Return every difference there is."""
    return frozenset(
        [
            *school_differences("vacances-scolaires-france"),
            *school_differences("holidays"),
            *public_differences(),
        ]
    )


def listed() -> dict[Difference, str]:
    """Return every difference that differences.yaml lists, with the reason why ours is right."""
    reasons: dict[Difference, str] = {}
    for entry in yaml.safe_load((HERE / "differences.yaml").read_text("utf-8")):
        for calendar, spans in entry["days"].items():
            for span in spans:
                first, _, last = str(span).partition("..")
                for day in every_day(date.fromisoformat(first), date.fromisoformat(last or first)):
                    difference = Difference(entry["library"], calendar, day, entry["theirs"], entry["ours"])
                    assert difference not in reasons, f"{difference} is listed twice"
                    reasons[difference] = entry["reason"]
    return reasons
