"""Errors of a Prometheus without what it was shown: some servers quote the credentials that they refuse."""

from base64 import b64encode
from collections.abc import Awaitable, Iterable
from dataclasses import fields
from typing import TypeVar

from controller.observe.metrics_source import Grid, MetricsSource, QueryError, Sample, Series
from controller.observe.prometheus_address import PrometheusAddress

T = TypeVar("T")

SHORTEST_SECRET = 4
"""Less is no secret, and would be found in every sentence."""

_PUBLIC = ("url",)


def shown_secrets(address: PrometheusAddress) -> tuple[str, ...]:
    """Return every text that the server is shown besides the question, also as HTTP's basic authentication has it."""
    given = {field.name: getattr(address, field.name) for field in fields(address) if field.name not in _PUBLIC}
    texts = [text for value in given.values() for text in (value if isinstance(value, tuple) else (value,))]
    found = {text for text in texts if isinstance(text, str) and len(text) >= SHORTEST_SECRET}
    name, password = given.get("username"), given.get("password")
    if name and password:
        found.add(b64encode(f"{name}:{password}".encode()).decode())
    return tuple(sorted(found, key=len, reverse=True))


class Discreet:
    """A source of metrics that repeats no secret."""

    def __init__(self, source: MetricsSource, secrets: Iterable[str]) -> None:
        self._source = source
        self._secrets = tuple(secrets)

    async def query(self, promql: str) -> tuple[Sample, ...]:
        """Return the vector; see `MetricsSource`."""
        return await self._without_secrets(self._source.query(promql))

    async def query_range(self, promql: str, grid: Grid) -> tuple[Series, ...]:
        """Return the matrix; see `MetricsSource`."""
        return await self._without_secrets(self._source.query_range(promql, grid))

    async def close(self) -> None:
        """Close the source."""
        await self._source.close()

    async def _without_secrets(self, asked: Awaitable[T]) -> T:
        try:
            return await asked
        except QueryError as error:
            text = str(error)
            for secret in self._secrets:
                text = text.replace(secret, "(secret)")
            raise QueryError(error.reason, text) from None
