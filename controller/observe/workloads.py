"""Replicas at the sites: Deployments and StatefulSets as six fields each, and since when they are as they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

import msgspec

from controller.domain.fleet import Ent, Placement, Target
from controller.domain.names import EntKey, SiteName
from controller.domain.world import ReplicaState
from controller.kube.resources import ObjectKey


class _Spec(msgspec.Struct):
    template: msgspec.Raw
    replicas: int = 1


class _Status(msgspec.Struct, rename="camel"):
    ready_replicas: int = 0


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


def decode_workload(body: bytes) -> Workload:
    """Return what is kept of the object."""
    found = _OBJECTS.decode(body)
    revision = blake2b(bytes(found.spec.template), digest_size=6).hexdigest()
    return Workload(wanted=found.spec.replicas, ready=found.status.ready_replicas, revision=revision)


class WorkloadView(Protocol):
    """The workloads of one site as last seen."""

    @property
    def alive_at(self) -> datetime | None:
        """The last proof that what is seen is what is."""
        ...

    def find(self, target: Target, key: ObjectKey) -> Workload | None:
        """Return the target, if it was ever seen and is not deleted."""
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
        if workload is None:
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
            seen_at=view.alive_at,
            pending_since=since.pending,
            revision=workload.revision,
            revision_since=since.revision_since,
        )
