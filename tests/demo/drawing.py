"""The picture of the morning: one SVG, all ENTs above each other on one clock, colours by CSS class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from tests.demo.phases import Phase
from tests.demo.series import EntSeries, Series
from tests.demo.view import clock

WIDTH = 1120
LEFT, RIGHT = 92, 14
PLOT = WIDTH - LEFT - RIGHT
TOP = 34
SITE_ROW = 15
PANEL, BAND, GAP = 104, 26, 26
TICK_SECONDS = 30
SOFT_ACTS = ("before school", "ramp", "bell", "lesson", "home")
TEXT_UNITS = 6.2
"""Width of a letter at the labels' size, to leave out what would not fit."""

Scale = Callable[[float], float]


def picture(series: Series, acts: Sequence[Phase], bell: float) -> str:
    """Return the SVG."""
    sites = sorted(series.verdicts)
    first_panel = TOP + len(sites) * SITE_ROW + GAP
    height = first_panel + len(series.ents) * (PANEL + BAND + GAP) + 10

    def x(second: float) -> float:
        return round(LEFT + PLOT * second / series.seconds, 1)

    parts = [
        f'<svg id="picture" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="picture-title"',
        f' data-left="{LEFT}" data-plot="{PLOT}" data-width="{WIDTH}" data-seconds="{series.seconds}">',
        '<title id="picture-title">Demand, Ready capacity, failures and weights per ENT over the morning</title>',
        *_acts(series, acts, x, height),
        *(_site_row(series, site, x, TOP + 8 + row * SITE_ROW) for row, site in enumerate(sites)),
    ]
    for row, ent in enumerate(series.ents):
        parts += _panel(ent, sites, x, first_panel + row * (PANEL + BAND + GAP))
    parts += _clock(series, x, height)
    parts.append(f'<line class="bell" y1="{TOP}" y2="{height - 18}" x1="{x(bell)}" x2="{x(bell)}"/>')
    parts.append(f'<line id="crosshair" class="crosshair" y1="{TOP}" y2="{height - 18}" x1="-9" x2="-9"/>')
    return "\n".join([*parts, "</svg>"])


def _acts(series: Series, acts: Sequence[Phase], x: Scale, height: int) -> list[str]:
    parts = []
    for number, act in enumerate(acts):
        start, end = x(max(0.0, act.start)), x(min(series.seconds, act.end or series.seconds))
        kind = "act" if act.name in SOFT_ACTS else "act hard"
        odd = " odd" if number % 2 else ""
        parts.append(
            f'<rect class="{kind}{odd}" x="{start}" y="{TOP - 16}" width="{end - start:.1f}" '
            f'height="{height - TOP - 4}"><title>{escape(act.text)}</title></rect>'
        )
        if end - start >= len(act.name) * TEXT_UNITS:
            parts.append(f'<text class="act-name" x="{(start + end) / 2:.1f}" y="{TOP - 4}">{escape(act.name)}</text>')
    return parts


def _site_row(series: Series, site: str, x: Scale, y: float) -> str:
    name = f'<text class="site-name" x="{LEFT - 8}" y="{y + 8}">site {escape(site)}</text>'
    verdicts = (
        f'<rect class="verdict {escape(span.what)}" x="{x(span.start)}" y="{y}" '
        f'width="{max(0.5, x(span.end) - x(span.start)):.1f}" height="9"><title>site {escape(site)} is '
        f"{escape(span.what)}, {clock(span.start)} to {clock(span.end)}</title></rect>"
        for span in series.verdicts[site]
    )
    silences = (
        f'<rect class="silent" x="{x(span.start)}" y="{y + 10}" width="{x(span.end) - x(span.start):.1f}" '
        f'height="3"><title>no Prometheus, {clock(span.start)} to {clock(span.end)}</title></rect>'
        for span in series.silent[site]
    )
    return "".join([name, *verdicts, *silences])


def _panel(ent: EntSeries, sites: Sequence[str], x: Scale, top: float) -> list[str]:
    most = _round_up(max([*ent.serving, *ent.left, *ent.demand, 1.0]))

    def y(value: float) -> float:
        return round(top + PANEL * (1 - value / most), 1)

    parts = [
        f'<text class="ent-name" x="{LEFT - 8}" y="{top + 11}">{escape(ent.ent)}</text>',
        f'<text class="unit" x="{LEFT - 8}" y="{top + 24}">per second</text>',
    ]
    for value in (0.0, most / 2, most):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>')
        if value < most or most <= 1:
            parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y(value) + 3}">{value:g}</text>')
    seconds = range(len(ent.demand))
    line = " ".join(f"{x(t + 0.5)},{y(ent.demand[t])}" for t in seconds)
    parts += [
        f'<polygon class="demand-area" points="{x(0.5)},{y(0)} {line} {x(len(ent.demand) - 0.5)},{y(0)}"/>',
        f'<polyline class="demand" points="{line}"/>',
        f'<path class="capacity" d="{_steps(ent.serving, x, y)}"/>',
        f'<path class="reserve" d="{_steps(ent.left, x, y)}"/>',
        *(
            f'<rect class="failed" x="{x(t)}" width="{max(1.0, x(t + 1) - x(t) - 0.4):.1f}" y="{y(min(count, most))}" '
            f'height="{y(0) - y(min(count, most)):.1f}"/>'
            for t, count in enumerate(ent.failed)
            if count
        ),
        *_weights(ent, sites, x, top + PANEL + 4),
    ]
    return parts


def _steps(values: Sequence[float], x: Scale, y: Scale) -> str:
    """Return a line that changes at once, with points only where it does."""
    changes = (second for second in range(1, len(values)) if values[second] != values[second - 1])
    steps = (f"H{x(second)}V{y(values[second])}" for second in changes)
    return "".join([f"M{x(0)},{y(values[0])}", *steps, f"H{x(len(values))}"])


def _weights(ent: EntSeries, sites: Sequence[str], x: Scale, top: float) -> list[str]:
    """Draw whose share of the traffic is whose, as a band; runs of equal shares become one rectangle."""
    parts = [f'<text class="unit" x="{LEFT - 8}" y="{top + BAND / 2 + 3}">weights</text>']
    shares = [tuple(ent.weights.get(site, [0] * len(ent.demand))[t] for site in sites) for t in range(len(ent.demand))]
    start = 0
    for second in range(1, len(shares) + 1):
        if second < len(shares) and shares[second] == shares[start]:
            continue
        whole, offset = sum(shares[start]), 0.0
        for site, weight in zip(sites, shares[start], strict=True):
            if not weight:
                continue
            height = BAND * weight / whole
            parts.append(
                f'<rect class="site-{escape(site)}" x="{x(start)}" width="{x(second) - x(start):.1f}" '
                f'y="{top + offset:.1f}" height="{height:.1f}"><title>{escape(ent.ent)}: {100 * weight / whole:.0f} % '
                f"at site {escape(site)}, {clock(start)} to {clock(second)}</title></rect>"
            )
            offset += height
        start = second
    return parts


def _clock(series: Series, x: Scale, height: int) -> list[str]:
    marks = range(0, series.seconds + 1, TICK_SECONDS)
    return [f'<text class="clock" x="{x(second)}" y="{height - 4}">{clock(second)}</text>' for second in marks]


def _round_up(value: float) -> float:
    """Return the next round number, so that the axis has round ticks."""
    for step in (10, 20, 30, 40, 50, 60, 80, 100, 120, 160, 200, 300, 400, 600, 1000):
        if value <= step:
            return float(step)
    return value
