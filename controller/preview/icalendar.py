"""What is wanted as an iCalendar file (RFC 5545), to load into any calendar. Times are in UTC, so no zone is needed."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from controller.preview.wanted import Wanted

_LONGEST_LINE_OCTETS = 75
"""Without the line break (RFC 5545, section 3.1)."""
_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": ""})


def ics(wanted: Iterable[Wanted], made_at: datetime) -> str:
    """Return the intervals in which anything is scheduled as a calendar.

    The same interval has the same identity in every file, so that loading a newer one replaces it.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Sonnerie//Sonnerie preview//FR", "CALSCALE:GREGORIAN"]
    lines.append("X-WR-CALNAME:Sonnerie")
    for one in wanted:
        if one.connections_per_second > 0:
            lines += _event(one, made_at)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in folded(line))


def _event(one: Wanted, made_at: datetime) -> Iterator[str]:
    identity = hashlib.sha256(f"{one.ent} {one.start.isoformat()}".encode()).hexdigest()[:32]
    summary = f"{one.ent.name} : {one.connections_per_second:g} connexions/s, {one.replicas} instances"
    yield "BEGIN:VEVENT"
    yield f"UID:{identity}@sonnerie.dev"
    yield f"DTSTAMP:{_instant(made_at)}"
    yield f"DTSTART:{_instant(one.start)}"
    yield f"DTEND:{_instant(one.end)}"
    yield f"SUMMARY:{escaped(summary)}"
    yield f"DESCRIPTION:{escaped(one.because)}"
    yield f"CATEGORIES:{'EVENEMENT' if one.by_event else 'HORAIRE'}"
    yield "TRANSP:TRANSPARENT"  # nobody is busy because a portal is
    yield "END:VEVENT"


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def escaped(text: str) -> str:
    """Return the text as a value of type TEXT (RFC 5545, section 3.3.11)."""
    return text.translate(_ESCAPED)


def folded(line: str) -> Iterator[str]:
    """Return the line in parts of at most 75 octets, continued ones with a space before them; no character is cut."""
    part, octets = "", 0
    for character in line:
        size = len(character.encode())
        if octets + size > _LONGEST_LINE_OCTETS:
            yield part
            part, octets = " ", 1
        part += character
        octets += size
    yield part
