"""Restraints survive being written to status."""

import json
from datetime import timedelta

import pytest

from controller.domain.memory import EntMemory, Growth, Latch, LearnedLead, Move, MoveKind, SiteMemory, Verdict
from controller.domain.names import SiteName
from controller.wire.memory import (
    LARGEST_BYTES,
    StoredEnt,
    StoredWeight,
    UnreadableMemoryError,
    read_ent,
    read_site,
    write_ent,
    write_site,
)
from tests.builders import BELL, EDGE, key

A = SiteName("a")


def a_move(number: int = 0) -> Move:
    """One of many moves."""
    return Move(
        edge=EDGE,
        site=A,
        before_percent=100,
        after_percent=90,
        at=BELL + timedelta(seconds=number),
        kind=MoveKind.FAILBACK,
    )


FULL = StoredEnt(
    restraints=EntMemory(
        ent=key(),
        moves=(a_move(),),
        latches=(Latch(site=A, replicas=9, until=BELL, source="schedule college: 08:30 first"),),
        growths=(Growth(site=A, before_replicas=2, replicas=9, since=BELL),),
        leads=(LearnedLead(site=A, step_class=3, seconds=45),),
        data_ready=((A, BELL),),
    ),
    weights=(StoredWeight(edge=EDGE, site=A, weight=100, max_concurrent=40),),
)


def test_what_is_written_is_read() -> None:
    """Through JSON, as the API server stores it."""
    assert read_ent(json.loads(json.dumps(write_ent(FULL)))) == FULL
    site = SiteMemory(site=A, verdict=Verdict.DOWN, since=BELL, healthy_since=None, fell_at=BELL)
    assert read_site(json.loads(json.dumps(write_site(site)))) == site


def test_it_fits_and_the_newest_moves_stay() -> None:
    """At most 4 KiB per ENT; what is left out is the oldest."""
    moves = tuple(a_move(number) for number in range(100))
    document = write_ent(StoredEnt(restraints=EntMemory(ent=key(), moves=moves)))
    assert len(json.dumps(document, separators=(",", ":"))) <= LARGEST_BYTES
    kept = read_ent(document).restraints.moves
    assert kept == moves[-len(kept) :]
    assert len(kept) > 10


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": 99, "restraints": {}},
        {"version": 2},
        {"version": 2, "restraints": {"ent": "nord"}},
        write_ent(FULL) | {"weights": [{"edge": "front"}]},
    ],
)
def test_another_version_or_shape_is_refused(document: dict[str, object]) -> None:
    """Half-understood restraints restrain nothing: they are not read at all."""
    with pytest.raises(UnreadableMemoryError, match=r"status\.memory"):
        read_ent(document)
