"""The parts of a `RegionalENT` that promise and limit: SLO, reserve, owner of replicas, shifting, scaling."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.domain.fleet import ReplicaOwner, ReservePolicy
from controller.policy.model import Model, Rule
from controller.policy.scalars import Duration, LeadTime, LocalTime, Percent, Permille, parse_duration


class Slo(Model):
    """What users are promised."""

    error_permille: Permille = 10
    """Most failed requests, in permille of all."""
    latency_milliseconds: Annotated[int, Field(ge=1, le=600_000)] = 1000
    """Slowest answer that still counts as good."""


class Reserve(Model):
    """Capacity kept ready although nobody needs it now."""

    for_loss_of: ReservePolicy = ReservePolicy.SERVING_DOMAIN
    """`servingDomain`: the loss of any one serving domain is absorbed; `none`: no reserve."""


class Replication(Model):
    """Who owns the replica count, and so what Sonnerie may write."""

    owner: ReplicaOwner = ReplicaOwner.SCALE
    """`Scale` (the replica count itself), `HPAFloor` (minReplicas) or `KEDAFloor` (minReplicaCount)."""


class BlockedWindow(Model):
    """A time of day at which nothing goes back to a site that was left, and no drill is held."""

    start: LocalTime
    """From when, `HH:MM` where the users are."""
    end: LocalTime
    """Until when."""
    on: Literal["schoolDays", "everyDay"] = "schoolDays"
    """On days with class, or on every day."""

    rules: ClassVar = (
        Rule(
            cel="(self.start.size() == 5 ? self.start + ':00' : self.start) < "
            "(self.end.size() == 5 ? self.end + ':00' : self.end)",
            holds=lambda window: window.start < window.end,
            message="end must be after start",
            field="end",
        ),
    )


class Shifting(Model):
    """Limits on moving traffic. An evacuation is not bound by them."""

    max_step_percent: Percent = 10
    """Most traffic moved in one step, in percent of the ENT's traffic at the edge."""
    min_step_percent: Percent = 2
    """Moves smaller than this are not worth making."""
    step_interval: Duration = parse_duration("10s")
    """Pause between two steps."""
    failback_hold: Duration = parse_duration("15m")
    """How long a returned site stays Healthy before it gets traffic again."""
    reversal_window: Duration = parse_duration("30m")
    """At most one reversal of more than 2 % in this time."""
    min_sites: Annotated[int, Field(ge=1, le=16)] = 1
    """Sites that answer at least: no move makes them fewer but leaving a dead site."""
    blocked_windows: Annotated[tuple[BlockedWindow, ...], Field(max_length=8)] = ()
    """When nothing goes back and no drill is held, besides school peaks, in which neither ever is."""
    dry_run: bool = False
    """Plan and say moves of traffic, and make none."""

    rules: ClassVar = (
        Rule(
            cel="self.minStepPercent <= self.maxStepPercent",
            holds=lambda shifting: shifting.min_step_percent <= shifting.max_step_percent,
            message="minStepPercent must not be above maxStepPercent",
            field="minStepPercent",
        ),
    )


class Scaling(Model):
    """Limits on replicas."""

    lead_time: LeadTime = "auto"
    """From decision to warm and Ready: `auto` (learned) or a duration such as `4m`."""
    stabilization_window: Duration = parse_duration("5m")
    """Look-back in which the largest recommendation wins."""
    surprise_max_percent: Annotated[int, Field(ge=100, le=1000)] = 400
    """Bound of the surprise: a morning that starts above its expected curve raises the rest at most to this."""
    blind_hold: Duration = parse_duration("12h")
    """How long demand that cannot be measured keeps everything from shrinking, outside school windows."""
