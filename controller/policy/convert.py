"""From resources to domain values, one kind at a time. Whatever the schema could not promise is promised here."""

from collections.abc import Iterable
from datetime import time, timedelta

from controller.domain import fleet, schooldays, timetable
from controller.domain.names import DomainName, EdgeName, EntKey, SignalName, SiteName
from controller.domain.remote_schooling import factors_of
from controller.domain.schooldays import DayType
from controller.policy.calendar import CalendarSource, SchoolCalendar
from controller.policy.edge import Edge
from controller.policy.ent import Accounts, RegionalENT
from controller.policy.event import EntName, KeepOut, SchoolEvent, SchoolEventSpec
from controller.policy.limits import Scaling, Shifting, Slo
from controller.policy.placement import Placement
from controller.policy.resource import Metadata, Order
from controller.policy.scalars import LeadTime
from controller.policy.schedule import Bell, DayPlan, Demand, Window
from controller.policy.site import Site

_DEFAULT_NAMESPACE = "default"
_DEFAULT_RAMP = timedelta(minutes=10)
_DEFAULT_DURATION = timedelta(minutes=30)
"""Of a bell that does not say: the burst of a morning as seen (pupils come from ten minutes before the bell on)."""


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
        expected_status=spec.probes.expect_status if spec.probes is not None else 200,
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
    held = declared.http_route or declared.dns_endpoint or declared.rfc2136
    at = held.at_site if held is not None else None
    return fleet.Edge(name=EdgeName(declared.name), kind=declared.kind, site=SiteName(at) if at is not None else None)


def accounts(declared: Accounts) -> timetable.Accounts:
    """Return the accounts by audience."""
    return timetable.Accounts(pupils=declared.pupils, teachers=declared.teachers, parents=declared.parents)


def calendar(resource: SchoolCalendar) -> schooldays.Calendar:
    """Return the calendar that the resource declares."""
    spec = resource.spec
    named = {source.name: _cited(source) for source in spec.sources}
    return schooldays.Calendar(
        name=resource.metadata.name,
        source=spec.source,
        valid_from=spec.valid_from,
        valid_until=spec.valid_until,
        vacations=tuple(
            schooldays.VacationDays(
                name=v.name, departure=v.departure, resumption=v.resumption, source=named.get(v.source or "", "")
            )
            for v in spec.vacations
        ),
        public_holidays=tuple(
            schooldays.HolidayDate(date=h.date, name=h.name, source=named.get(h.source or "", ""))
            for h in spec.public_holidays
        ),
        exceptions=tuple(
            schooldays.ExceptionDays(
                first_day=e.first_day,
                last_day=e.last_day,
                day_type=e.day_type,
                reason=e.reason,
                source=named.get(e.source or "", ""),
            )
            for e in spec.exceptions
        ),
        remarks=tuple(
            schooldays.RemarkDays(first_day=r.first_day, last_day=r.last_day, text=r.text) for r in spec.remarks
        ),
        unknown_days=tuple(
            schooldays.UnknownDays(first_day=u.first_day, last_day=u.last_day, reason=u.reason)
            for u in spec.unknown_days
        ),
    )


def _cited(source: CalendarSource) -> str:
    """Return the source in one line, as a reader quotes it."""
    published = f"published {source.published_on}" if source.published_on else ""
    read = f"read {source.read_on}" if source.read_on else ""
    details = ", ".join(part for part in (published, read, source.url) if part)
    return f"{source.title} ({details})" if details else source.title


def schedule(name: str, days: Iterable[DayPlan]) -> timetable.Schedule:
    """Return the schedule with its composed days."""
    return timetable.Schedule(name=name, days=tuple(_day_plan(day) for day in days))


def event(resource: SchoolEvent, concerned: RegionalENT) -> timetable.Event | None:
    """Return what the event means for one ENT; None when it does not concern it."""
    spec = resource.spec
    key = ent_key(concerned.metadata)
    added = applies(spec, concerned)
    multipliers = _multipliers(spec) if added else ()
    reduced = spec.reduce is not None and _names(spec.reduce.ents, key)
    plans = (*(_own_plan(spec) if added else ()), *_keep_out(spec.keep_out, key))
    suspended = spec.suspend if spec.suspend is not None and _names(spec.suspend.ents, key) else None
    if not (multipliers or reduced or plans or suspended):
        return None
    return timetable.Event(
        name=resource.metadata.name,
        when=_when(spec),
        multipliers=multipliers,
        remaining_percent=spec.reduce.percent if spec.reduce and reduced else 100,
        plans=plans,
        reopening=(
            timetable.Reopening(ramp=suspended.reopening.ramp, duration=suspended.reopening.duration)
            if suspended
            else None
        ),
    )


