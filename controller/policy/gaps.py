"""Times of day that the clocks skip: a bell at 02:30 on the night in which summer time begins."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from controller.domain.localtime import ONE_DAY, Occurrence, local, midnights, to_utc
from controller.domain.names import EntKey
from controller.domain.schooltime import SchoolPolicies, facts_of
from controller.domain.timetable import DayPlan, Days, EndsOn
from controller.policy.catalogue import Catalogue
from controller.policy.declared import Declared
from controller.policy.errors import Problem
from controller.policy.sampling import days_of_events, year_of
from controller.policy.scalars import write_local_time
from controller.policy.written import in_event, in_schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class _Time:
    """One time of day of a plan; `name` is that of its bell or window, `field` how the file calls the time."""

    name: str
    field: str
    day: date
    at: time


def skipped_times(declared: Declared, catalogue: Catalogue) -> Iterator[Problem]:
    """Say which bells and windows stand at times that do not exist on a day on which they happen; each once."""
    told = set[tuple[str, str]]()
    for school in declared.school:
        for problem in _of_ent(school, catalogue):
            if (problem.resource, problem.field) not in told:
                told.add((problem.resource, problem.field))
                yield problem


def _of_ent(school: SchoolPolicies, catalogue: Catalogue) -> Iterator[Problem]:
    zone = ZoneInfo(school.time_zone)
    facts = facts_of(school.calendar)
    for day in sorted({*year_of(school.calendar), *days_of_events(school)}):
        if not _loses_time(zone, day):
            continue
        kind = facts(day).day_type
        for schedule in school.schedules:
            plan = schedule.plan_for(day, kind)
            for skipped in _skipped(plan, zone, day) if plan is not None else ():
                key = EntKey(school.ent.namespace, schedule.name)
                resource, field = in_schedule(catalogue, key, skipped.name, skipped.field)
                yield Problem(resource=resource, field=field, message=_message(skipped, zone))
        for event in school.events:
            happens = isinstance(event.when, Days) and event.when.first_day <= day <= event.when.last_day
            for plan in (p for p in event.plans if happens and kind in p.types):
                for skipped in _skipped(plan, zone, day):
                    resource, field = in_event(catalogue, event.name, skipped.name, skipped.field)
                    yield Problem(resource=resource, field=field, message=_message(skipped, zone))


def _loses_time(zone: ZoneInfo, day: date) -> bool:
    """Tell whether the clocks jump forward on the day or the night after it, into which a window may reach."""
    start, end = midnights(zone, day, day + ONE_DAY)
    return end - start < 2 * ONE_DAY


def _skipped(plan: DayPlan, zone: ZoneInfo, day: date) -> Iterator[_Time]:
    times = [_Time(name=bell.name, field="at", day=day, at=bell.at) for bell in plan.bells]
    for window in plan.windows:
        last = day if window.ends_on is EndsOn.SAME_DAY else day + ONE_DAY
        times.append(_Time(name=window.name, field="start", day=day, at=window.start))
        times.append(_Time(name=window.name, field="end", day=last, at=window.end))
    return (found for found in times if _shown(zone, found) != datetime.combine(found.day, found.at))


def _shown(zone: ZoneInfo, found: _Time) -> datetime:
    return local(zone, to_utc(zone, found.day, found.at, Occurrence.FIRST).astimezone(UTC))


def _message(skipped: _Time, zone: ZoneInfo) -> str:
    return (
        f"{write_local_time(skipped.at)} of {skipped.name} does not exist on {skipped.day} in {zone.key}, where the "
        f"clocks jump to {_shown(zone, skipped):%H:%M} and it is taken as that; choose another time"
    )
