"""All resources together: the fleet, its school time and its orders, with every broken reference named.

A broken reference never stops the rest: the safe side is taken and the problem is reported as `PolicyValid=False`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from controller.domain import fleet
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.orders import fleet_freeze
from controller.domain.schooldays import Calendar
from controller.domain.schooltime import Blocked, SchoolPolicies
from controller.domain.timetable import Schedule
from controller.policy import convert
from controller.policy.catalogue import Catalogue
from controller.policy.composition import compose
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
    """The freeze that counts; whether it is still in force depends on the instant."""
    problems: tuple[Problem, ...]
    told_edges: tuple[DeclaredEdge, ...] = ()
    """Every ENT behind every edge, by ENT and then in the order of the ENT's edges."""
    freezes: tuple[fleet.Order, ...] = ()
    """All freezes, by name of their events."""


def declare(resources: Iterable[Resource]) -> Declared:
    """Return what the resources declare together. Their order does not matter."""
    catalogue = Catalogue.of(resources)
    composed = compose(catalogue.schedules)
    shared = _Shared(
        calendars={name: convert.calendar(calendar) for name, calendar in catalogue.calendars.items()},
        schedules={key: convert.schedule(key.name, days) for key, days in composed.days.items()},
    )
    freezes = [order for event in catalogue.events if (order := convert.freeze(event)) is not None]
    return Declared(
        sites=tuple(convert.site(site) for site in catalogue.sites.values()),
        ents=tuple(_ent(ent, catalogue) for ent in catalogue.ents.values()),
        edges=_edges(catalogue),
        school=tuple(_school(ent, catalogue, shared) for ent in catalogue.ents.values()),
        freeze=fleet_freeze(freezes),
        problems=(*composed.problems, *broken_references(catalogue, composed.days)),
        told_edges=tuple(
            DeclaredEdge(ent=key, spec=edge) for key, ent in catalogue.ents.items() for edge in ent.spec.edges
        ),
        freezes=tuple(freezes),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What many ENTs refer to, converted once."""

    calendars: Mapping[str, Calendar]
    schedules: Mapping[EntKey, Schedule]


def _school(ent: RegionalENT, catalogue: Catalogue, shared: _Shared) -> SchoolPolicies:
    key = convert.ent_key(ent.metadata)
    events = (convert.event(event, ent) for event in catalogue.events)
    peak = ent.spec.usual_peak
    referred = (shared.schedules.get(EntKey(key.namespace, name)) for name in ent.spec.schedule_refs)
    return SchoolPolicies(
        ent=key,
        time_zone=ent.spec.time_zone.key,
        accounts=convert.accounts(ent.spec.accounts),
        usual_peak_per_second=float(peak.connections_per_second) if peak is not None else 0.0,
        calendar=shared.calendars.get(ent.spec.calendar_ref or ""),
        schedules=tuple(schedule for schedule in referred if schedule is not None),
        events=tuple(event for event in events if event is not None),
        blocked=tuple(
            Blocked(start=each.start, end=each.end, school_days_only=each.on == "schoolDays")
            for each in ent.spec.shifting.blocked_windows
        ),
    )
