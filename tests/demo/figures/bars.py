"""What the morning must show, and whether it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.demo.story import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One figure of the summary and what it must be."""

    group: str
    key: str
    must: str
    """For people, such as `≥ 20`."""
    holds: Callable[[float], bool]
    unit: str = ""

    @property
    def name(self) -> str:
        """Return the path in the summary."""
        return f"{self.group}.{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A bar and what came of it."""

    bar: Bar
    value: float | None
    why: str | None
    """Why it was not measured."""

    @property
    def met(self) -> bool:
        """Tell whether the figure is there and good."""
        return self.value is not None and self.bar.holds(self.value)

    def __str__(self) -> str:
        found = f"{self.value:g}{self.bar.unit}" if self.value is not None else f"not measured: {self.why}"
        return f"{self.bar.name} must be {self.bar.must}{self.bar.unit}, and is {found}"


def bars(story: Story) -> tuple[Bar, ...]:
    """Return the bars of the walking skeleton, in the order of the story."""
    step = story.shortened.max_step_percent
    return (
        Bar(group="prescale", key="min_margin_seconds", must="≥ 20", holds=lambda v: v >= 20, unit=" s"),
        Bar(group="prescale", key="shortfall_replicas", must="0", holds=lambda v: v == 0),
        Bar(group="metrics_outage", key="scale_downs", must="0", holds=lambda v: v == 0),
        Bar(group="metrics_outage", key="moves", must="0", holds=lambda v: v == 0),
        Bar(group="site_loss", key="decided_seconds", must="≤ 10", holds=lambda v: v <= 10, unit=" s"),
        Bar(group="site_loss", key="traffic_moved_seconds", must="≤ 15", holds=lambda v: v <= 15, unit=" s"),
        Bar(group="site_loss", key="max_destination_utilisation", must="≤ 0.85", holds=lambda v: v <= 0.85),
        Bar(group="requests", key="failed_outside_site_loss", must="0", holds=lambda v: v == 0),
        Bar(group="failback", key="reversals", must="0", holds=lambda v: v == 0),
        Bar(group="failback", key="largest_step_percent", must=f"≤ {step}", holds=lambda v: v <= step, unit=" %"),
    )


def judge(summary: Mapping[str, Any], story: Story) -> tuple[Judged, ...]:
    """Hold the summary against the bars; a figure that is not there misses its bar."""
    judged = []
    for bar in bars(story):
        group = summary.get(bar.group, {})
        value = group.get(bar.key)
        why = group.get("why", {}).get(bar.key, "it is not in the summary")
        judged.append(Judged(bar=bar, value=value, why=None if value is not None else why))
    return tuple(judged)
