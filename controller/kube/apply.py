"""Writing: server-side apply as field manager `sonnerie`, the scale subresource, and plain creation.

No retry loops: a conflict is told to the caller, whose next cycle looks again.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from controller.kube.client import APPLY, Cluster
from controller.kube.resources import SECRETS, ObjectKey, Resource

FIELD_MANAGER = "sonnerie"


class ScaleSpec(msgspec.Struct):
    """What is wanted; the API server leaves out a zero."""

    replicas: int = 0


class ScaleMeta(msgspec.Struct):
    """The version that a write is conditional on."""

    resource_version: str = msgspec.field(name="resourceVersion")


class Scale(msgspec.Struct):
    """The scale subresource of a target."""

    metadata: ScaleMeta
    spec: ScaleSpec = msgspec.field(default_factory=ScaleSpec)


async def server_side_apply(
    cluster: Cluster,
    resource: Resource,
    key: ObjectKey,
    fields: Mapping[str, Any],
    *,
    metadata: Mapping[str, Any] | None = None,
    subresource: str = "",
    dry_run: bool = False,
) -> None:
    """Own exactly these fields of the object: fields given before and missing now are removed.

    Ownership is forced: the fields are ours by contract, and another manager of them is a misconfiguration. With
    `resourceVersion` or `uid` in the metadata the write is conditional on them. A dry run passes everything that a
    write must pass, admission included, and leaves nothing behind.

    Raises:
        Conflict: the object is not the one, or not at the version, that the metadata names.
    """
    identity = {"name": key.name} | ({"namespace": key.namespace} if key.namespace else {})
    body = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {**(metadata or {}), **identity},
        **fields,
    }
    await cluster.call(
        "PATCH",
        resource.path(key, subresource=subresource),
        query=writing(dry_run=dry_run) | {"force": "true"},
        body=body,
        content_type=APPLY,
    )


def writing(*, dry_run: bool = False) -> dict[str, str]:
    """Return the query of a write."""
    return {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})


async def create(cluster: Cluster, resource: Resource, namespace: str, body: Mapping[str, Any]) -> None:
    """Create an object in the namespace."""
    await cluster.call("POST", resource.path(namespace=namespace), query=writing(), body=body)


async def read_scale(cluster: Cluster, resource: Resource, key: ObjectKey) -> Scale:
    """Return the scale of the target as it is now."""
    answer = await cluster.call("GET", resource.path(key, subresource="scale"))
    return msgspec.json.decode(answer, type=Scale)


async def write_scale(
    cluster: Cluster,
    resource: Resource,
    key: ObjectKey,
    *,
    replicas: int,
    resource_version: str,
    dry_run: bool = False,
) -> None:
    """Set the replicas of the target, provided that nobody wrote it since `resource_version`.

    Raises:
        Conflict: somebody did.
    """
    body = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": key.name, "namespace": key.namespace, "resourceVersion": resource_version},
        "spec": {"replicas": replicas},
    }
    await cluster.call("PUT", resource.path(key, subresource="scale"), query=writing(dry_run=dry_run), body=body)


async def read_secret(cluster: Cluster, key: ObjectKey) -> Mapping[str, bytes]:
    """Return the decoded data of a Secret."""
    answer = await cluster.call("GET", SECRETS.path(key))
    return msgspec.json.decode(answer, type=_Secret).data


class _Secret(msgspec.Struct):
    data: dict[str, bytes] = {}
