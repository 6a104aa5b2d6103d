"""A calendar as a YAML file that people review: an entry to a line, years apart, the comment at its head kept."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from controller.policy.calendar import SchoolCalendar

_WIDTH = 10_000
"""Lines are not wrapped: an entry to a line is what makes a difference readable."""
_LISTS = ("sources", "vacations", "publicHolidays", "exceptions", "remarks", "unknownDays")
_SCHEMA = "# yaml-language-server: $schema=../schema/schoolcalendar.json\n"


def calendar_text(calendar: SchoolCalendar, present: str = "") -> str:
    """Return the calendar as YAML. `present` is the file it replaces, whose first comment is kept."""
    document = calendar.model_dump(mode="json", exclude_unset=True, exclude={"status"})
    spec: dict[str, Any] = document.pop("spec")
    lists = {key: spec.pop(key) for key in _LISTS if spec.get(key)}
    head = yaml.safe_dump(document | {"spec": spec}, allow_unicode=True, sort_keys=False, width=_WIDTH)
    return _comment(present) + _unquoted(head) + "".join(_entries(lists))


def _comment(present: str) -> str:
    """Return the comment lines at the head of a file, or the one that names the schema."""
    lines: list[str] = []
    for line in present.splitlines(keepends=True):
        if not line.startswith("#"):
            break
        lines.append(line)
    return "".join(lines) or _SCHEMA


def _entries(lists: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    for key, entries in lists.items():
        yield f"  {key}:\n"
        year = ""
        for entry in entries:
            begins = str(entry.get("departure", entry.get("date", "")))[:4]
            if begins != year:
                year = begins
                yield f"    # {year}\n"
            line = yaml.safe_dump(entry, allow_unicode=True, sort_keys=False, width=_WIDTH, default_flow_style=True)
            yield f"    - {_unquoted(line)}"


def _unquoted(text: str) -> str:
    """Return the text with its days as our files write them; our reader makes no dates of them by itself."""
    return re.sub(r"'(\d{4}-\d{2}-\d{2})'", r"\1", text)
