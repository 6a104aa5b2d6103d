"""What stands on the terminal while the story is played, read from nothing but what is recorded."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from tests.demo import records
from tests.demo.phases import Phase, phase_at, phases
from tests.demo.recording import READINGS, VERDICT, Decision, read_decision
from tests.demo.records import Attempt, PortalSecond, Tail
from tests.demo.sentences import is_told
from tests.demo.story import Story

RECENT_SECONDS = 5.0
"""Rates on the terminal are means over this."""
KEPT_SECONDS = 30.0
DECISIONS_KEPT = 24
SILENT_AFTER_SECONDS = 3.0
"""A portal writes every second; one that has not for this long is not there."""


@dataclass(slots=True)
class Live:
    """The last moments, kept up to date by `look`."""

    story: Story
    folder: Path
    attempts: deque[Attempt] = field(default_factory=deque)
    portals: dict[tuple[str, str], PortalSecond] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    blind: set[str] = field(default_factory=set)
    """Sites of whose readings none is Fresh."""
    decisions: deque[Decision] = field(default_factory=lambda: deque(maxlen=DECISIONS_KEPT))
    untold: list[Decision] = field(default_factory=list)
    """Since the last look."""
    total: int = 0
    failed: int = 0
    acts: tuple[Phase, ...] = ()
    _tails: dict[str, Tail] = field(default_factory=dict)

    def look(self, now: float) -> None:
        """Read what is new."""
        self._read_requests(now)
        for site in self.story.sites:
            for row in self._new(records.portal_file(site.name)):
                second = PortalSecond.parse(row.split(","))
                self.portals[(second.ent, second.site)] = second
        self.untold = []
        for line in self._new(records.CONTROLLER_LOG):
            self._read_decision(line)
        self.acts = phases(self.story, records.read_marks(self.folder))

    def second(self, now: float) -> float | None:
        """Return the second of the story; None before the curtain was announced."""
        marks = records.read_marks(self.folder)
        return next((now - mark.at for mark in marks if mark.what == records.CURTAIN), None)

    def act(self, second: float) -> Phase | None:
        """Return the act that is played."""
        return phase_at(self.acts, second)

    def rates(self, ent: str, now: float) -> tuple[float, float, float]:
        """Return attempts, pages served and failures per second of an ENT."""
        recent = [a for a in self.attempts if a.ent == ent and now - a.over_at <= RECENT_SECONDS]
        failed = sum(attempt.failed for attempt in recent)
        return len(recent) / RECENT_SECONDS, (len(recent) - failed) / RECENT_SECONDS, failed / RECENT_SECONDS

    def portal(self, ent: str, site: str, now: float) -> PortalSecond | None:
        """Return what the ENT's portal at the site last wrote; None when it is silent."""
        last = self.portals.get((ent, site))
        return last if last is not None and now - last.at <= SILENT_AFTER_SECONDS else None

    def _new(self, name: str) -> list[str]:
        tail = self._tails.setdefault(name, Tail(self.folder / name))
        return [line for line in tail.new_lines() if line and not line.startswith("at,")]

    def _read_requests(self, now: float) -> None:
        for row in self._new(records.REQUESTS):
            attempt = Attempt.parse(row.split(","))
            self.attempts.append(attempt)
            self.total += 1
            self.failed += attempt.failed
        while self.attempts and now - self.attempts[0].over_at > KEPT_SECONDS:
            self.attempts.popleft()

    def _read_decision(self, line: str) -> None:
        decision = read_decision(line)
        if decision is None:
            return
        if decision.event == VERDICT:
            self.verdicts[decision.get("site")] = decision.get("verdict")
        if decision.event == READINGS:
            seen = "Fresh" in (decision.fields.get("now") or {})
            (self.blind.discard if seen else self.blind.add)(decision.get("site"))
        if is_told(decision):
            self.decisions.append(decision)
            self.untold.append(decision)
