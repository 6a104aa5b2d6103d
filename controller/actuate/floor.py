"""Floors of somebody else's autoscaler: `minReplicas` of an HPA, `minReplicaCount` of a ScaledObject.

One server-side apply writes the floor and the note of what stood there before, on the version that was read. Never
above the autoscaler's own maximum, never on KEDA's own HPA, never on one that is paused.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from controller.actuate.answers import again, answered
from controller.actuate.outcome import Done, Outcome, Refused
from controller.actuate.rivals import Revert, Rivals
from controller.actuate.scale import Bindings, Clusters
from controller.domain.fleet import ReplicaOwner
from controller.domain.names import EntKey
from controller.domain.plan import SetFloor
from controller.kube.apply import server_side_apply
from controller.kube.autoscalers import DECODERS, Autoscaler, FloorNote, write_note
from controller.kube.client import Cluster
from controller.kube.field_owners import newest_writer
from controller.kube.resources import HORIZONTAL_POD_AUTOSCALERS

Owners = Callable[[EntKey], ReplicaOwner | None]
"""Says who owns the replicas of an ENT; None when it is not declared any more."""

Held = Callable[[EntKey], bool]
"""Tells whether the ENT's finalizer stands: only then is it sure that a floor will be given back."""


class FloorWriter:
    """Writes floors at the sites whose clusters it was given."""

    def __init__(
        self, clusters: Clusters, bindings: Bindings, owners: Owners, held: Held, rivals: Rivals,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._clusters = clusters
        self._bindings = bindings
        self._owners = owners
        self._held = held
        self._rivals = rivals
        self._now = now

    async def set_floor(self, action: SetFloor) -> Outcome:
        """Write the floor, provided that it is as the plan knew it."""
        cluster, owner = self._clusters().get(action.site), self._owners(action.ent)
        if cluster is None:
            return again(self._now(), f"site {action.site} has no connected cluster")
        if owner is None:
            return again(self._now(), f"{action.ent} is not declared any more")
        binding = self._bindings(action.site, owner, action.ent, action.target)
        if not binding.known:
            return again(self._now(), f"the autoscalers at {action.site} have not been seen")
        if binding.obstacle is not None:
            return Refused(why=binding.obstacle.text)
        if not self._held(action.ent):
            return again(self._now(), f"{action.ent} has no finalizer yet, which would give the floor back")
        stopped = self._rivals.stopped(action.id, self._now())
        if stopped is not None or binding.autoscaler is None:
            return stopped or Refused(why=f"{owner} has no floor")
        bound = binding.autoscaler

        async def work() -> Outcome:
            return await self._write(action, bound, cluster)

        return await answered(work, name=cluster.name, now=self._now)

    async def _write(self, action: SetFloor, bound: Autoscaler, cluster: Cluster) -> Outcome:
        body = await cluster.call("GET", bound.resource.path(bound.key))
        found = DECODERS[bound.resource](body)
        floor = highest_floor(found, action.replicas)
        stopped = self._yielded(action, found, body, floor)
        if stopped is not None:
            return stopped
        if found.floor_in_force == floor:
            return self._reached(action, found)
        if found.floor_in_force != action.was:
            return again(self._now(), f"the floor of {found} is {found.floor_in_force}, the plan knew {action.was}")
        await apply_floor(cluster, found, action.ent, floor)
        self._rivals.wrote(action.id, floor)
        return self._reached(action, found)

    def _yielded(self, action: SetFloor, found: Autoscaler, body: bytes, floor: int) -> Outcome | None:
        """Count a floor that somebody has changed since we wrote it, and stop at the third time."""
        if found.note is not None and found.note.ent == str(action.ent):
            self._rivals.expect(action.id, found.note.wrote)
        undone = self._rivals.undone(action.id, found=found.floor_in_force, wanted=floor)
        if undone is None:
            return None
        revert = Revert(
            ent=action.ent,
            what=f"{found.floor_field} of {found} at {action.site}",
            wrote=undone,
            found=found.floor_in_force,
            manager=newest_writer(body, "spec", found.floor_field),
        )
        self._rivals.reverted(action.id, revert, self._now())
        return self._rivals.stopped(action.id, self._now())

    def _reached(self, action: SetFloor, found: Autoscaler) -> Outcome:
        if found.ceiling >= action.replicas:
            return Done()
        text = f"{action.replicas} replicas are needed at {action.site}, and {found.ceiling_field} of {found}"
        return Refused(why=f"{text} is {found.ceiling}: the floor stands there; raise {found.ceiling_field}")


def highest_floor(found: Autoscaler, replicas: int) -> int:
    """Return the floor that is written for so many replicas: within the bounds of the autoscaler."""
    least = 1 if found.resource is HORIZONTAL_POD_AUTOSCALERS else 0
    return max(least, min(replicas, found.ceiling))


async def apply_floor(cluster: Cluster, found: Autoscaler, ent: EntKey, floor: int, *, dry_run: bool = False) -> None:
    """Write the floor and the note, on the version that was read.

    Raises:
        ApiError: it was refused, or somebody wrote meanwhile.
    """
    before = found.note.before if found.note is not None and found.note.ent == str(ent) else found.floor
    note = FloorNote(ent=str(ent), before=before, wrote=floor)
    metadata: dict[str, Any] = {"resourceVersion": found.version, "annotations": write_note(note)}
    fields = {"spec": {found.floor_field: floor}}
    await server_side_apply(cluster, found.resource, found.key, fields, metadata=metadata, dry_run=dry_run)
