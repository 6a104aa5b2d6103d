"""What is shipped to be copied: it is right, it is whole, and it says what happened."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from controller.domain.schooltime import SchoolPolicies, resolve
from controller.domain.timetable import Audience
from controller.domain.windows import Window, kept_out_at, shut_at
from controller.policy.declared import Declared, declare
from controller.policy.load import load
from controller.policy.scalars import Territory

POLICIES = Path(__file__).parents[2] / "policies"
MAINLAND = 13
OVERSEAS = 11
SCHEMAS = {"calendars": "schoolcalendar", "ents": "regionalent", "events": "schoolevent", "schedules": "schoolschedule"}


@cache
def shipped() -> Declared:
    """All of it."""
    return declare(item.resource for item in load([POLICIES]))


def school_of(name: str) -> SchoolPolicies:
    """School time of a shipped ENT."""
    [found] = [school for school in shipped().school if school.ent.name == name]
    return found


def windows_of(name: str, start: str, days: int = 1) -> tuple[Window, ...]:
    """Its windows from midnight UTC on."""
    begins = datetime.fromisoformat(start).replace(tzinfo=UTC)
    return resolve(school_of(name), begins, begins + timedelta(days=days)).windows


def peak(windows: tuple[Window, ...]) -> float:
    """The largest demand."""
    return max(window.demand_per_second for window in windows)


def test_nothing_shipped_refers_in_vain() -> None:
    """Whoever copies all of it starts without a warning."""
    assert shipped().problems == ()


def test_every_region_and_every_territory_has_an_ent() -> None:
    """Thirteen regions in the mainland, eleven overseas; every territory of the ministry."""
    assert len(shipped().ents) == MAINLAND + OVERSEAS
    resources = [item.resource for item in load([POLICIES / "ents"])]
    territories = {str(getattr(resource.spec, "territory", "")) for resource in resources}
    assert territories == {str(territory) for territory in Territory}
    assert len({ent.region for ent in shipped().ents}) == MAINLAND + OVERSEAS


@pytest.mark.parametrize("folder", sorted(SCHEMAS))
def test_every_file_tells_editors_its_schema(folder: str) -> None:
    """An editor completes and checks while one types."""
    files = sorted((POLICIES / folder).rglob("*.yaml"))
    assert files
    for path in files:
        depth = len(path.relative_to(POLICIES).parents) - 1
        expected = f"# yaml-language-server: $schema={'../' * depth}schema/{SCHEMAS[folder]}.json"
        assert path.read_text("utf-8").splitlines()[0] == expected, path


def test_a_lycee_is_a_college_but_for_its_first_bell_and_its_evenings() -> None:
    """The shipped example of extending does what its comment says."""
    [bretagne] = [school for school in shipped().school if school.ent.name == "bretagne"]
    sources = [w.source for w in resolve(bretagne, *_tuesday()).windows if not w.by_event]
    assert "schedule lycee: 08:10 first-bell" in sources
    assert "schedule lycee: 09:00 second-bell" in sources
    assert not any("08:00" in source for source in sources)


def _tuesday() -> tuple[datetime, datetime]:
    start = datetime(2021, 4, 27, tzinfo=UTC)
    return start, start + timedelta(days=1)


def test_the_usual_peak_is_what_the_schedules_make_of_the_accounts() -> None:
    """440 log-ins in the busiest minute for 300,000 pupils, whichever way one counts: within a third of each other."""
    for school in shipped().school:
        if school.accounts.pupils >= 100_000 and any(s.name == "college" for s in school.schedules):
            busiest = peak(tuple(w for w in resolve(school, *_tuesday()).windows if not w.by_event and w.ramp_seconds))
            assert busiest == pytest.approx(school.usual_peak_per_second, rel=0.34), school.ent


@pytest.mark.parametrize(
    ("day", "most", "least"),
    [("2020-03-16", 8, 3), ("2021-04-06", 24, 10), ("2021-04-26", 24, 10)],
)
def test_the_mornings_of_2020_and_2021_are_raised_as_they_were(day: str, most: float, least: float) -> None:
    """Against the same schedule without an event; no more than the busiest minute, no less than the hour."""
    for name in ("aura", "hdf", "idf"):
        found = windows_of(name, day)
        usual = peak(tuple(w for w in found if not w.by_event))
        assert least * usual < peak(found) < most * usual


def test_overseas_is_not_meant_by_events_of_the_mainland() -> None:
    """They have calendars of their own."""
    assert not any(window.by_event for window in windows_of("reunion", "2021-04-06"))


def test_parents_are_kept_out_on_26_april_where_it_is_said_and_come_at_half_past_five() -> None:
    """Less is planned for while they are out, and a bell awaits them."""
    found = windows_of("hdf", "2021-04-26")
    assert kept_out_at(found, datetime(2021, 4, 26, 8, tzinfo=UTC)) == (
        (Audience.PARENTS, "event 2021-04-26-parents-later: 07:30-17:30 without parents"),
    )
    assert kept_out_at(found, datetime(2021, 4, 26, 15, 30, tzinfo=UTC)) == ()
    assert any("17:30 parents-come" in w.source and w.lead_seconds == 1800 for w in found)
    day = [w for w in found if w.source.endswith("07:30-21:00 day") and not w.by_event]
    assert min(day).demand_per_second < max(day).demand_per_second
    assert kept_out_at(windows_of("aura", "2021-04-26"), datetime(2021, 4, 26, 8, tzinfo=UTC)) == ()


def test_portals_that_were_shut_in_march_2024_are_no_outage_and_reopen_with_a_ramp() -> None:
    """Shut from midnight to midnight, floors as scheduled, and a rush at the end, where there is school that day."""
    found = windows_of("idf", "2024-03-28", days=6)
    shut = shut_at(found, datetime(2024, 3, 29, 9, tzinfo=UTC))
    assert shut is not None
    assert (shut.start, shut.end) == (datetime(2024, 3, 27, 23, tzinfo=UTC), datetime(2024, 4, 1, 22, tzinfo=UTC))
    assert any(w.covers(datetime(2024, 3, 29, 9, tzinfo=UTC)) and w.demand_per_second > 0 for w in found)
    [rush] = [w for w in found if w.source.endswith(": reopening")]
    assert (rush.start, rush.ramp_seconds, rush.end - rush.start) == (shut.end, 1800, timedelta(hours=2, minutes=30))
    assert shut_at(windows_of("aura", "2024-03-28"), datetime(2024, 3, 28, 9, tzinfo=UTC)) is None


def test_the_announcement_of_31_march_is_dated() -> None:
    """Six days' notice is what pre-scaling had to work with."""
    for item in load([POLICIES / "events"]):
        spec = item.resource.spec
        announced = getattr(spec, "announced_on", date.max)
        first = getattr(spec, "first_day", date.min)
        assert announced <= first
