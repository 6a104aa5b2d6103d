"""Metrics of what is planned and of what will end: what alerts need to speak before users notice."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry

from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Plan, SetFloor, SetReplicas
from controller.domain.schooltime import SchoolPolicies, calendar_ends
from controller.domain.world import World
from controller.planning.explain import is_well
from controller.runtime.sheet import Sheet

ALL_PERMILLE = 1000


class Outlook:
    """Gauges that are set anew in every cycle; what is no longer there disappears."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Sheet:
            return Sheet(f"sonnerie_{name}", text, labels, registry)

        self.not_well = gauge(
            "condition_not_well", "1 for each condition that somebody should look at", "ent", "site", "reason"
        )
        self.next_bell = gauge("next_bell_timestamp_seconds", "When the next school window begins", "ent")
        self.demand = gauge("demand_per_second", "Demand of all sites now", "ent")
        self.scheduled = gauge("scheduled_demand_per_second", "Demand that schedule and events expect now", "ent")
        self.admitted = gauge("admitted_ratio", "Share of the demand that can be carried", "ent")
        self.target = gauge("target_replicas", "Replicas that the last plan wants", "ent", "site")
        self.pending = gauge("pending_seconds", "How long fewer replicas have been Ready than wanted", "ent", "site")
        self.calendar = gauge("calendar_end_timestamp_seconds", "When the calendar of the ENT ends", "ent")
        self.credentials = gauge(
            "credential_end_timestamp_seconds", "When the first credential for the site ends", "site"
        )

    def show_plan(self, world: World, plan: Plan, now: datetime) -> None:
        """Set what speaks about the plan."""
        for gauge in (self.not_well, self.demand, self.admitted, self.target):
            gauge.clear()
        for condition in plan.conditions:
            if not is_well(condition):
                of = condition.of
                ent, site = (str(of), "") if isinstance(of, EntKey) else ("", str(of))
                self.not_well.labels(ent=ent, site=site, reason=str(condition.type)).set(1)
        for (key, at), replicas in planned(world, plan).items():
            self.target.labels(ent=str(key), site=at).set(replicas)
        for admission in plan.admission:
            self.demand.labels(ent=str(admission.ent)).set(admission.demand_per_second)
            self.admitted.labels(ent=str(admission.ent)).set(admission.admit_permille / ALL_PERMILLE)
        self._show_bells(world, now)

    def show_declared(self, school: Iterable[SchoolPolicies], credentials: Mapping[SiteName, datetime | None]) -> None:
        """Set what will end though nobody changes anything."""
        self.calendar.clear()
        for policies in school:
            end = calendar_ends(policies)
            if end is not None:
                self.calendar.labels(ent=str(policies.ent)).set(end.timestamp())
        self.credentials.clear()
        for site, ends in credentials.items():
            if ends is not None:
                self.credentials.labels(site=site).set(ends.timestamp())

    def _show_bells(self, world: World, now: datetime) -> None:
        self.next_bell.clear()
        self.scheduled.clear()
        ahead: dict[EntKey, datetime] = {}
        expected = {ent.key: 0.0 for ent in world.ents}
        for window in world.windows:
            expected[window.ent] = max(expected.get(window.ent, 0.0), window.expected_at(now))
            if window.start > now:
                ahead[window.ent] = min(window.start, ahead.get(window.ent, window.start))
        for ent, start in ahead.items():
            self.next_bell.labels(ent=str(ent)).set(start.timestamp())
        for ent, per_second in expected.items():
            self.scheduled.labels(ent=str(ent)).set(per_second)
        self.pending.clear()
        for state in world.replicas:
            waited = (now - state.pending_since).total_seconds() if state.pending_since is not None else 0.0
            self.pending.labels(ent=str(state.ent), site=state.site).set(waited)


def planned(world: World, plan: Plan) -> dict[tuple[EntKey, SiteName], int]:
    """Return the replicas that are wanted: growth that is withheld is, a shrink that is withheld is not.

    Read off the actions: the explanation, which says it too, is worked out only when somebody asks.
    """
    found = {(state.ent, state.site): state.wanted for state in world.replicas}
    for action in (held.action for held in plan.withheld):
        if isinstance(action, SetReplicas | SetFloor):
            found[(action.ent, action.site)] = max(action.replicas, found.get((action.ent, action.site), 0))
    for action in plan.actions:
        if isinstance(action, SetReplicas | SetFloor):
            found[(action.ent, action.site)] = action.replicas
    return found
