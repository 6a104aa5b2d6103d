"""What the controller does at API servers, each thing by the controller's own functions, and the rules it needs."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from controller.kube.apply import create, read_scale, read_secret, server_side_apply, write_scale
from controller.kube.client import JSON_PATCH
from controller.kube.client import Cluster as ApiServer
from controller.kube.errors import ApiError, Forbidden, Invalid, NotFound, Throttled
from controller.kube.informer import Informer, Surroundings
from controller.kube.lease import Elector
from controller.kube.resources import (
    DEPLOYMENTS,
    DNS_ENDPOINTS,
    EVENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    HTTP_ROUTES,
    LEASES,
    PODS,
    SCALED_OBJECTS,
    STATEFUL_SETS,
    ObjectKey,
    Resource,
)
from controller.observe.nodes import BOUND_AND_RUNNING, NODE_LEASES
from controller.observe.policies import WATCHED, resource_of
from controller.policy.calendar import SchoolCalendar
from controller.policy.event import SchoolEvent
from controller.policy.schedule import SchoolSchedule
from controller.runtime.clock import SystemClock
from controller.runtime.reporting import ENTS, SITES

CLOCK = SystemClock()
NAMESPACE = "sonnerie-system"
ACCOUNT = {"kind": "ServiceAccount", "name": "sonnerie", "namespace": NAMESPACE}

MOST_TRIES = 10
"""An API server that has just learnt our kinds says 429 until it can store them."""

WRITTEN = (HORIZONTAL_POD_AUTOSCALERS, SCALED_OBJECTS, HTTP_ROUTES, DNS_ENDPOINTS)
"""Kinds of others of which a field is ours; some exist only where their project is installed."""

Act = Callable[[ApiServer], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Objects that are there to be acted upon."""

    namespace: str
    """With Deployment, StatefulSet and RegionalENT `example`."""
    site: str
    """A Site."""


def _informer(api: ApiServer, resource: Resource, namespace: str = "", fields: str = "") -> Informer[None]:
    around = Surroundings(now=CLOCK.now, monotonic=CLOCK.monotonic, random=random.random)
    return Informer(api, resource, lambda _body: None, around, namespace=namespace, fields=fields)


def _listing(resource: Resource, **where: str) -> Act:
    async def act(api: ApiServer) -> None:
        await _informer(api, resource, **where).read_now()

    return act


def _watching(resource: Resource, namespace: str = "", fields: str = "") -> Act:
    async def act(api: ApiServer) -> None:
        query = {"watch": "true", "timeoutSeconds": "1", **({"fieldSelector": fields} if fields else {})}
        async with api.stream(resource.path(namespace=namespace), query=query, silence_seconds=5):
            pass

    return act


def _scaling(resource: Resource, namespace: str) -> Act:
    async def act(api: ApiServer) -> None:
        key = ObjectKey(namespace, "example")
        scale = await read_scale(api, resource, key)
        version = scale.metadata.resource_version
        await write_scale(api, resource, key, replicas=scale.spec.replicas, resource_version=version)

    return act


def _asking(method: str, resource: Resource, namespace: str, subresource: str = "") -> Act:
    """Ask for what is not there, or with nothing to say: rights are looked at first."""

    async def act(api: ApiServer) -> None:
        path = resource.path(ObjectKey(namespace, "none-such"), subresource=subresource)
        try:
            if method == "POST":
                await create(api, resource, namespace, {"apiVersion": resource.api_version, "kind": resource.kind})
            else:
                body: list[dict[str, Any]] | None = [] if method == "PATCH" else None
                await api.call(method, path, body=body, content_type=JSON_PATCH)
        except (NotFound, Invalid):
            return

    return act


async def _elect(api: ApiServer) -> None:
    """Make the Lease, or find it, and renew it."""
    elector = Elector(api, ObjectKey(NAMESPACE, "sonnerie"), identity="test", now=CLOCK.now, monotonic=CLOCK.monotonic)
    for _ in range(2):
        await elector._attempt()
        if elector.last_error:
            raise elector.last_error


def at_a_site(stage: Stage) -> dict[str, Act]:
    """What is done at every site."""
    watched: dict[str, tuple[Resource, str, str]] = {
        "deployments": (DEPLOYMENTS, "", ""),
        "statefulsets": (STATEFUL_SETS, "", ""),
        "pods": (PODS, "", BOUND_AND_RUNNING),
        "heartbeats": (LEASES, NODE_LEASES, ""),
    } | {each.plural: (each, "", "") for each in WRITTEN}
    found: dict[str, Act] = {}
    for name, (resource, namespace, fields) in watched.items():
        found[f"list {name}"] = _listing(resource, namespace=namespace, fields=fields)
        found[f"watch {name}"] = _watching(resource, namespace, fields)
    found["scale a Deployment"] = _scaling(DEPLOYMENTS, stage.namespace)
    found["scale a StatefulSet"] = _scaling(STATEFUL_SETS, stage.namespace)
    for resource in (DEPLOYMENTS, STATEFUL_SETS, *WRITTEN):
        found[f"read one of {resource.plural}"] = _asking("GET", resource, stage.namespace)
    for resource in WRITTEN:
        found[f"patch one of {resource.plural}"] = _asking("PATCH", resource, stage.namespace)
    found["make a DNSEndpoint"] = _asking("POST", DNS_ENDPOINTS, stage.namespace)
    return found


