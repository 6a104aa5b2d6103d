"""Replicas through the scale subresource, conditional on the count that the plan was made from."""

from collections.abc import Callable, Mapping
from datetime import datetime

from controller.actuate.answers import DEADLINE_SECONDS, LOOK_AGAIN_AFTER, again, answered
from controller.actuate.outcome import Done, Outcome, Refused
from controller.actuate.rivals import Revert, Rivals
from controller.domain.fleet import ReplicaOwner, Target
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import SetReplicas
from controller.kube.apply import read_scale, write_scale
from controller.kube.binding import Binding
from controller.kube.client import Cluster
from controller.kube.field_owners import newest_writer
from controller.kube.resources import SCALABLE, ObjectKey

__all__ = ["DEADLINE_SECONDS", "LOOK_AGAIN_AFTER", "Bindings", "Clusters", "Scaler"]

Clusters = Callable[[], Mapping[SiteName, Cluster]]
Bindings = Callable[[SiteName, ReplicaOwner, EntKey, Target], Binding]
"""Says what an owner of replicas may write for a workload at a site."""


class Scaler:
    """Writes replica counts at the sites whose clusters it was given."""

    def __init__(self, clusters: Clusters, bindings: Bindings, rivals: Rivals, now: Callable[[], datetime]) -> None:
        self._clusters = clusters
        self._bindings = bindings
        self._rivals = rivals
        self._now = now

    async def set_replicas(self, action: SetReplicas) -> Outcome:
        """Write the count, provided that nobody changed it since the plan's snapshot and no autoscaler owns it."""
        cluster = self._clusters().get(action.site)
        resource = SCALABLE.get((action.target.api_version, action.target.kind))
        if cluster is None:
            return again(self._now(), f"site {action.site} has no connected cluster")
        if resource is None:
            return Refused(why=f"{action.target.kind} {action.target.api_version} is not a kind that is scaled here")
        obstacle = self._bindings(action.site, ReplicaOwner.SCALE, action.ent, action.target).obstacle
        if obstacle is not None:
            return Refused(why=obstacle.text)
        stopped = self._rivals.stopped(action.id, self._now())
        if stopped is not None:
            return stopped
        key = ObjectKey(action.ent.namespace, action.target.name)

        async def work() -> Outcome:
            scale = await read_scale(cluster, resource, key)
            stands = scale.spec.replicas
            undone = self._rivals.undone(action.id, found=stands, wanted=action.replicas)
            if undone is not None:
                body = await cluster.call("GET", resource.path(key))
                revert = Revert(
                    ent=action.ent,
                    what=f"{action.target.kind} {action.target.name} at {action.site}",
                    wrote=undone,
                    found=stands,
                    manager=newest_writer(body, "spec", "replicas"),
                )
                self._rivals.reverted(action.id, revert, self._now())
                stopped = self._rivals.stopped(action.id, self._now())
                if stopped is not None:
                    return stopped
            if stands == action.replicas:
                self._rivals.wrote(action.id, action.replicas)
                return Done()
            if stands != action.was:
                return again(self._now(), f"{stands} replicas are wanted there, the plan knew {action.was}")
            version = scale.metadata.resource_version
            await write_scale(cluster, resource, key, replicas=action.replicas, resource_version=version)
            self._rivals.wrote(action.id, action.replicas)
            return Done()

        return await answered(work, name=cluster.name, now=self._now)
