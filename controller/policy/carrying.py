"""Floors above ceilings, and demand that nobody could carry: found before the morning on which it matters."""

from collections.abc import Iterator
from datetime import UTC, datetime

from controller.domain.fleet import Ent, Site
from controller.domain.names import SiteName
from controller.domain.schooltime import SchoolPolicies, facts_of, windows_on
from controller.domain.windows import Window
from controller.planning.quiet import expecting, size
from controller.policy.catalogue import Catalogue
from controller.policy.declared import Declared
from controller.policy.errors import Problem
from controller.policy.sampling import one_of_each_kind

_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)
"""A quiet fleet is the same at any time."""


def too_much(declared: Declared, catalogue: Catalogue) -> Iterator[Problem]:
    """Say which minimums are above a quota, and which scheduled demand is above all that an ENT can have."""
    yield from _minimums_above_quota(declared)
    sites = {site.name: site for site in declared.sites}
    for ent, school in zip(declared.ents, declared.school, strict=True):
        if len(ent.placements) == len(catalogue.ents[ent.key].spec.placements):  # sites that miss are told elsewhere
            yield from _demand_above_all(ent, school, sites)


def _minimums_above_quota(declared: Declared) -> Iterator[Problem]:
    for site in declared.sites:
        there = [(ent, i, p) for ent in declared.ents for i, p in enumerate(ent.placements) if p.site == site.name]
        total = sum(placement.min_replicas for _, _, placement in there)
        if site.quota_replicas is None or total <= site.quota_replicas or not there:
            continue
        ent, index, _ = max(there, key=lambda found: found[2].min_replicas)
        who = "its min" if len(there) == 1 else f"the min of the {len(there)} ENTs there together"
        message = (
            f"{who} is {total}, and the quota of Site {site.name} is {site.quota_replicas}: a floor above the ceiling"
        )
        yield Problem(
            resource=f"RegionalENT {ent.key}",
            field=f"spec.placements[{index}].min",
            message=f"{message}; lower one or raise the other",
        )


def _demand_above_all(ent: Ent, school: SchoolPolicies, sites: dict[SiteName, Site]) -> Iterator[Problem]:
    facts = facts_of(school.calendar)
    windows = [window for day in one_of_each_kind(school) for window in windows_on(school, day, facts)]
    for by_event in (False, True):
        most = max((w for w in windows if w.by_event is by_event), key=lambda w: w.demand_per_second, default=None)
        if most is not None and most.demand_per_second > 0:
            yield from _above(ent, most, sites)


def _above(ent: Ent, window: Window, sites: dict[SiteName, Site]) -> Iterator[Problem]:
    """Ask the planner for the ENT alone: what others need of a quota only makes it less."""
    there = [sites[placement.site] for placement in ent.placements]
    expected = expecting(ent.key, window.demand_per_second, window.source, _SOME_TIME)
    sized = size(there, [ent], [expected], _SOME_TIME)[ent.key]
    if sized.unserved_per_second > 0.0:
        carried = window.demand_per_second - sized.beyond_ceiling_per_second - sized.unserved_per_second
        message = (
            f"{window.source} wants {window.demand_per_second:.1f}/s, and all placements carry {carried:.1f}/s "
            f"with {sized.replicas} replicas, which max and quotas allow: a floor above the ceiling; raise them, or "
            "place the ENT at one more site"
        )
        yield Problem(resource=f"RegionalENT {ent.key}", field="spec.placements", message=message)
