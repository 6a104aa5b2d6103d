"""A calendar brought up to date with what a file says, and what that changes, day by day.

The file replaces the vacations of the time it covers. What people decided stays: exceptions and remarks. Public
holidays are added for the time that is new, by the rule of the law.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from controller.domain.schooldays import DayFact, day_fact
from controller.policy.calendar import SchoolCalendar
from controller.policy.calendar_events import Reading, ReadVacation
from controller.policy.convert import calendar as convert_calendar
from controller.policy.errors import PolicyError, Problem
from controller.policy.parse import parse
from controller.policy.public_holidays import public_holidays
from controller.policy.resource import GROUP, VERSION
from controller.policy.scalars import Territory

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """The file as a source: the name by which entries refer to it, what it is, and when it was made."""

    name: str
    title: str
    made_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A day that is something else than before; `before` is None where no calendar was."""

    before: DayFact | None
    after: DayFact

    def goes_on_as(self, earlier: "Change") -> bool:
        """Tell whether this is the day after another that changed for the same reasons."""
        return self.after.date == earlier.after.date + _ONE_DAY and self.why == earlier.why

    @property
    def why(self) -> tuple[str, str]:
        """Return the reasons for what the day was and for what it is now."""
        return self.before.reason if self.before else "", self.after.reason


def updated(
    reading: Reading, *, name: str, territory: Territory, source: FileSource, present: SchoolCalendar | None
) -> SchoolCalendar:
    """Return the present calendar with what was read, or a new one.

    Raises:
        PolicyError: nothing was read that a calendar could be made of.
    """
    if not reading.vacations:
        raise PolicyError(Problem(resource="", field="", message=f"the file tells no vacation of {territory}"))
    document = _document(present) if present is not None else _empty(name, territory, source)
    spec: dict[str, Any] = document["spec"]
    begins, ends = reading.vacations[0].departure, _end(reading.vacations[-1])
    spec["vacations"] = _vacations(spec.get("vacations", []), reading.vacations, source)
    spec["validFrom"] = min(str(spec.get("validFrom", begins)), begins.isoformat())
    spec["validUntil"] = max(str(spec.get("validUntil", ends)), ends.isoformat())
    _add_public_holidays(spec, name)
    _add_days_off(spec, reading, source)
    _leave_open(spec, begins, ends)
    _cite(spec, source)
    resource = parse(document)
    assert isinstance(resource, SchoolCalendar)
    return resource


def changes(before: SchoolCalendar | None, after: SchoolCalendar) -> tuple[Change, ...]:
    """Return every day that is of another kind, or known or unknown anew, in the time that the new calendar covers."""
    now = convert_calendar(after)
    earlier = convert_calendar(before) if before is not None else None
    first = after.spec.valid_from or after.spec.valid_until
    days = (first + n * _ONE_DAY for n in range((after.spec.valid_until - first).days + 1))
    facts = (Change(before=day_fact(earlier, day) if earlier else None, after=day_fact(now, day)) for day in days)
    return tuple(fact for fact in facts if fact.before is None or _kind(fact.before) != _kind(fact.after))


def in_a_row(different: Iterable[Change]) -> tuple[tuple[Change, ...], ...]:
    """Return the changes, days in a row that changed for the same reasons together."""
    rows: list[list[Change]] = []
    for change in different:
        if rows and change.goes_on_as(rows[-1][-1]):
            rows[-1].append(change)
        else:
            rows.append([change])
    return tuple(map(tuple, rows))


def _kind(fact: DayFact) -> tuple[str, bool]:
    return fact.day_type, fact.known


def _document(present: SchoolCalendar) -> dict[str, Any]:
    return present.model_dump(mode="json", exclude_unset=True, exclude={"status"})


def _empty(name: str, territory: Territory, source: FileSource) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "SchoolCalendar",
        "metadata": {"name": name},
        "spec": {
            "territory": territory.value,
            "source": source.title,
            "publishedOn": source.made_on.isoformat(),
        },
    }


