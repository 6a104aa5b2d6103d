"""Somebody else who writes what we write: seen by value, named by `managedFields`, and never fought.

A value that is neither what we wrote last nor what we want now was put there by somebody. The third time within ten
minutes we stop writing it, and say who it is. We begin again when a policy changes, since that is what people do to
mend it, or after half an hour; whoever reverts us then has had his three chances already.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.actuate.outcome import Refused
from controller.domain.names import ActionId, EntKey

REVERTS = 3
WITHIN = timedelta(minutes=10)
"""Three reverts in ten minutes are no accident (design §4)."""

STOPPED_FOR = timedelta(minutes=30)
"""Long enough not to be a fight, short enough that a mended manifest is noticed before the next bell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revert:
    """One change of ours that was undone. `what` names the object and its site, for people."""

    ent: EntKey
    what: str
    wrote: Hashable
    found: Hashable
    manager: str


@dataclass(slots=True)
class _Watched:
    wrote: Hashable | None = None
    reverts: list[datetime] = field(default_factory=list)
    last: Revert | None = None
    stopped_at: datetime | None = None


class Rivals:
    """What was written last by which action, and what became of it."""

    def __init__(self) -> None:
        self._watched: dict[ActionId, _Watched] = {}
        self._generation = -1

    def wrote(self, action: ActionId, value: Hashable) -> None:
        """Remember what stands there by our hand."""
        self._watched.setdefault(action, _Watched()).wrote = value

    def expect(self, action: ActionId, value: Hashable) -> None:
        """Take over what an earlier process wrote there, unless more is known."""
        if action not in self._watched:
            self.wrote(action, value)

    def undone(self, action: ActionId, *, found: Hashable, wanted: Hashable) -> Hashable | None:
        """Return what we had written if somebody has changed it since; None if nobody has, or nothing is known."""
        wrote = self._watched[action].wrote if action in self._watched else None
        return wrote if wrote is not None and found not in (wrote, wanted) else None

    def reverted(self, action: ActionId, revert: Revert, now: datetime) -> None:
        """Count a change that was undone, once: what stands there now is not ours any more."""
        watched = self._watched.setdefault(action, _Watched())
        watched.wrote, watched.last = None, revert
        watched.reverts = [at for at in watched.reverts if now - at < WITHIN] + [now]
        if len(watched.reverts) >= REVERTS or watched.stopped_at is not None:
            watched.stopped_at = now

    def follow(self, generation: int) -> None:
        """Begin again where a policy has changed."""
        if generation != self._generation:
            self._generation = generation
            for watched in self._watched.values():
                watched.stopped_at, watched.reverts = None, []

    def stopped(self, action: ActionId, now: datetime) -> Refused | None:
        """Return why nothing is written, while that holds."""
        watched = self._watched.get(action)
        if watched is None or not self._holds(watched, now):
            return None
        return Refused(why=_sentence(watched))

    def found(self, now: datetime) -> Mapping[EntKey, str]:
        """Return by ENT the rivals to whom we have yielded, as sentences."""
        found: dict[EntKey, list[str]] = {}
        for _, watched in sorted(self._watched.items()):
            if watched.last is not None and self._holds(watched, now):
                found.setdefault(watched.last.ent, []).append(_sentence(watched))
        return {ent: "; ".join(texts) for ent, texts in found.items()}

    def _holds(self, watched: _Watched, now: datetime) -> bool:
        return watched.stopped_at is not None and now - watched.stopped_at < STOPPED_FOR


def _sentence(watched: _Watched) -> str:
    revert, since = watched.last, watched.stopped_at
    assert revert is not None
    assert since is not None
    text = f"{revert.manager} keeps changing {revert.what} back (last from {revert.wrote} to {revert.found})"
    until = since + STOPPED_FOR
    return f"{text}: nothing is written there until {until:%H:%M}Z or a policy changes; see docs/gitops.md"
