"""One chart of one controller: demand against Ready capacity, errors, decisions to hover over, weights below."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from controller.sim.acting import Decision
from controller.sim.engine import Outcome
from controller.sim.measure import Course

WIDTH, HEIGHT = 900, 250
LEFT, RIGHT, TOP, BOTTOM = 66, 12, 12, 22
STRIP = 26
"""Height of the band of weights."""
GAP = 8
SITE_COLOURS = ("#4c78a8", "#f2a541", "#72b7b2", "#b279a2", "#9d755d", "#bab0ac")
MOST_MARKS = 160
"""Decisions shown as marks; neighbours share one."""
TICKS = 4
_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The scales of a chart, the same for all controllers of a page."""

    start: datetime
    zone: ZoneInfo
    seconds: float
    most: float

    def x(self, second: float) -> float:
        """Return where an instant stands."""
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(second / self.seconds, 0.0), 1.0)

    def y(self, value: float) -> float:
        """Return where a rate stands; what is above the frame is cut."""
        return TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - min(value / self.most, 1.0))

    def clock(self, second: float) -> str:
        """Return the local time."""
        return f"{(self.start + timedelta(seconds=second)).astimezone(self.zone):%H:%M:%S}"


def chart(outcome: Outcome, frame: Frame, sites: Sequence[str]) -> str:
    """Return the SVG."""
    course = outcome.course
    whole = HEIGHT + GAP + STRIP
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {whole}" role="img" aria-label="{escape(outcome.controller)}">',
        *_axes(frame),
        f'<path class="demand" d="{_area(course, course.demand, frame)}"><title>first attempts</title></path>',
        f'<path class="failed" d="{_area(course, course.failed, frame)}"><title>not served</title></path>',
        f'<path class="arrived" d="{_line(course, course.arrived, frame)}"><title>with retries</title></path>',
        f'<path class="reserve" d="{_steps(course, course.capacity, frame)}"><title>Ready, all sites</title></path>',
        f'<path class="capacity" d="{_steps(course, course.serving, frame)}"><title>Ready, with users</title></path>',
        *_marks(outcome.decisions, frame),
        *_weights(course, frame, sites),
        "</svg>",
    ]
    return "\n".join(parts)


def _axes(frame: Frame) -> list[str]:
    parts = []
    for tick in range(TICKS + 1):
        value = frame.most * tick / TICKS
        y = frame.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(value)}</text>')
    hours = frame.seconds / _HOUR
    every = next(step for step in (1, 2, 3, 6, 12, 24, 48, 168, 720, 8760) if hours / step <= 12)
    local = frame.start.astimezone(frame.zone)
    first = (-(local.hour * _HOUR + local.minute * 60 + local.second)) % (every * _HOUR)
    second = float(first)
    while second <= frame.seconds:
        x, at = frame.x(second), (frame.start + timedelta(seconds=second)).astimezone(frame.zone)
        label = f"{at:%H:%M}" if hours <= 30 else f"{at:%a %d.%m.}"
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{label}</text>')
        second += every * _HOUR
    return parts


def _short(value: float) -> str:
    return f"{value / 1000:.1f}k" if value >= 1000 else f"{value:.0f}"


def _points(course: Course, values: Sequence[float], frame: Frame) -> list[tuple[float, float]]:
    return [(frame.x(second), frame.y(value)) for second, value in zip(course.seconds, values, strict=True)]


def _line(course: Course, values: Sequence[float], frame: Frame) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in _points(course, values, frame))


def _steps(course: Course, values: Sequence[float], frame: Frame) -> str:
    points = _points(course, values, frame)
    return f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in points[1:])


def _area(course: Course, values: Sequence[float], frame: Frame) -> str:
    points, base = _points(course, values, frame), frame.y(0.0)
    inside = "".join(f"L{x:.1f} {y:.1f}" for x, y in points)
    return f"M{points[0][0]:.1f} {base:.1f}{inside}L{points[-1][0]:.1f} {base:.1f}Z"


def _marks(decisions: Sequence[Decision], frame: Frame) -> list[str]:
    """Return one mark per bin of time, with everything that was decided in it to be read on hover."""
    bins: dict[int, list[Decision]] = {}
    for decision in decisions:
        bins.setdefault(int(decision.second / frame.seconds * MOST_MARKS), []).append(decision)
    parts = []
    for found in bins.values():
        moves = any(d.moves_traffic for d in found)
        text = "\n".join(told(d, frame) for d in found[:12])
        if len(found) > 12:
            text += f"\n… and {len(found) - 12} more"
        x, y = frame.x(found[0].second), HEIGHT - BOTTOM - 5
        shape = "move" if moves else "scale"
        parts.append(
            f'<circle class="{shape}" cx="{x:.1f}" cy="{y}" r="4" tabindex="0"><title>{escape(text)}</title></circle>'
        )
    return parts


def told(decision: Decision, frame: Frame) -> str:
    """Return the decision as a line for people."""
    where = " ".join(part for part in (decision.ent, decision.site) if part)
    return f"{frame.clock(decision.second)} {where}: {decision.text}"


def _weights(course: Course, frame: Frame, sites: Sequence[str]) -> list[str]:
    """Return the share of every site over time, stacked to a hundred."""
    top, parts = HEIGHT + GAP, []
    seconds = [*course.seconds, frame.seconds]
    for index, site in enumerate(sites):
        colour = SITE_COLOURS[index % len(SITE_COLOURS)]
        begin = 0
        while begin < len(course.weights):
            weights, end = course.weights[begin], begin + 1
            while end < len(course.weights) and course.weights[end] == weights:
                end += 1
            whole = sum(weights) or 1
            if weights[index]:
                y = top + STRIP * sum(weights[:index]) / whole
                height, x = STRIP * weights[index] / whole, frame.x(seconds[begin])
                parts.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{frame.x(seconds[end]) - x:.1f}" height="{height:.1f}"'
                    f' fill="{colour}"><title>{escape(site)} {weights[index]} %</title></rect>'
                )
            begin = end
    parts.append(f'<text class="tick" x="{LEFT - 6}" y="{top + STRIP / 2 + 4}" text-anchor="end">users</text>')
    return parts
