"""ScalingSchedules for declared windows beside an HPA on requests, with and without the side controller."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.sim.controller import Known, Seen, SeenPlacement
from controller.sim.peers import declared, hpa, hpa_metrics, zalando
from controller.sim.peers.hpa_proposals import Proposed, Tolerance
from controller.sim.peers.hpa_scalers import HpaScaler, target_per_second
from controller.sim.peers.scaling import EachPlacement
from controller.sim.peers.sizing import Sizings
from controller.sim.peers.zalando import Schedule

LOOK_SECONDS = 5.0
"""Divides the HPA's 15 s and the side controller's 10 s."""
VALUE_PER_REPLICA = 1
"""`averageValue` of the HPA: the schedule's value counts replicas."""


@dataclass(slots=True)
class Upcoming:
    """Schedules in order of time; those that are over are dropped."""

    schedules: list[Schedule]
    first: int = 0

    def near(self, now: datetime) -> list[Schedule]:
        """Return the schedules that may have a value now."""
        margin = zalando.SCALING_WINDOW
        while self.first < len(self.schedules) and self.schedules[self.first].end + margin <= now:
            self.first += 1
        found = []
        for schedule in self.schedules[self.first :]:
            if schedule.start - margin > now:
                break
            found.append(schedule)
        return found


@dataclass(slots=True)
class ZalandoScaler:
    """One HPA with a schedule metric, and perhaps the side controller."""

    known: Known
    sizings: Sizings
    upcoming: Upcoming
    with_controller: bool
    hpa: HpaScaler = field(init=False)
    hpa_at: datetime | None = None
    controller_at: datetime | None = None

    def __post_init__(self) -> None:
        self.hpa = HpaScaler(self.metrics)

    def wanted(self, seen: SeenPlacement, all_seen: Seen) -> int:
        """Let whichever loop is due act; the side controller has the last word."""
        wanted = seen.wanted
        if _due(self.hpa_at, all_seen.now, hpa.SYNC_SECONDS):
            self.hpa_at = all_seen.now
            wanted = self.hpa.wanted(seen, all_seen)
        if self.with_controller and _due(self.controller_at, all_seen.now, zalando.CONTROLLER_SECONDS):
            self.controller_at = all_seen.now
            wanted = zalando.adjusted(
                current=wanted,
                value=zalando.active_value(self.upcoming.near(all_seen.now), all_seen.now),
                target=VALUE_PER_REPLICA,
                max_replicas=seen.max_replicas,
            )
        return wanted

    def metrics(self, seen: SeenPlacement, all_seen: Seen, tolerance: Tolerance) -> list[Proposed]:
        """Return what the HPA is told: the schedule's value, and requests per replica."""
        scheduled = zalando.scheduled_value(self.upcoming.near(all_seen.now), all_seen.now)
        target = target_per_second(self.known, self.sizings, seen, all_seen)
        return [
            hpa_metrics.for_share(seen, value=scheduled, target=VALUE_PER_REPLICA, tolerance=tolerance),
            hpa_metrics.for_requests(seen, target_per_second=target, tolerance=tolerance),
        ]


def _due(last: datetime | None, now: datetime, seconds: float) -> bool:
    return last is None or now - last >= timedelta(seconds=seconds)


def _zalando(known: Known, name: str, *, with_controller: bool) -> EachPlacement:
    sizings = Sizings(known)
    windows = declared.by_ent(known.windows)
    early = declared.lead(known)

    def make(seen: SeenPlacement, all_seen: Seen) -> ZalandoScaler:
        sizing = sizings.of(seen.ent, all_seen)
        schedules = [
            Schedule(start=w.start - early, end=w.end, value=sizing.replicas(w.demand_per_second, seen.site))
            for w in windows.get(seen.ent, ())
        ]
        return ZalandoScaler(known, sizings, Upcoming(schedules), with_controller)

    return EachPlacement(name, LOOK_SECONDS, make)


def zalando_plain(known: Known) -> EachPlacement:
    """ScalingSchedules alone."""
    return _zalando(known, "zalando", with_controller=False)


def zalando_tolerance(known: Known) -> EachPlacement:
    """ScalingSchedules with the controller that closes the gap which the HPA tolerates."""
    return _zalando(known, "zalando-tolerance", with_controller=True)
