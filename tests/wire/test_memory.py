"""Restraints survive being written to status."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.fleet import Edge, EdgeKind
from controller.domain.memory import (
    EntMemory,
    Growth,
    Latch,
    LearnedLead,
    Memory,
    Move,
    MoveKind,
    Samples,
    SiteMemory,
    Verdict,
)
from controller.domain.names import EdgeName, SiteName
from controller.domain.world import Route, World
from controller.planning.planner import plan
from controller.wire.memory import (
    LARGEST_BYTES,
    StoredEnt,
    StoredWeight,
    UnreadableMemoryError,
    read_ent,
    read_site,
    stored_weights,
    write_ent,
    write_site,
)
from tests.builders import BELL, EDGE, a_site, a_window, a_world, an_ent, key

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
        leads=(LearnedLead(site=A, rows=((3, 2, 45, 40, 60),)),),
        data_ready=((A, BELL),),
    ),
    weights=(StoredWeight(edge=EDGE, site=A, weight=100, max_concurrent=40),),
)

SITE = SiteMemory(site=A, verdict=Verdict.DOWN, since=BELL, healthy_since=None, fell_at=BELL)


def test_what_is_written_is_read() -> None:
    """Through JSON, as the API server stores it."""
    assert read_ent(json.loads(json.dumps(write_ent(FULL)))) == FULL
    assert read_site(json.loads(json.dumps(write_site(SITE)))) == SITE


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


TEN_SITES = tuple(f"site-{number}" for number in range(10))


@dataclass(frozen=True)
class Morning:
    """A drawn world, which is too large to be printed whole."""

    world: World

    def __repr__(self) -> str:
        memory = self.world.memory.ents[0]
        return f"{len(self.world.sites)} sites, {len(memory.moves)} moves, {len(memory.leads)} lead times"


@st.composite
def busy_mornings(draw: st.DrawFn) -> Morning:
    """Draw a world of up to ten sites and two edges after a busy morning, with long names of bells."""
    names = TEN_SITES[: draw(st.integers(1, 10))]
    edges = (EDGE, EdgeName("back"))[: draw(st.integers(1, 2))]
    ent = an_ent(sites=names, edges=edges)
    bell = f"event storm-of-april, schedule college: 08:30 {'first bell ' * draw(st.integers(1, 20))}"
    sites = st.sampled_from([SiteName(name) for name in names])
    kinds, percent, seconds = st.sampled_from(MoveKind), st.integers(0, 100), st.integers(0, 3600)
    moves = st.builds(
        Move,
        edge=st.sampled_from(edges),
        site=sites,
        before_percent=percent,
        after_percent=percent,
        at=seconds.map(lambda ago: BELL - timedelta(seconds=ago)),
        kind=kinds,
    )
    seconds_each = st.integers(6, 540).map(lambda fives: 5 * fives)
    row = st.tuples(st.integers(0, 9), st.integers(1, 20), seconds_each, seconds_each, seconds_each)
    rows = st.lists(row, max_size=10, unique_by=lambda each: each[0]).map(lambda found: tuple(sorted(found)))
    world = a_world(
        ents=[ent],
        sites=[a_site(name) for name in names],
        edges=tuple(Edge(name=edge, kind=EdgeKind.HAPROXY_AGENT) for edge in edges),
        windows=(a_window(ent.key, BELL, 60, draw(st.floats(0, 500)), source=bell),),
        routes=tuple(
            Route(ent=ent.key, edge=edge, site=SiteName(name), weight=draw(percent), max_concurrent=1000)
            for edge in edges
            for name in names
        ),
        memory=Memory(
            ents=(
                EntMemory(
                    ent=ent.key,
                    moves=tuple(draw(st.lists(moves, max_size=60))),
                    latches=tuple(
                        Latch(site=SiteName(name), replicas=99, until=BELL + timedelta(hours=1), source=bell)
                        for name in names
                    ),
                    growths=tuple(
                        Growth(site=SiteName(name), before_replicas=9, replicas=99, since=BELL) for name in names
                    ),
                    leads=tuple(LearnedLead(site=SiteName(name), rows=draw(rows)) for name in names),
                    data_ready=tuple((SiteName(name), BELL) for name in names),
                ),
            ),
            samples=Samples(complete_since=BELL - timedelta(hours=1)),
        ),
    )
    return Morning(world)


def written_bytes(document: dict[str, object]) -> int:
    """Return how large the document is in JSON."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())


@given(busy_mornings())
def test_what_a_plan_remembers_fits_and_restrains_as_before(morning: Morning) -> None:
    """At most 4 KiB with ten sites; what is cut never makes the successor bolder than the rule says."""
    world = morning.world
    (planned,) = plan(world, BELL).memory.ents
    for memory in (planned, world.memory.ents[0]):
        document = write_ent(StoredEnt(restraints=memory, weights=stored_weights(world.routes)))
        assert written_bytes(document) <= LARGEST_BYTES
        kept = read_ent(document)
        assert kept.weights == stored_weights(world.routes)
        assert_nothing_bolder(memory, kept.restraints)


def assert_nothing_bolder(before: EntMemory, kept: EntMemory) -> None:
    """Check the rule of the module's first lines."""
    assert kept.data_ready == before.data_ready
    assert [(x.site, x.replicas, x.until) for x in kept.latches] == [
        (x.site, x.replicas, x.until) for x in before.latches
    ]
    assert longest(kept.leads) == longest(before.leads)
    lost = set(before.moves) - set(kept.moves)
    assert all(old.at <= new.at for old in lost for new in kept.moves)
    whole = kept == before
    assert whole or written_bytes(write_ent(StoredEnt(restraints=before))) <= LARGEST_BYTES


def floors(memory: EntMemory) -> list[tuple[SiteName, int, datetime]]:
    """Return what the latches hold."""
    return [(latch.site, latch.replicas, latch.until) for latch in memory.latches]


def longest(leads: tuple[LearnedLead, ...]) -> dict[SiteName, int]:
    """Return the longest lead time of each site."""
    return {lead.site: max((max(row[2], row[4]) for row in lead.rows), default=0) for lead in leads}


def test_it_fits_to_the_byte() -> None:
    """Whatever is in excess, a byte or a hundred: after the last of one list the next is cut too where it must be."""
    growth = Growth(site=A, before_replicas=9, replicas=99, since=BELL)
    for length in range(3700, 3950):
        # A name of this length leaves room for both, for one, or for none.
        memory = EntMemory(ent=key("n" * length), moves=(a_move(),), growths=(growth,))
        assert written_bytes(write_ent(StoredEnt(restraints=memory))) <= LARGEST_BYTES


def test_what_fits_is_written_whole() -> None:
    """Nothing is cut for nothing, not even a text."""
    assert read_ent(write_ent(FULL)) == FULL
