"""The part of a `SiteReport` that peers plan with, as it stands in `status.shared`.

    {"format": 1, "at", "instance", "policies", "inputs", "version", "rounds": […], "readings": […], "replicas": […],
     "routes": […], "intents": […], "undecided": […], "heard": […], "orders": […]}

Two versions of Sonnerie stand side by side during an upgrade, so this is read as far as it is understood: unknown
fields are passed over, and an item that cannot be read is left out alone and counted. Left out is not seen, which is
never read as well or sick, nor as zero. A newer `format` changes nothing about that: it says that more may be in it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from controller.domain.fleet import Order
from controller.domain.intents import Intent
from controller.domain.names import EdgeName, EntKey, ObserverName, SignalName, SiteName
from controller.domain.orders import LONGEST_ORDER, GivenOrder
from controller.domain.plan import SiteWeight
from controller.domain.readings import (
    Answered,
    Fresh,
    Missing,
    NotAttempted,
    Probe,
    ProbePath,
    ProbeResult,
    Reading,
    ReadingReason,
    Refused,
    Stale,
    TimedOut,
)
from controller.domain.report import Report
from controller.domain.world import EvidenceRound, ReplicaState, Route, SignalReading
from controller.wire.errors import WireError
from controller.wire.texts import finite, read_instant, write_instant

FORMAT = 1
"""Of what is written here. Only additions; a reader of another number reads what it knows."""

T = TypeVar("T")


class UnreadableReportError(Exception):
    """A report that says nothing to this version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReport:
    """A report as far as it was understood."""

    report: Report
    left_out: int = 0
    """Items that could not be read."""
    format: int = FORMAT


class _Probe(msgspec.Struct, omit_defaults=True):
    path: str
    target: str
    result: str
    status: int = 0
    ms: float = 0.0


class _Round(msgspec.Struct, omit_defaults=True):
    sequence: int
    at: str
    probes: list[msgspec.Raw] = []
    sick: bool = False


class _Reading(msgspec.Struct, omit_defaults=True):
    ent: str
    signal: str
    quality: str
    value: float = 0.0
    at: str = ""
    reason: str = ""


class _Replicas(msgspec.Struct, omit_defaults=True):
    ent: str
    wanted: int
    ready: int
    seen: str
    pending: str = ""
    revision: str = ""
    revised: str = ""


class _Route(msgspec.Struct, omit_defaults=True):
    ent: str
    edge: str
    site: str
    weight: int
    cap: int | None = None


class _Intent(msgspec.Struct, omit_defaults=True):
    ent: str
    edge: str
    weights: dict[str, int]


class _Order(msgspec.Struct, omit_defaults=True):
    until: str
    reason: str
    by: str
    given: str
    site: str = ""


class _Shared(msgspec.Struct):
    at: str
    format: int = FORMAT
    instance: str = ""
    version: str = ""
    policies: str = ""
    inputs: str = ""
    rounds: list[msgspec.Raw] = []
    readings: list[msgspec.Raw] = []
    replicas: list[msgspec.Raw] = []
    routes: list[msgspec.Raw] = []
    intents: list[msgspec.Raw] = []
    undecided: list[msgspec.Raw] = []
    heard: list[msgspec.Raw] = []
    orders: list[msgspec.Raw] = []


# ------------------------------------------------------------------------------------------------------------- writing


def write_report(report: Report) -> dict[str, Any]:
    """Return the shared part; who reports, and its sequence, stand beside it."""
    shared = {
        "format": FORMAT,
        "at": write_instant(report.at),
        "instance": report.instance,
        "version": report.version,
        "policies": report.policies,
        "inputs": report.inputs,
        "rounds": [_round(seen) for seen in report.rounds],
        "readings": [_reading(each) for each in report.readings],
        "replicas": [_replicas(state) for state in report.replicas],
        "routes": [
            _Route(ent=str(r.ent), edge=r.edge, site=r.site, weight=r.weight, cap=r.max_concurrent)
            for r in report.routes
        ],
        "intents": [_intent(intent) for intent in report.intents],
        "undecided": [_intent(intent) for intent in report.undecided],
        "heard": [list(each) for each in report.heard],
        "orders": [_order(each) for each in report.orders],
    }
    built: dict[str, Any] = msgspec.to_builtins(shared)
    return built


