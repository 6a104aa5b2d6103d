"""Kubernetes Events: what was done and found, told once for as long as it lasts.

An Event that says the same of the same object is not repeated while it keeps being said in every cycle; the sentence
may count along. Events are for people and best effort: one that cannot be written is dropped.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.kube.apply import create
from controller.kube.client import Cluster
from controller.kube.errors import ApiError
from controller.kube.lease import micro_time
from controller.kube.resources import EVENTS, ObjectKey, Resource

CONTROLLER = "sonnerie.dev/controller"
CLUSTER_SCOPED_NAMESPACE = "default"
"""Where Events about objects without a namespace live, by Kubernetes' convention."""

LONGEST_NOTE = 1024
LONGEST_NAME = 50
MOST_AT_ONCE = 50
"""Events of one cycle; a fleet in trouble must not be drowned by its own reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The object an Event is about."""

    resource: Resource
    key: ObjectKey
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing to tell. `action` says in CamelCase what was being done, `subject` to what and how it ended."""

    about: About
    reason: str
    action: str
    note: str
    subject: str = ""
    warning: bool = False
    hush: timedelta = timedelta(0)
    """How long it is not told again, although it had ended in between."""

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes it the same thing said again, whatever the note counts."""
        return self.about, self.reason, self.action, self.subject, self.warning


class EventTeller:
    """Tells each thing once; one per term of leadership."""

    def __init__(self, cluster: Cluster, *, instance: str) -> None:
        self._cluster = cluster
        self._instance = instance
        self._being_said: frozenset[tuple[object, ...]] = frozenset()
        self._hushed_until: dict[tuple[object, ...], datetime] = {}
        self.last_error: ApiError | None = None
        """Why an Event could not be written lately; None when all could."""

    async def tell(self, things: Iterable[Told], now: datetime) -> None:
        """Write those that were not said in the cycle before, nor too short a time ago."""
        said = {thing.identity: thing for thing in things}
        self._hushed_until = {identity: until for identity, until in self._hushed_until.items() if now < until}
        quiet = self._being_said | self._hushed_until.keys()
        new = [thing for identity, thing in said.items() if identity not in quiet]
        self._being_said = frozenset(said)
        self._hushed_until |= {thing.identity: now + thing.hush for thing in new if thing.hush}
        await asyncio.gather(*(self._write(thing, now) for thing in new[:MOST_AT_ONCE]))

    async def _write(self, thing: Told, now: datetime) -> None:
        about = thing.about
        namespace = about.key.namespace or CLUSTER_SCOPED_NAMESPACE
        regarding = {
            "apiVersion": about.resource.api_version,
            "kind": about.resource.kind,
            "name": about.key.name,
            "uid": about.uid,
        }
        if about.key.namespace:
            regarding["namespace"] = about.key.namespace
        body = {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"generateName": f"{about.key.name[:LONGEST_NAME].rstrip('-.')}-", "namespace": namespace},
            "eventTime": micro_time(now),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance[:128],
            "action": thing.action,
            "reason": thing.reason,
            "regarding": regarding,
            "note": thing.note[:LONGEST_NOTE],
            "type": "Warning" if thing.warning else "Normal",
        }
        try:
            await create(self._cluster, EVENTS, namespace, body)
            self.last_error = None
        except ApiError as error:
            self.last_error = error