def at_the_management_cluster(stage: Stage) -> dict[str, Act]:
    """What is done besides where the policies are."""
    found: dict[str, Act] = {}
    for resource in map(resource_of, WATCHED):
        found[f"list {resource.plural}"] = _listing(resource)
        found[f"watch {resource.plural}"] = _watching(resource)

    def status_of(resource: Resource, key: ObjectKey) -> Act:
        async def act(api: ApiServer) -> None:
            await server_side_apply(api, resource, key, {"status": {"summary": "tried"}}, subresource="status")

        return act

    async def tell(api: ApiServer) -> None:
        await create(api, EVENTS, stage.namespace, an_event(stage.namespace))

    async def secret(api: ApiServer) -> None:
        await read_secret(api, ObjectKey(NAMESPACE, "of-a-site"))

    return found | {
        "status of an ENT": status_of(ENTS, ObjectKey(stage.namespace, "example")),
        "status of a Site": status_of(SITES, ObjectKey("", stage.site)),
        "status of a SchoolCalendar": _asking("PATCH", resource_of(SchoolCalendar), "", "status"),
        "status of a SchoolSchedule": _asking("PATCH", resource_of(SchoolSchedule), stage.namespace, "status"),
        "status of a SchoolEvent": _asking("PATCH", resource_of(SchoolEvent), "", "status"),
        "read an ENT": _asking("GET", ENTS, stage.namespace),
        "hold an ENT": _asking("PATCH", ENTS, stage.namespace),
        "an Event": tell,
        "a Secret": secret,
        "the Lease": _elect,
    }


def an_event(namespace: str) -> dict[str, Any]:
    """An Event as the controller writes it."""
    regarding = {"apiVersion": ENTS.api_version, "kind": ENTS.kind, "name": "example", "namespace": namespace}
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"generateName": "example-", "namespace": namespace},
        "eventTime": CLOCK.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": "sonnerie.dev/controller",
        "reportingInstance": "test",
        "action": "Try",
        "reason": "Tried",
        "regarding": regarding,
        "note": "a test",
        "type": "Normal",
    }


async def _patiently(act: Act, api: ApiServer) -> None:
    for _ in range(MOST_TRIES):
        try:
            await act(api)
        except Throttled as error:
            await asyncio.sleep(error.retry_after_seconds)
        else:
            return


async def refused(api: ApiServer, acts: Mapping[str, Act]) -> dict[str, ApiError]:
    """Do everything; return what went wrong, refusals most of all."""
    results = await asyncio.gather(*(_patiently(act, api) for act in acts.values()), return_exceptions=True)
    found: dict[str, ApiError] = {}
    for name, result in zip(acts, results, strict=True):
        match result:
            case Forbidden():
                found[name] = result
            case BaseException():
                message = f"{name}: {result!r}"
                raise RuntimeError(message) from result
    return found


class Atom(NamedTuple):
    """One verb on one resource, as one rule of one role grants it."""

    role: str
    """Kind, namespace and name, as `Role sonnerie-system/sonnerie`."""
    group: str
    resource: str
    names: tuple[str, ...]
    verb: str

    def __str__(self) -> str:
        named = f" {'/'.join(self.names)}" if self.names else ""
        return f"{self.role}: {self.verb} {self.resource}.{self.group}{named}"


def roles(rendered: str, account: str = "sonnerie") -> dict[str, dict[str, Any]]:
    """Return the roles of rendered manifests that are bound to an account of ours, by kind, namespace and name."""
    subject = ACCOUNT | {"name": account}
    documents = [document for document in yaml.safe_load_all(rendered) if document]
    bound = {
        (document["roleRef"]["kind"], document["metadata"].get("namespace", ""), document["roleRef"]["name"])
        for document in documents
        if document["kind"] in ("RoleBinding", "ClusterRoleBinding") and subject in document["subjects"]
    }
    found = {}
    for document in documents:
        kind, meta = document["kind"], document["metadata"]
        identity = (kind, meta.get("namespace", ""), meta["name"])
        if kind in ("Role", "ClusterRole") and identity in bound:
            found[f"{kind} {meta.get('namespace', '')}/{meta['name']}"] = document
    return found


def atoms(of: Mapping[str, dict[str, Any]]) -> list[Atom]:
    """Return everything that the roles grant, each thing once."""
    return [
        Atom(role, group, resource, tuple(rule.get("resourceNames", ())), verb)
        for role, document in of.items()
        for rule in document["rules"]
        for group, resource, verb in itertools.product(rule["apiGroups"], rule["resources"], rule["verbs"])
    ]


def without(document: dict[str, Any], atom: Atom) -> dict[str, Any]:
    """Return the role with everything but the atom."""
    rules = []
    for rule in document["rules"]:
        named = {"resourceNames": rule["resourceNames"]} if "resourceNames" in rule else {}
        for group, resource, verb in itertools.product(rule["apiGroups"], rule["resources"], rule["verbs"]):
            if (group, resource, tuple(rule.get("resourceNames", ())), verb) != atom[1:]:
                rules.append({"apiGroups": [group], "resources": [resource], "verbs": [verb], **named})
    return document | {"rules": rules}
