"""The port to a site's metrics: one instant query in, one vector out, one kind of error."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.domain.readings import ReadingReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One element of a vector, still unjudged: the value may be NaN or infinite, the instant anywhere."""

    labels: Mapping[str, str]
    value: float
    at: datetime


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

    async def close(self) -> None:
        """Give up connections and threads."""
        ...
