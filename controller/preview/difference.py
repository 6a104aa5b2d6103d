"""What a change of policies changes: which floors, when, by how much, and what it costs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from controller.domain.names import EntKey
from controller.preview.wanted import Ahead, Wanted

SOON = timedelta(days=7)
"""A fall within a week comes before most reviewers look again."""
LARGEST_FALL_PERCENT = 20
"""A floor that falls by more than this soon wants a second pair of eyes (issue 5)."""
NOT_THERE = "there is no such RegionalENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From `start` to `end`, half-open, one floor differs, by the same all the time."""

    start: datetime
    end: datetime
    ent: EntKey
    old_replicas: int
    new_replicas: int
    old_because: str
    new_because: str
    source: str
    """The policy and bell that decides from now on."""

    @property
    def replicas(self) -> int:
        """Return how many replicas more are wanted; below 0, how many fewer."""
        return self.new_replicas - self.old_replicas

    @property
    def percent(self) -> float | None:
        """Return by how much the floor rises, of what it was; None where it was nothing."""
        return round(100 * self.replicas / self.old_replicas, 1) if self.old_replicas else None

    @property
    def replica_hours(self) -> float:
        """Return what the change costs; below 0, what it saves."""
        return self.replicas * (self.end - self.start).total_seconds() / 3600

    def falls_soon(self, now: datetime) -> bool:
        """Tell whether the floor falls by more than a fifth within a week: what a reviewer must not miss."""
        fall = 100 * (self.old_replicas - self.new_replicas)
        return fall > LARGEST_FALL_PERCENT * self.old_replicas and self.start < now + SOON


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Replica-hours of one ENT before and after."""

    ent: EntKey
    old_replica_hours: float
    new_replica_hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Everything that differs, sorted by ENT and time."""

    changes: tuple[Change, ...]
    costs: tuple[Cost, ...]
    """Of every ENT that either side has."""


def difference(old: Ahead, new: Ahead) -> Difference:
    """Return what differs between two looks at the same span of time."""
    keys = sorted({*old.by_ent, *new.by_ent})
    return Difference(
        changes=tuple(change for key in keys for change in _joined(_changes(key, old, new))),
        costs=tuple(
            Cost(ent=key, old_replica_hours=_replica_hours(old, key), new_replica_hours=_replica_hours(new, key))
            for key in keys
        ),
    )


def _replica_hours(ahead: Ahead, key: EntKey) -> float:
    return sum(wanted.replica_hours for wanted in ahead.by_ent.get(key, ()))


def _changes(key: EntKey, old: Ahead, new: Ahead) -> Iterator[Change]:
    before, after = old.by_ent.get(key, ()), new.by_ent.get(key, ())
    instants = sorted({edge for wanted in (*before, *after) for edge in (wanted.start, wanted.end)})
    for start, end in pairwise(instants):
        was, will_be = _at(before, start), _at(after, start)
        change = Change(
            start=start,
            end=end,
            ent=key,
            old_replicas=0 if was is None else was.replicas,
            new_replicas=0 if will_be is None else will_be.replicas,
            old_because=NOT_THERE if was is None else was.because,
            new_because=NOT_THERE if will_be is None else will_be.because,
            source=NOT_THERE if will_be is None else will_be.source,
        )
        if change.replicas:
            yield change


def _at(found: tuple[Wanted, ...], instant: datetime) -> Wanted | None:
    return next((wanted for wanted in found if wanted.start <= instant < wanted.end), None)


def _joined(changes: Iterator[Change]) -> Iterator[Change]:
    """Join changes that touch and say the same."""
    last: Change | None = None
    for change in changes:
        if (
            last is not None
            and last.end == change.start
            and replace(last, end=change.end, start=change.start) == change
        ):
            last = replace(last, end=change.end)
            continue
        if last is not None:
            yield last
        last = change
    if last is not None:
        yield last
