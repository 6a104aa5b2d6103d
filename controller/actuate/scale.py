"""Replicas through the scale subresource, conditional on the count that the plan was made from."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from controller.actuate.outcome import Done, LookAgainAt, Outcome, Refused
from controller.domain.names import SiteName
from controller.domain.plan import SetFloor, SetReplicas
from controller.kube.apply import read_scale, write_scale
from controller.kube.client import Cluster
from controller.kube.errors import ApiError, Conflict, Forbidden, Invalid, NotFound, Throttled
from controller.kube.resources import SCALABLE, ObjectKey

LOOK_AGAIN_AFTER = timedelta(seconds=5)
"""One planning cycle."""

LOOK_AGAIN_AFTER_CONFLICT = timedelta(seconds=1)
"""Somebody was writing at that moment, most often the workload's own controller; a moment later nobody is."""

DEADLINE_SECONDS = 3.0
"""For reading and writing together: less than a planning cycle, so that a hanging site delays no other decision."""


class Scaler:
    """Writes replica counts at the sites whose clusters it was given."""

    def __init__(self, clusters: Callable[[], Mapping[SiteName, Cluster]], now: Callable[[], datetime]) -> None:
        self._clusters = clusters
        self._now = now

    async def set_replicas(self, action: SetReplicas) -> Outcome:
        """Write the count, provided that nobody changed it since the plan's snapshot."""
        cluster = self._clusters().get(action.site)
        resource = SCALABLE.get((action.target.api_version, action.target.kind))
        if cluster is None:
            return self._again(f"site {action.site} has no connected cluster")
        if resource is None:
            return Refused(why=f"{action.target.kind} {action.target.api_version} is not a kind that is scaled here")
        key = ObjectKey(action.ent.namespace, action.target.name)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                scale = await read_scale(cluster, resource, key)
                if scale.spec.replicas == action.replicas:
                    return Done()
                if scale.spec.replicas != action.was:
                    return self._again(f"{scale.spec.replicas} replicas are wanted there, the plan knew {action.was}")
                version = scale.metadata.resource_version
                await write_scale(cluster, resource, key, replicas=action.replicas, resource_version=version)
        except (Forbidden, Invalid, NotFound) as error:
            return Refused(why=str(error))
        except Conflict as error:
            return LookAgainAt(at=self._now() + LOOK_AGAIN_AFTER_CONFLICT, why=str(error))
        except Throttled as error:
            return LookAgainAt(at=self._now() + timedelta(seconds=error.retry_after_seconds), why=str(error))
        except ApiError as error:
            return self._again(str(error))
        except TimeoutError:
            return self._again(f"{cluster.name}: no answer within {DEADLINE_SECONDS} s")
        return Done()

    async def set_floor(self, action: SetFloor) -> Outcome:
        """Refuse: floors of other autoscalers are not written by this version."""
        return Refused(
            why=f"owner of the replicas of {action.ent} is an autoscaler; this version writes only owner Scale: "
            "set spec.replicas.owner to Scale and remove the autoscaler"
        )

    def _again(self, why: str) -> LookAgainAt:
        return LookAgainAt(at=self._now() + LOOK_AGAIN_AFTER, why=why)
