"""Samples become readings: the table of what is Fresh and what is not, and the memory that makes Missing into Stale.

| seen | reading |
|---|---|
| one finite value from 0 to `LARGEST_BELIEVED`, neither too old nor from the future | Fresh |
| query failed: HTTP status 4xx or 5xx | Missing HttpError |
| query failed: HTML, not JSON, `status: error`, no vector | Missing Malformed |
| query failed: no answer in time; refused or broken connection | Missing TimedOut, Unreachable |
| query answered with warnings: a part of the result is missing | Missing PartialResult |
| no sample for the ENT | Missing Empty |
| several samples for the ENT | Missing SeveralSeries |
| NaN, infinite, negative, too large for any site on earth | Missing NotANumber, Infinite, Negative, Implausible |
| instant too long before ours, or after it: a stuck source, or clocks that differ | Missing TooOld, FromTheFuture |
| a rate of events that stands still while users are sent there | Stale FrozenCounter |
| first window after the source was away | Stale Quarantined |
| first window after the ENT's own series were away, or stood still | Stale HalfWindow |
| Missing, but Fresh not too long ago | Stale with the last Fresh value and the reason |

A rate stands still when it falls to exactly 0 within one window of having been `LEAST_FLOW` or more (nobody's users
all leave within a minute), or repeats such a value to the last bit for `STANDS_STILL_AFTER`. It is believed again one
window after it has moved. Where no users are sent, 0 is what there is to see.

A restart of the source that falls between two questions leaves a gap of a scrape or two, which a rate bridges; a longer
one is seen as a refused connection or as an empty answer, and is one of the rows above.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.domain.names import EntKey, SignalName, SiteName
from controller.domain.readings import Fresh, Missing, Reading, ReadingReason, Stale
from controller.domain.world import SignalReading
from controller.observe.metrics_source import QueryError, Sample

LARGEST_BELIEVED = 1e9
"""Nothing that is measured here gets near it; a counter that wrapped round does."""
LEAST_FLOW = 1.0
"""Events per second from which on a rate over one window cannot be 0, nor repeat itself, by chance."""
STANDS_STILL_AFTER = timedelta(minutes=2)
"""Twice the longest scrape interval in use: a rate may repeat itself from one scrape to the next."""


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
    if value < 0:
        return ReadingReason.NEGATIVE
    return ReadingReason.IMPLAUSIBLE if value > LARGEST_BELIEVED else None


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


def counts_events(promql: str) -> bool:
    """Tell whether the query is a plain rate of a counter.

    Quotients and quantiles are none: they may rightly stay what they are, 0 too.
    """
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", promql)
    return bool(re.search(r"\b(rate|irate|increase)\s*\(", bare)) and "/" not in bare and "quantile" not in bare


AWAY_AFTER_FAILURES = 2
"""Failed queries in a row that make a source away. One slow answer empties no window; a refused connection does at
once: whoever refuses does not scrape either."""


class FlowMemory:
    """Whether the rates of one query move, per ENT."""

    def __init__(self, window: timedelta) -> None:
        self._window = window
        self._same_since: dict[EntKey, Sample] = {}
        """The first sample of those that are alike to the last bit."""
        self._flowed: dict[EntKey, Sample] = {}
        """The last sample with a flow worth the name."""
        self._stuck: set[EntKey] = set()

    def take(self, samples: Mapping[EntKey, list[Sample]]) -> None:
        """Remember what the query answered; an ENT without a sample begins anew."""
        alone = {ent: found[0] for ent, found in samples.items() if len(found) == 1}
        before, flowed = self._same_since, self._flowed
        self._same_since = {
            ent: before[ent] if ent in before and before[ent].value == sample.value else sample
            for ent, sample in alone.items()
        }
        self._flowed = {
            ent: sample if LEAST_FLOW <= sample.value <= LARGEST_BELIEVED else flowed[ent]
            for ent, sample in alone.items()
            if LEAST_FLOW <= sample.value <= LARGEST_BELIEVED or ent in flowed
        }
        self._stuck &= self._flowed.keys()

    def stuck(self, ent: EntKey, fresh: Fresh) -> Fresh | None:
        """Return the last flow that was seen if the rate stands still now; None when it does not."""
        flowed, same = self._flowed.get(ent), self._same_since.get(ent)
        if flowed is None or same is None:
            return None
        fell_silent = fresh.value == 0 and (ent in self._stuck or fresh.at - flowed.at <= self._window)
        repeats = fresh.value >= LEAST_FLOW and fresh.at - same.at >= STANDS_STILL_AFTER
        if not fell_silent and not repeats:
            return None
        self._stuck.add(ent)
        return Fresh(value=flowed.value, at=flowed.at)

    def moves_again(self, ent: EntKey) -> bool:
        """Tell once that a rate that stood still does so no more."""
        was = ent in self._stuck
        self._stuck.discard(ent)
        return was

    def forget(self, ent: EntKey) -> None:
        """Begin anew for an ENT whose users are not sent there: 0 is what there is to see."""
        self._same_since.pop(ent, None)
        self._flowed.pop(ent, None)
        self._stuck.discard(ent)


class SignalMemory:
    """What one query at one site said last, per ENT: turns answers into readings.

    An ENT is away while the source is away or has no sample of it. When it returns, rates are taken over a window that
    is filling up, so its readings are in quarantine for one window. At our own start there is no quarantine: that says
    nothing about the source.
    """

    def __init__(
        self,
        site: SiteName,
        signal: SignalName,
        labels: LabelNames,
        freshness: Freshness,
        *,
        of_events: bool = False,
    ) -> None:
        self._site = site
        self._signal = signal
        self._labels = labels
        self._freshness = freshness
        self.error: QueryError | None = None
        """Why the last query gave nothing; None when it did."""
        self._samples: Mapping[EntKey, list[Sample]] | None = None
        self._failures = 0
        self._away: dict[EntKey, ReadingReason] = {}
        """What to say of it in the first window after its return."""
        self._believed_from: dict[EntKey, tuple[datetime, ReadingReason]] = {}
        self._last_fresh: dict[EntKey, Fresh] = {}
        self._known: frozenset[EntKey] = frozenset()
        self._flows = FlowMemory(freshness.quarantine) if of_events else None

    def take(self, answer: tuple[Sample, ...] | QueryError, now: datetime) -> None:
        """Remember what the query answered."""
        if isinstance(answer, QueryError):
            self.error, self._failures = answer, self._failures + 1
            if answer.reason is ReadingReason.UNREACHABLE or self._failures >= AWAY_AFTER_FAILURES:
                self._away |= dict.fromkeys(self._known, ReadingReason.QUARANTINED)
            return
        self.error, self._failures = None, 0
        self._samples = by_ent(answer, self._labels)
        if self._flows is not None:
            self._flows.take(self._samples)
        for ent in sorted(self._known):
            if ent not in self._samples:
                self._away[ent] = ReadingReason.HALF_WINDOW
            elif ent in self._away:
                self._believed_from[ent] = (now + self._freshness.quarantine, self._away.pop(ent))

    def readings(
        self, ents: Sequence[EntKey], now: datetime, used: frozenset[EntKey] = frozenset()
    ) -> tuple[SignalReading, ...]:
        """Return the reading of each ENT as of now; ENTs that are not asked for are forgotten.

        `used` are the ENTs whose users are sent to this site.
        """
        self._known = frozenset(ents)
        self._away = {ent: why for ent, why in self._away.items() if ent in self._known}
        self._believed_from = {
            ent: (at, why) for ent, (at, why) in self._believed_from.items() if ent in self._known and at > now
        }
        self._last_fresh = {ent: fresh for ent, fresh in self._last_fresh.items() if ent in self._known}
        return tuple(
            SignalReading(site=self._site, ent=ent, signal=self._signal, reading=self._reading(ent, now, used))
            for ent in ents
        )

    def _reading(self, ent: EntKey, now: datetime, used: frozenset[EntKey]) -> Reading:
        reading = self._as_answered(ent, now)
        if isinstance(reading, Missing):
            return self._remembered(ent, reading.reason, now) or reading
        if isinstance(reading, Fresh) and self._flows is not None:
            if ent not in used:
                self._flows.forget(ent)
            stuck = self._flows.stuck(ent, reading)
            if stuck is not None:
                self._last_fresh[ent] = stuck
                reading = Missing(reason=ReadingReason.FROZEN_COUNTER)
                return self._remembered(ent, reading.reason, now) or reading
            if self._flows.moves_again(ent):
                self._believed_from[ent] = (now + self._freshness.quarantine, ReadingReason.HALF_WINDOW)
        if isinstance(reading, Fresh) and ent in self._believed_from:
            _, why = self._believed_from[ent]
            return Stale(value=reading.value, at=reading.at, reason=why)
        if isinstance(reading, Fresh):
            self._last_fresh[ent] = reading
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
