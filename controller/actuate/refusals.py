"""What was refused is not tried again until a spec changes, or somebody may have changed the permissions."""

from datetime import datetime, timedelta

from controller.actuate.outcome import Refused
from controller.domain.names import ActionId

FORGOTTEN_AFTER = timedelta(minutes=5)
"""A role that was mended is no change of any spec of ours; it is noticed after this."""


class Refusals:
    """Remembers refused actions, as of one generation of the policies."""

    def __init__(self) -> None:
        self._generation = -1
        self._refused: dict[ActionId, tuple[Refused, datetime]] = {}

    def standing(self, action: ActionId, *, generation: int, now: datetime) -> Refused | None:
        """Return the refusal that still stands."""
        if generation != self._generation:
            self._generation = generation
            self._refused.clear()
        found = self._refused.get(action)
        if found is None or now - found[1] >= FORGOTTEN_AFTER:
            return None
        return found[0]

    def remember(self, action: ActionId, refused: Refused, now: datetime) -> None:
        """Keep the refusal."""
        self._refused[action] = (refused, now)
