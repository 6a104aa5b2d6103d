"""All resources together: the fleet, its school time and its orders, with every broken reference named.

A broken reference never stops the rest: the safe side is taken and the problem is reported as `PolicyValid=False`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from controller.domain import fleet
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.schooltime import SchoolPolicies
from controller.policy import convert
from controller.policy.catalogue import Catalogue
from controller.policy.edge import Edge
from controller.policy.ent import RegionalENT
from controller.policy.errors import Problem
from controller.policy.kinds import Resource
from controller.policy.references import broken_references


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredEdge:
    """One ENT behind one edge, with everything that writing it needs."""

    ent: EntKey
    spec: Edge

    @property
    def name(self) -> EdgeName:
        """Name of the edge."""
        return EdgeName(self.spec.name)

    @property
    def kind(self) -> fleet.EdgeKind:
        """How it is told."""
        return self.spec.kind

    @property
    def place(self) -> SiteName | None:
        """The site in whose cluster its object lives; None: the cluster of the ENT, or nowhere."""
        return convert.edge(self.spec).site


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What people declared, in the words of the domain, sorted by name."""

    sites: tuple[fleet.Site, ...]
    ents: tuple[fleet.Ent, ...]
    edges: tuple[fleet.Edge, ...]
    school: tuple[SchoolPolicies, ...]
    """One per ENT, in the order of `ents`."""
    freeze: fleet.Order | None
    """The freeze that lasts longest; whether it is still in force depends on the instant."""
    problems: tuple[Problem, ...]
    told_edges: tuple[DeclaredEdge, ...] = ()
    """Every ENT behind every edge, by ENT and then in the order of the ENT's edges."""


def declare(resources: Iterable[Resource]) -> Declared:
    """Return what the resources declare together. Their order does not matter."""
    catalogue = Catalogue.of(resources)
    freezes = [order for event in catalogue.events if (order := convert.freeze(event)) is not None]
    return Declared(
        sites=tuple(convert.site(site) for site in catalogue.sites.values()),
        ents=tuple(_ent(ent, catalogue) for ent in catalogue.ents.values()),
        edges=_edges(catalogue),
        school=tuple(_school(ent, catalogue) for ent in catalogue.ents.values()),
        freeze=max(freezes, key=lambda order: (order.until, order.by), default=None),
        problems=tuple(broken_references(catalogue)),
        told_edges=tuple(
            DeclaredEdge(ent=key, spec=edge) for key, ent in catalogue.ents.items() for edge in ent.spec.edges
        ),
    )


def _ent(ent: RegionalENT, catalogue: Catalogue) -> fleet.Ent:
    """Return the ENT without the placements at sites that nobody declared."""
    found = convert.ent(ent)
    return replace(found, placements=tuple(p for p in found.placements if p.site in catalogue.sites))


def _edges(catalogue: Catalogue) -> tuple[fleet.Edge, ...]:
    """Return every edge once; where ENTs do not agree on its kind, the first one's."""
    found: dict[str, fleet.Edge] = {}
    for ent in catalogue.ents.values():
        for edge in convert.edges(ent):
            found.setdefault(edge.name, edge)
    return tuple(found[name] for name in sorted(found))


def _school(ent: RegionalENT, catalogue: Catalogue) -> SchoolPolicies:
    calendar = catalogue.calendar_of(ent)
    events = (convert.event(event, ent) for event in catalogue.events)
    return SchoolPolicies(
        ent=convert.ent_key(ent.metadata),
        time_zone=ent.spec.time_zone.key,
        accounts=convert.accounts(ent.spec.accounts),
        calendar=None if calendar is None else convert.calendar(calendar),
        schedules=tuple(convert.schedule(schedule) for schedule in catalogue.schedules_of(ent)),
        events=tuple(event for event in events if event is not None),
    )
