"""Data: who may serve, and how long the last good word counts after its source is lost (design §5)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.fleet import DataMode
from controller.domain.memory import EntMemory
from controller.domain.names import SiteName
from controller.planning.data import data_can_serve
from controller.planning.facts import facts_of
from tests.builders import BELL, a_placement, a_reading, a_world, an_ent, key

GRACE = a_placement("b").data_grace
SECOND = timedelta(seconds=1)
B = SiteName("b")


def serves(
    site: str = "b",
    *,
    mode: DataMode = DataMode.READ_ONLY,
    ready_ago: timedelta | None = None,
    ready: float | None = None,
    writable: float | None = None,
    at_home: int = 100,
) -> bool:
    """Whether the data at the site can serve, home being a."""
    ent = an_ent(placements=tuple(replace(a_placement(s, home=s == "a"), data_mode=mode) for s in "ab"))
    weights = {("nord", "a"): at_home, ("nord", "b"): 100 - at_home}
    world = a_world(ents=[ent], weights=weights)
    said = (("dataReady", ready), ("dataWritable", writable))
    readings = tuple(a_reading(key(), site, value, BELL, signal) for signal, value in said if value is not None)
    known = ((SiteName(site), BELL - ready_ago),) if ready_ago is not None else ()
    memory = replace(world.memory, ents=(EntMemory(ent=key(), data_ready=known),))
    facts = facts_of(replace(world, readings=(*world.readings, *readings), memory=memory), BELL)
    placement = ent.placement(SiteName(site))
    assert placement is not None
    return data_can_serve(facts, ent, placement)


@pytest.mark.parametrize(
    ("ago", "expected"), [(None, False), (timedelta(0), True), (GRACE, True), (GRACE + SECOND, False)]
)
def test_the_last_good_word_counts_for_the_grace(ago: timedelta | None, expected: bool) -> None:  # noqa: FBT001 - a row
    """A source that is lost cannot say any more that its copy was whole."""
    assert serves(ready_ago=ago) is expected


@pytest.mark.parametrize(("ready", "expected"), [(1.0, True), (0.0, False), (0.99, False)])
def test_a_fresh_word_outdoes_what_is_remembered(ready: float, expected: bool) -> None:  # noqa: FBT001 - a row
    """It says what is, not what was."""
    assert serves(ready=ready, ready_ago=timedelta(0)) is expected


@pytest.mark.parametrize(
    ("site", "at_home", "writable", "expected"),
    [
        ("a", 100, None, True),  # the source writes unless it says no
        ("a", 100, 0.0, False),
        ("a", 0, None, False),  # a home that was left must say yes before anybody goes back
        ("a", 0, 1.0, True),
        ("b", 100, None, False),
        ("b", 0, None, False),  # serving by mistake makes nobody the source
        ("b", 100, 1.0, True),
        ("b", 100, 0.0, False),
    ],
)
def test_who_may_write(site: str, at_home: int, writable: float | None, expected: bool) -> None:  # noqa: FBT001 - a row
    """Promoted data needs a yes from everybody but the source."""
    assert serves(site, mode=DataMode.PROMOTED, ready=1.0, writable=writable, at_home=at_home) is expected


def test_a_source_needs_no_word_about_its_copy() -> None:
    """Where users are is where the data is; nobody asked is nobody in doubt."""
    assert serves("a", at_home=100)
    assert not serves("a", at_home=0)
    assert serves("b", mode=DataMode.STATELESS)
