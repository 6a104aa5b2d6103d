"""Replicas at the sites: Deployments and StatefulSets as seven fields each, and since when they are as they are.

Where an autoscaler owns the count, what is wanted is its floor: that is what we write.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

import msgspec

from controller.domain.fleet import Ent, Placement, ReplicaOwner, Target
from controller.domain.names import EntKey, SiteName
from controller.domain.world import ReplicaState
from controller.kube.binding import Binding
from controller.kube.resources import ObjectKey


class _Spec(msgspec.Struct):
    template: msgspec.Raw
    replicas: int = 1


class _Condition(msgspec.Struct):
    type: str
    status: str = ""
    message: str = ""


class _Status(msgspec.Struct, rename="camel"):
    ready_replicas: int = 0
    conditions: list[_Condition] = []


class _Object(msgspec.Struct):
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)


_OBJECTS = msgspec.json.Decoder(_Object)


@dataclass(frozen=True, slots=True)
class Workload:
    """What is kept of a Deployment or StatefulSet."""

    wanted: int
    ready: int
    revision: str
    """Digest of the pod template, which changes with every rollout and with nothing else."""
    refused: str = ""
    """Why its pods cannot be created, in the words of the API server: a quota, a LimitRange, a policy."""


PODS_REFUSED = "ReplicaFailure"
"""The condition in which Kubernetes tells of it."""


def decode_workload(body: bytes) -> Workload:
    """Return what is kept of the object."""
    found = _OBJECTS.decode(body)
    revision = blake2b(bytes(found.spec.template), digest_size=6).hexdigest()
    refused = next((c.message for c in found.status.conditions if c.type == PODS_REFUSED and c.status == "True"), "")
    return Workload(wanted=found.spec.replicas, ready=found.status.ready_replicas, revision=revision, refused=refused)


class WorkloadView(Protocol):
    """The workloads of one site as last seen."""

    @property
    def alive_at(self) -> datetime | None:
        """The last proof that what is seen is what is."""
        ...

    def find(self, target: Target, key: ObjectKey) -> Workload | None:
        """Return the target, if it was ever seen and is not deleted."""
        ...

    @property
    def autoscalers(self) -> "AutoscalerView":
        """The autoscalers of the site as last seen."""
        ...


class AutoscalerView(Protocol):
    """The autoscalers of one site as last seen."""

    def alive_at(self, owner: ReplicaOwner) -> datetime | None:
        """The last proof that the autoscalers which this owner needs are seen as they are."""
        ...

    def binding(self, owner: ReplicaOwner, ent: EntKey, target: Target) -> Binding:
        """Return what the owner may write for the workload."""
        ...


@dataclass(slots=True)
class _Since:
    pending: datetime | None = None
    revision: str = ""
    revision_since: datetime | None = None


class ReplicaTracker:
    """Turns workloads into replica states and remembers since when fewer are Ready than wanted.

    The first revision seen has no `since`: how long it had been there before us is not known.
    """

    def __init__(self) -> None:
        self._since: dict[tuple[EntKey, SiteName], _Since] = {}

    def states(
        self, ents: Iterable[Ent], views: Mapping[SiteName, WorkloadView], now: datetime
    ) -> tuple[ReplicaState, ...]:
        """Return the state of every placement whose target has been seen, sorted."""
        found = []
        placed = [(ent, placement) for ent in ents for placement in ent.placements]
        declared = {(ent.key, placement.site) for ent, placement in placed}
        self._since = {identity: since for identity, since in self._since.items() if identity in declared}
        for ent, placement in placed:
            state = self._state(ent, placement, views.get(placement.site), now)
            if state is not None:
                found.append(state)
        return tuple(sorted(found, key=lambda state: (state.ent, state.site)))

    def _state(self, ent: Ent, placement: Placement, view: WorkloadView | None, now: datetime) -> ReplicaState | None:
        if view is None or view.alive_at is None:
            return None
        workload = view.find(placement.target, ObjectKey(ent.key.namespace, placement.target.name))
        seen_at: datetime | None = view.alive_at
        if workload is not None and ent.owner is not ReplicaOwner.SCALE:
            proven_at = view.autoscalers.alive_at(ent.owner)
            seen_at = min(view.alive_at, proven_at) if proven_at is not None else None
            workload = _by_floor(workload, view.autoscalers.binding(ent.owner, ent.key, placement.target))
        if workload is None or seen_at is None:
            return None
        since = self._since.setdefault((ent.key, placement.site), _Since(revision=workload.revision))
        if workload.ready >= workload.wanted:
            since.pending = None
        elif since.pending is None:
            since.pending = now
        if workload.revision != since.revision:
            since.revision, since.revision_since = workload.revision, now
        return ReplicaState(
            ent=ent.key,
            site=placement.site,
            wanted=workload.wanted,
            ready=workload.ready,
            seen_at=seen_at,
            pending_since=since.pending,
            revision=workload.revision,
            revision_since=since.revision_since,
        )


def _by_floor(workload: Workload, binding: Binding) -> Workload:
    """What is wanted of it is the floor; without an autoscaler nobody holds one, and the count is what there is."""
    if binding.autoscaler is None:
        return workload
    return replace(workload, wanted=binding.autoscaler.floor_in_force)


class Ceilings:
    """ENTs whose placements an autoscaler bounds more tightly than they declare: nothing above it can be had."""

    def __init__(self) -> None:
        self._bounded: dict[EntKey, tuple[Ent, tuple[int, ...], Ent]] = {}

    def applied(self, ents: Iterable[Ent], views: Mapping[SiteName, WorkloadView]) -> tuple[Ent, ...]:
        """Return the ENTs as they can be; one that does not change stays the same value."""
        found, bounded = [], {}
        for ent in ents:
            if ent.owner is ReplicaOwner.SCALE:
                found.append(ent)
                continue
            most = tuple(_most(ent, placement, views.get(placement.site)) for placement in ent.placements)
            before = self._bounded.get(ent.key)
            after = before[2] if before is not None and before[:2] == (ent, most) else _lowered(ent, most)
            bounded[ent.key] = (ent, most, after)
            found.append(after)
        self._bounded = bounded
        return tuple(found)


def _most(ent: Ent, placement: Placement, view: WorkloadView | None) -> int:
    bound = view.autoscalers.binding(ent.owner, ent.key, placement.target).autoscaler if view is not None else None
    return placement.max_replicas if bound is None else min(placement.max_replicas, max(1, bound.ceiling))


def _lowered(ent: Ent, most: tuple[int, ...]) -> Ent:
    placements = tuple(
        replace(placement, max_replicas=top, min_replicas=min(placement.min_replicas, top))
        for placement, top in zip(ent.placements, most, strict=True)
    )
    return ent if placements == ent.placements else replace(ent, placements=placements)
