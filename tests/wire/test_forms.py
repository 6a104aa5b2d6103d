"""The mechanical rules, on types of the test's own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
import pytest

from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Plan
from controller.domain.world import World
from controller.wire.bounds import SPECIAL
from controller.wire.errors import WireError
from controller.wire.forms import form_of, shape_of
from controller.wire.meanings import meaning_of, types_of_wire
from controller.wire.said import SAID_HERE
from controller.wire.texts import finite_each


class Colour(StrEnum):
    """An enum."""

    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disc:
    """One of two."""

    radius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The other."""

    width: float
    height: float = 1.0


class Pair(NamedTuple):
    """A named tuple is written as any object."""

    left: SiteName
    right: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """One field of every form."""

    wait: timedelta
    at: datetime
    ent: EntKey
    of: EntKey | SiteName
    shape: Disc | Box
    colour: Colour | None = None
    waits: tuple[timedelta, ...] = ()
    pause: timedelta | None = None
    sites: frozenset[SiteName] = frozenset()
    ents: frozenset[EntKey] = frozenset()
    pairs: tuple[Pair, ...] = (Pair(SiteName("a")),)
    by_site: tuple[tuple[SiteName, datetime], ...] = ()
    inner: Box = Box(width=2.0)
    made: tuple[int, ...] = field(default_factory=tuple)
    curve: tuple[float, ...] = ()


NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
SHAPE = shape_of(Everything)
FULL = Everything(
    wait=timedelta(seconds=1.5),
    at=NOON,
    ent=EntKey("n", "e"),
    of=SiteName("a"),
    shape=Disc(radius=2),
    colour=Colour.RED,
    waits=(timedelta(minutes=1),),
    sites=frozenset({SiteName("b"), SiteName("a")}),
    ents=frozenset({EntKey("n", "z"), EntKey("n", "a")}),
    by_site=((SiteName("a"), NOON),),
    curve=(1, 2.5),
)
WRITTEN = {
    "wait_seconds": 1.5,
    "at": "2026-09-01T12:00:00Z",
    "ent": "n/e",
    "of": "a",
    "shape": {"type": "Disc", "radius": 2.0},
    "colour": "red",
    "waits_seconds": [60],
    "pause_seconds": None,
    "sites": ["a", "b"],
    "ents": ["n/a", "n/z"],
    "pairs": [{"left": "a", "right": 3}],
    "by_site": [["a", "2026-09-01T12:00:00Z"]],
    "inner": {"width": 2.0, "height": 1.0},
    "made": (),
    "curve": [1.0, 2.5],
}


def read(document: dict[str, Any]) -> Everything:
    """Read a document as a line is read."""
    found: Everything = SHAPE.read(msgspec.json.decode(msgspec.json.encode(document), type=SHAPE.struct))
    return found


def test_every_form_is_written_and_read() -> None:
    """One mechanical rule per type, in the order of the fields."""
    assert SHAPE.write(FULL) == WRITTEN
    assert list(SHAPE.write(FULL)) == list(WRITTEN)
    assert read(WRITTEN) == FULL


def test_a_field_with_a_default_is_on_the_wire_by_that_alone() -> None:
    """What is left out has the default of the domain."""
    needed = {name: WRITTEN[name] for name in ("wait_seconds", "at", "ent", "of", "shape")}
    found = read(needed)
    assert found.inner == Box(width=2.0)
    assert found.pairs == (Pair(SiteName("a")),)
    assert found.made == ()


def test_an_object_of_a_condition_is_an_ent_when_it_has_a_slash() -> None:
    """Names of sites have none."""
    assert read(WRITTEN | {"of": "n/e"}).of == EntKey("n", "e")


def spoilt(**change: object) -> Callable[[], object]:
    """Return a reading of the document with something spoilt."""
    return lambda: read(WRITTEN | change)


@pytest.mark.parametrize(
    ("act", "path"),
    [
        (spoilt(at="noon"), "at"),
        (spoilt(ents=["n/a", "n"]), "ents[1]"),
        (spoilt(by_site=[["a", "2026-09-01T12:00:00Z"], ["b", "x"]]), "by_site[1][1]"),
        (lambda: SHAPE.write(replaced(inner=Box(width=float("nan")))), "inner.width"),
        (lambda: SHAPE.write(replaced(curve=(0.0, float("nan")))), "curve[1]"),
        (lambda: SHAPE.write(replaced(shape=Disc(radius=float("inf")))), "shape.radius"),
    ],
)
def test_a_fault_knows_its_place(act: Callable[[], object], path: str) -> None:
    """Both ways, through objects, arrays and unions."""
    with pytest.raises(WireError) as error:
        act()
    assert error.value.path == path


def replaced(**change: Any) -> Everything:
    """Return the full value with something else in it."""
    from dataclasses import replace

    return replace(FULL, **change)


def test_a_type_without_a_rule_is_noticed_at_once() -> None:
    """The domain cannot grow a field that is silently left out of the contract."""
    with pytest.raises(TypeError, match=r"World\.sites: the wire has no form for"):
        form_of(complex, World, "sites")


@pytest.mark.parametrize("root", [World, Plan])
def test_every_field_of_the_contract_has_a_meaning(root: type[Any]) -> None:
    """Write a sentence under the field in the domain, or in `controller/wire/said.py`."""
    silent = [
        f"{name}.{form.name}"
        for name, cls in types_of_wire().items()
        for form in shape_of(cls).fields
        if not meaning_of(cls, form.name)
    ]
    assert silent == []
    assert root.__name__ in types_of_wire()


def test_nothing_is_said_of_what_is_not_there() -> None:
    """Meanings and bounds of fields that were removed go with them."""
    there = {f"{name}.{form.name}" for name, cls in types_of_wire().items() for form in shape_of(cls).fields}
    anywhere = {f".{each.partition('.')[2]}" for each in there}
    assert {said for said in SAID_HERE if said not in there | anywhere} <= set()
    assert all(f"{owner.__name__}.{name}" in there for owner, name in SPECIAL)


def test_a_curve_whose_sum_is_too_large_for_a_float_is_written_all_the_same() -> None:
    """It is looked at as a whole first; only a number that is infinite itself is refused."""
    assert finite_each((1e308, 1e308)) == [1e308, 1e308]