def _names(ents: Iterable[EntName], key: EntKey) -> bool:
    return any(EntKey(ent.namespace, ent.name) == key for ent in ents)


def _multipliers(spec: SchoolEventSpec) -> tuple[timetable.Multiplier, ...]:
    """Return the factors of remote schooling, each replaced by one that is given, and all others that are given."""
    own = {
        (m.audience, m.per): timetable.Multiplier(audience=m.audience, factor=float(m.factor), per=m.per)
        for m in spec.multipliers
    }
    usual = factors_of(spec.remote_schooling) if spec.remote_schooling is not None else ()
    return (*(m for m in usual if (m.audience, m.per) not in own), *own.values())


def _own_plan(spec: SchoolEventSpec) -> tuple[timetable.DayPlan, ...]:
    if not spec.bells and not spec.windows:
        return ()
    return (_plan(spec.day_types, spec.bells, spec.windows),)


def _keep_out(declared: KeepOut | None, key: EntKey) -> tuple[timetable.DayPlan, ...]:
    if declared is None or not _names(declared.ents, key):
        return ()
    audiences = tuple(timetable.Audience(audience) for audience in declared.audiences)
    whole_day = declared.start is None
    window = timetable.LocalWindow(
        name=f"without {', '.join(audiences)}",
        start=declared.start or time(0),
        end=declared.end or time(0),
        ends_on=timetable.EndsOn.NEXT_DAY if whole_day else timetable.EndsOn.SAME_DAY,
        keep_out=audiences,
    )
    return (timetable.DayPlan(types=frozenset(DayType), windows=(window,)),)


def freeze(resource: SchoolEvent) -> fleet.Order | None:
    """Return the freeze that the event orders, if it orders one."""
    return _order(resource.spec.freeze)


def applies(spec: SchoolEventSpec, concerned: RegionalENT) -> bool:
    """Tell whether what the event adds concerns the ENT."""
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
        min_sites=declared.min_sites,
        dry_run=declared.dry_run,
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
    return fleet.Order(until=declared.until, reason=declared.reason, by=declared.by, given_at=declared.given_at)


def _day_plan(declared: DayPlan) -> timetable.DayPlan:
    return _plan(declared.types, declared.bells, declared.windows)


def _plan(types: Iterable[DayType], bells: Iterable[Bell], windows: Iterable[Window]) -> timetable.DayPlan:
    return timetable.DayPlan(
        types=frozenset(types),
        bells=tuple(_bell(bell) for bell in bells),
        windows=tuple(_window(window) for window in windows),
    )


def _bell(declared: Bell) -> timetable.Bell:
    assert declared.at is not None
    assert declared.demand is not None
    return timetable.Bell(
        name=declared.name,
        at=declared.at,
        ramp=_DEFAULT_RAMP if declared.ramp is None else declared.ramp,
        duration=_DEFAULT_DURATION if declared.duration is None else declared.duration,
        demand=_demand(declared.demand),
        lead=_lead(declared.lead),
    )


def _window(declared: Window) -> timetable.LocalWindow:
    assert declared.start is not None
    assert declared.end is not None
    return timetable.LocalWindow(
        name=declared.name,
        start=declared.start,
        end=declared.end,
        ends_on=declared.ends_on or timetable.EndsOn.SAME_DAY,
        demand=None if declared.demand is None else _demand(declared.demand),
        lead=_lead(declared.lead),
        keep_out=tuple(timetable.Audience(audience) for audience in declared.keep_out or ()),
    )


def _lead(declared: LeadTime | None) -> timedelta | None:
    return declared if isinstance(declared, timedelta) else None


def _demand(declared: Demand) -> timetable.Demand:
    if declared.connections_per_second is not None:
        return timetable.FixedDemand(per_second=float(declared.connections_per_second))
    if declared.percent_of_usual_peak is not None:
        return timetable.PeakDemand(percent=declared.percent_of_usual_peak)
    share = declared.share_of_accounts
    assert share is not None
    return timetable.ShareDemand(
        pupils_permille=share.pupils_permille,
        teachers_permille=share.teachers_permille,
        parents_permille=share.parents_permille,
        within=share.within,
    )
