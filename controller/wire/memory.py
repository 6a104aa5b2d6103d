"""Restraints as they stand in `status.memory`: what a successor must know before it acts.

    {"version": 2, "restraints": {…EntMemory or SiteMemory…}, "weights": [{"edge", "site", "weight", "max_concurrent"}]}

Samples are not written; they are rebuilt. A document of an older version is migrated, one of a newer version is not
read: empty memory starts safe.

An ENT's document has at most `LARGEST_BYTES`. One that is larger is cut, in this order, until it fits:

1. texts that name the source of a latch, to `SHORT_SOURCE` characters: they restrain nothing;
2. raises that are being timed: a measurement is lost, not a restraint;
3. lead times of classes of steps, the shortest of all first, never the longest of a site: what is left is never more
   hopeful;
4. moves, the oldest first: it restrains for the shortest time.

Latches, weights and the last word on data are never cut.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from controller.domain.memory import MEMORY_VERSION, EntMemory, LeadRow, LearnedLead, SiteMemory
from controller.domain.names import EdgeName, SiteName
from controller.domain.world import Route
from controller.wire.errors import WireError
from controller.wire.forms import Shape, shape_of
from controller.wire.migration import BrokenDocumentError, UnknownVersionError, migrate_ent, migrate_site

T = TypeVar("T")

LARGEST_BYTES = 4096
"""Restraints of one ENT (design §3). Status is for kilobytes, and every write sends all of it."""
SHORT_SOURCE = 40
"""Enough to recognise a bell by."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSite:
    """Everything remembered of one site."""

    restraints: SiteMemory


def stored_weights(routes: tuple[Route, ...]) -> tuple[StoredWeight, ...]:
    """Return the routes of one ENT as they are stored, sorted."""
    stored = (StoredWeight(edge=r.edge, site=r.site, weight=r.weight, max_concurrent=r.max_concurrent) for r in routes)
    return tuple(sorted(stored, key=lambda s: (s.edge, s.site)))


def write_ent(stored: StoredEnt) -> dict[str, Any]:
    """Return the document. One that would be too large is cut by the rule above."""
    document = _STORED.write(stored) | {"version": MEMORY_VERSION}
    excess = _bytes(document) - LARGEST_BYTES
    if excess > 0:
        document["restraints"] = _ENT.write(_cut(stored.restraints, excess))
    return document


def _bytes(document: object) -> int:
    return len(msgspec.json.encode(document))


def _cut(memory: EntMemory, excess: int) -> EntMemory:
    """Return the memory with at least so many bytes less, if it has them to lose."""
    latches = tuple(replace(latch, source=latch.source[:SHORT_SOURCE]) for latch in memory.latches)
    excess -= sum(_bytes(a.source) - _bytes(b.source) for a, b in zip(memory.latches, latches, strict=True))
    growths, excess = _dropped(memory.growths, memory.growths, excess)
    leads, excess = _fewer_rows(memory.leads, excess)
    moves, excess = _dropped(memory.moves, sorted(memory.moves, key=lambda move: move.at), excess)
    return replace(memory, latches=latches, growths=growths, leads=leads, moves=moves)


def _dropped(items: tuple[T, ...], order: Sequence[T], excess: int) -> tuple[tuple[T, ...], int]:
    """Leave out items in the given order until nothing is in excess; return the others and what still is."""
    gone: set[int] = set()
    comma = 0  # the last of a list has none, and all may have to go
    for item in order:
        if excess <= 0:
            break
        gone.add(id(item))
        kind: Any = type(item)
        excess -= _bytes(shape_of(kind).write(item)) + comma
        comma = len(",")
    return tuple(item for item in items if id(item) not in gone), excess


def _fewer_rows(leads: tuple[LearnedLead, ...], excess: int) -> tuple[tuple[LearnedLead, ...], int]:
    """Leave out the lead times of classes of steps, the shortest first, but for the longest of each site."""
    slowest = {lead.site: max(lead.rows, key=_slowest, default=None) for lead in leads}
    spare = [(_slowest(row), lead.site, row) for lead in leads for row in lead.rows if row is not slowest[lead.site]]
    gone: set[tuple[SiteName, LeadRow]] = set()
    for _, site, row in sorted(spare):
        if excess <= 0:
            break
        gone.add((site, row))
        excess -= _bytes(row) + len(",")
    left = (replace(lead, rows=tuple(row for row in lead.rows if (lead.site, row) not in gone)) for lead in leads)
    return tuple(left), excess


def _slowest(row: LeadRow) -> int:
    """Return the longest time that is known of the class: in the block under way, or in the one before."""
    return max(row[2], row[4])


def read_ent(document: Mapping[str, Any]) -> StoredEnt:
    """Return what the document remembers.

    Raises:
        UnreadableMemoryError: it is of a newer version, or not of the shape of its own.
    """
    stored: StoredEnt = _read(document, migrate_ent, _STORED)
    return stored


def write_site(memory: SiteMemory) -> dict[str, Any]:
    """Return the document of a site's memory."""
    return {"version": MEMORY_VERSION, "restraints": _SITE.write(memory)}


def read_site(document: Mapping[str, Any]) -> SiteMemory:
    """Return what the document remembers.

    Raises:
        UnreadableMemoryError: it is of a newer version, or not of the shape of its own.
    """
    stored: StoredSite = _read(document, migrate_site, _STORED_SITE)
    return stored.restraints


def _read(document: Mapping[str, Any], migrate: Callable[[Mapping[str, Any]], dict[str, Any]], shape: Shape) -> Any:  # noqa: ANN401 - what the shape is of
    try:
        found = migrate(document)
        del found["version"]
        return shape.read(msgspec.convert(found, shape.struct))
    except UnknownVersionError as error:
        raise UnreadableMemoryError(f"status.memory.version: {error}") from None
    except (BrokenDocumentError, msgspec.ValidationError, WireError) as error:
        raise UnreadableMemoryError(f"status.memory cannot be read: {error}") from None


_ENT = shape_of(EntMemory)
_SITE = shape_of(SiteMemory)
_STORED = shape_of(StoredEnt)
_STORED_SITE = shape_of(StoredSite)
