"""Tables and heat maps in a terminal."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from controller.preview.days import Day
from controller.preview.difference import Change, Cost

_SHADES = ("·", "░", "▒", "▓", "█")
"""From nothing beyond the minimum to the most: told apart without colours, too."""
_COLOURS = ("dim", "blue", "cyan", "yellow", "red")
_SLOTS_PER_SIX_HOURS = 12


def heat_map(name: str, time_zone: str, days: tuple[Day, ...]) -> Table:
    """Return a row for each day and a column for each half hour, shaded by replicas."""
    slots = {day.date: day.slots() for day in days}
    counts = [count for found in slots.values() for count in found if count is not None]
    least, most = min(counts, default=0), max(counts, default=0)
    grid = Table(title=f"{name}: replicas wanted, {least} to {most}, by half hour, {time_zone}", title_justify="left")
    grid.box = None
    grid.add_column("day", no_wrap=True)
    grid.add_column("".join(f"{hour:<{_SLOTS_PER_SIX_HOURS}}" for hour in (0, 6, 12, 18)) + "24", no_wrap=True)
    grid.add_column("kind", no_wrap=True, overflow="ellipsis")
    for day in days:
        bars = Text()
        for count in slots[day.date]:
            level = _level(count, least, most)
            bars.append(_SHADES[level] if count is not None else " ", _COLOURS[level])
        grid.add_row(f"{day.date:%a %d %b}", bars, _kind(day))
    return grid


def _level(count: int | None, least: int, most: int) -> int:
    if count is None or count <= least:
        return 0
    return min(len(_SHADES) - 1, 1 + (count - least) * (len(_SHADES) - 1) // (most - least + 1))


def _kind(day: Day) -> str:
    return f"{day.fact.day_type}" if day.fact.known else f"{day.fact.day_type}?"


def table(days: tuple[Day, ...]) -> Table:
    """Return a row for each interval in which anything is scheduled."""
    found = Table(title="What is wanted when, and why", title_justify="left")
    found.add_column("day", no_wrap=True)
    found.add_column("from-to", no_wrap=True)
    found.add_column("/s", justify="right", no_wrap=True)
    found.add_column("replicas", justify="right", no_wrap=True)
    found.add_column("because", overflow="fold")
    for day in days:
        for index, wanted in enumerate(day.scheduled):
            span = f"{day.clock(wanted.start)}-{day.clock(wanted.end)}"
            shown = f"{day.date:%a %d %b}" if index == 0 else ""
            why = f"{wanted.source} ({wanted.bounds})" if wanted.bounds else wanted.source
            found.add_row(shown, span, f"{wanted.connections_per_second:g}", str(wanted.replicas), why)
    return found


def changes(found: tuple[Change, ...], time_zone: str, falls: set[int]) -> Table:
    """Return a row for each change of a floor; falls that want a second look are marked."""
    zone = ZoneInfo(time_zone)
    told = Table(title=f"Floors that change, {time_zone}", title_justify="left")
    told.add_column("ent", no_wrap=True)
    told.add_column("from-to", no_wrap=True)
    told.add_column("replicas", justify="right", no_wrap=True)
    told.add_column("by", justify="right", no_wrap=True)
    told.add_column("hours", justify="right", no_wrap=True)
    told.add_column("because", overflow="fold")
    before = ""
    for change in found:
        percent = "new" if change.percent is None else f"{change.percent:+.0f} %"
        told.add_row(
            "" if before == str(change.ent) else str(change.ent),
            _span(change.start.astimezone(zone), change.end.astimezone(zone)),
            f"{change.old_replicas} → {change.new_replicas}",
            f"! {percent}" if id(change) in falls else percent,
            f"{change.replica_hours:+,.1f}",
            change.source,
            style="red" if id(change) in falls else None,
        )
        before = str(change.ent)
    return told


def _span(start: datetime, end: datetime) -> str:
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%a %d %b %H:%M}"
    return f"{start:%a %d %b %H:%M}-{until}"


def costs(found: tuple[Cost, ...]) -> Table:
    """Return the replica-hours of every ENT before and after."""
    told = Table(title="What it costs, in replica-hours", title_justify="left")
    for name in ("ent", "old", "new", "difference"):
        told.add_column(name, justify="left" if name == "ent" else "right", no_wrap=True)
    for cost in found:
        difference = cost.new_replica_hours - cost.old_replica_hours
        old, new = f"{cost.old_replica_hours:,.0f}", f"{cost.new_replica_hours:,.0f}"
        told.add_row(str(cost.ent), old, new, f"{difference:+,.0f}")
    return told
