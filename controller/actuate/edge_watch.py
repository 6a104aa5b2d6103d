"""The objects in which edges of one kind live, watched in the clusters where somebody declared one and nowhere else."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from controller.actuate.edges import ClusterAt
from controller.domain.names import SiteName
from controller.kube.client import Cluster
from controller.kube.informer import PROVING, Informer, Surroundings
from controller.kube.resources import ObjectKey, Resource

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Running(Generic[T]):
    cluster: Cluster
    informer: Informer[T]
    task: asyncio.Task[None]


class EdgeWatch(Generic[T]):
    """One watch per cluster that is needed."""

    def __init__(
        self, resource: Resource, decode: Callable[[bytes], T], cluster_at: ClusterAt, surroundings: Surroundings
    ) -> None:
        self._resource = resource
        self._decode = decode
        self._cluster_at = cluster_at
        self._around = surroundings
        self._running: dict[SiteName | None, _Running[T]] = {}

    def follow(self, places: Iterable[SiteName | None]) -> None:
        """Watch in these clusters, as far as they are connected."""
        wanted = {place: self._cluster_at(place) for place in places}
        for place in [place for place, running in self._running.items() if wanted.get(place) is not running.cluster]:
            self._running.pop(place).task.cancel()
        for place, cluster in wanted.items():
            if cluster is None or place in self._running:
                continue
            informer = Informer(cluster, self._resource, self._decode, self._around, timing=PROVING)
            task = self._around.spawn(f"{cluster.name}: {self._resource.plural}", informer.run)
            self._running[place] = _Running(cluster, informer, task)

    def find(self, place: SiteName | None, key: ObjectKey) -> T | None:
        """Return the object as last seen."""
        running = self._running.get(place)
        return running.informer.objects.get(key) if running is not None else None

    def seen(self, place: SiteName | None) -> bool:
        """Tell whether the objects there have been listed."""
        running = self._running.get(place)
        return running is not None and running.informer.synced

    def settled(self, place: SiteName | None) -> bool:
        """Tell whether they have been listed, or cannot be."""
        running = self._running.get(place)
        return running is None or running.informer.synced or running.informer.last_error is not None

    def trouble(self, place: SiteName | None) -> str:
        """Return why nothing is seen there, for people."""
        running = self._running.get(place)
        if running is None:
            return f"the cluster of site {place} is not connected"
        error = running.informer.last_error
        return str(error) if error is not None else f"{running.cluster.name}: {self._resource.plural} not listed yet"

    def cluster(self, place: SiteName | None) -> Cluster | None:
        """Return the cluster that is watched there."""
        running = self._running.get(place)
        return running.cluster if running is not None else None

    async def close(self) -> None:
        """End all watches."""
        tasks = [running.task for running in self._running.values()]
        self._running = {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
