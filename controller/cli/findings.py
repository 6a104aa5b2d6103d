"""What a preflight finds, check by check: how it is, and what to do. Judged only; `looking.py` reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from controller.cli.tomorrow import Tomorrow
from controller.domain.fleet import Ent, Order
from controller.domain.memory import EntMemory
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import ConditionType
from controller.domain.schooltime import SchoolPolicies, calendar_ends
from controller.observe.access import AccessError, SiteAccess
from controller.observe.expiry import credentials_end
from controller.planning.lead import DEFAULT_LEAD
from controller.policy.declared import Declared

CALENDAR_AHEAD = timedelta(days=14)
CREDENTIAL_AHEAD = timedelta(days=7)
"""As the alerts have it: time enough to do something about it in working hours."""


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """The bell holds; somebody should look all the same."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: what was checked, of what, how it is, and what to do about it."""

    check: str
    subject: str
    state: State
    text: str
    todo: str = ""


def ok(check: str, subject: object, text: str) -> Finding:
    """Return a finding that is as it should be."""
    return Finding(check=check, subject=str(subject), state=State.OK, text=text)


def failed(check: str, subject: object, text: str, todo: str) -> Finding:
    """Return a finding because of which the bell will not hold."""
    return Finding(check=check, subject=str(subject), state=State.FAILED, text=text, todo=todo)


def warned(check: str, subject: object, text: str, todo: str) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(check=check, subject=str(subject), state=State.WARNING, text=text, todo=todo)


def of_policies(problems: Iterable[object]) -> list[Finding]:
    """Everything declared is in force."""
    found = [
        failed("policies", "declared", str(problem), "correct the object; `sonnerie check` says the same of files")
        for problem in problems
    ]
    return found or [ok("policies", "declared", "everything declared is in force")]


def of_orders(declared: Declared, tomorrow: Tomorrow) -> list[Finding]:
    """Nobody has paused, frozen or drained what the bell needs."""
    first = min((bell.start for bell in tomorrow.bells), default=None)
    if first is None:
        return []
    found = [
        failed("orders", ent.key, f"paused {_order(ent.pause)}", "end the pause: nothing grows under it")
        for ent in declared.ents
        if ent.pause is not None and ent.pause.in_force(first)
    ]
    found += [
        warned("orders", site.name, f"drained {_order(site.drain)}", "the other sites carry its share; is it meant?")
        for site in declared.sites
        if site.drain is not None and site.drain.in_force(first)
    ]
    if declared.freeze is not None and declared.freeze.in_force(first):
        text = f"frozen {_order(declared.freeze)}"
        found.append(warned("orders", "fleet", text, "growth and evacuation go on; nothing shrinks or returns"))
    return found or [ok("orders", "fleet", "nothing is paused, frozen or drained when it rings")]


def _order(order: Order) -> str:
    return f"until {order.until:%Y-%m-%d %H:%M}Z by {order.by}: {order.reason}"


def of_calendars(school: Sequence[SchoolPolicies], tomorrow: Tomorrow, now: datetime) -> list[Finding]:
    """Every ENT has bells, and its calendar speaks about them."""
    found = []
    ringing = {bell.ent for bell in tomorrow.bells}
    for policies in school:
        ent, end = policies.ent, calendar_ends(policies)
        if not policies.schedules:
            found.append(warned("calendar", ent, "no schedule", "name one in scheduleRefs; only measurement helps now"))
        elif end is None:
            text = "no calendar: every day is a school day, vacations are paid for"
            found.append(warned("calendar", ent, text, "name a SchoolCalendar in calendarRef"))
        elif any(bell.ent == ent and bell.start >= end for bell in tomorrow.bells):
            text = f"the calendar ended on {end:%Y-%m-%d}: the day counts as a school day"
            found.append(warned("calendar", ent, text, "declare the days of this school year"))
        elif end - now < CALENDAR_AHEAD:
            text = f"the calendar ends on {end:%Y-%m-%d}"
            found.append(warned("calendar", ent, text, "declare the days that follow"))
        elif ent not in ringing:
            found.append(ok("calendar", ent, "no bell of its own on that day"))
        else:
            found.append(ok("calendar", ent, f"known until {end:%Y-%m-%d}"))
    return found


