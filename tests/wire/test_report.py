"""What peers plan with survives the way through JSON, and is read as far as it is understood."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.fleet import Order
from controller.domain.intents import Intent
from controller.domain.names import EdgeName, EntKey, ObserverName, SignalName, SiteName
from controller.domain.orders import CLOCKS_APART, LONGEST_ORDER, GivenOrder
from controller.domain.plan import SiteWeight
from controller.domain.readings import (
    Answered,
    Fresh,
    Missing,
    NotAttempted,
    Probe,
    ProbePath,
    Reading,
    ReadingReason,
    Refused,
    Stale,
    TimedOut,
)
from controller.domain.report import Report
from controller.domain.world import EvidenceRound, ReplicaState, Route, SignalReading
from controller.wire.report import ReadReport, UnreadableReportError, read_report, write_report
from tests.builders import BELL

GRA, ENT, FRONT = SiteName("gra"), EntKey("prod", "nord"), EdgeName("front")
ME = ObserverName("gra")
RESULTS = (
    Answered(status=200, seconds=0.012),
    TimedOut(seconds=1.0),
    Refused(why="as reported"),
    NotAttempted(why="as reported"),
)
ORDER = Order(until=BELL + timedelta(hours=1), reason="exams", by="ops", given_at=BELL - timedelta(minutes=1))
READINGS: tuple[Reading, ...] = (
    Fresh(value=7.25, at=BELL),
    Stale(value=7.0, at=BELL, reason=ReadingReason.TOO_OLD),
    Missing(reason=ReadingReason.EMPTY),
)


def a_report() -> Report:
    """One of everything."""
    probes = tuple(Probe(path=path, target="sbg", result=r) for path in ProbePath for r in RESULTS)
    seen = EvidenceRound(observer=ME, sequence=41, at=BELL, probes=probes, site=GRA, declares_sick=True)
    return Report(
        observer=ME,
        site=GRA,
        instance="one_ab",
        sequence=42,
        at=BELL,
        version="1.2.3",
        policies="aa",
        inputs="bb",
        rounds=(seen, replace(seen, sequence=42, declares_sick=False)),
        readings=tuple(
            SignalReading(site=GRA, ent=ENT, signal=SignalName(f"s{n}"), reading=each)
            for n, each in enumerate(READINGS)
        ),
        replicas=(
            ReplicaState(ent=ENT, site=GRA, wanted=3, ready=2, seen_at=BELL, pending_since=BELL, revision="r"),
            ReplicaState(ent=ENT, site=GRA, wanted=0, ready=0, seen_at=BELL, revision_since=BELL),
        ),
        routes=(Route(ent=ENT, edge=FRONT, site=GRA, weight=60, max_concurrent=9),),
        intents=(Intent(ent=ENT, edge=FRONT, weights=(SiteWeight(site=GRA, weight=100),)),),
        undecided=(Intent(ent=ENT, edge=FRONT, weights=()),),
        heard=((ObserverName("sbg"), "two", 7),),
        orders=(
            GivenOrder(site=None, order=ORDER),
            GivenOrder(site=GRA, order=replace(ORDER, reason="new switches")),
        ),
    )


def through(shared: dict[str, Any]) -> ReadReport:
    """Read what stands in the status."""
    return read_report(json.dumps(shared).encode(), observer=ME, site=GRA, sequence=42)


def test_a_report_comes_back_as_it_was() -> None:
    """Every field, every kind of result and of reading."""
    assert through(write_report(a_report())) == ReadReport(report=a_report())


def test_a_newer_report_is_read_as_far_as_it_is_understood() -> None:
    """Unknown fields anywhere are passed over; an item with an unknown value is left out alone, and counted."""
    shared = write_report(a_report()) | {"format": 2, "moods": [1]}
    for part in ("rounds", "readings", "replicas", "routes", "intents"):
        shared[part][0]["colour"] = "blue"
    shared["rounds"][1]["probes"][0]["path"] = "tls"
    shared["readings"][0]["quality"] = "Foreseen"
    shared["readings"][1]["reason"] = "Unheard"
    found = through(shared)
    assert (found.format, found.left_out) == (2, 2)
    assert len(found.report.rounds[1].probes) == len(found.report.rounds[0].probes) - 1
    stale = found.report.readings[0].reading
    assert isinstance(stale, Stale)
    assert stale.reason is ReadingReason.MALFORMED
    assert replace(found.report, rounds=(), readings=()) == replace(a_report(), rounds=(), readings=())


def test_an_older_report_without_what_is_new_is_read() -> None:
    """Whatever is not there was not seen."""
    at = write_report(a_report())["at"]
    found = through({"at": at}).report
    assert found == Report(observer=ME, site=GRA, sequence=42, at=a_report().at)


def test_a_report_without_a_time_says_nothing() -> None:
    """It could not be dated, and whoever reads it is told why."""
    for shared in ({}, {"at": "yesterday"}, {"at": 7}):
        with pytest.raises(UnreadableReportError, match=r"status\.shared cannot be read"):
            through(shared)


@given(
    part=st.sampled_from(["rounds", "readings", "replicas", "routes", "intents", "undecided", "heard", "orders"]),
    junk=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
)
def test_junk_among_the_items_costs_that_item_alone(part: str, junk: object) -> None:
    """Nothing that stands in a report stops it from being read, or changes what stands beside it."""
    shared = write_report(a_report())
    shared[part] = [junk, *shared[part]]
    found = through(shared)
    kept = getattr(found.report, part)
    assert kept[len(kept) - len(getattr(a_report(), part)) :] == getattr(a_report(), part)


def test_a_witness_measures_nothing() -> None:
    """Readings and replicas in a report of nobody's site are left out."""
    shared = json.dumps(write_report(a_report())).encode()
    found = read_report(shared, observer=ObserverName("paris"), site=None, sequence=1)
    assert found.report.readings == ()
    assert found.report.replicas == ()
    assert found.report.orders == ()
    assert found.left_out == 7


@pytest.mark.parametrize(
    "order",
    [
        replace(ORDER, until=BELL + 2 * LONGEST_ORDER),
        replace(ORDER, given_at=BELL - LONGEST_ORDER - timedelta(hours=1)),
        replace(ORDER, given_at=BELL + CLOCKS_APART + timedelta(minutes=1)),
    ],
)
def test_no_instance_can_tell_of_an_order_that_nobody_could_give(order: Order) -> None:
    """Longer than an order may be, long over, or from a clock far ahead: it would outdo true ones."""
    written = write_report(replace(a_report(), orders=(GivenOrder(site=GRA, order=order),)))
    found = through(written)
    assert (found.report.orders, found.left_out) == ((), 1)
