"""Metrics, prefix `sonnerie_`, labels only ent, site, edge and reason (design §9)."""

from collections.abc import Iterable
from datetime import date, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest

from controller.domain.memory import Memory, Verdict
from controller.domain.readings import Fresh, Stale
from controller.domain.schooltime import SchoolPolicies
from controller.domain.world import World
from controller.runtime.journal import News
from controller.runtime.outlook import Outlook
from controller.runtime.sheet import Sheet

CYCLE_BUCKETS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 2.0, 5.0)
"""Around the promises: 0.3 s for a region's fleet, 2 s for a thousand ENTs."""

NO_CALENDAR = -10_000
"""Days left where there is no calendar: an alert on `< 14` finds it, and nobody takes it for a date."""


class Telemetry:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.cycle_seconds = Histogram(
            "sonnerie_cycle_duration_seconds",
            "Time of one planning cycle, actions included",
            buckets=CYCLE_BUCKETS,
            registry=self.registry,
        )
        self.round_seconds = Histogram(
            "sonnerie_evidence_round_duration_seconds",
            "Time of one evidence round",
            buckets=(0.03, 0.1, 0.3, 0.6, 1.0, 1.2, 2.0),
            registry=self.registry,
        )
        self.last_cycle = self._gauge("last_cycle_timestamp_seconds", "When the last planning cycle ended")
        self.leader = self._gauge("leader", "1 while this process holds the Lease")
        self.wanted = self._sheet("wanted_replicas", "Replicas wanted in the cluster", "ent", "site")
        self.ready = self._sheet("ready_replicas", "Replicas Ready", "ent", "site")
        self.seen_age = self._sheet("replicas_seen_age_seconds", "Age of the last proof of the watch", "ent", "site")
        self.weight = self._sheet("weight", "Weight in force of (ENT, site) at the edge", "ent", "site", "edge")
        self.verdict = self._sheet("site_verdict", "1 for the verdict in force, named by `reason`", "site", "reason")
        self.reading_age = self._sheet("reading_age_seconds", "Age of the oldest known reading", "ent", "site")
        self.not_fresh = self._sheet("readings_not_fresh", "Readings Stale or Missing", "ent", "site", "reason")
        self.evidence_age = self._gauge("evidence_age_seconds", "Age of the last evidence round")
        self.outlook = Outlook(self.registry)
        self.withheld_now = self._sheet("withheld_actions", "Actions withheld in the last plan", "reason")
        self.problems = self._gauge("policy_problems", "Invalid objects, broken references, calendars ended")
        self.calendar_days_left = self._sheet(
            "calendar_days_left", "Days until the ENT's calendar ends; below 0 it has, and -10000 is none at all", "ent"
        )
        self.actions = self._counter("actions", "Actions begun, counted once while they stay the same", "ent", "reason")
        self.withheld = self._counter("withheld", "Actions withheld, counted once while they stay so", "ent", "reason")
        self.failures = self._counter("cycle_failures", "Planning cycles that crashed")
        self.unrecorded = self._gauge("unrecorded_decisions", "Decisions since the start that could not be recorded")
        self.violations = self._counter("invariant_violations", "Actions stopped by the last gate, by rule", "reason")
        self.report_age = self._sheet("report_age_seconds", "Age of the last report of another observer", "site")
        self.policies_differ = self._sheet("policies_differ", "1 while a site plans from other policies", "site")
        self.report_bytes = self._gauge("report_bytes", "Size of our last report")
        self.reports_written = self._counter("reports_written", "Reports written, one per evidence round at most")
        self.unwritten = self._counter("status_write_failures", "Status writes that failed", "ent", "site")

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"sonnerie_{name}", text, labels, registry=self.registry)

    def _sheet(self, name: str, text: str, *labels: str) -> Sheet:
        return Sheet(f"sonnerie_{name}", text, labels, self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"sonnerie_{name}", text, labels, registry=self.registry)

    def text(self) -> bytes:
        """Return the exposition format."""
        return generate_latest(self.registry)

    def show_world(self, world: World, memory: Memory, now: datetime) -> None:
        """Set the gauges that speak about the fleet; what is no longer there disappears."""
        self._show_replicas(world, now)
        self._show_readings(world, now)
        self.weight.clear()
        for route in world.routes:
            self.weight.labels(ent=str(route.ent), site=route.site, edge=route.edge).set(route.weight)
        self.verdict.clear()
        for site in memory.sites:
            for verdict in Verdict:
                self.verdict.labels(site=site.site, reason=str(verdict)).set(site.verdict is verdict)

    def show_calendars(self, school: Iterable[SchoolPolicies], today: date) -> None:
        """Tell how long each ENT's calendar is still known."""
        self.calendar_days_left.clear()
        for each in school:
            left = NO_CALENDAR if each.calendar is None else (each.calendar.valid_until - today).days
            self.calendar_days_left.labels(ent=str(each.ent)).set(left)

    def show_news(self, news: News, withheld_reasons: Iterable[str]) -> None:
        """Count what is new, and how much is withheld now."""
        for action in news.actions:
            self.actions.labels(ent=str(action.ent), reason=str(action.because.reason)).inc()
        for each in news.withheld:
            self.withheld.labels(ent=str(each.action.ent), reason=str(each.because.reason)).inc()
        self.withheld_now.clear()
        for reason in withheld_reasons:
            self.withheld_now.labels(reason=reason).inc()

    def _show_replicas(self, world: World, now: datetime) -> None:
        for gauge in (self.wanted, self.ready, self.seen_age):
            gauge.clear()
        for state in world.replicas:
            labels = {"ent": str(state.ent), "site": state.site}
            self.wanted.labels(**labels).set(state.wanted)
            self.ready.labels(**labels).set(state.ready)
            self.seen_age.labels(**labels).set((now - state.seen_at).total_seconds())

    def _show_readings(self, world: World, now: datetime) -> None:
        self.reading_age.clear()
        self.not_fresh.clear()
        ages: dict[tuple[str, str], float] = {}
        for each in world.readings:
            identity = (str(each.ent), str(each.site))
            if isinstance(each.reading, Fresh | Stale):
                ages[identity] = max(ages.get(identity, 0.0), (now - each.reading.at).total_seconds())
            if not isinstance(each.reading, Fresh):
                self.not_fresh.labels(ent=identity[0], site=identity[1], reason=str(each.reading.reason)).inc()
        for (ent, site), age in ages.items():
            self.reading_age.labels(ent=ent, site=site).set(age)
