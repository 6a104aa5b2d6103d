"""What people declared, from the management cluster: our custom resources, watched, each with its last good version.

An object that becomes invalid keeps its last good version in force and its problems are reported; an object that was
never valid is not there. Status is read beside the spec and never spoils it.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from controller.domain.names import EntKey, SiteName
from controller.kube.client import Cluster
from controller.kube.informer import PATIENT, Informer, Surroundings
from controller.kube.resources import ObjectKey, Resource
from controller.policy.calendar import SchoolCalendar
from controller.policy.declared import Declared, declare
from controller.policy.ent import RegionalENT
from controller.policy.errors import PolicyError, Problem
from controller.policy.event import SchoolEvent
from controller.policy.kinds import BY_NAME
from controller.policy.kinds import Resource as PolicyResource
from controller.policy.parse import parse_json
from controller.policy.resource import API_VERSION
from controller.policy.schedule import SchoolSchedule
from controller.policy.site import Site

Model = type[Site] | type[RegionalENT] | type[SchoolCalendar] | type[SchoolSchedule] | type[SchoolEvent]

WATCHED: tuple[Model, ...] = (Site, RegionalENT, SchoolCalendar, SchoolSchedule, SchoolEvent)


def resource_of(model: Model) -> Resource:
    """Return where the kind lives in the API."""
    return Resource(API_VERSION, model.__name__, BY_NAME[model.__name__].plural)


class StatusSeen(msgspec.Struct, rename="camel"):
    """What stands in the status: enough to go on from it."""

    conditions: list[dict[str, Any]] = []
    memory: dict[str, Any] | None = None
    audit: list[dict[str, Any]] = []


class _Meta(msgspec.Struct):
    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    finalizers: list[str] = []
    deleted_at: str = msgspec.field(name="deletionTimestamp", default="")


class _Envelope(msgspec.Struct):
    metadata: _Meta
    status: StatusSeen = msgspec.field(default_factory=StatusSeen)


class _WithoutStatus(msgspec.Struct, rename="camel", omit_defaults=True):
    """The part that people wrote: an old or broken status must not spoil a policy."""

    api_version: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    kind: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    metadata: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    spec: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_ENVELOPES = msgspec.json.Decoder(_Envelope)
_WITHOUT_STATUS = msgspec.json.Decoder(_WithoutStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomObject:
    """One object as the API server has it. `declared` is None when it is not valid."""

    kind: str
    key: ObjectKey
    uid: str
    generation: int
    status: StatusSeen
    declared: PolicyResource | None
    problems: tuple[Problem, ...] = ()
    finalizers: tuple[str, ...] = ()
    deleting: bool = False
    """Somebody has deleted it, and it stays for as long as a finalizer holds it."""


def decoder(model: Model) -> Callable[[bytes], CustomObject]:
    """Return the function that reads objects of the kind."""

    def decode(body: bytes) -> CustomObject:
        envelope = _ENVELOPES.decode(body)
        meta = envelope.metadata
        declared: PolicyResource | None = None
        problems: tuple[Problem, ...] = ()
        try:
            declared = parse_json(model, msgspec.json.encode(_WITHOUT_STATUS.decode(body)))
        except PolicyError as error:
            problems = error.problems
        return CustomObject(
            kind=model.__name__,
            key=ObjectKey(meta.namespace, meta.name),
            uid=meta.uid,
            generation=meta.generation,
            status=envelope.status,
            declared=declared,
            problems=problems,
            finalizers=tuple(meta.finalizers),
            deleting=bool(meta.deleted_at),
        )

    return decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Everything declared, as of one generation of all objects together."""

    declared: Declared
    sites: Mapping[SiteName, Site]
    problems: tuple[Problem, ...]
    """Of invalid objects and of broken references."""
    generation: int
    """Grows with every change of any spec; not with status."""
    deleting: frozenset[EntKey] = frozenset()
    """ENTs that somebody has deleted."""


NOTHING = Policies(
    declared=Declared(sites=(), ents=(), edges=(), school=(), freeze=None, problems=()),
    sites={},
    problems=(),
    generation=0,
)


class PolicyStore:
    """The custom resources of the management cluster; run `run` in a task of its own."""

    def __init__(self, cluster: Cluster, surroundings: Surroundings) -> None:
        self._informers = {
            model.__name__: Informer(cluster, resource_of(model), decoder(model), surroundings, timing=PATIENT)
            for model in WATCHED
        }
        self._last_good: dict[tuple[str, ObjectKey], PolicyResource] = {}
        self._looked_at = -1
        self._fingerprint: frozenset[tuple[str, str, int, bool]] | None = None
        self._policies = NOTHING

    async def run(self) -> None:
        """Keep watching until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers.values():
                group.create_task(informer.run())

    @property
    def synced(self) -> bool:
        """Tell whether all kinds have been listed: before, the fleet would look half-empty."""
        return all(informer.synced for informer in self._informers.values())

    @property
    def trouble(self) -> str | None:
        """Return why the management cluster cannot be watched; None when it can."""
        errors = (informer.last_error for informer in self._informers.values())
        return next((str(error) for error in errors if error is not None), None)

    def object(self, kind: str, key: ObjectKey) -> CustomObject | None:
        """Return one object as it stands in the cluster."""
        return self._informers[kind].objects.get(key)

    def objects(self, kind: str) -> tuple[CustomObject, ...]:
        """Return all objects of a kind as they stand in the cluster."""
        return tuple(self._informers[kind].objects.values())

    async def reread(self) -> tuple[CustomObject, ...]:
        """Return ENTs and sites as they stand in the cluster at this instant, not as last watched.

        Raises:
            ApiError: they cannot be read.
        """
        found: list[CustomObject] = []
        for model in (RegionalENT, Site):
            found += await self._informers[model.__name__].read_now()
        return tuple(found)

    def ent(self, key: EntKey) -> CustomObject | None:
        """Return the object of an ENT."""
        return self.object("RegionalENT", ObjectKey(key.namespace, key.name))

    def site(self, name: SiteName) -> CustomObject | None:
        """Return the object of a site."""
        return self.object("Site", ObjectKey("", name))

    def policies(self) -> Policies:
        """Return what is declared; computed again only when a spec has changed."""
        version = sum(informer.version for informer in self._informers.values())
        if version == self._looked_at:
            return self._policies
        self._looked_at = version
        objects = [each for informer in self._informers.values() for each in informer.objects.values()]
        fingerprint = frozenset((each.uid, each.kind, each.generation, each.deleting) for each in objects)
        if fingerprint != self._fingerprint:
            self._fingerprint = fingerprint
            self._policies = self._declare(objects)
        return self._policies

    def _declare(self, objects: Collection[CustomObject]) -> Policies:
        good: dict[tuple[str, ObjectKey], PolicyResource] = {}
        problems: list[Problem] = []
        for each in objects:
            identity = (each.kind, each.key)
            in_force = each.declared or self._last_good.get(identity)
            if in_force is not None:
                good[identity] = in_force
            problems += each.problems
        self._last_good = good
        declared = declare(good.values())
        return Policies(
            declared=declared,
            sites={SiteName(r.metadata.name): r for r in good.values() if isinstance(r, Site)},
            problems=(*sorted(problems, key=str), *declared.problems),
            generation=self._policies.generation + 1,
            deleting=frozenset(
                EntKey(each.key.namespace, each.key.name)
                for each in objects
                if each.kind == RegionalENT.__name__ and each.deleting
            ),
        )
