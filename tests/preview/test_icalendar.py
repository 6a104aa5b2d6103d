"""iCalendar files that any calendar loads: line lengths, escapes, identities."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.names import EntKey
from controller.preview.icalendar import escaped, folded, ics
from controller.preview.wanted import Wanted

MADE = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)


def wanted(per_second: float = 20.0, *, because: str = "schedule college: 08:00 bell") -> Wanted:
    """An hour of demand."""
    start = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
    return Wanted(
        start=start,
        end=start + timedelta(hours=1),
        ent=EntKey("portals", "hdf"),
        connections_per_second=per_second,
        replicas=12,
        because=because,
        source=because,
        bounds="",
        by_event=False,
        unserved_per_second=0.0,
    )


def unfolded(text: str) -> list[str]:
    """The content lines, as a reader joins them (RFC 5545, section 3.1)."""
    return text.replace("\r\n ", "").split("\r\n")[:-1]


@given(st.text(max_size=400))
def test_folding_cuts_lines_at_75_octets_and_no_character(text: str) -> None:
    """A reader that joins the parts gets the line back."""
    line = escaped(f"SUMMARY:{text}")
    parts = list(folded(line))
    assert all(len(part.encode("utf-8", "surrogatepass")) <= 75 for part in parts)
    assert parts[0] + "".join(part[1:] for part in parts[1:]) == line
    assert all(part.startswith(" ") for part in parts[1:])


@given(st.text(max_size=100))
def test_escaped_text_reads_back_and_holds_no_line_break(text: str) -> None:
    """Whatever a policy is called, it cannot begin a line of its own."""
    found = escaped(text)
    assert "\n" not in found
    assert "\r" not in found
    plain, rest = "", iter(found)
    for character in rest:
        following = next(rest) if character == "\\" else ""
        plain += {"n": "\n"}.get(following, following) if character == "\\" else character
    assert plain == text.replace("\r", "")


def test_a_calendar_holds_what_is_scheduled_in_utc() -> None:
    """Times need no zone, and the nights stay empty."""
    lines = unfolded(ics([wanted(0.0), wanted(20.0, because="schedule college, lycée; 08:00")], MADE))
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-1] == "END:VCALENDAR"
    assert lines.count("BEGIN:VEVENT") == 1
    assert "DTSTART:20260901T060000Z" in lines
    assert "DTEND:20260901T070000Z" in lines
    assert "DTSTAMP:20260901T040000Z" in lines
    assert "SUMMARY:hdf : 20 connexions/s\\, 12 instances" in lines
    assert "DESCRIPTION:schedule college\\, lycée\\; 08:00" in lines


def test_the_same_interval_has_the_same_identity() -> None:
    """A calendar that loads a newer file replaces what it had."""

    def identity(one: Wanted) -> str:
        [line] = [line for line in unfolded(ics([one], MADE)) if line.startswith("UID:")]
        return line

    assert identity(wanted(20.0)) == identity(wanted(30.0))
