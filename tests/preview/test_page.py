"""Pages and heat maps on the clocks of the users, whatever the clocks do."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from controller.domain.names import EntKey
from controller.domain.schooltime import SchoolPolicies
from controller.preview.days import Day, days_of
from controller.preview.page import Section, page
from controller.preview.wanted import Wanted

ENT = EntKey("portals", "hdf")
VOID = {"meta", "rect", "br"}


class Balanced(HTMLParser):
    """Reads HTML and remembers what is open, and whatever would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what opens."""
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened last."""
        if tag not in VOID:
            assert self.open.pop() == tag


def school(zone: str = "Europe/Paris") -> SchoolPolicies:
    """An ENT in a time zone, without policies."""
    return SchoolPolicies(ent=ENT, time_zone=zone)


def wanted(start: datetime, hours: float, replicas: int, *, source: str = "schedule x: 08:00 bell") -> Wanted:
    """An interval."""
    return Wanted(
        start=start,
        end=start + timedelta(hours=hours),
        ent=ENT,
        connections_per_second=2.5 * replicas,
        replicas=replicas,
        because=source,
        source=source,
        bounds="",
        by_event=True,
        unserved_per_second=1.5,
    )


def days(zone: str, start: datetime, hours: float) -> tuple[Day, ...]:
    """The days of an interval."""
    return days_of(school(zone), (wanted(start, hours, 4),))


@pytest.mark.parametrize(
    ("start", "hours", "skipped"),
    [
        (datetime(2026, 3, 28, 23, tzinfo=UTC), 23, [4, 5]),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), 25, []),
        (datetime(2026, 6, 1, 22, tzinfo=UTC), 24, []),
    ],
    ids=["23 hours", "25 hours", "24 hours"],
)
def test_a_day_has_48_half_hours_and_those_that_clocks_skip_are_empty(
    start: datetime, hours: float, skipped: list[int]
) -> None:
    """A page shows the clock on the wall, on the days of the clock changes too."""
    [day] = days("Europe/Paris", start, hours)
    slots = day.slots()
    assert len(slots) == 48
    assert [index for index, count in enumerate(slots) if count is None] == skipped
    assert {count for count in slots if count is not None} == {4}
    assert (day.clock(day.start), day.clock(day.end)) == ("00:00", "24:00")


def test_days_are_those_of_the_users() -> None:
    """A night in Paris is a day in Nouméa."""
    found = days("Pacific/Noumea", datetime(2026, 6, 1, 13, tzinfo=UTC), 24)
    assert [str(day.date) for day in found] == ["2026-06-02"]


def test_the_page_is_whole_and_fetches_nothing() -> None:
    """It can be sent as one file, and opened where there is no network."""
    shown = page(
        [
            Section(
                ent=ENT,
                region="FR-HDF",
                time_zone="Europe/Paris",
                days=days("Europe/Paris", datetime(2026, 6, 1, 22, tzinfo=UTC), 72),
            )
        ]
    )
    reader = Balanced()
    reader.feed(shown)
    assert reader.open == []
    assert reader.fetched == []
    assert "url(" not in shown
    assert '<html lang="fr">' in shown
    assert "mardi 2 juin" in shown
    assert "sonnerie de 08:00 (bell)" in shown
    assert "de trop" in shown


def test_nothing_that_a_policy_says_becomes_markup() -> None:
    """A page is opened by people who trust it."""
    evil = wanted(datetime(2026, 6, 1, 22, tzinfo=UTC), 24, 3, source='schedule x: <script>alert("1")</script>')
    section = Section(ent=EntKey("portals", "<b>"), region="<i>", time_zone="<u>", days=days_of(school(), (evil,)))
    shown = page([section], ["<script>note</script>"])
    assert "<script>" not in shown
    assert "<b>)" not in shown
    assert "&lt;script&gt;alert" in shown