def _round(seen: EvidenceRound) -> dict[str, Any]:
    written: dict[str, Any] = {"sequence": seen.sequence, "at": write_instant(seen.at)}
    return (
        written | {"probes": [_probe(probe) for probe in seen.probes]} | ({"sick": True} if seen.declares_sick else {})
    )


def _probe(probe: Probe) -> _Probe:
    written = _Probe(path=str(probe.path), target=probe.target, result=type(probe.result).__name__)
    match probe.result:
        case Answered(status=status, seconds=seconds):
            written.status, written.ms = status, _milliseconds(seconds)
        case TimedOut(seconds=seconds):
            written.ms = _milliseconds(seconds)
        case Refused() | NotAttempted():
            pass  # why is for the log of whoever saw it
    return written


def _order(told: GivenOrder) -> _Order:
    order, given = told.order, told.order.given_at
    return _Order(
        until=write_instant(order.until),
        reason=order.reason,
        by=order.by,
        given=write_instant(given) if given is not None else "",
        site=told.site or "",
    )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _reading(each: SignalReading) -> _Reading:
    written = _Reading(ent=str(each.ent), signal=each.signal, quality=type(each.reading).__name__)
    match each.reading:
        case Fresh(value=value, at=at):
            written.value, written.at = finite(value), write_instant(at)
        case Stale(value=value, at=at, reason=reason):
            written.value, written.at, written.reason = finite(value), write_instant(at), str(reason)
        case Missing(reason=reason):
            written.reason = str(reason)
    return written


def _intent(intent: Intent) -> _Intent:
    weights: dict[str, int] = {each.site: each.weight for each in intent.weights}
    return _Intent(ent=str(intent.ent), edge=intent.edge, weights=weights)


def _replicas(state: ReplicaState) -> _Replicas:
    return _Replicas(
        ent=str(state.ent),
        wanted=state.wanted,
        ready=state.ready,
        seen=write_instant(state.seen_at),
        pending=write_instant(state.pending_since) if state.pending_since is not None else "",
        revision=state.revision,
        revised=write_instant(state.revision_since) if state.revision_since is not None else "",
    )


# ------------------------------------------------------------------------------------------------------------- reading


def read_report(shared: bytes, *, observer: ObserverName, site: SiteName | None, sequence: int) -> ReadReport:
    """Return the report as far as it is understood.

    Raises:
        UnreadableReportError: not even its time can be read.
    """
    reading = _Items()
    try:
        found = msgspec.json.decode(shared, type=_Shared)
        at = read_instant(found.at)
    except (msgspec.MsgspecError, WireError) as error:
        raise UnreadableReportError(f"status.shared cannot be read: {error}") from None
    report = Report(
        observer=observer,
        site=site,
        instance=found.instance,
        sequence=sequence,
        at=at,
        version=found.version,
        policies=found.policies,
        inputs=found.inputs,
        rounds=reading.each(found.rounds, _Round, lambda r: reading.round(r, observer, site)),
        readings=reading.each(found.readings, _Reading, lambda r: _read_reading(r, site)),
        replicas=reading.each(found.replicas, _Replicas, lambda r: _read_replicas(r, site)),
        routes=reading.each(found.routes, _Route, _read_route),
        intents=reading.each(found.intents, _Intent, _read_intent),
        undecided=reading.each(found.undecided, _Intent, _read_intent),
        heard=reading.each(found.heard, tuple[str, str, int], lambda h: (ObserverName(h[0]), h[1], h[2])),
        orders=reading.each(found.orders, _Order, lambda o: _read_order(o, site, at)),
    )
    return ReadReport(report=report, left_out=reading.left_out, format=found.format)


