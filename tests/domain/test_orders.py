"""Orders in several clusters: the newest holds, everywhere, and one that was taken back does not come back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.fleet import Order
from controller.domain.names import SiteName
from controller.domain.orders import (
    CLOCKS_APART,
    LONGEST_ORDER,
    GivenOrder,
    drained,
    fleet_freeze,
    newest,
    to_tell,
    told_freezes,
)
from tests.builders import BELL, a_site

A = SiteName("a")
HOUR = timedelta(hours=1)


def ordered(given_ago: timedelta | None, *, lasts: timedelta = 2 * HOUR, reason: str = "power") -> Order:
    """An order given so long before the bell."""
    given_at = BELL - given_ago if given_ago is not None else None
    return Order(until=(given_at or BELL) + lasts, reason=reason, by="ops", given_at=given_at)


def told(order: Order, site: SiteName | None = A) -> GivenOrder:
    """The order as an instance tells it."""
    return GivenOrder(site=site, order=order)


OLD, NEW = ordered(HOUR), ordered(timedelta(minutes=5), reason="switches")
TAKEN_BACK = ordered(timedelta(minutes=1), lasts=timedelta(0), reason="taken back")
ORDERS = st.builds(
    ordered, st.one_of(st.none(), st.timedeltas(timedelta(0), 6 * HOUR)), lasts=st.timedeltas(timedelta(0), 6 * HOUR)
)


@pytest.mark.parametrize(
    ("own", "heard", "expected"),
    [
        (None, (), None),
        (OLD, (), OLD),
        (None, (OLD,), OLD),
        (OLD, (NEW,), NEW),
        (NEW, (OLD,), NEW),
        (OLD, (TAKEN_BACK,), TAKEN_BACK),  # still standing here, ended elsewhere
        (TAKEN_BACK, (OLD,), TAKEN_BACK),
        (ordered(None), (OLD,), OLD),  # one that does not say when it was given is older than all that do
    ],
)
def test_the_newest_drain_holds(own: Order | None, heard: tuple[Order, ...], expected: Order | None) -> None:
    """Wherever it was written."""
    (site,) = drained([replace(a_site("a"), drain=own)], [told(order) for order in heard])
    assert site.drain == expected


def test_a_drain_of_another_site_is_none_of_this() -> None:
    """Orders are about what they name."""
    (site,) = drained([a_site("a")], [told(OLD, SiteName("b")), told(OLD, None)])
    assert site.drain is None


def test_of_freezes_by_hand_the_newest_counts_and_of_policies_every_one() -> None:
    """Taking back a freeze by hand does not end one that an event declares."""
    declared = ordered(None, lasts=3 * HOUR)
    assert fleet_freeze([OLD, TAKEN_BACK]) == TAKEN_BACK
    assert fleet_freeze([OLD, TAKEN_BACK, declared]) == declared
    assert fleet_freeze([]) is None
    assert told_freezes([told(OLD, None), told(NEW)]) == (OLD,)


@given(st.lists(ORDERS, max_size=5), st.lists(ORDERS, max_size=5))
def test_whoever_tells_whom_all_hold_the_same(mine: list[Order], theirs: list[Order]) -> None:
    """The newest of several is the same in whatever order and over whatever way they are heard."""
    assert newest([*mine, *theirs]) == newest([*theirs, *mine])
    best = [order for order in (newest(mine), newest(theirs)) if order is not None]
    assert newest(best) == newest([*mine, *theirs])


def test_what_is_told_is_passed_on() -> None:
    """A cluster that hears only one of two others still learns what the third was told."""
    sites = [replace(a_site("a"), drain=OLD), a_site("b")]
    passed = to_tell(sites, [OLD], [told(NEW), told(OLD, SiteName("b"))], BELL)
    assert passed == (told(OLD, None), told(NEW), told(OLD, SiteName("b")))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (OLD, True),
        (TAKEN_BACK, True),  # over, and still to be told: it outdoes the one it took back
        (ordered(None), False),
        (ordered(LONGEST_ORDER), True),
        (ordered(LONGEST_ORDER + HOUR), False),
        (ordered(-CLOCKS_APART), True),
        (ordered(-CLOCKS_APART - HOUR), False),  # dated by a wrong clock it would win for as long as it is ahead
    ],
)
def test_only_what_may_outdo_another_is_told(order: Order, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    """Orders are few and end: what is told does not grow."""
    assert told(order).is_told(BELL) is expected
    assert bool(to_tell([], [order], [], BELL)) is expected
