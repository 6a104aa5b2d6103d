"""School windows, resolved once per local date and policy, handed out as the World carries them.

An ordinary cycle looks nothing up: what it hands out stays the same until a window comes near or lies behind. When a
date begins, one more date is resolved; when a policy changes, the dates of the ENTs that it concerns.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter

from controller.domain.names import EntKey
from controller.domain.schooldays import Calendar
from controller.domain.schooltime import (
    Facts,
    SchoolPolicies,
    facts_of,
    local_dates,
    warnings,
    windows_of_suspensions,
    windows_on,
)
from controller.domain.windows import Window
from controller.observe.policies import Policies

LOOK_BACK = timedelta(hours=24)
LOOK_AHEAD = timedelta(hours=48)
ONE_DAY = timedelta(days=1)
_START = attrgetter("start")
_END = attrgetter("end")
_ORDER = attrgetter(*Window.__slots__)
"""The order of windows, compared as plain tuples: five times as fast."""


AHEAD_AT_ONCE = 16
"""ENTs whose next date is resolved in a cycle that has nothing else to resolve: a thousand in five minutes."""


@dataclass(slots=True)
class _Known:
    """What was resolved for one ENT."""

    policies: SchoolPolicies
    by_date: dict[date, tuple[Window, ...]]
    suspensions: set[Window]
    ahead: dict[date, tuple[Window, ...]] = field(default_factory=dict)
    """The next date, resolved while there was time."""

    def all(self) -> Iterator[Window]:
        """Return all of them."""
        yield from self.suspensions
        for windows in self.by_date.values():
            yield from windows


@dataclass(frozen=True, slots=True)
class _Handed:
    """What was handed out, and for how long it stays true."""

    since: datetime
    until: datetime
    windows: tuple[Window, ...]


class SchoolBook:
    """Windows of all ENTs."""

    def __init__(self) -> None:
        self._made_for: tuple[datetime, int] | None = None
        self._known: dict[EntKey, _Known] = {}
        self._windows: list[Window] = []
        self._from: datetime | None = None
        self._shared: _Shared | None = None
        self._unprepared: list[_Known] = []
        """ENTs whose next date is not resolved yet."""
        self._handed: _Handed | None = None
        self.warnings_of: Mapping[EntKey, tuple[str, ...]] = {}
        """What a policy author should know of each ENT, such as a calendar past its end; only those with a warning."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a policy author should know, each thing once."""
        return tuple(sorted({warning for found in self.warnings_of.values() for warning in found}))

    def windows(self, policies: Policies, now: datetime) -> tuple[Window, ...]:
        """Return the windows from 24 h before now to 48 h after it, sorted."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if self._made_for != (midnight, policies.generation):
            self._resolve(policies.declared.school, midnight - LOOK_BACK, midnight + ONE_DAY + LOOK_AHEAD)
            self._made_for = (midnight, policies.generation)
            self._handed = None
        elif self._unprepared:
            self._look_ahead()
        handed = self._handed
        if handed is None or not handed.since <= now < handed.until:
            handed = self._handed = self._hand_out(now)
        return handed.windows

    def _look_ahead(self) -> None:
        """Resolve the next date of a few ENTs, so that the cycle after midnight does not resolve all of them."""
        for known in self._unprepared[-AHEAD_AT_ONCE:]:
            if self._shared is not None:
                self._shared.look_ahead(known)
        del self._unprepared[-AHEAD_AT_ONCE:]

    def _hand_out(self, now: datetime) -> _Handed:
        oldest, farthest = now - LOOK_BACK, now + LOOK_AHEAD
        begun = bisect_right(self._windows, farthest, key=_START)
        near = [window for window in self._windows[:begun] if window.end > oldest]
        until = min(map(_END, near), default=now + ONE_DAY) + LOOK_BACK
        if begun < len(self._windows):
            until = min(until, self._windows[begun].start - LOOK_AHEAD)
        return _Handed(since=now, until=until, windows=tuple(near))

    def _resolve(self, school: Iterable[SchoolPolicies], start: datetime, end: datetime) -> None:
        shared = self._shared = _Shared(start, end)
        known: dict[EntKey, _Known] = {}
        said: dict[EntKey, tuple[str, ...]] = {}
        new: list[Window] = []
        unchanged = self._from is None or self._from <= start  # a clock set back finds what was dropped
        self._from = start
        for policies in school:
            before = self._known.get(policies.ent)
            if before is None or (before.policies is not policies and before.policies != policies):
                facts = shared.facts(policies.calendar)
                before, unchanged = _Known(policies, {}, windows_of_suspensions(policies, facts)), False
                new += before.suspensions
            known[policies.ent] = shared.brought_up(before, policies, new)
            warned = shared.warnings(policies)
            if warned:
                said[policies.ent] = warned
        if not unchanged or known.keys() != self._known.keys():
            new = [window for each in known.values() for window in each.all()]
            self._windows = []
        self._known, self.warnings_of = known, said
        self._unprepared = list(known.values())
        kept = [window for window in self._windows if start < window.end]
        # Those of a new date come after nearly all of the others, which need not be sorted again.
        before_all = bisect_left(kept, min((w.start for w in new), default=end), key=_START)
        self._windows = kept[:before_all] + sorted(kept[before_all:] + new, key=_ORDER)


class _Shared:
    """What ENTs with the same calendar or the same zone share while windows are resolved."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self._start, self._end = start, end
        self._facts: dict[int, Facts] = {}
        self._dates: dict[str, tuple[date, ...]] = {}
        self._warnings: dict[tuple[int, str], tuple[str, ...]] = {}

    def facts(self, calendar: Calendar | None) -> Facts:
        """Return what the calendar says of each date, looked up once for all its ENTs."""
        found = self._facts.get(id(calendar))
        if found is None:
            found = self._facts[id(calendar)] = facts_of(calendar)
        return found

    def brought_up(self, known: _Known, policies: SchoolPolicies, new: list[Window]) -> _Known:
        """Return the windows of all dates, and put those that were not resolved yet into `new`."""
        zone = policies.time_zone
        if zone not in self._dates:
            self._dates[zone] = local_dates(zone, self._start, self._end)
        by_date = {}
        for day in self._dates[zone]:
            found = known.by_date.get(day)
            if found is None:
                found = known.ahead.get(day)
                if found is None:
                    found = windows_on(policies, day, self.facts(policies.calendar))
                new += found
            by_date[day] = found
        return _Known(policies, by_date, known.suspensions)

    def look_ahead(self, known: _Known) -> None:
        """Resolve the date after the last one."""
        following = max(known.by_date) + ONE_DAY
        known.ahead[following] = windows_on(known.policies, following, self.facts(known.policies.calendar))

    def warnings(self, policies: SchoolPolicies) -> tuple[str, ...]:
        """Return what the author should know of the ENT's calendar."""
        identity = (id(policies.calendar), policies.time_zone)
        if identity not in self._warnings:
            facts = self.facts(policies.calendar)
            self._warnings[identity] = warnings(policies, facts, self._start, self._end)
        return self._warnings[identity]
