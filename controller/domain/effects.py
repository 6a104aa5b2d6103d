"""What an event changes, in a sentence: for the trail in its status, and for whoever reviews it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from controller.domain.schooltime import SchoolPolicies, interval, resolve
from controller.domain.timetable import Event

LONGEST_LOOK = timedelta(days=7)
"""The first week of an event tells its size; a year of it would take long to resolve."""
MOST_MEASURED = 32
"""ENTs whose peaks are computed: more would hold up the cycle in which the event is first seen."""
MOST_NAMED = 3


def effect_of(name: str, school: Iterable[SchoolPolicies]) -> str:
    """Return whom the event of that name concerns and what it does to their peaks."""
    concerned = [(each, event) for each in school for event in each.events if event.name == name]
    if not concerned:
        return "concerns no ENT that is declared"
    peaks = [(*_peaks(policies, event), str(policies.ent)) for policies, event in concerned[:MOST_MEASURED]]
    said = [f"concerns {len(concerned)} {'ENT' if len(concerned) == 1 else 'ENTs'}"]
    raised = sorted(((before - after, ent, before, after) for before, after, ent in peaks if after > before))
    lowered = sorted(((after - before, ent, before, after) for before, after, ent in peaks if after < before))
    for verb, changes in (("raises", raised), ("lowers", lowered)):
        if changes:
            named = ", ".join(f"{ent} {b:.1f} → {a:.1f}" for _, ent, b, a in changes[:MOST_NAMED])
            more = f" and {len(changes) - MOST_NAMED} more" if len(changes) > MOST_NAMED else ""
            said.append(f"{verb} the peak per second of {named}{more}")
    shut = sorted(str(policies.ent) for policies, event in concerned if event.reopening is not None)
    if shut:
        said.append(f"shuts {', '.join(shut)} on purpose")
    return "; ".join(said)


def _peaks(policies: SchoolPolicies, event: Event) -> tuple[float, float]:
    """Return the largest demand of one schedule or event in the event's first week, without it and with it."""
    start, end = interval(event.when, ZoneInfo(policies.time_zone))
    end = min(end, start + LONGEST_LOOK)
    others = replace(policies, events=tuple(each for each in policies.events if each is not event))
    return _peak(others, start, end), _peak(policies, start, end)


def _peak(policies: SchoolPolicies, start: datetime, end: datetime) -> float:
    return max((window.demand_per_second for window in resolve(policies, start, end).windows), default=0.0)
