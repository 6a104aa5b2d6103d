"""A world as a line: what is written is read, and what is refused is refused with its place."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given

from controller.domain.memory import Samples
from controller.domain.readings import Fresh
from controller.domain.world import World
from controller.planning.decide import decide
from controller.planning.planner import plan
from controller.wire.errors import WireError
from controller.wire.plan import Answer, read_plan_line, write_plan_line
from controller.wire.stream import reply_to
from controller.wire.world import Question, read_world_line, write_world_line
from tests.builders import BELL, a_reading, a_world, key
from tests.strategies import worlds
from tests.wire.example import question

Document = dict[str, Any]


def document() -> Document:
    """The example as a document that a test may spoil."""
    found: Document = json.loads(write_world_line(question()))
    return found


def refused(found: Document) -> WireError:
    """Return why the document is refused."""
    with pytest.raises(WireError) as error:
        read_world_line(json.dumps(found).encode())
    return error.value


@given(worlds())
def test_a_world_that_is_written_is_read(world: World) -> None:
    """decode(encode(world)) == world, and the bytes are the same every time."""
    asked = Question(id="q", now=BELL, world=world)
    line = write_world_line(asked)
    assert read_world_line(line) == asked
    assert write_world_line(read_world_line(line)) == line


@given(worlds())
def test_a_plan_that_is_written_is_read(world: World) -> None:
    """decode(encode(plan)) == plan, the bytes are the same every time, and its memory is one to go on with."""
    answer = Answer(id="q", plan=plan(world, BELL))
    line = write_plan_line(answer)
    assert read_plan_line(line) == answer
    assert write_plan_line(read_plan_line(line)) == line
    asked = Question(id="next", now=BELL, world=replace(world, memory=answer.plan.memory))
    assert read_world_line(write_world_line(asked)) == asked


def at(found: Any, *steps: str | int) -> Any:
    """Return a part of the document."""
    for step in steps:
        found = found[step]
    return found


def put(*steps: Any) -> Callable[[Document], None]:
    """Return a change that puts the last of the steps where the others lead."""
    *way, last, value = steps

    def change(found: Document) -> None:
        at(found, *way)[last] = value

    return change


def again(*steps: str | int) -> Callable[[Document], None]:
    """Return a change that says the first of an array twice."""
    return lambda found: at(found, *steps).append(at(found, *steps)[0])


ENT = ("world", "ents", 0)
PLACEMENT = (*ENT, "placements", 1)
FORECAST = {"ent": "ents/hdf", "start": "2026-09-01T00:00:00Z", "per_second": [1.5], "days": 5}

BAD: list[tuple[Callable[[Document], None], str]] = [
    # shape
    (put("id", 7), "id"),
    (put("id", ""), "id"),
    (put("schema", "sonnerie.dev/world/v2"), "schema"),
    (put("world", "colour", "blue"), "world.colour"),
    (put(*PLACEMENT, "target", "image", "x"), "world.ents[0].placements[1].target.image"),
    (lambda d: d["world"].pop("ents"), "world.ents"),
    (put("world", "readings", 0, "reading", "quality", "Fine"), "world.readings[0].reading.quality"),
    (put("world", "readings", 0, "reading", "reason", "Empty"), "world.readings[0].reading.reason"),
    (put("world", "probes", 0, "probes", 1, "result", "type", "Lost"), "world.probes[0].probes[1].result.type"),
    (put("memory", "ents", 0, "moves", 0, "kind", "whim"), "memory.ents[0].moves[0].kind"),
    (put("memory", "ents", 0, "data_ready", 0, 1, "noon"), "memory.ents[0].data_ready[0][1]"),
    (put("memory", "version", 99), "memory.version"),
    (put("memory", "version", "2"), "memory.version"),
    # time
    (put("now", "2026-09-01T07:00:00"), "now"),
    (put("now", "2026-09-01T09:00:00+02:00"), "now"),
    (put("now", "2026-09-01T07:00:00+00:00"), "now"),
    (put("now", "2026-02-30T07:00:00Z"), "now"),
    (put("now", "2026-09-01T07:00:00.1234567Z"), "now"),
    (put("now", "1999-09-01T07:00:00Z"), "now"),
    (put("now", "2026-09-01T07:00:00Z\n"), "now"),
    (put("world", "windows", 0, "start", "2026-09-01 07:00:00Z"), "world.windows[0].start"),
    (put(*ENT, "pause", {"until": "soon", "reason": "r", "by": "b"}), "world.ents[0].pause.until"),
    # bounds
    (put(*ENT, "signals", 0, "capacity_per_replica", 0), "world.ents[0].signals[0].capacity_per_replica"),
    (put(*ENT, "signals", 0, "capacity_per_replica", -5.0), "world.ents[0].signals[0].capacity_per_replica"),
    (put(*ENT, "dependencies", 0, "capacity", 0), "world.ents[0].dependencies[0].capacity"),
    (put("world", "sites", 0, "quota_replicas", -1), "world.sites[0].quota_replicas"),
    (put("world", "routes", 0, "weight", -1), "world.routes[0].weight"),
    (put("world", "replicas", 0, "ready", 20.5), "world.replicas[0].ready"),
    (put("world", "windows", 0, "demand_per_second", -1.0), "world.windows[0].demand_per_second"),
    (put(*ENT, "shifting", "step_interval_seconds", -1), "world.ents[0].shifting.step_interval_seconds"),
    (put(*ENT, "shifting", "step_interval_seconds", "10s"), "world.ents[0].shifting.step_interval_seconds"),
    (put(*ENT, "scaling", "surprise_max", 0.5), "world.ents[0].scaling.surprise_max"),
    # sense
    (put(*ENT, "placements", []), "world.ents[0].placements"),
    (put(*ENT, "signals", []), "world.ents[0].signals"),
    (put(*ENT, "signals", 0, "signal", ""), "world.ents[0].signals[0].signal"),
    (put(*PLACEMENT, "site", "sgb"), "world.ents[0].placements[1].site"),
    (put(*PLACEMENT, "site", "gra"), "world.ents[0].placements[1].site"),
    (put(*PLACEMENT, "min_replicas", 85), "world.ents[0].placements[1].min_replicas"),
    (put(*PLACEMENT, "max_replicas", 0), "world.ents[0].placements[1].max_replicas"),
    (put(*ENT, "shifting", "min_step_percent", 50), "world.ents[0].shifting.min_step_percent"),
    (put(*ENT, "edges", ["back"]), "world.ents[0].edges[0]"),
    (put(*ENT, "key", "hdf"), "world.ents[0].key"),
    (put(*ENT, "key", "ents/h/df"), "world.ents[0].key"),
    (put("world", "sites", 0, "name", "a:b"), "world.sites[0].name"),
    (put("world", "edges", 0, "name", ""), "world.edges[0].name"),
    (put("world", "windows", 0, "end", "2026-09-01T06:50:00Z"), "world.windows[0].end"),
    (put("world", "windows", 0, "ent", "ents/idf"), "world.windows[0].ent"),
    (
        put("world", "forecasts", [{"ent": "ents/idf", "start": "2026-09-01T00:00:00Z", "per_second": [], "days": 5}]),
        "world.forecasts[0].ent",
    ),
    (put("world", "forecasts", [FORECAST, FORECAST]), "world.forecasts[1].start"),
    (put("world", "edges", 0, "site", "rbx"), "world.edges[0].site"),
    (put("world", "probes", 0, "site", "rbx"), "world.probes[0].site"),
    (put("world", "readings", 2, "site", "rbx"), "world.readings[2].site"),
    (put("world", "replicas", 1, "ent", "ents/idf"), "world.replicas[1].ent"),
    (put("world", "routes", 1, "edge", "back"), "world.routes[1].edge"),
    (put("world", "self_site", "rbx"), "world.self_site"),
    (put("world", "writable_sites", ["gra", "rbx"]), "world.writable_sites[1]"),
    (again("world", "sites"), "world.sites[2].name"),
    (again("world", "ents"), "world.ents[1].key"),
    (again("world", "edges"), "world.edges[1].name"),
    (again(*ENT, "signals"), "world.ents[0].signals[1].signal"),
    (again(*ENT, "edges"), "world.ents[0].edges[1]"),
    (again(*ENT, "dependencies"), "world.ents[0].dependencies[1].name"),
    (again("world", "sites", 0, "failure_domains"), "world.sites[0].failure_domains[1].name"),
    (again("world", "readings"), "world.readings[5]"),
    (again("world", "probes"), "world.probes[3].sequence"),
    (again("world", "replicas"), "world.replicas[2]"),
    (again("world", "routes"), "world.routes[2]"),
    (again("memory", "sites"), "memory.sites[2].site"),
    (again("memory", "ents"), "memory.ents[1].ent"),
]


@pytest.mark.parametrize(("spoil", "path"), BAD, ids=[f"{i}-{path}" for i, (_, path) in enumerate(BAD)])
def test_what_is_wrong_is_named_by_its_path(spoil: Callable[[Document], None], path: str) -> None:
    """One field is wrong, and the error line leads to it; its id is that of the line wherever that can be read."""
    found = document()
    spoil(found)
    error = refused(found)
    assert error.path == path
    reply = json.loads(reply_to(json.dumps(found).encode(), decide).line)
    assert reply["error"] == {"path": path, "message": error.message}
    assert reply["id"] == (None if path == "id" else question().id)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"now": NaN}', "not JSON"),
        (b'{"now": Infinity}', "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"id": "\xff"}', "not UTF-8"),
        (b"[]", "Expected `object`"),
        (b"7", "Expected `object`"),
    ],
)
def test_what_is_no_object_of_json_is_wrong_as_a_whole(line: bytes, says: str) -> None:
    """An empty path means the whole line."""
    with pytest.raises(WireError) as error:
        read_world_line(line)
    assert error.value.path == ""
    assert says in error.value.message


def test_what_is_nested_too_deeply_is_refused() -> None:
    """A line of brackets must not take the process with it."""
    line = write_world_line(question())
    deep = line[: line.index(b'"memory":')] + b'"memory":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(WireError, match="nested too deeply"):
        read_world_line(deep)


def test_a_number_without_bounds_of_its_own_is_refused_in_json() -> None:
    """1e999 is infinite, and JSON knows nothing infinite."""
    line = json.dumps(document()).replace("42.5", "1e999").encode()
    with pytest.raises(WireError, match="out of range") as error:
        read_world_line(line)
    assert error.value.path == "world.readings[0].reading.value"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_nothing_infinite_is_written(value: float) -> None:
    """JSON would say null, which means something else."""
    world = replace(
        a_world(), readings=(replace(a_reading(key(), "a", 1.0, BELL), reading=Fresh(value=value, at=BELL)),)
    )
    with pytest.raises(WireError) as error:
        write_world_line(Question(id="q", now=BELL, world=world))
    assert error.value.path == "world.readings[0].reading.value"


def test_an_instant_without_zone_is_not_written_and_another_zone_is_written_in_utc() -> None:
    """An instant on the wire is UTC, whatever it was before."""
    with pytest.raises(WireError, match="no time zone"):
        write_world_line(Question(id="q", now=datetime(2026, 9, 1), world=a_world()))  # noqa: DTZ001 - that is the point
    paris = BELL.astimezone(timezone(timedelta(hours=2)))
    assert b'"now":"2026-09-01T07:00:00Z"' in write_world_line(Question(id="q", now=paris, world=a_world()))


def test_microseconds_are_kept() -> None:
    """Rounds are told apart by less than a second."""
    now = BELL + timedelta(microseconds=1)
    assert read_world_line(write_world_line(Question(id="q", now=now, world=a_world()))).now == now


def test_without_memory_the_planner_starts_empty() -> None:
    """The memory may be left out: then nothing is remembered, which is safe."""
    found = document()
    del found["memory"]
    assert read_world_line(json.dumps(found).encode()).world.memory.ents == ()


def test_memory_of_an_older_version_is_understood() -> None:
    """A client that kept its memory over an update goes on with it."""
    found = document()
    found["memory"] |= {"version": 1}
    for ent in found["memory"]["ents"]:
        namespace, _, name = ent["ent"].partition("/")
        ent["ent"] = {"namespace": namespace, "name": name}
        ent["leads"] = [{"site": "gra", "step_class": 3, "seconds": 95}]
    understood = read_world_line(json.dumps(found).encode())
    assert understood.world.memory.ents == question().world.memory.ents
    assert understood.world.memory.samples == Samples(), "what is not known again lets nothing shrink"
    found["memory"]["ents"][0]["ent"] = "ents/hdf"
    assert refused(found).path == "memory"


def test_a_broken_memory_of_an_older_version_is_named_by_its_path() -> None:
    """Also behind a migration the path is that of the field."""
    found = document()
    found["memory"] |= {"version": 1, "ents": [], "colour": "blue"}
    assert refused(found).path == "memory.colour"
