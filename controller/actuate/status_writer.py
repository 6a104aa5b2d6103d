"""Writing status, only on change, and telling whose memory could not be written.

A change of memory, of a condition's status or reason, or of the verdict is written at once. Numbers and sentences that
drift are written at most every ten seconds: a scale-up from 2 to 40 replicas is not forty writes.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.actuate.status import Status
from controller.kube.apply import server_side_apply
from controller.kube.client import Cluster
from controller.kube.errors import ApiError, NotFound
from controller.kube.resources import ObjectKey, Resource

DRIFT_SECONDS = 10.0
AT_ONCE = 16
"""Writes under way at the same time: an API server's fair share, not its patience."""

_DRIFTING_OF_CONDITION = ("message", "lastTransitionTime")
_DRIFTING_OF_MEMORY = ("data_ready",)
"""The last word on data is an instant that moves with every reading; ten seconds of it are nothing to a grace of half
an hour."""
_DRIFTING_OF_WEIGHT = ("max_concurrent",)
"""Caps follow Ready replicas; a successor computes them anew in its first cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusDocument:
    """The status that an object is to have."""

    resource: Resource
    key: ObjectKey
    status: Status


@dataclass(frozen=True, slots=True)
class _Written:
    weighty: Status
    whole: Status
    at_seconds: float


class StatusWriter:
    """Remembers what it wrote; one per term of leadership."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._written: dict[tuple[str, ObjectKey], _Written] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def write(
        self, documents: Iterable[StatusDocument], *, monotonic_seconds: float
    ) -> Mapping[tuple[str, ObjectKey], ApiError]:
        """Write what changed; return what could not be written. An object that is gone counts as written."""
        due = [document for document in documents if self._is_due(document, monotonic_seconds)]
        results = await asyncio.gather(*(self._write(document, monotonic_seconds) for document in due))
        return {
            (document.resource.kind, document.key): error
            for document, error in zip(due, results, strict=True)
            if error is not None
        }

    def _is_due(self, document: StatusDocument, monotonic_seconds: float) -> bool:
        written = self._written.get((document.resource.kind, document.key))
        if written is None or weighty(document.status) != written.weighty:
            return True
        drifted = document.status != written.whole
        return drifted and monotonic_seconds - written.at_seconds >= DRIFT_SECONDS

    async def _write(self, document: StatusDocument, monotonic_seconds: float) -> ApiError | None:
        identity = (document.resource.kind, document.key)
        try:
            async with self._slots:
                await server_side_apply(
                    self._cluster, document.resource, document.key, {"status": document.status}, subresource="status"
                )
        except NotFound:
            pass
        except ApiError as error:
            self._written.pop(identity, None)  # what stands there now is not known
            return error
        self._written[identity] = _Written(weighty(document.status), document.status, monotonic_seconds)
        return None


def weighty(status: Status) -> Status:
    """Return the part of the status whose change is written at once."""
    memory = status.get("memory") or {}
    restraints = {k: v for k, v in (memory.get("restraints") or {}).items() if k not in _DRIFTING_OF_MEMORY}
    weights = [_without(weight, _DRIFTING_OF_WEIGHT) for weight in memory.get("weights", ())]
    return {
        "conditions": [_without(condition, _DRIFTING_OF_CONDITION) for condition in status.get("conditions", ())],
        "memory": memory | {"restraints": restraints, "weights": weights},
        "verdict": status.get("verdict"),
        "keptOut": status.get("keptOut"),
        "observedGeneration": status.get("observedGeneration"),
    }


def _without(fields: Mapping[str, Any], left_out: tuple[str, ...]) -> Status:
    return {key: value for key, value in fields.items() if key not in left_out}
