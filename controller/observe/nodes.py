"""The nodes of one site, and how many Ready pods of each workload stand on nodes that are not silent.

Pods are many and large, so they are watched only while a node is silent; otherwise what a Deployment counts is what is
there. Until the pods have been listed, or if they may not be, the Deployment's count stands.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import msgspec

from controller.kube.client import Cluster
from controller.kube.errors import ApiError
from controller.kube.informer import PROVING, Informer, Surroundings
from controller.kube.resources import LEASES, PODS, ObjectKey
from controller.observe.heartbeats import Heartbeats, decode_renewal

NODE_LEASES = "kube-node-lease"
"""Where kubelets keep the Leases of their nodes."""

LOOK_SECONDS = 1.0
"""Between looks at the heartbeats: small beside the fifteen seconds of silence that count."""

BOUND_AND_RUNNING = "status.phase=Running,spec.nodeName!="
HASH_LABEL = "pod-template-hash"
"""A Deployment's pods belong to a ReplicaSet that is called as the Deployment and this hash."""


class Owner(NamedTuple):
    """A Deployment or StatefulSet."""

    namespace: str
    kind: str
    name: str


class ReadyPod(NamedTuple):
    """A pod that is Ready, whose it is and where it stands."""

    owner: Owner
    node: str


class _Reference(msgspec.Struct):
    kind: str
    name: str
    controller: bool = False


class _Meta(msgspec.Struct, rename="camel"):
    namespace: str = ""
    labels: dict[str, str] = {}
    owner_references: list[_Reference] = []


class _Spec(msgspec.Struct, rename="camel"):
    node_name: str = ""


class _Condition(msgspec.Struct):
    type: str
    status: str


class _Status(msgspec.Struct):
    conditions: list[_Condition] = []


class _Pod(msgspec.Struct):
    metadata: _Meta
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)


_PODS = msgspec.json.Decoder(_Pod)


def decode_pod(body: bytes) -> ReadyPod | None:
    """Return what is kept of a pod; None of one that is not Ready or belongs to no workload that is scaled here."""
    pod = _PODS.decode(body)
    ready = any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions)
    owner = _owner(pod.metadata)
    return ReadyPod(owner, pod.spec.node_name) if ready and owner else None


def _owner(meta: _Meta) -> Owner | None:
    for reference in meta.owner_references:
        suffix = f"-{meta.labels.get(HASH_LABEL, '')}"
        if reference.controller and reference.kind == "StatefulSet":
            return Owner(meta.namespace, "StatefulSet", reference.name)
        if reference.controller and reference.kind == "ReplicaSet" and reference.name.endswith(suffix):
            return Owner(meta.namespace, "Deployment", reference.name.removesuffix(suffix))
    return None


class NodeSight:
    """Watches the nodes of one site; run `run` in a task of its own."""

    def __init__(self, cluster: Cluster, surroundings: Surroundings) -> None:
        self._cluster = cluster
        self._around = surroundings
        self._leases: Informer[str] = Informer(
            cluster, LEASES, decode_renewal, surroundings, timing=PROVING, namespace=NODE_LEASES
        )
        self._heartbeats = Heartbeats()
        self._pods: Informer[ReadyPod | None] | None = None
        self._pods_task: asyncio.Task[None] | None = None
        self._standing: Mapping[Owner, int] = {}
        self.silent: frozenset[str] = frozenset()
        """Nodes that are not heard of, though others are."""

    @property
    def trouble(self) -> ApiError | None:
        """Return why the nodes cannot be watched, or the pods while they must be; None when all is well."""
        pods = self._pods.last_error if self._pods else None
        return self._leases.last_error or pods

    def standing(self, target_kind: str, key: ObjectKey) -> int | None:
        """Return how many Ready pods of the workload stand on nodes that are heard of; None: all that it counts."""
        if not self.silent or self._pods is None or not self._pods.synced:
            return None
        return self._standing.get(Owner(key.namespace, target_kind, key.name), 0)

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._leases.run())
                group.create_task(self._look_again_and_again())
        finally:
            await self._watch_pods(needed=False)

    async def _look_again_and_again(self) -> None:
        while True:
            self._look()
            await self._watch_pods(needed=bool(self.silent))
            self._count()
            await self._around.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        alive_at = self._leases.alive_at
        age = timedelta.max if alive_at is None else self._around.now() - alive_at
        renewals = {key.name: renewal for key, renewal in self._leases.objects.items()}
        self.silent = self._heartbeats.look(
            renewals, at_seconds=self._around.monotonic(), proof_age_seconds=age.total_seconds()
        )

    def _count(self) -> None:
        pods = self._pods
        if pods is None:
            return
        found = (pod for pod in pods.objects.values() if pod is not None and pod.node not in self.silent)
        self._standing = Counter(pod.owner for pod in found)

    async def _watch_pods(self, *, needed: bool) -> None:
        if needed and self._pods is None:
            self._pods = Informer(
                self._cluster, PODS, decode_pod, self._around, timing=PROVING, fields=BOUND_AND_RUNNING
            )
            self._pods_task = self._around.spawn(f"{self._cluster.name}: pods", self._pods.run)
        elif not needed and self._pods is not None:
            task, self._pods, self._pods_task, self._standing = self._pods_task, None, None, {}
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
