"""Who wrote a field last, by `metadata.managedFields`: the name that Kubernetes itself knows the writer by."""

from collections.abc import Mapping
from typing import Any

import msgspec

from controller.kube.apply import FIELD_MANAGER


class _Entry(msgspec.Struct, rename="camel"):
    manager: str = ""
    time: str = ""
    fields_v1: dict[str, Any] = msgspec.field(name="fieldsV1", default_factory=dict)


class _Meta(msgspec.Struct, rename="camel"):
    managed_fields: list[_Entry] = []


class _Object(msgspec.Struct):
    metadata: _Meta


_OBJECTS = msgspec.json.Decoder(_Object)

NOBODY_KNOWN = "somebody who left no name"


def newest_writer(body: bytes, *path: str) -> str:
    """Return the manager whose entry with the field is the newest and is not ours; a sentence when there is none.

    An entry that names the field is preferred; where none does, whoever wrote last is suspected.
    """
    others = [entry for entry in _OBJECTS.decode(body).metadata.managed_fields if entry.manager != FIELD_MANAGER]
    owners = [entry for entry in others if _has(entry.fields_v1, path)]
    newest = max(owners or others, key=lambda entry: entry.time, default=None)
    return newest.manager if newest is not None and newest.manager else NOBODY_KNOWN


def _has(fields: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    inner: Any = fields
    for name in path:
        inner = inner.get(f"f:{name}") if isinstance(inner, dict) else None
    return inner is not None
