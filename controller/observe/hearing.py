"""What is heard of the other observers: their reports, dated by our own monotonic clock.

A report says nothing about now until its sequence was seen to advance: the first one that is found, after our start or
theirs, may have lain there for hours. From then on its writer's clock is related to ours by the report that took the
least time of the last few: clocks may differ by hours, a report that comes late is as old as it is, and a clock that
is set anew is followed within `CLOCKS_KEPT` reports. Late is lost (design §6), and skew is not.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.domain.intents import PeerPlan
from controller.domain.names import EdgeName, ObserverName, SiteName
from controller.domain.orders import GivenOrder
from controller.domain.readings import Fresh, Missing, Reading, ReadingReason, Stale
from controller.domain.report import Report
from controller.domain.world import EvidenceRound, ReplicaState, Route, SignalReading
from controller.observe.readings import Freshness

CLOCKS_KEPT = 15
"""Reports by which a clock is known: half a minute of them. One delayed report must not move everything."""

SILENT_AFTER_SECONDS = 7.0
"""As observers fall silent in the votes: three periods and a deadline."""


@dataclass(slots=True)
class _Heard:
    """One observer as heard."""

    report: Report
    received_seconds: float
    """When its sequence last advanced, by our monotonic clock."""
    offsets: deque[float] = field(default_factory=lambda: deque(maxlen=CLOCKS_KEPT))
    """Our monotonic clock less its wall clock, as the last reports arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One observer's last report, with how old it is."""

    report: Report
    age_seconds: float
    """Since its sequence last advanced."""

    @property
    def silent(self) -> bool:
        """Tell whether it says nothing about now."""
        return self.age_seconds > SILENT_AFTER_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What peers have told, on our clock: their share of a World."""

    rounds: tuple[EvidenceRound, ...] = ()
    readings: tuple[SignalReading, ...] = ()
    replicas: tuple[ReplicaState, ...] = ()
    routes: tuple[Route, ...] = ()
    peers: tuple[Peer, ...] = ()
    """By name, the silent ones too."""
    orders: tuple[GivenOrder, ...] = ()
    """Orders that they know, of silent ones too: an order ends by itself and not with who told it."""
    plans: tuple[PeerPlan, ...] = ()
    """What those would do whose opinion counts."""


class Hearing:
    """Remembers the last report of every observer."""

    def __init__(self, freshness: Freshness, *, monotonic: Callable[[], float]) -> None:
        self._freshness = freshness
        self._monotonic = monotonic
        self._heard: dict[ObserverName, _Heard] = {}
        self._found: dict[ObserverName, tuple[str, int]] = {}
        """Process and sequence of the report that was found first, and has not advanced yet."""

    def hear(self, report: Report) -> bool:
        """Take a report; tell whether it is news."""
        now = self._monotonic()
        heard = self._heard.get(report.observer)
        if heard is None or heard.report.instance != report.instance:
            if self._only_found(report):
                return False
            heard = self._heard[report.observer] = _Heard(report, now)
        elif report.sequence <= heard.report.sequence:
            return False
        heard.report, heard.received_seconds = report, now
        heard.offsets.append(now - report.at.timestamp())
        return True

    def forget(self, known: Iterable[ObserverName]) -> None:
        """Keep only these observers."""
        kept = set(known)
        self._heard = {name: heard for name, heard in self._heard.items() if name in kept}
        self._found = {name: found for name, found in self._found.items() if name in kept}

    def rounds(self, now: datetime) -> tuple[EvidenceRound, ...]:
        """Return the evidence alone, oldest first: it is weighed after every report."""
        monotonic = self._monotonic()
        found: list[EvidenceRound] = []
        for heard in self._heard.values():
            ours = _Clock(heard, now, monotonic)
            found += (replace(seen, at=ours.at(seen.at)) for seen in heard.report.rounds)
        return tuple(sorted(found, key=lambda seen: (seen.at, seen.observer, seen.sequence)))

    def told(self, now: datetime, at_edges: Mapping[EdgeName, SiteName | None]) -> Told:
        """Return what is known by now. A peer speaks for its own site alone: `at_edges` says where edges stand."""
        monotonic = self._monotonic()
        readings: list[SignalReading] = []
        replicas: list[ReplicaState] = []
        routes: list[Route] = []
        peers: list[Peer] = []
        orders: list[GivenOrder] = []
        for _, heard in sorted(self._heard.items()):
            ours = _Clock(heard, now, monotonic)
            report = heard.report
            readings += (
                replace(each, reading=self._reading(each.reading, ours, now))
                for each in report.readings
                if each.site == report.site
            )
            replicas += (ours.state(state) for state in report.replicas if state.site == report.site)
            if report.site is not None:
                routes += (route for route in report.routes if at_edges.get(route.edge) == report.site)
            orders += (each for each in report.orders if each.is_told(now))
            peers.append(Peer(report=report, age_seconds=max(0.0, monotonic - heard.received_seconds)))
        return Told(
            rounds=self.rounds(now),
            readings=tuple(readings),
            replicas=tuple(replicas),
            routes=tuple(routes),
            peers=tuple(peers),
            orders=tuple(orders),
        )

    def _only_found(self, report: Report) -> bool:
        """Tell whether the report is the first of its process, or the same again: it may be of any age."""
        before = self._found.get(report.observer)
        if before is not None and before[0] == report.instance and report.sequence > before[1]:
            self._found.pop(report.observer)
            return False
        if before is None or before[0] != report.instance:
            self._found[report.observer] = (report.instance, report.sequence)
        return True

    def _reading(self, reading: Reading, ours: "_Clock", now: datetime) -> Reading:
        match reading:
            case Missing():
                return reading
            case Fresh(value=value, at=at):
                return self._aged(value, ours.at(at), now, ReadingReason.TOO_OLD, was_fresh=True)
            case Stale(value=value, at=at, reason=reason):
                return self._aged(value, ours.at(at), now, reason, was_fresh=False)

    def _aged(self, value: float, at: datetime, now: datetime, reason: ReadingReason, *, was_fresh: bool) -> Reading:
        if now - at > self._freshness.remembered:
            return Missing(reason=reason)
        if was_fresh and now - at <= self._freshness.max_age:
            return Fresh(value=value, at=at)
        return Stale(value=value, at=at, reason=reason)


class _Clock:
    """Turns the instants of one writer's clock into ours."""

    def __init__(self, heard: _Heard, now: datetime, monotonic: float) -> None:
        self._now = now
        self._monotonic = monotonic
        self._offset = min(heard.offsets)
        self._latest = heard.received_seconds

    def at(self, theirs: datetime) -> datetime:
        """Return when it was; never after it was told."""
        seconds = min(theirs.timestamp() + self._offset, self._latest)
        return self._now - timedelta(seconds=self._monotonic - seconds)

    def state(self, state: ReplicaState) -> ReplicaState:
        """Return the replicas with our instants."""
        pending, revised = state.pending_since, state.revision_since
        return replace(
            state,
            seen_at=self.at(state.seen_at),
            pending_since=self.at(pending) if pending is not None else None,
            revision_since=self.at(revised) if revised is not None else None,
        )
