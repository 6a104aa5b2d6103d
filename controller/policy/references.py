"""What resources say about each other that is not so. Each is valid alone, so only the whole can tell."""

from collections.abc import Iterable, Iterator, Mapping

from controller.domain.names import EntKey
from controller.policy import convert
from controller.policy.catalogue import Catalogue
from controller.policy.convert import applies, ent_key
from controller.policy.ent import RegionalENT
from controller.policy.errors import Problem
from controller.policy.event import EntName, SchoolEvent
from controller.policy.parse import nearest
from controller.policy.schedule import Bell, DayPlan, Demand, Window

Composed = Mapping[EntKey, tuple[DayPlan, ...]]
"""The days of each schedule, with its bases laid under it."""


def broken_references(catalogue: Catalogue, composed: Composed) -> Iterator[Problem]:
    """Say what every resource refers to in vain, and what the safe side is meanwhile."""
    for ent in catalogue.ents.values():
        for field, message in _of_ent(ent, catalogue, composed):
            yield Problem(resource=f"RegionalENT {ent_key(ent.metadata)}", field=field, message=message)
    yield from _edges_of_two_kinds(catalogue)
    yield from _unsized_by_events(catalogue)
    for event in catalogue.events:
        for field, message in _of_event(event, catalogue):
            yield Problem(resource=f"SchoolEvent {event.metadata.name}", field=field, message=message)


def _of_ent(ent: RegionalENT, catalogue: Catalogue, composed: Composed) -> Iterator[tuple[str, str]]:
    yield from _sites(ent, catalogue)
    yield from _edges(ent, catalogue)
    yield from _calendar(ent, catalogue)
    yield from _schedules(ent, composed)


def _sites(ent: RegionalENT, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for index, placement in enumerate(ent.spec.placements):
        site = catalogue.sites.get(placement.site)
        if site is None:
            missing = f"there is no Site {placement.site}{nearest(placement.site, catalogue.sites)}"
            yield f"spec.placements[{index}].site", f"{missing}; nothing is placed there until there is"
        elif site.spec.prometheus is not None:
            measured = {query.signal for query in site.spec.prometheus.queries}
            for number, signal in enumerate(ent.spec.demand_signals):
                if signal.signal not in measured:
                    hint = nearest(signal.signal, sorted(measured))
                    message = f"Site {placement.site} has no query for {signal.signal}{hint}"
                    yield f"spec.demandSignals[{number}].signal", f"{message}; nothing shrinks there until it has"


def _edges(ent: RegionalENT, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for index, edge in enumerate(ent.spec.edges):
        at = convert.edge(edge).site
        if at is not None and at not in catalogue.sites:
            field = next(f for f in ("httpRoute", "dnsEndpoint", "rfc2136") if f.lower() == edge.kind.lower())
            message = f"there is no Site {at}; the edge is not written until there is"
            yield f"spec.edges[{index}].{field}.atSite", message


def _calendar(ent: RegionalENT, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    name = ent.spec.calendar_ref
    calendar = catalogue.calendar_of(ent)
    if name is not None and calendar is None:
        missing = f"there is no SchoolCalendar {name}{nearest(name, catalogue.calendars)}"
        yield "spec.calendarRef", f"{missing}; every day counts as in a school week until there is"
    if calendar is not None and calendar.spec.territory is not ent.spec.territory:
        yield (
            "spec.calendarRef",
            f"calendar {name} is for {calendar.spec.territory}, the ENT is in {ent.spec.territory}",
        )


def _schedules(ent: RegionalENT, composed: Composed) -> Iterator[tuple[str, str]]:
    namespace = ent_key(ent.metadata).namespace
    for index, name in enumerate(ent.spec.schedule_refs):
        days = composed.get(EntKey(namespace, name))
        if days is None:
            hint = nearest(name, [key.name for key in composed if key.namespace == namespace])
            message = f"there is no SchoolSchedule {name} in namespace {namespace}{hint}; it is left out"
            yield f"spec.scheduleRefs[{index}]", message
            continue
        demands = _demands([*(b for day in days for b in day.bells), *(w for day in days for w in day.windows)])
        yield from _unsized(ent, demands, f"schedule {name}")


def _demands(parts: Iterable[Bell | Window]) -> list[Demand]:
    return [part.demand for part in parts if part.demand is not None]


def _unsized(ent: RegionalENT, demands: list[Demand], policy: str) -> Iterator[tuple[str, str]]:
    """Say what a demand counts on that the ENT does not declare."""
    if any(demand.share_of_accounts is not None for demand in demands) and not _has_accounts(ent):
        yield "spec.accounts", f"{policy} counts on accounts and none are declared; it wants nothing until they are"
    if any(demand.percent_of_usual_peak is not None for demand in demands) and ent.spec.usual_peak is None:
        yield "spec.usualPeak", f"{policy} counts on the usual peak and none is declared; it wants nothing until it is"


def _has_accounts(ent: RegionalENT) -> bool:
    accounts = ent.spec.accounts
    return accounts.pupils + accounts.teachers + accounts.parents > 0


def _edges_of_two_kinds(catalogue: Catalogue) -> Iterator[Problem]:
    """Say which ENTs behind one edge do not agree on how it is told its weights, or where it stands."""
    first: dict[str, str] = {}
    stands: dict[str, str | None] = {}
    for key, ent in catalogue.ents.items():
        for index, edge in enumerate(ent.spec.edges):
            kind = first.setdefault(edge.name, edge.kind)
            if kind != edge.kind:
                message = f"edge {edge.name} is {kind} elsewhere; give one of them another name"
                yield Problem(resource=f"RegionalENT {key}", field=f"spec.edges[{index}].kind", message=message)
            at = convert.edge(edge).site
            if stands.setdefault(edge.name, at) != at:
                message = (
                    f"edge {edge.name} stands at {stands[edge.name] or 'no site'} elsewhere; give one another name"
                )
                yield Problem(resource=f"RegionalENT {key}", field=f"spec.edges[{index}]", message=message)


def _unsized_by_events(catalogue: Catalogue) -> Iterator[Problem]:
    """Say which ENTs do not declare what the bells and windows of an event count on."""
    for event in catalogue.events:
        demands = _demands([*event.spec.bells, *event.spec.windows])
        for key, ent in catalogue.ents.items():
            if demands and applies(event.spec, ent):
                for field, message in _unsized(ent, demands, f"event {event.metadata.name}"):
                    yield Problem(resource=f"RegionalENT {key}", field=field, message=message)


def _of_event(event: SchoolEvent, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    spec = event.spec
    named: tuple[tuple[str, tuple[EntName, ...]], ...] = (
        ("spec.applies.ents", (spec.applies.ents or ()) if spec.applies else ()),
        ("spec.suspend.ents", spec.suspend.ents if spec.suspend else ()),
        ("spec.reduce.ents", spec.reduce.ents if spec.reduce else ()),
        ("spec.keepOut.ents", spec.keep_out.ents if spec.keep_out else ()),
    )
    for field, ents in named:
        for index, ent in enumerate(ents):
            key = EntKey(ent.namespace, ent.name)
            if key not in catalogue.ents:
                hint = nearest(str(key), map(str, catalogue.ents))
                yield f"{field}[{index}]", f"there is no RegionalENT {key}{hint}; the event does not reach it"
