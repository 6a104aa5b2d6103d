"""From resources to domain values, one kind at a time. Whatever the schema could not promise is promised here."""

from controller.domain import fleet, schooldays, timetable
from controller.domain.names import DomainName, EdgeName, EntKey, SignalName, SiteName
from controller.policy.calendar import SchoolCalendar
from controller.policy.edge import Edge
from controller.policy.ent import Accounts, RegionalENT
from controller.policy.event import SchoolEvent, SchoolEventSpec
from controller.policy.limits import Scaling, Shifting, Slo
from controller.policy.placement import Placement
from controller.policy.resource import Metadata, Order
from controller.policy.schedule import DayPlan, Demand, SchoolSchedule
from controller.policy.site import Site

_DEFAULT_NAMESPACE = "default"


def ent_key(metadata: Metadata) -> EntKey:
    """Return the identity of the ENT; a file without a namespace means `default`, as kubectl does."""
    return EntKey(metadata.namespace or _DEFAULT_NAMESPACE, metadata.name)


def site(resource: Site) -> fleet.Site:
    """Return the site that the resource declares."""
    spec = resource.spec
    return fleet.Site(
        name=SiteName(resource.metadata.name),
        failure_domains=tuple(
            fleet.FailureDomain(name=DomainName(domain.name), kind=domain.kind) for domain in spec.failure_domains
        ),
        quota_replicas=spec.quota.replicas if spec.quota else None,
        relative_cost_permille=spec.relative_cost_permille,
        drain=_order(spec.drain),
        has_public_address=spec.probes is not None,
    )


def ent(resource: RegionalENT) -> fleet.Ent:
    """Return the ENT that the resource declares."""
    spec = resource.spec
    return fleet.Ent(
        key=ent_key(resource.metadata),
        region=spec.region,
        placements=tuple(_placement(placement) for placement in spec.placements),
        signals=tuple(
            fleet.DemandSignal(
                signal=SignalName(signal.signal), capacity_per_replica=float(signal.capacity_per_replica)
            )
            for signal in spec.demand_signals
        ),
        edges=tuple(EdgeName(edge.name) for edge in spec.edges),
        dependencies=tuple(
            fleet.Dependency(
                name=dependency.name,
                capacity=float(dependency.capacity),
                use_per_replica=float(dependency.use_per_replica) if dependency.use_per_replica is not None else None,
                signal=SignalName(dependency.signal) if dependency.signal is not None else None,
            )
            for dependency in spec.dependencies
        ),
        slo=_slo(spec.slo),
        reserve=spec.reserve.for_loss_of,
        owner=spec.replicas.owner,
        priority=spec.priority,
        shifting=_shifting(spec.shifting),
        scaling=_scaling(spec.scaling, resource),
        pause=_order(spec.pause),
    )


def edges(resource: RegionalENT) -> tuple[fleet.Edge, ...]:
    """Return the edges that the ENT stands behind."""
    return tuple(edge(declared) for declared in resource.spec.edges)


def edge(declared: Edge) -> fleet.Edge:
    """Return the edge. Where its object lives it stands: it is written there, and falls with that site (ADR 0011)."""
    held = declared.http_route or declared.dns_endpoint
    at = held.at_site if held is not None else None
    return fleet.Edge(name=EdgeName(declared.name), kind=declared.kind, site=SiteName(at) if at is not None else None)


def accounts(declared: Accounts) -> timetable.Accounts:
    """Return the accounts by audience."""
    return timetable.Accounts(pupils=declared.pupils, teachers=declared.teachers, parents=declared.parents)


def calendar(resource: SchoolCalendar) -> schooldays.Calendar:
    """Return the calendar that the resource declares."""
    spec = resource.spec
    return schooldays.Calendar(
        name=resource.metadata.name,
        source=spec.source,
        valid_from=spec.valid_from,
        valid_until=spec.valid_until,
        vacations=tuple(
            schooldays.VacationDays(name=v.name, departure=v.departure, resumption=v.resumption) for v in spec.vacations
        ),
        public_holidays=tuple(schooldays.HolidayDate(date=h.date, name=h.name) for h in spec.public_holidays),
        exceptions=tuple(
            schooldays.ExceptionDays(first_day=e.first_day, last_day=e.last_day, day_type=e.day_type, reason=e.reason)
            for e in spec.exceptions
        ),
    )


