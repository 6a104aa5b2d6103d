"""The HPAs and ScaledObjects of one site, by the workload that they target.

A cluster without KEDA has no ScaledObjects: that its kind is not served is an answer, not a failure.
"""

import asyncio
from datetime import datetime
from typing import NamedTuple

from controller.domain.fleet import ReplicaOwner, Target
from controller.domain.names import EntKey
from controller.kube.autoscalers import DECODERS, Autoscaler
from controller.kube.binding import Binding, bind
from controller.kube.client import Cluster
from controller.kube.errors import ApiError, NotFound
from controller.kube.informer import PROVING, Informer, Surroundings
from controller.kube.resources import HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS


class _Targeted(NamedTuple):
    namespace: str
    kind: str
    name: str


class AutoscalerSight:
    """Watches them; run `run` in a task of its own."""

    def __init__(self, cluster: Cluster, surroundings: Surroundings) -> None:
        self._informers = {
            resource: Informer(cluster, resource, decode, surroundings, timing=PROVING)
            for resource, decode in DECODERS.items()
        }
        self._by_target: dict[_Targeted, tuple[Autoscaler, ...]] = {}
        self._by_ent: dict[str, tuple[Autoscaler, ...]] = {}
        self._bindings: dict[tuple[ReplicaOwner, EntKey, Target], Binding] = {}
        self._indexed_at = -1

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers.values():
                group.create_task(informer.run())

    @property
    def known(self) -> bool:
        """Tell whether every autoscaler of the site has been listed."""
        return self._hpas.synced and (self._scaled_objects.synced or self._without_keda)

    @property
    def settled(self) -> bool:
        """Tell whether they have been listed, or asking has failed."""
        return self.known or self.trouble is not None

    @property
    def trouble(self) -> ApiError | None:
        """Return why they cannot be watched; None when they can."""
        return self._hpas.last_error or (None if self._without_keda else self._scaled_objects.last_error)

    def alive_at(self, owner: ReplicaOwner) -> datetime | None:
        """Return the last proof that the autoscalers which this owner needs are seen as they are."""
        informer = self._scaled_objects if owner is ReplicaOwner.KEDA_FLOOR else self._hpas
        return informer.alive_at if informer.synced else None

    def binding(self, owner: ReplicaOwner, ent: EntKey, target: Target) -> Binding:
        """Return what the owner may write for the workload."""
        if not self.known:
            return Binding(known=False)
        self._index()
        found = self._bindings.get((owner, ent, target))
        if found is None:
            targeting = self._by_target.get(_Targeted(ent.namespace, target.kind, target.name), ())
            found = self._bindings[(owner, ent, target)] = bind(owner, ent, target, targeting)
        return found

    def noted(self, ent: EntKey) -> tuple[Autoscaler, ...]:
        """Return those on which a floor of the ENT is noted."""
        self._index()
        return self._by_ent.get(str(ent), ())

    @property
    def _hpas(self) -> Informer[Autoscaler]:
        return self._informers[HORIZONTAL_POD_AUTOSCALERS]

    @property
    def _scaled_objects(self) -> Informer[Autoscaler]:
        return self._informers[SCALED_OBJECTS]

    @property
    def _without_keda(self) -> bool:
        return isinstance(self._scaled_objects.last_error, NotFound)

    def _index(self) -> None:
        """Sort what is seen by target and by note, once for every change."""
        version = sum(informer.version for informer in self._informers.values())
        if version == self._indexed_at:
            return
        self._indexed_at, self._by_target, self._by_ent, self._bindings = version, {}, {}, {}
        for informer in self._informers.values():
            for each in informer.objects.values():
                targeted = _Targeted(each.key.namespace, each.target_kind, each.target_name)
                self._by_target[targeted] = (*self._by_target.get(targeted, ()), each)
                if each.note is not None:
                    self._by_ent[each.note.ent] = (*self._by_ent.get(each.note.ent, ()), each)