class _Items:
    """Reads item by item and counts what it must leave out."""

    def __init__(self) -> None:
        self.left_out = 0

    def each(self, items: Iterable[msgspec.Raw], form: Any, read: Callable[[Any], T]) -> tuple[T, ...]:  # noqa: ANN401 - any type msgspec takes
        found: list[T] = []
        for item in items:
            try:
                found.append(read(msgspec.json.decode(item, type=form)))
            except (msgspec.MsgspecError, WireError, ValueError):
                self.left_out += 1
        return tuple(found)

    def round(self, found: _Round, observer: ObserverName, site: SiteName | None) -> EvidenceRound:
        return EvidenceRound(
            observer=observer,
            sequence=found.sequence,
            at=read_instant(found.at),
            probes=self.each(found.probes, _Probe, _read_probe),
            site=site,
            declares_sick=found.sick,
        )


def _read_probe(found: _Probe) -> Probe:
    return Probe(path=ProbePath(found.path), target=found.target, result=_read_result(found))


def _read_result(found: _Probe) -> ProbeResult:
    match found.result:
        case "Answered":
            return Answered(status=found.status, seconds=found.ms / 1000)
        case "TimedOut":
            return TimedOut(seconds=found.ms / 1000)
        case "Refused":
            return Refused(why="as reported")
        case "NotAttempted":
            return NotAttempted(why="as reported")
        case other:
            raise ValueError(f"{other!r} is no result of a probe")


def _read_reading(found: _Reading, site: SiteName | None) -> SignalReading:
    if site is None:
        raise ValueError("a witness measures nothing")
    reading: Reading
    match found.quality:
        case "Fresh":
            reading = Fresh(value=found.value, at=read_instant(found.at))
        case "Stale":
            reading = Stale(value=found.value, at=read_instant(found.at), reason=_reason(found.reason))
        case "Missing":
            reading = Missing(reason=_reason(found.reason))
        case other:
            raise ValueError(f"{other!r} is no quality of a reading")
    return SignalReading(site=site, ent=EntKey.parse(found.ent), signal=SignalName(found.signal), reading=reading)


def _reason(text: str) -> ReadingReason:
    """A reason of a newer version is a reason all the same."""
    return ReadingReason(text) if text in set(ReadingReason) else ReadingReason.MALFORMED


def _read_replicas(found: _Replicas, site: SiteName | None) -> ReplicaState:
    if site is None or found.wanted < 0 or found.ready < 0:
        raise ValueError("not replicas of a site")
    return ReplicaState(
        ent=EntKey.parse(found.ent),
        site=site,
        wanted=found.wanted,
        ready=found.ready,
        seen_at=read_instant(found.seen),
        pending_since=read_instant(found.pending) if found.pending else None,
        revision=found.revision,
        revision_since=read_instant(found.revised) if found.revised else None,
    )


def _read_route(found: _Route) -> Route:
    if found.weight < 0:
        raise ValueError("a weight is never below 0")
    return Route(
        ent=EntKey.parse(found.ent),
        edge=EdgeName(found.edge),
        site=SiteName(found.site),
        weight=found.weight,
        max_concurrent=found.cap,
    )


def _read_order(found: _Order, site: SiteName | None, at: datetime) -> GivenOrder:
    given, until = read_instant(found.given), read_instant(found.until)
    order = Order(until=until, reason=found.reason, by=found.by, given_at=given)
    told = GivenOrder(site=SiteName(found.site) if found.site else None, order=order)
    if site is None or until - given > LONGEST_ORDER or not told.is_told(at):
        raise ValueError("not an order that an instance may tell")
    return told


def _read_intent(found: _Intent) -> Intent:
    weights = tuple(SiteWeight(site=SiteName(site), weight=w) for site, w in sorted(found.weights.items()))
    return Intent(ent=EntKey.parse(found.ent), edge=EdgeName(found.edge), weights=weights)
