"""KEDA with a cron trigger per declared window and a Prometheus trigger on requests, as it stands in each cluster."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from controller.domain.names import EntKey
from controller.domain.windows import Window
from controller.sim.controller import Known, Seen, SeenPlacement
from controller.sim.peers import declared, hpa, hpa_metrics, keda
from controller.sim.peers.hpa_proposals import NoProposal, Proposed, Tolerance
from controller.sim.peers.hpa_scalers import HpaScaler, target_per_second
from controller.sim.peers.keda import Activity, Fallback, FallbackBehavior, ScaledObject, TriggerError
from controller.sim.peers.keda_cron import Cron, parse
from controller.sim.peers.scaling import EachPlacement
from controller.sim.peers.sizing import Sizings

_UTC_ZONE = ZoneInfo("UTC")
FAILURE_THRESHOLD = 3
"""`fallback.failureThreshold` of KEDA's own example."""


@dataclass(slots=True)
class CronTrigger:
    """A window as two dated cron expressions. What they name next is kept until it has passed."""

    start: Cron
    end: Cron
    demand_per_second: float
    next_start: datetime | None = None
    next_end: datetime | None = None

    def refreshed(self, now: datetime) -> None:
        """Look up again what has passed."""
        if self.next_start is None or self.next_start <= now:
            self.next_start = self.start.next(now)
        if self.next_end is None or self.next_end <= now:
            self.next_end = self.end.next(now)

    @property
    def active(self) -> bool:
        """KEDA's rule, on what was looked up (`keda.cron_is_active`)."""
        return self.next_start is not None and self.next_end is not None and not self.next_start < self.next_end


def trigger_of(window: Window, lead: timedelta) -> CronTrigger:
    """Return the trigger of a declared window: `minute hour day month *`, in UTC, a lead time early."""
    start, end = declared.whole_minutes(window.start - lead, window.end)
    return CronTrigger(start=_dated(start), end=_dated(end), demand_per_second=window.demand_per_second)


def _dated(at: datetime) -> Cron:
    utc = at.astimezone(UTC)
    return parse(f"{utc.minute} {utc.hour} {utc.day} {utc.month} *", _UTC_ZONE)


@dataclass(slots=True)
class CronTriggers:
    """The cron triggers of one ENT. Between two instants that they name, nothing changes."""

    triggers: tuple[CronTrigger, ...]
    _demand: float = 0.0
    _until: datetime | None = None

    def demand(self, now: datetime) -> float:
        """Return the largest demand of the active triggers; the HPA takes the largest of its metrics."""
        if self._until is None or now >= self._until:
            for trigger in self.triggers:
                trigger.refreshed(now)
            self._demand = max((t.demand_per_second for t in self.triggers if t.active), default=0.0)
            named = [at for t in self.triggers for at in (t.next_start, t.next_end) if at is not None]
            self._until = min(named, default=datetime.max.replace(tzinfo=UTC))
        return self._demand


@dataclass(slots=True)
class KedaScaler:
    """One ScaledObject: two kinds of triggers, the operator's own loop, and the HPA behind it."""

    known: Known
    sizings: Sizings
    crons: CronTriggers
    ignore_null_values: bool
    fallback: Fallback | None
    created: datetime
    hpa: HpaScaler = field(init=False)
    failures: int = 0
    last_active: datetime | None = None
    polled_at: datetime | None = None

    def __post_init__(self) -> None:
        self.hpa = HpaScaler(self.metrics)

    def wanted(self, seen: SeenPlacement, all_seen: Seen) -> int:
        """Let the operator poll when it is due; otherwise, and from one replica on, let the HPA sync."""
        if self.polled_at is None or (all_seen.now - self.polled_at).total_seconds() >= keda.POLLING_SECONDS:
            self.polled_at = all_seen.now
            polled = self._polled(seen, all_seen)
            if polled != seen.wanted:
                return min(polled, seen.max_replicas)
        return self.hpa.synced(seen, all_seen, floor=max(1, seen.min_replicas))

    def _polled(self, seen: SeenPlacement, all_seen: Seen) -> int:
        value = self._requests(seen, all_seen)
        failed = isinstance(value, TriggerError)
        active = self.crons.demand(all_seen.now) > 0 or (not isinstance(value, TriggerError) and value > 0)
        result = keda.requested(
            ScaledObject(min_replicas=seen.min_replicas, fallback=self.fallback),
            Activity(active=active, failed=failed),
            current=seen.wanted,
            last_active=self.last_active,
            created=self.created,
            now=all_seen.now,
        )
        self.last_active = result.last_active
        return result.replicas

    def _requests(self, seen: SeenPlacement, all_seen: Seen) -> float | TriggerError:
        """Ask Prometheus. Both loops ask, and both count failures."""
        if seen.requests_per_second is None and seen.metric_at is None:
            value: float | TriggerError = TriggerError("prometheus does not answer")
        else:
            value = keda.scalar_value(seen.requests_per_second, ignore_null_values=self.ignore_null_values)
        target = target_per_second(self.known, self.sizings, seen, all_seen)
        served = keda.with_fallback(value, self.fallback, failures=self.failures, target=target, current=seen.wanted)
        self.failures = served.failures
        return served.value

    def metrics(self, seen: SeenPlacement, all_seen: Seen, tolerance: Tolerance) -> Sequence[Proposed]:
        """Return what the HPA is told: the active cron triggers' count, and requests per replica."""
        scheduled = self.crons.demand(all_seen.now)
        count = self.sizings.of(seen.ent, all_seen).replicas(scheduled, seen.site) if scheduled > 0 else 0
        by_cron = hpa_metrics.for_share(seen, value=count, target=1.0, tolerance=tolerance)
        requests = self._requests(seen, all_seen)
        if isinstance(requests, TriggerError):
            return [by_cron, NoProposal(requests.why)]
        target = target_per_second(self.known, self.sizings, seen, all_seen)
        return [by_cron, hpa_metrics.for_share(seen, value=requests, target=target, tolerance=tolerance)]


def _keda(known: Known, name: str, fallback: Fallback | None, *, ignore_null_values: bool) -> EachPlacement:
    sizings = Sizings(known)
    windows = declared.by_ent(known.windows)
    early = declared.lead(known)
    crons: dict[EntKey, CronTriggers] = {}

    def make(seen: SeenPlacement, all_seen: Seen) -> KedaScaler:
        if seen.ent not in crons:
            crons[seen.ent] = CronTriggers(tuple(trigger_of(w, early) for w in windows.get(seen.ent, ())))
        return KedaScaler(known, sizings, crons[seen.ent], ignore_null_values, fallback, created=all_seen.now)

    return EachPlacement(name, hpa.SYNC_SECONDS, make)


def keda_default(known: Known) -> EachPlacement:
    """KEDA as it comes: `ignoreNullValues: true`, no fallback."""
    return _keda(known, "keda", None, ignore_null_values=True)


def keda_strict(known: Known) -> EachPlacement:
    """KEDA told not to take nothing for zero, with a fallback that keeps what stands."""
    fallback = Fallback(failure_threshold=FAILURE_THRESHOLD, replicas=0, behavior=FallbackBehavior.CURRENT_IF_HIGHER)
    return _keda(known, "keda-strict", fallback, ignore_null_values=False)