def schedule(resource: SchoolSchedule) -> timetable.Schedule:
    """Return the schedule that the resource declares."""
    return timetable.Schedule(name=resource.metadata.name, days=tuple(_day_plan(day) for day in resource.spec.days))


def event(resource: SchoolEvent, concerned: RegionalENT) -> timetable.Event | None:
    """Return what the event means for one ENT; None when it does not concern it."""
    spec = resource.spec
    key = ent_key(concerned.metadata)
    multipliers = (
        tuple(timetable.Multiplier(audience=m.audience, factor=float(m.factor), per=m.per) for m in spec.multipliers)
        if _applies(spec, concerned)
        else ()
    )
    reduced = spec.reduce is not None and key in {EntKey(e.namespace, e.name) for e in spec.reduce.ents}
    if not multipliers and not reduced:
        return None
    return timetable.Event(
        name=resource.metadata.name,
        when=_when(spec),
        multipliers=multipliers,
        remaining_percent=spec.reduce.percent if spec.reduce and reduced else 100,
    )


def freeze(resource: SchoolEvent) -> fleet.Order | None:
    """Return the freeze that the event orders, if it orders one."""
    return _order(resource.spec.freeze)


def _applies(spec: SchoolEventSpec, concerned: RegionalENT) -> bool:
    if spec.applies is None:
        return False
    named = {EntKey(e.namespace, e.name) for e in spec.applies.ents or ()}
    return concerned.spec.territory in (spec.applies.territories or ()) or ent_key(concerned.metadata) in named


def _when(spec: SchoolEventSpec) -> timetable.Days | timetable.Instants:
    if spec.first_day is not None and spec.last_day is not None:
        return timetable.Days(first_day=spec.first_day, last_day=spec.last_day)
    assert spec.start is not None
    assert spec.end is not None
    return timetable.Instants(start=spec.start, end=spec.end)


def _placement(declared: Placement) -> fleet.Placement:
    return fleet.Placement(
        site=SiteName(declared.site),
        target=fleet.Target(
            api_version=declared.target.api_version, kind=declared.target.kind, name=declared.target.name
        ),
        min_replicas=declared.min,
        max_replicas=declared.max,
        home=declared.home,
        data_mode=declared.data.mode,
        data_grace=declared.data.grace,
    )


def _slo(declared: Slo) -> fleet.Slo:
    return fleet.Slo(error_ratio=declared.error_permille / 1000, latency_seconds=declared.latency_milliseconds / 1000)


def _shifting(declared: Shifting) -> fleet.Shifting:
    return fleet.Shifting(
        max_step_percent=declared.max_step_percent,
        min_step_percent=declared.min_step_percent,
        step_interval=declared.step_interval,
        failback_hold=declared.failback_hold,
        reversal_window=declared.reversal_window,
    )


def _scaling(declared: Scaling, resource: RegionalENT) -> fleet.Scaling:
    return fleet.Scaling(
        lead_time=None if declared.lead_time == "auto" else declared.lead_time,
        warm_up=resource.spec.warm_up,
        stabilization_window=declared.stabilization_window,
        surprise_max=declared.surprise_max_percent / 100,
        blind_hold=declared.blind_hold,
    )


def _order(declared: Order | None) -> fleet.Order | None:
    if declared is None:
        return None
    return fleet.Order(until=declared.until, reason=declared.reason, by=declared.by)


def _day_plan(declared: DayPlan) -> timetable.DayPlan:
    return timetable.DayPlan(
        types=frozenset(declared.types),
        bells=tuple(
            timetable.Bell(
                name=bell.name, at=bell.at, ramp=bell.ramp, duration=bell.duration, demand=_demand(bell.demand)
            )
            for bell in declared.bells
        ),
        windows=tuple(
            timetable.LocalWindow(
                name=window.name,
                start=window.start,
                end=window.end,
                ends_on=window.ends_on,
                demand=_demand(window.demand),
            )
            for window in declared.windows
        ),
    )


def _demand(declared: Demand) -> timetable.Demand:
    if declared.connections_per_second is not None:
        return timetable.FixedDemand(per_second=float(declared.connections_per_second))
    share = declared.share_of_accounts
    assert share is not None
    return timetable.ShareDemand(
        pupils_permille=share.pupils_permille,
        teachers_permille=share.teachers_permille,
        parents_permille=share.parents_permille,
        within=share.within,
    )
