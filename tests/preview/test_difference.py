"""What a reviewer is told of a change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controller.domain.names import EntKey
from controller.preview.difference import NOT_THERE, Difference, difference
from controller.preview.wanted import Ahead, Wanted

START = datetime(2026, 9, 1, tzinfo=UTC)
ENT = EntKey("portals", "hdf")


def ahead(*spans: tuple[float, float, int], ent: EntKey = ENT) -> Ahead:
    """Replicas from one hour to another."""
    found = [
        Wanted(
            start=START + timedelta(hours=begins),
            end=START + timedelta(hours=ends),
            ent=ent,
            connections_per_second=1.0,
            replicas=replicas,
            because="because",
            source="schedule x: bell",
            bounds="",
            by_event=False,
            unserved_per_second=0.0,
        )
        for begins, ends, replicas in spans
    ]
    return Ahead(by_ent={ent: tuple(found)}, warnings=())


def falls(found: Difference) -> bool:
    """Whether a reviewer should look twice."""
    return any(change.falls_soon(START) for change in found.changes)


def test_nothing_changes_between_the_same() -> None:
    """No change is no line."""
    same = ahead((0, 24, 10))
    assert difference(same, same).changes == ()


def test_a_change_is_told_once_with_its_cost() -> None:
    """However the intervals are cut on either side."""
    found = difference(ahead((0, 5, 10), (5, 24, 10)), ahead((0, 8, 10), (8, 9, 14), (9, 10, 14), (10, 24, 10)))
    [change] = found.changes
    assert (change.start, change.end) == (START + timedelta(hours=8), START + timedelta(hours=10))
    assert (change.replicas, change.percent, change.replica_hours) == (4, 40.0, 8.0)
    [cost] = found.costs
    assert (cost.old_replica_hours, cost.new_replica_hours) == (240.0, 248.0)


@pytest.mark.parametrize(
    ("hour", "replicas", "told"),
    [(0, 79, True), (0, 80, False), (0, 100, False), (0, 130, False), (167, 79, True), (168, 79, False), (0, 0, True)],
)
def test_a_fall_by_more_than_a_fifth_within_a_week_wants_a_second_look(hour: int, replicas: int, *, told: bool) -> None:
    """More than 20 %, not 20 %; the first seven days, not the eighth."""
    old, new = ahead((0, 400, 100)), ahead((0, hour or 0.5, 100), (hour or 0.5, 400, replicas))
    assert falls(difference(old, new)) is told


def test_an_ent_that_one_side_does_not_have_wants_nothing_there() -> None:
    """A deleted ENT is the largest fall there is, a new one no fall at all."""
    nothing = Ahead(by_ent={}, warnings=())
    [gone] = difference(ahead((0, 1, 10)), nothing).changes
    assert (gone.new_replicas, gone.new_because, gone.falls_soon(START)) == (0, NOT_THERE, True)
    [new] = difference(nothing, ahead((0, 1, 10))).changes
    assert (new.percent, new.falls_soon(START)) == (None, False)
    assert replace(new, new_replicas=0).replicas == 0
