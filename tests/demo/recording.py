"""Everything that was written down in one morning, read back as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.demo import records
from tests.demo.records import Attempt, Mark, PortalSecond, Weight
from tests.demo.story import Story

ACTION, WITHHELD, VERDICT, READINGS = "action", "withheld", "verdict", "readings"
"""Events of the controller's log that the story is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One line of the controller's log."""

    at: float
    event: str
    fields: Mapping[str, Any]

    def get(self, name: str) -> str:
        """Return a field as text; empty when it is not there."""
        return str(self.fields.get(name, ""))

    @property
    def ent(self) -> str:
        """Return the ENT's name without its namespace; empty when the line is about no ENT."""
        return self.get("ent").rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerFacts:
    """What is known of the controller's process; None: not measured."""

    cycle_p99_milliseconds: float | None = None
    rss_megabytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One morning."""

    story: Story = field(default_factory=Story)
    attempts: tuple[Attempt, ...] = ()
    seconds: tuple[PortalSecond, ...] = ()
    weights: tuple[Weight, ...] = ()
    marks: tuple[Mark, ...] = ()
    decisions: tuple[Decision, ...] = ()
    controller: ControllerFacts = ControllerFacts()

    def marked(self, what: str) -> float | None:
        """Return when the director did it; None when never."""
        return next((mark.at for mark in self.marks if mark.what == what), None)


def read_recording(folder: Path, story: Story) -> Recording:
    """Read what lies in the folder; what is not there is empty."""
    seconds = [
        second
        for site in story.sites
        for second in records.read_lines(folder / records.portal_file(site.name), PortalSecond)
    ]
    facts = folder / records.CONTROLLER_FACTS
    log = folder / records.CONTROLLER_LOG
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    found = (read_decision(line) for line in lines)
    return Recording(
        story=story,
        attempts=tuple(sorted(records.read_lines(folder / records.REQUESTS, Attempt), key=lambda a: a.at)),
        seconds=tuple(sorted(seconds, key=lambda s: (s.at, s.site, s.ent))),
        weights=tuple(records.read_lines(folder / records.WEIGHTS, Weight)),
        marks=tuple(records.read_marks(folder)),
        decisions=tuple(decision for decision in found if decision is not None),
        controller=ControllerFacts(**json.loads(facts.read_text())) if facts.exists() else ControllerFacts(),
    )


def read_decision(line: str) -> Decision | None:
    """Read one line of the controller's log; None for what is no JSON line of ours, such as a traceback."""
    try:
        content = json.loads(line)
        at = datetime.fromisoformat(content["at"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return None
    return Decision(at=at, event=str(content.get("event", "")), fields=content)
