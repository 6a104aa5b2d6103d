"""Gauges that are set anew in every cycle, for whole fleets: a number per row, read when Prometheus asks.

The gauges of the client library make an object with a lock per row; made anew for thousands of rows every few seconds
that is more work than planning.
"""

from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class Sheet(Collector):
    """One gauge with labels. What was not set since `clear` is not there. Fields are called as in the library's own."""

    _type = "gauge"

    def __init__(self, name: str, text: str, labels: tuple[str, ...], registry: CollectorRegistry) -> None:
        self._name, self._documentation, self._labelnames = name, text, labels
        self._rows: dict[tuple[str, ...], float] = {}
        registry.register(self)

    def clear(self) -> None:
        """Forget all rows; who reads meanwhile sees the old ones or none."""
        self._rows = {}

    def labels(self, **labels: str) -> "Cell":
        """Return the row with these labels."""
        return Cell(self._rows, tuple([labels[name] for name in self._labelnames]))

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return name and text."""
        yield GaugeMetricFamily(self._name, self._documentation, labels=self._labelnames)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return all rows."""
        family = GaugeMetricFamily(self._name, self._documentation, labels=self._labelnames)
        for row, value in self._rows.copy().items():
            family.add_metric(row, value)
        yield family


class Cell(NamedTuple):
    """One number of a sheet."""

    rows: dict[tuple[str, ...], float]
    row: tuple[str, ...]

    def set(self, value: float) -> None:
        """Write the number."""
        self.rows[self.row] = value

    def inc(self) -> None:
        """Count one more."""
        self.rows[self.row] = self.rows.get(self.row, 0.0) + 1.0
