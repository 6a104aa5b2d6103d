"""What was refused is not tried again until a spec changes, or somebody may have changed the permissions."""

from collections.abc import Hashable
from datetime import datetime, timedelta

from controller.actuate.outcome import Refused
from controller.domain.names import ActionId
from controller.domain.plan import Action, SetAdmission, SetDnsTargets, SetFloor, SetReplicas, SetWeights

Wanted = tuple[ActionId, Hashable, Hashable]
"""An action, what was there and what was to be."""

FORGOTTEN_AFTER = timedelta(minutes=5)
"""A role that was mended is no change of any spec of ours; it is noticed after this."""


class Refusals:
    """Remembers refused actions, as of one generation of the policies.

    What is refused is what was wanted, on what was there: eight replicas too many say nothing of five, and a site
    without a backend says nothing of an evacuation to another.
    """

    def __init__(self) -> None:
        self._generation = -1
        self._refused: dict[Wanted, tuple[Refused, datetime]] = {}

    def standing(self, action: Wanted, *, generation: int, now: datetime) -> Refused | None:
        """Return the refusal that still stands."""
        if generation != self._generation:
            self._generation = generation
            self._refused.clear()
        found = self._refused.get(action)
        if found is None or now - found[1] >= FORGOTTEN_AFTER:
            return None
        return found[0]

    def remember(self, action: Wanted, refused: Refused, now: datetime) -> None:
        """Keep the refusal, and forget those that no longer stand."""
        self._refused = {kept: found for kept, found in self._refused.items() if now - found[1] < FORGOTTEN_AFTER}
        self._refused[action] = (refused, now)


def wanted_of(action: Action) -> Wanted:
    """Return what makes it the same wish again."""
    match action:
        case SetReplicas(was=was, replicas=replicas) | SetFloor(was=was, replicas=replicas):
            return action.id, was, replicas
        case SetWeights(was=before, weights=weights):
            return action.id, before, weights
        case SetDnsTargets(was=answered, targets=targets):
            return action.id, answered, targets
        case SetAdmission(was=cap, max_concurrent=most):
            return action.id, cap, most