def of_credentials(
    reached: Mapping[SiteName, SiteAccess],
    refused: Mapping[SiteName, AccessError],
    unreachable: Mapping[SiteName, str],
    last_bell: datetime,
    now: datetime,
) -> list[Finding]:
    """Every site is reached with what is declared, and will be when it rings."""
    found = [
        failed("credentials", site, str(error), "see docs/site-access.md") for site, error in sorted(refused.items())
    ]
    for site, access in sorted(reached.items()):
        end = credentials_end(access)
        if site in unreachable:
            found.append(failed("credentials", site, unreachable[site], "mend the path or replace the credentials"))
        elif end is not None and end <= last_bell:
            text = f"a credential ends on {end:%Y-%m-%d %H:%M}Z, before the last bell"
            found.append(failed("credentials", site, text, "make a new one: docs/site-access.md"))
        elif end is not None and end - now < CREDENTIAL_AHEAD:
            text = f"answers; a credential ends on {end:%Y-%m-%d %H:%M}Z"
            found.append(warned("credentials", site, text, "make a new one: docs/site-access.md"))
        else:
            found.append(ok("credentials", site, "answers"))
    return found


def of_capacity(declared: Declared, tomorrow: Tomorrow) -> list[Finding]:
    """What the bells need fits within max, quota and dependencies, also after the loss of a site."""
    names = {
        ConditionType.RESERVE_READY: "reserve",
        ConditionType.SCALING_LIMITED: "quota",
        ConditionType.READY: "quota",
    }
    todo = {
        "reserve": "raise max or quota at the other sites, or accept it and say so with reserve.forLossOf: none",
        "quota": "raise max or quota, or place a share elsewhere",
    }
    found = []
    for condition in tomorrow.short:
        check = names[condition.type]
        tell = warned if condition.type is ConditionType.SCALING_LIMITED else failed
        found.append(tell(check, condition.of, condition.because.text, todo[check]))
    most: dict[SiteName, int] = {}
    for need in tomorrow.needs:
        most[need.site] = most.get(need.site, 0) + need.replicas
    for site in declared.sites:
        bound = f" of {site.quota_replicas}" if site.quota_replicas is not None else ", no quota declared"
        found.append(ok("quota", site.name, f"{most.get(site.name, 0)} replicas at most{bound}"))
    if not any(condition.type is ConditionType.RESERVE_READY for condition in tomorrow.short):
        found.append(ok("reserve", "fleet", "the loss of any one serving domain is paid for"))
    return found


def of_leads(
    ents: Sequence[Ent], memories: Mapping[EntKey, EntMemory], first_bell: datetime, now: datetime
) -> list[Finding]:
    """There is time to grow, and it is known how long that takes."""
    found = []
    for ent in ents:
        memory = memories.get(ent.key)
        longest = max((max(row[2], row[4]) for lead in memory.leads for row in lead.rows), default=0) if memory else 0
        if ent.scaling.lead_time is not None:
            lead, how = ent.scaling.lead_time, "declared"
        elif longest:
            lead, how = timedelta(seconds=longest), "learned"
        else:
            lead, how = DEFAULT_LEAD, "not learned yet, assumed"
        lead += ent.scaling.warm_up
        text = f"{lead.total_seconds():g} s to be Ready and warm ({how})"
        if first_bell - now < lead:
            todo = "raise the replicas by hand now: the bell is nearer than that"
            found.append(failed("lead time", ent.key, f"{text}, and it rings sooner", todo))
        elif how.startswith("not"):
            todo = "let it grow once before (a minimum raised and lowered), or declare scaling.leadTime"
            found.append(warned("lead time", ent.key, text, todo))
        else:
            found.append(ok("lead time", ent.key, text))
    return found
