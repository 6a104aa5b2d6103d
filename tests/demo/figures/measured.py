"""A figure, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """There is no figure, and this is why."""

    why: str


Figure = float | int | NotMeasured
