"""Samples become readings: the table of what is Fresh and what is not, and the memory that makes Missing into Stale.

| seen | reading |
|---|---|
| one finite value of 0 or more, neither too old nor from the future | Fresh |
| query failed: HTTP error, timeout, unreachable, malformed, partial | Missing with that reason |
| no sample for the ENT | Missing Empty |
| several samples for the ENT | Missing SeveralSeries |
| NaN, infinite, negative | Missing NotANumber, Infinite, Negative |
| instant too long before ours, or after it | Missing TooOld, FromTheFuture |
| first window after the source was away | Stale Quarantined |
| Missing, but Fresh not too long ago | Stale with the last Fresh value and the reason |
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.domain.names import EntKey, SignalName, SiteName
from controller.domain.readings import Fresh, Missing, Reading, ReadingReason, Stale
from controller.domain.world import SignalReading
from controller.observe.metrics_source import QueryError, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old is fresh, how long a value is remembered, how long a returned source is not believed."""

    max_age: timedelta = timedelta(seconds=30)
    """Between the sample's instant and ours; beyond, the clocks differ or the source is stuck."""
    max_lead: timedelta = timedelta(seconds=10)
    """How far the source's clock may run ahead of ours."""
    remembered: timedelta = timedelta(hours=12)
    """How long a last Fresh value is carried on as Stale; then the reading is Missing (design §5, `blindHold`)."""
    quarantine: timedelta = timedelta(seconds=60)
    """One query window: until it has passed, rates of a returned source count a half-empty window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNames:
    """Which labels of a sample name its ENT."""

    namespace: str
    ent: str


def classify(samples: Sequence[Sample], now: datetime, freshness: Freshness) -> Reading:
    """Return the reading that the samples of one ENT make."""
    if not samples:
        return Missing(reason=ReadingReason.EMPTY)
    if len(samples) > 1:
        return Missing(reason=ReadingReason.SEVERAL_SERIES)
    sample = samples[0]
    reason = _unfit(sample.value) or _untimely(sample.at, now, freshness)
    return Missing(reason=reason) if reason else Fresh(value=sample.value, at=sample.at)


def _unfit(value: float) -> ReadingReason | None:
    if math.isnan(value):
        return ReadingReason.NOT_A_NUMBER
    if math.isinf(value):
        return ReadingReason.INFINITE
    return ReadingReason.NEGATIVE if value < 0 else None


def _untimely(at: datetime, now: datetime, freshness: Freshness) -> ReadingReason | None:
    if now - at > freshness.max_age:
        return ReadingReason.TOO_OLD
    return ReadingReason.FROM_THE_FUTURE if at - now > freshness.max_lead else None


def by_ent(samples: Iterable[Sample], labels: LabelNames) -> Mapping[EntKey, list[Sample]]:
    """Group samples by the ENT that their labels name; samples of nobody are left out."""
    groups: dict[EntKey, list[Sample]] = {}
    for sample in samples:
        namespace, name = sample.labels.get(labels.namespace), sample.labels.get(labels.ent)
        if namespace and name:
            groups.setdefault(EntKey(namespace, name), []).append(sample)
    return groups


AWAY_AFTER_FAILURES = 2
"""Failed queries in a row that make a source away. One slow answer empties no window; a refused connection does at
once: whoever refuses does not scrape either."""


class SignalMemory:
    """What one query at one site said last, per ENT: turns answers into readings.

    An ENT is away while the source is away or has no sample of it. When it returns, rates are taken over a window that
    is filling up, so its readings are in quarantine for one window. At our own start there is no quarantine: that says
    nothing about the source.
    """

    def __init__(self, site: SiteName, signal: SignalName, labels: LabelNames, freshness: Freshness) -> None:
        self._site = site
        self._signal = signal
        self._labels = labels
        self._freshness = freshness
        self.error: QueryError | None = None
        """Why the last query gave nothing; None when it did."""
        self._samples: Mapping[EntKey, list[Sample]] | None = None
        self._failures = 0
        self._away: set[EntKey] = set()
        self._believed_from: dict[EntKey, datetime] = {}
        self._last_fresh: dict[EntKey, Fresh] = {}
        self._known: frozenset[EntKey] = frozenset()

    def take(self, answer: tuple[Sample, ...] | QueryError, now: datetime) -> None:
        """Remember what the query answered."""
        if isinstance(answer, QueryError):
            self.error, self._failures = answer, self._failures + 1
            if answer.reason is ReadingReason.UNREACHABLE or self._failures >= AWAY_AFTER_FAILURES:
                self._away |= self._known
            return
        self.error, self._failures = None, 0
        self._samples = by_ent(answer, self._labels)
        for ent in sorted(self._known):
            if ent not in self._samples:
                self._away.add(ent)
            elif ent in self._away:
                self._away.discard(ent)
                self._believed_from[ent] = now + self._freshness.quarantine

    def readings(self, ents: Sequence[EntKey], now: datetime) -> tuple[SignalReading, ...]:
        """Return the reading of each ENT as of now; ENTs that are not asked for are forgotten."""
        self._known = frozenset(ents)
        self._away &= self._known
        self._believed_from = {ent: at for ent, at in self._believed_from.items() if ent in self._known and at > now}
        self._last_fresh = {ent: fresh for ent, fresh in self._last_fresh.items() if ent in self._known}
        return tuple(
            SignalReading(site=self._site, ent=ent, signal=self._signal, reading=self._reading(ent, now))
            for ent in ents
        )

    def _reading(self, ent: EntKey, now: datetime) -> Reading:
        reading = self._as_answered(ent, now)
        match reading:
            case Fresh(value=value, at=at) if ent in self._believed_from:
                return Stale(value=value, at=at, reason=ReadingReason.QUARANTINED)
            case Fresh():
                self._last_fresh[ent] = reading
                return reading
            case Missing(reason=reason):
                return self._remembered(ent, reason, now) or reading
        return reading

    def _as_answered(self, ent: EntKey, now: datetime) -> Reading:
        if self.error is not None:
            return Missing(reason=self.error.reason)
        if self._samples is None:
            return Missing(reason=ReadingReason.NEVER_READ)
        return classify(self._samples.get(ent, ()), now, self._freshness)

    def _remembered(self, ent: EntKey, reason: ReadingReason, now: datetime) -> Stale | None:
        last = self._last_fresh.get(ent)
        if last is None or now - last.at > self._freshness.remembered:
            return None
        return Stale(value=last.value, at=last.at, reason=reason)