def _vacations(
    present: list[dict[str, str]], read: tuple[ReadVacation, ...], source: FileSource
) -> list[dict[str, str]]:
    """Return the present vacations with those read in place of their time.

    What does not change keeps its name and its source, and a known return is not forgotten for a file that is silent.
    """
    begins, ends = read[0].departure.isoformat(), _end(read[-1]).isoformat()
    known = {entry["departure"]: entry for entry in present}
    vacations = [entry for entry in present if not begins <= entry["departure"] <= ends]
    for vacation in read:
        entry = _entry(vacation, source)
        reviewed = known.get(entry["departure"])
        same = reviewed is not None and entry.get("resumption", reviewed.get("resumption")) == reviewed.get(
            "resumption"
        )
        vacations.append(reviewed if reviewed is not None and same else entry)
    return sorted(vacations, key=lambda entry: entry["departure"])


def _entry(vacation: ReadVacation, source: FileSource) -> dict[str, str]:
    entry = {"name": vacation.name, "departure": vacation.departure.isoformat()}
    if vacation.resumption is not None:
        entry["resumption"] = vacation.resumption.isoformat()
    return entry | {"source": source.name}


def _cite(spec: dict[str, Any], source: FileSource) -> None:
    """Declare the file as a source, if any entry is from it."""
    entries = spec["vacations"] + spec.get("exceptions", [])
    if any(entry.get("source") == source.name for entry in entries):
        spec["sources"] = [s for s in spec.get("sources", []) if s["name"] != source.name] + [_cited(source)]
        spec["publishedOn"] = max(str(spec["publishedOn"]), source.made_on.isoformat())


def _cited(source: FileSource) -> dict[str, str]:
    return {"name": source.name, "title": source.title, "publishedOn": source.made_on.isoformat()}


def _end(vacation: ReadVacation) -> date:
    return vacation.resumption or vacation.departure


def _add_public_holidays(spec: dict[str, Any], name: str) -> None:
    """Add the holidays of the law where the calendar has none yet; what it has stays, whatever its name."""
    present = spec.get("publicHolidays", [])
    told = {entry["date"] for entry in present}
    first, last = (date.fromisoformat(str(spec[key])) for key in ("validFrom", "validUntil"))
    reviewed = (min(told), max(told)) if told else ("", "")
    added = [
        {"date": day.isoformat(), "name": holiday}
        for day, holiday in public_holidays(name, first, last)
        if not reviewed[0] <= day.isoformat() <= reviewed[1]
    ]
    spec["publicHolidays"] = sorted(present + added, key=lambda entry: str(entry["date"]))


def _add_days_off(spec: dict[str, Any], reading: Reading, source: FileSource) -> None:
    """Add the days without class that are neither public holidays nor of a vacation, as exceptions."""
    told = {entry["date"] for entry in spec["publicHolidays"]}
    told |= {entry["firstDay"] for entry in spec.get("exceptions", [])}
    added = []
    for off in reading.days_off:
        day = off.day.isoformat()
        if day in told or any(v["departure"] < day < v.get("resumption", "") for v in spec["vacations"]):
            continue
        told.add(day)
        kind = {"dayType": "Vacation", "reason": off.name, "source": source.name}
        added.append({"firstDay": day, "lastDay": day} | kind)
    if added:
        spec["exceptions"] = spec.get("exceptions", []) + added


def _leave_open(spec: dict[str, Any], begins: date, ends: date) -> None:
    """Leave open what follows a departure without a return; what the file now tells is open no more."""
    kept = [u for u in spec.get("unknownDays", []) if not begins.isoformat() <= u["firstDay"] <= ends.isoformat()]
    added = []
    for vacation, following in pairwise(spec["vacations"]):
        if "resumption" not in vacation and not _is_open(vacation["departure"], kept):
            first = date.fromisoformat(vacation["departure"]) + _ONE_DAY
            last = date.fromisoformat(following["departure"]) - _ONE_DAY
            reason = f"The return after {vacation['name']} is not published."
            added.append({"firstDay": first.isoformat(), "lastDay": last.isoformat(), "reason": reason})
    last_one = spec["vacations"][-1]
    if "resumption" not in last_one and not _is_open(last_one["departure"], kept):
        spec["validUntil"] = last_one["departure"]
    if kept or added:
        spec["unknownDays"] = sorted(kept + added, key=lambda entry: str(entry["firstDay"]))
    else:
        spec.pop("unknownDays", None)


def _is_open(departure: str, spans: list[dict[str, str]]) -> bool:
    next_day = (date.fromisoformat(departure) + _ONE_DAY).isoformat()
    return any(span["firstDay"] <= next_day <= span["lastDay"] for span in spans)
