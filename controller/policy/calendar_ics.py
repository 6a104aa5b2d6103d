"""Calendar files (RFC 5545) to dated events, every problem at once with its line.

Days are the territory's own. A date is a date. An instant must be midnight, where the users are or in Paris: the
ministry's files write midnights of Paris for every territory, and in Tahiti that is noon of the day before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from controller.policy.errors import PolicyError, Position, Problem, shown

_PARIS = ZoneInfo("Europe/Paris")
_ONE_DAY = timedelta(days=1)
_BEGIN, _END = "BEGIN:VEVENT", "END:VEVENT"
_LARGEST_BYTES = 5_000_000
"""The ministry's file of all zones is below 100 kB. More is not a calendar of school days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IcsEvent:
    """One event in days, from `first` to before `end`; where they are equal it marks a day and has no length."""

    summary: str
    location: str
    first: date
    end: date
    stamped: date | None
    position: Position


def read_ics(content: bytes, file: str, zone: ZoneInfo) -> tuple[IcsEvent, ...]:
    """Return the events of a calendar file in their order, in the days of the zone.

    Raises:
        PolicyError: the file is not a calendar, or an event of it cannot be understood.
    """
    lines = _lines(content, file)
    problems: list[Problem] = []
    events: list[IcsEvent] = []
    for number, block in _blocks(lines, file):
        try:
            events.append(_event(block, number, file, zone))
        except PolicyError as error:
            problems += error.problems
    if problems:
        raise PolicyError(*problems)
    if not events:
        raise _refused(file, 1, "there is no event in this calendar")
    return tuple(events)


def _refused(file: str, line: int, message: str) -> PolicyError:
    return PolicyError(
        Problem(resource="", field="", message=message, position=Position(file=file, line=line, column=1))
    )


def _lines(content: bytes, file: str) -> list[str]:
    if len(content) > _LARGEST_BYTES:
        raise _refused(file, 1, f"larger than {_LARGEST_BYTES // 1_000_000} MB; a calendar of school days is not")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refused(file, line, f"not UTF-8 (byte {error.start}); save the file as UTF-8") from error
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if not any(line.upper() == "BEGIN:VCALENDAR" for line in lines):
        raise _refused(file, 1, "not a calendar file: there is no line BEGIN:VCALENDAR")
    return lines


def _blocks(lines: list[str], file: str) -> Iterator[tuple[int, list[str]]]:
    """Return the lines of each event with the number of the first one, counted from 1."""
    opened: int | None = None
    for number, line in enumerate(lines, start=1):
        word = line.strip().upper()
        if word == _BEGIN:
            if opened is not None:
                raise _refused(file, number, f"{_BEGIN} within the event of line {opened}, which has no {_END}")
            opened = number
        elif word == _END:
            if opened is None:
                raise _refused(file, number, f"{_END} without {_BEGIN} before it")
            yield opened, lines[opened - 1 : number]
            opened = None
    if opened is not None:
        raise _refused(file, opened, f"this event has no {_END}; the file may be cut off")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """One event as the library read it, and where its lines stand."""

    component: Any
    lines: list[str]
    number: int
    file: str
    zone: ZoneInfo

    def refused(self, name: str, message: str) -> PolicyError:
        """Return the refusal, placed at the property's line, or at the event where it has none."""
        found = (n for n, line in enumerate(self.lines, start=self.number) if line.upper().startswith(_starts(name)))
        return _refused(self.file, next(found, self.number), message)

    def text(self, name: str) -> str:
        """Return the property in one line; empty when the event has none."""
        return " ".join(str(self.component.get(name, "")).split())

    def day(self, name: str) -> date | None:
        """Return the day of a property; None when the event has none."""
        found = self.component.get(name)
        if found is None:
            return None
        if isinstance(found, list):
            raise self.refused(name, f"{name} stands twice in one event")
        try:
            value = found.dt
        except ValueError as error:
            raise self.refused(name, f"{name}: {error}") from error
        if not isinstance(value, datetime):
            return date(value.year, value.month, value.day)
        if value.tzinfo is None and "TZID" in found.params:
            raise self.refused(name, f"time zone {found.params['TZID']} is not known; write an IANA name, or a date")
        day = _midnight(value, self.zone)
        if day is None:
            where = f"midnight neither in {self.zone.key} nor in Paris"
            raise self.refused(name, f"{name} {value.isoformat()} is {where}; days begin at midnight")
        return day

    def length(self) -> timedelta:
        """Return how long an event without an end is: a day, as the standard says of dates."""
        if "DURATION" not in self.component:
            return _ONE_DAY
        length = self.component["DURATION"].dt
        if not isinstance(length, timedelta) or length % _ONE_DAY or length < timedelta(0):
            raise self.refused("DURATION", f"{length} is not a number of whole days")
        return length


def _starts(name: str) -> tuple[str, str]:
    return f"{name}:", f"{name};"


def _event(lines: list[str], number: int, file: str, zone: ZoneInfo) -> IcsEvent:
    from icalendar import Event

    broken = next((n for n, line in enumerate(lines, start=number) if not _is_content(line)), None)
    if broken is not None:
        raise _refused(file, broken, f"{shown(lines[broken - number])} is not a line of a calendar: it has no colon")
    block = _Block(
        component=Event.from_ical("\r\n".join([*lines, ""])), lines=lines, number=number, file=file, zone=zone
    )
    for name, message in block.component.errors:
        raise block.refused(str(name), f"{name}: {message}")
    if "RRULE" in block.component or "RDATE" in block.component:
        raise block.refused("RRULE", "this event repeats; a school calendar names every day, so write it out")
    first = block.day("DTSTART")
    if first is None:
        raise block.refused("DTSTART", "this event has no DTSTART")
    end = block.day("DTEND") or first + block.length()
    if end < first:
        raise block.refused("DTEND", f"ends ({end}) before it begins ({first}); look for a wrong year")
    return IcsEvent(
        summary=block.text("SUMMARY"),
        location=block.text("LOCATION"),
        first=first,
        end=end,
        stamped=_stamped(block),
        position=Position(file=file, line=number, column=1),
    )


def _is_content(line: str) -> bool:
    """Tell whether the line holds a property, goes on from the line before, or is empty."""
    return not line or line[0] in (" ", "\t") or ":" in line


def _stamped(block: _Block) -> date | None:
    """Return the day on which the event was written, as far as the file says."""
    stamp = block.component.get("DTSTAMP")
    value = getattr(stamp, "dt", None)
    return value.date() if isinstance(value, datetime) else None


def _midnight(value: datetime, zone: ZoneInfo) -> date | None:
    """Return the day that begins at this instant, where the users are or in Paris; None when none begins."""
    if value.tzinfo is None:
        return value.date() if value.time() == time(0) else None
    local = (value.astimezone(place) for place in (zone, _PARIS))
    return next((there.date() for there in local if there.time() == time(0)), None)
