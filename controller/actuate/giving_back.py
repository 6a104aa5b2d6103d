"""Giving floors back: what stood there before, when the ENT goes or somebody else becomes the owner.

Level-based, so that it may be cut short at any instruction: the note on an autoscaler says what it owes, the finalizer
on the ENT says that there may be notes. The finalizer goes on before the first note and off after the last.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from controller.actuate.answers import answered
from controller.actuate.outcome import Done, Outcome
from controller.kube.apply import server_side_apply
from controller.kube.autoscalers import DECODERS, FLOOR_ANNOTATION, Autoscaler
from controller.kube.client import Cluster
from controller.kube.json_patch import Operation, expecting, patch_guarded, pointer
from controller.kube.resources import ObjectKey, Resource

FINALIZER = "sonnerie.dev/floors"

_AT_ANNOTATION = pointer("metadata", "annotations", FLOOR_ANNOTATION)


async def give_back(cluster: Cluster, autoscaler: Autoscaler, now: Callable[[], datetime]) -> Outcome:
    """Restore the floor that stood before and take our note off, both at once.

    A floor that is not what we wrote last is somebody's own: then only the note goes.
    """

    async def work() -> Outcome:
        found = DECODERS[autoscaler.resource](await cluster.call("GET", autoscaler.resource.path(autoscaler.key)))
        if found.note is not None:
            operations = [*_restored(found), {"op": "remove", "path": _AT_ANNOTATION}]
            await patch_guarded(cluster, found.resource, found.key, operations, resource_version=found.version)
        return Done()

    return await answered(work, name=cluster.name, now=now)


def _restored(found: Autoscaler) -> list[Operation]:
    path = pointer("spec", found.floor_field)
    note = found.note
    if note is None or found.floor != note.wrote:
        return []
    if note.before is None:
        return [{"op": "remove", "path": path}]
    return [{"op": "replace", "path": path, "value": min(note.before, found.ceiling)}]


class _Meta(msgspec.Struct, rename="camel"):
    resource_version: str
    finalizers: list[str] = []


class _Object(msgspec.Struct):
    metadata: _Meta


async def hold(
    cluster: Cluster, resource: Resource, key: ObjectKey, *, uid: str, now: Callable[[], datetime]
) -> Outcome:
    """Put the finalizer on the object, which must be the one with this uid."""

    async def work() -> Outcome:
        await server_side_apply(cluster, resource, key, {}, metadata={"uid": uid, "finalizers": [FINALIZER]})
        return Done()

    return await answered(work, name=cluster.name, now=now)


async def let_go(cluster: Cluster, resource: Resource, key: ObjectKey, now: Callable[[], datetime]) -> Outcome:
    """Take the finalizer off, and no other."""

    async def work() -> Outcome:
        found = msgspec.json.decode(await cluster.call("GET", resource.path(key)), type=_Object).metadata
        if FINALIZER in found.finalizers:
            path = pointer("metadata", "finalizers", found.finalizers.index(FINALIZER))
            operations: list[Operation] = [expecting(path, FINALIZER), {"op": "remove", "path": path}]
            await patch_guarded(cluster, resource, key, operations, resource_version=found.resource_version)
        return Done()

    return await answered(work, name=cluster.name, now=now)
