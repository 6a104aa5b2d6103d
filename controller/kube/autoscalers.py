"""HPAs and ScaledObjects as a few fields each: whom they scale, between which bounds, and what we noted on them.

What a floor was before we first raised it stands in an annotation of the autoscaler itself, written in the same
request as the floor: whoever is killed in between has done both or neither. `wrote` tells our own value from
somebody else's, over restarts too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from controller.kube.resources import HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS, ObjectKey, Resource

FLOOR_ANNOTATION = "sonnerie.dev/floor"

PAUSED_REPLICAS = "autoscaling.keda.sh/paused-replicas"
PAUSED = "autoscaling.keda.sh/paused"

KEDA_MOST_REPLICAS = 100
"""KEDA's `maxReplicaCount` where none is given."""


class FloorNote(msgspec.Struct, frozen=True, kw_only=True):
    """Our note on an autoscaler whose floor we write."""

    ent: str
    """For whom, as `namespace/name`."""
    before: int | None
    """What stood there before; None: nothing did."""
    wrote: int
    """What we wrote last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """One HPA or ScaledObject."""

    resource: Resource
    key: ObjectKey
    version: str
    target_kind: str
    target_name: str
    floor: int | None
    """The lower bound as it stands; None where none is given."""
    ceiling: int
    paused: bool = False
    """A ScaledObject that somebody told to leave the replicas alone."""
    idle_replicas: int | None = None
    """KEDA goes down to this when no trigger is active, whatever the floor says."""
    scaled_object: str | None = None
    """Of KEDA's own HPA: the ScaledObject it is made from."""
    note: FloorNote | None = None

    @property
    def floor_field(self) -> str:
        """Name of the field of the spec that holds the floor."""
        return "minReplicaCount" if self.resource is SCALED_OBJECTS else "minReplicas"

    @property
    def ceiling_field(self) -> str:
        """Name of the field of the spec that holds the ceiling."""
        return "maxReplicaCount" if self.resource is SCALED_OBJECTS else "maxReplicas"

    @property
    def floor_in_force(self) -> int:
        """The lower bound; KEDA takes none for 0, Kubernetes for 1."""
        return self.floor if self.floor is not None else int(self.resource is not SCALED_OBJECTS)

    def __str__(self) -> str:
        return f"{self.resource.kind} {self.key.name}"


class _Reference(msgspec.Struct):
    name: str
    kind: str = "Deployment"


class _Owner(msgspec.Struct):
    kind: str
    name: str


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = ""
    resource_version: str = ""
    annotations: dict[str, str] = {}
    owner_references: list[_Owner] = []


class _Spec(msgspec.Struct, rename="camel"):
    scale_target_ref: _Reference
    min_replicas: int | None = None
    max_replicas: int | None = None
    min_replica_count: int | None = None
    max_replica_count: int | None = None
    idle_replica_count: int | None = None


class _Object(msgspec.Struct):
    metadata: _Meta
    spec: _Spec


_OBJECTS = msgspec.json.Decoder(_Object)


def decoder(resource: Resource) -> Callable[[bytes], Autoscaler]:
    """Return the function that reads autoscalers of the kind."""

    def decode(body: bytes) -> Autoscaler:
        found = _OBJECTS.decode(body)
        meta, spec = found.metadata, found.spec
        keda = resource is SCALED_OBJECTS
        most = (spec.max_replica_count or KEDA_MOST_REPLICAS) if keda else (spec.max_replicas or 1)
        makers = [owner.name for owner in meta.owner_references if owner.kind == SCALED_OBJECTS.kind]
        return Autoscaler(
            resource=resource,
            key=ObjectKey(meta.namespace, meta.name),
            version=meta.resource_version,
            target_kind=spec.scale_target_ref.kind,
            target_name=spec.scale_target_ref.name,
            floor=spec.min_replica_count if keda else spec.min_replicas,
            ceiling=most,
            paused=keda and _paused(meta.annotations),
            idle_replicas=spec.idle_replica_count if keda else None,
            scaled_object=makers[0] if makers else None,
            note=_note(meta.annotations.get(FLOOR_ANNOTATION)),
        )

    return decode


decode_hpa = decoder(HORIZONTAL_POD_AUTOSCALERS)
decode_scaled_object = decoder(SCALED_OBJECTS)
DECODERS: Mapping[Resource, Callable[[bytes], Autoscaler]] = {
    HORIZONTAL_POD_AUTOSCALERS: decode_hpa,
    SCALED_OBJECTS: decode_scaled_object,
}


def write_note(note: FloorNote) -> dict[str, Any]:
    """Return the annotation."""
    return {FLOOR_ANNOTATION: msgspec.json.encode(note).decode()}


def _note(text: str | None) -> FloorNote | None:
    try:
        return msgspec.json.decode(text, type=FloorNote) if text else None
    except msgspec.MsgspecError:
        return None  # somebody edited it: then nothing is known of the floor before


def _paused(annotations: Mapping[str, str]) -> bool:
    """As KEDA reads it: a value that is no boolean counts as true."""
    return PAUSED_REPLICAS in annotations or annotations.get(PAUSED, "false").lower() not in ("false", "f", "0")
