"""One SVG per fault: requests per second by the site that served them, and what the edges give each site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, LEFT, RIGHT = 1120, 60, 90
PANEL, GAP, TOP, BOTTOM = 130, 34, 16, 24
TICKS = 10


def plot(series: Mapping[str, Any], decided: float | None, title: str) -> str:
    """Return the picture."""
    first = int(series["from"])
    count = max(len(values) for values in series["requests"].values())
    height = TOP + 2 * PANEL + GAP + BOTTOM

    def x(second: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (second - first) / max(count - 1, 1), 1)

    requests_top = max((value for values in series["requests"].values() for value in values), default=1) or 1
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">']
    for top, what, most in ((TOP, "requests/s", requests_top), (TOP + PANEL + GAP, "weight %", 100)):
        parts.append(f'<text x="4" y="{top + 10}">{what}</text><text x="4" y="{top + 26}">max {most:g}</text>')
        parts.append(f'<path class="grid" d="M{LEFT} {top}H{WIDTH - RIGHT}M{LEFT} {top + PANEL}H{WIDTH - RIGHT}"/>')
    parts += _lines(series["requests"], TOP, requests_top, x, first)
    parts += _lines(series["weights"], TOP + PANEL + GAP, 100.0, x, first)
    marks = [("fault", 0.0), ("heal", float(series["heal"]))]
    if decided is not None:
        marks.append(("decided", decided))
    for name, second in marks:
        parts.append(f'<path class="{name}" d="M{x(second)} {TOP}V{height - BOTTOM}"><title>{name}</title></path>')
    step = max(1, round(count / TICKS / 5) * 5)
    for second in range(first - first % step, first + count, step):
        if second >= first:
            parts.append(f'<text x="{x(second)}" y="{height - 8}" text-anchor="middle">{second} s</text>')
    for row, name in enumerate(series["requests"]):
        at = TOP + 14 * row + 8
        parts.append(f'<path class="key {name}" d="M{WIDTH - RIGHT + 8} {at}h18"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 30}" y="{at + 4}">{escape(name)}</text>')
    return "".join([*parts, "</svg>"])


def _lines(values: Mapping[str, Sequence[float | None]], top: int, most: float, x: Any, first: int) -> list[str]:
    found = []
    for name, line in values.items():
        points = [
            f"{x(first + number)} {top + PANEL - PANEL * value / most:.1f}"
            for number, value in enumerate(line)
            if value is not None
        ]
        if points:
            found.append(f'<path class="{escape(name)}" d="M{"L".join(points)}"/>')
    return found
