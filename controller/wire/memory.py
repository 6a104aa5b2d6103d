"""Restraints as they stand in `status.memory`: what a successor must know before it acts.

    {"version": 2, "restraints": {…EntMemory or SiteMemory…}, "weights": [{"edge", "site", "weight", "max_concurrent"}]}

Samples are not written; they are rebuilt. A document of another version is not read: empty memory starts safe.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from controller.domain.memory import MEMORY_VERSION, EntMemory, SiteMemory
from controller.domain.names import EdgeName, SiteName
from controller.domain.world import Route

T = TypeVar("T")

LARGEST_BYTES = 4096
"""Restraints of one ENT (design §3). Status is for kilobytes, and every write sends all of it."""


class UnreadableMemoryError(Exception):
    """Remembered restraints that this version cannot use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWeight:
    """What was last decided for one site at one edge of the ENT."""

    edge: EdgeName
    site: SiteName
    weight: int
    max_concurrent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEnt:
    """Everything remembered of one ENT."""

    restraints: EntMemory
    weights: tuple[StoredWeight, ...] = ()

    def routes(self) -> tuple[Route, ...]:
        """Return the weights as routes."""
        return tuple(
            Route(
                ent=self.restraints.ent,
                edge=stored.edge,
                site=stored.site,
                weight=stored.weight,
                max_concurrent=stored.max_concurrent,
            )
            for stored in self.weights
        )


def stored_weights(routes: tuple[Route, ...]) -> tuple[StoredWeight, ...]:
    """Return the routes of one ENT as they are stored, sorted."""
    stored = (StoredWeight(edge=r.edge, site=r.site, weight=r.weight, max_concurrent=r.max_concurrent) for r in routes)
    return tuple(sorted(stored, key=lambda s: (s.edge, s.site)))


def write_ent(stored: StoredEnt) -> dict[str, Any]:
    """Return the document. If it would be too large, the oldest moves are left out first."""
    restraints = stored.restraints
    while True:
        document = _document(restraints) | {"weights": msgspec.to_builtins(stored.weights)}
        if len(msgspec.json.encode(document)) <= LARGEST_BYTES or not restraints.moves:
            return document
        restraints = replace(restraints, moves=sorted_by_age(restraints)[1:])


def sorted_by_age(memory: EntMemory) -> tuple[Any, ...]:
    """Return the moves, oldest first."""
    return tuple(sorted(memory.moves, key=lambda move: move.at))


def read_ent(document: Mapping[str, Any]) -> StoredEnt:
    """Return what the document remembers.

    Raises:
        UnreadableMemoryError: it is of another version or not of this shape.
    """
    return StoredEnt(
        restraints=_read(document, EntMemory),
        weights=_converted(document.get("weights", []), tuple[StoredWeight, ...]),
    )


def write_site(memory: SiteMemory) -> dict[str, Any]:
    """Return the document of a site's memory."""
    return _document(memory)


def read_site(document: Mapping[str, Any]) -> SiteMemory:
    """Return what the document remembers.

    Raises:
        UnreadableMemoryError: it is of another version or not of this shape.
    """
    return _read(document, SiteMemory)


def _document(restraints: EntMemory | SiteMemory) -> dict[str, Any]:
    return {"version": MEMORY_VERSION, "restraints": msgspec.to_builtins(restraints)}


def _read(document: Mapping[str, Any], kind: type[T]) -> T:
    version = document.get("version")
    if version != MEMORY_VERSION:
        raise UnreadableMemoryError(f"status.memory.version is {version!r}, this controller reads {MEMORY_VERSION}")
    return _converted(document.get("restraints"), kind)


def _converted(value: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        raise UnreadableMemoryError(f"status.memory cannot be read: {error}") from None
