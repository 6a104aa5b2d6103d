"""The port to a site's metrics: a query in, a vector or a matrix out, one kind of error."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from controller.domain.readings import ReadingReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One element of a vector, still unjudged: the value may be NaN or infinite, the instant anywhere."""

    labels: Mapping[str, str]
    value: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One element of a matrix, on the grid that was asked for; None where there was no usable number."""

    labels: Mapping[str, str]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Instants to evaluate at: `steps` of them from `start`, `step_seconds` apart."""

    start: datetime
    steps: int
    step_seconds: int

    @property
    def last(self) -> datetime:
        """The last instant."""
        return self.start + timedelta(seconds=self.step_seconds * (self.steps - 1))


class QueryError(Exception):
    """A query that gave no vector. `reason` is what the readings it was for become missing with."""

    def __init__(self, reason: ReadingReason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class MetricsSource(Protocol):
    """Where a site's metrics come from.

    Queries are evaluated at the source's own `now`: asked for our instant, a source whose clock or scrapes lag behind
    would answer with half-empty windows, which look like falling demand. The sample's instant shows the difference.
    """

    async def query(self, promql: str) -> tuple[Sample, ...]:
        """Return the vector.

        Raises:
            QueryError: there is none, or only a part of it.
        """
        ...

    async def query_range(self, promql: str, grid: Grid) -> tuple[Series, ...]:
        """Return the matrix of the past; it may take much longer than an instant query.

        Raises:
            QueryError: there is none, or only a part of it.
        """
        ...

    async def close(self) -> None:
        """Give up connections and threads."""
        ...
