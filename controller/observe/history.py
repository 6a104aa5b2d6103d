"""The past four weeks of a site's demand, asked of its Prometheus in pieces: once at the start, then as time passes.

Pieces of six hours keep each answer small, whatever the number of ENTs; a piece that was answered is never asked for
again, one that was not is asked for in the next round. The newest come first: a forecast needs them most.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from controller.domain.forecast import SLOT
from controller.domain.names import EntKey, SignalName, SiteName
from controller.observe.metrics_source import Grid, MetricsSource, QueryError, Series
from controller.observe.readings import LabelNames

PIECE = timedelta(hours=6)
"""72 slots of 1,000 ENTs are about 1.6 MiB of JSON."""
HISTORY = timedelta(days=28)
"""Four weeks: a dozen ordinary school days without a vacation, three or four Wednesdays with one."""
SETTLED_AFTER = timedelta(minutes=10)
"""A piece is asked for when its end is so long ago: scrapes and remote writes arrive late."""
INNER_STEP = timedelta(seconds=30)
"""A slot is the largest of the values so far apart within it: a bell's peak is narrower than a slot."""
SCRAPED = "count(up)"
"""Is there whenever the Prometheus scraped anything: then an ENT without a series had no users."""
SLOTS_PER_PIECE = PIECE // SLOT

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One signal of all ENTs at one site for six hours; NaN where it is not known."""

    values: Mapping[EntKey, Values]
    absent: Values
    """What holds for an ENT without a series: 0 where anything was scraped, NaN elsewhere."""


class SiteHistory:
    """What one site's Prometheus remembers, as far as it was asked."""

    def __init__(
        self, site: SiteName, queries: Mapping[SignalName, str], labels: LabelNames, source: MetricsSource
    ) -> None:
        self.site = site
        self.queries = queries
        self.labels = labels
        self._source = source
        self.pieces: dict[tuple[SignalName, datetime], Piece] = {}
        """What was answered, by signal and start."""
        self.error: QueryError | None = None
        """Why the last question had no answer; None when it had."""

    def inherit(self, before: "SiteHistory") -> None:
        """Take over what was asked with the same queries: a renewed token is no other past."""
        if (before.queries, before.labels) == (self.queries, self.labels):
            self.pieces = before.pieces

    def missing(self, signals: Iterable[SignalName], now: datetime) -> list[tuple[datetime, SignalName]]:
        """Return what is to be asked, the newest first; forget what is too old."""
        oldest = _piece_of(now - HISTORY)
        self.pieces = {key: piece for key, piece in self.pieces.items() if key[1] >= oldest}
        wanted = sorted(signal for signal in set(signals) if signal in self.queries)
        starts = []
        start = _piece_of(now - SETTLED_AFTER) - PIECE
        while start >= oldest:
            starts.append(start)
            start -= PIECE
        return [(start, signal) for start in starts for signal in wanted if (signal, start) not in self.pieces]

    async def ask(self, start: datetime, signal: SignalName) -> bool:
        """Ask for one piece; tell whether it was answered."""
        # The value at an instant is of the slot that ends there.
        grid = Grid(start=start + SLOT, steps=SLOTS_PER_PIECE, step_seconds=int(SLOT.total_seconds()))
        inner = int(INNER_STEP.total_seconds())
        promql = f"max_over_time(({self.queries[signal]})[{grid.step_seconds}s:{inner}s])"
        try:
            scraped = await self._source.query_range(SCRAPED, grid)
            found = await self._source.query_range(promql, grid)
        except QueryError as error:
            self.error = error
            return False
        self.error = None
        self.pieces[(signal, start)] = _piece(found, scraped, self.labels)
        return True

    def slots(self, signal: SignalName, ent: EntKey, start: datetime, count: int) -> Values:
        """Return so many slots from `start` on, which lies on the grid of slots; NaN where nothing is known."""
        found = np.full(count, np.nan)
        at = 0
        while at < count:
            instant = start + at * SLOT
            begins = _piece_of(instant)
            skip = (instant - begins) // SLOT
            take = min(count - at, SLOTS_PER_PIECE - skip)
            piece = self.pieces.get((signal, begins))
            if piece is not None:
                found[at : at + take] = piece.values.get(ent, piece.absent)[skip : skip + take]
            at += take
        return found


def _piece_of(instant: datetime) -> datetime:
    """Return the start of the piece that the instant lies in; pieces begin at UTC midnight."""
    midnight = instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (instant - midnight) // PIECE * PIECE


def _piece(found: Iterable[Series], scraped: Iterable[Series], labels: LabelNames) -> Piece:
    values: dict[EntKey, Values] = {}
    unknown = np.full(SLOTS_PER_PIECE, np.nan)
    absent = unknown.copy()
    for series in scraped:
        absent[~np.isnan(_numbers(series))] = 0.0
    for series in found:
        namespace, name = series.labels.get(labels.namespace), series.labels.get(labels.ent)
        if namespace and name:
            ent = EntKey(namespace, name)
            # Several series of one ENT are no number, as in a reading.
            values[ent] = unknown if ent in values else _numbers(series)
    return Piece(
        values={ent: np.where(np.isnan(each) & (each is not unknown), absent, each) for ent, each in values.items()},
        absent=absent,
    )


def _numbers(series: Series) -> Values:
    return np.array([np.nan if value is None else value for value in series.values])
