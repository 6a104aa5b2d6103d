"""JSON Patch with tests in front: for lists that server-side apply would take over as a whole.

A test that fails is a conflict: what was read is not what is there any more. API servers answer it with the same 422
that an admission policy uses for a refusal, so the object is read again: only if its version has moved was it a
conflict.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from controller.kube.apply import FIELD_MANAGER
from controller.kube.client import JSON_PATCH, Cluster
from controller.kube.errors import Conflict, Invalid
from controller.kube.resources import ObjectKey, Resource

Operation = Mapping[str, Any]


class _Meta(msgspec.Struct):
    resource_version: str = msgspec.field(name="resourceVersion")


class _Object(msgspec.Struct):
    metadata: _Meta


_OBJECTS = msgspec.json.Decoder(_Object)


def pointer(*parts: str | int) -> str:
    """Return the JSON Pointer of the parts (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def expecting(path: str, value: object) -> Operation:
    """Go on only if this stands there."""
    return {"op": "test", "path": path, "value": value}


async def patch_guarded(
    cluster: Cluster, resource: Resource, key: ObjectKey, operations: Sequence[Operation], *, resource_version: str
) -> str:
    """Change the object as it was at `resource_version`, and return its new version.

    Raises:
        Conflict: it was changed meanwhile, or one of the tests fails.
    """
    where = pointer("metadata", "resourceVersion")
    try:
        answer = await cluster.call(
            "PATCH",
            resource.path(key),
            query={"fieldManager": FIELD_MANAGER},
            body=[expecting(where, resource_version), *operations],
            content_type=JSON_PATCH,
        )
    except Invalid as error:
        now = _version(await cluster.call("GET", resource.path(key)))
        if now == resource_version:
            raise
        raise Conflict(error.where, f"somebody wrote meanwhile: version {now}, not {resource_version}") from None
    return _version(answer)


def _version(answer: bytes) -> str:
    return _OBJECTS.decode(answer).metadata.resource_version
