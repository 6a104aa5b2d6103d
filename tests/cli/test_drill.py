"""Drills: what ends one, and that nobody has to suffer for practice."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.cli.drill import _not_at_this_hour
from controller.cli.practice import LOOKS_UNTIL_ABORTED, OBEYED_WITHIN, Ending, Practice, looked
from tests.builders import BELL, a_window, key
from tests.typed import sonnerie

SECOND = timedelta(seconds=1)
LASTS = timedelta(minutes=10)
UNSERVED = {"type": "Ready", "status": "False", "reason": "CapacityShort", "message": "12.0/s cannot be carried"}
NO_RESERVE = {"type": "ReserveReady", "status": "False", "reason": "ReserveLost", "message": "b must not be lost"}
AWAY = {"type": "TrafficShifted", "status": "True", "reason": "AwayFromHome", "message": "away from home"}
NOT_KNOWN = UNSERVED | {"status": "Unknown"}


def status(
    at_a: int, *, not_well: tuple[Mapping[str, str], ...] = (), b: str = "Healthy", leader: str | None = "one"
) -> dict[str, Any]:
    """What the statuses say while so many percent are at site a; another ENT has nothing to do with it."""
    nord = [{"site": "a", "weight": at_a}, {"site": "b", "weight": 100 - at_a}]
    return {
        "leader": {"identity": leader},
        "sites": [
            {"name": "a", "verdict": "Degraded", "summary": "drained"},
            {"name": "b", "verdict": b, "summary": "errors"},
        ],
        "ents": [
            {"name": "ents/nord", "placements": nord, "not_well": list(not_well)},
            {"name": "ents/sud", "placements": [{"site": "b", "weight": None}], "not_well": [UNSERVED]},
        ],
    }


def practised(*seen: tuple[float, dict[str, Any]]) -> Practice:
    """A drill of ten minutes at site a, with what was seen so many seconds after it began."""
    practice = Practice(site="a", first=looked(status(100), "a", BELL), until=BELL + LASTS)
    for seconds, found in seen:
        assert practice.ending is None
        practice = practice.seeing(looked(found, "a", BELL + seconds * SECOND))
    return practice


def test_everybody_left_and_nobody_suffered() -> None:
    """It lasts to its end, says how long the leaving took, and keeps what changed."""
    done = practised((5, status(90)), (10, status(90)), (50, status(0)), (300, status(0)), (600, status(0)))
    assert done.ending is Ending.PASSED
    document = done.document({"by": "ops"})
    assert document["left_seconds"] == 50
    assert [look["percent"] for look in document["looks"]] == [{"ents/nord": p} for p in (100, 90, 0)]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (status(50, not_well=(UNSERVED,)), "ents/nord: Ready is False, 12.0/s cannot be carried"),
        (status(50, not_well=(NO_RESERVE,)), "ReserveReady is False"),
        (status(50, b="Degraded"), "b is Degraded: errors"),
        (status(50, b="Down"), "b is Down"),
        (status(50, leader=None), "no controller holds the Lease"),
    ],
)
def test_a_drill_that_hurts_is_aborted(found: dict[str, Any], sentence: str) -> None:
    """Two looks running are enough; one may be a scrape."""
    once = practised((5, found), (10, status(50)), (15, found))
    assert once.ending is None
    twice = practised(*((5.0 * n, found) for n in range(1, LOOKS_UNTIL_ABORTED + 1)))
    assert twice.ending is Ending.ABORTED
    assert sentence in twice.why


@pytest.mark.parametrize("condition", [AWAY, NOT_KNOWN])
def test_what_a_drill_is_for_is_no_harm(condition: Mapping[str, str]) -> None:
    """That users are away from home, or that something is not known, is no reason to stop."""
    assert looked(status(50, not_well=(condition,)), "a", BELL).harm == ()


def test_a_drill_that_nobody_obeys_ends_soon() -> None:
    """Without a controller nothing would move, and the order would stand there."""
    late = OBEYED_WITHIN.total_seconds()
    assert practised((late - 1, status(100))).ending is None
    assert practised((late, status(100))).ending is Ending.NOT_OBEYED


def test_a_drill_that_does_not_get_done_says_who_is_still_there() -> None:
    """Its time is over, and the site could not have been left in it."""
    done = practised((30, status(70)), (600, status(20)))
    assert (done.ending, done.why) == (Ending.TOO_SLOW, "still there: ents/nord 20 %")


def test_there_is_no_drill_in_a_peak_or_where_somebody_said_so() -> None:
    """Practice can wait."""
    peak, blocked = a_window(key(), BELL, 30, 80.0), a_window(key(), BELL, 30, 0.0, no_moves=True)
    assert _not_at_this_hour([peak], BELL) == ["a school peak until 07:30Z (schedule test: bell)"]
    assert _not_at_this_hour([blocked], BELL) == ["blocked until 07:30Z (schedule test: bell)"]
    assert _not_at_this_hour([peak, blocked], BELL - SECOND) == []


def test_help_and_wrong_usage(tmp_path: Path) -> None:
    """An example; a length that cannot be is refused before any cluster is asked."""
    assert "Example: sonnerie drill" in sonnerie("drill", "--help").stdout
    done = sonnerie("drill", "a", "--for", "soon", "--kubeconfig", tmp_path / "none")
    assert (done.returncode, "--for soon" in done.stderr) == (2, True)
    assert sonnerie("drill", "a", "--for", "5m", "--kubeconfig", tmp_path / "none").returncode == 3
