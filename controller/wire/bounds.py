"""What a number on the wire may be: the bounds within which the planner is made to work.

Bounds follow from names, so that a new field of the domain has them at once; `SPECIAL` says where a name does not
tell. What a plan says (`controller.domain.plan`, `controller.domain.explanation`) is not bounded: it is an answer.
"""

from typing import Any

import msgspec

from controller.domain.fleet import DemandSignal, Dependency, Ent, Scaling, Shifting, Site, Slo
from controller.domain.readings import Answered
from controller.domain.windows import LONGEST_OWN_LEAD, Window
from controller.domain.world import EvidenceRound, Route

MOST_REPLICAS = 100_000
"""As in the policies: more pods of one workload at one site than any cluster is tested with."""
MOST_WHOLE = 2**53 - 1
"""Whole numbers beyond this are not exact in languages whose only number is a double."""
MOST_PER_SECOND = 1e9
"""Of demand and capacity, as in the policies: nine digits."""
LEAST_CAPACITY = 1e-3
"""As in the policies: three decimals. Less per replica would ask for more replicas than can be counted."""
MOST_MEASURED = 1e12
"""Of readings; room for a timestamp in milliseconds."""
MOST_REMEMBERED = 1e30
"""What a plan may remember of demand: readings of one signal in the unit of another."""
MOST_SECONDS = 1e9
"""Of a duration: thirty years. Added to any instant of the contract it is still an instant."""
MOST_PERCENT = 100
MOST_PERMILLE = 1_000_000
"""Of a ratio in permille: a thousand times as much."""
MOST_WEIGHT = 1_000_000
"""HAProxy knows 256, the Gateway API a million."""

_REPLICAS = ("replicas", "wanted", "ready")
_ANSWERS = ("controller.domain.plan", "controller.domain.explanation")
_MEMORY = "controller.domain.memory"

SPECIAL: dict[tuple[type[Any], str], msgspec.Meta] = {
    (Ent, "priority"): msgspec.Meta(ge=-MOST_WHOLE, le=MOST_WHOLE),
    (DemandSignal, "capacity_per_replica"): msgspec.Meta(ge=LEAST_CAPACITY, le=MOST_PER_SECOND),
    (Dependency, "capacity"): msgspec.Meta(ge=LEAST_CAPACITY, le=MOST_PER_SECOND),
    (Dependency, "use_per_replica"): msgspec.Meta(ge=LEAST_CAPACITY, le=MOST_PER_SECOND),
    (Slo, "error_ratio"): msgspec.Meta(ge=0, le=1),
    (Slo, "latency_seconds"): msgspec.Meta(ge=LEAST_CAPACITY, le=MOST_SECONDS),
    (Shifting, "max_step_percent"): msgspec.Meta(ge=1, le=MOST_PERCENT),
    (Scaling, "surprise_max"): msgspec.Meta(ge=1, le=1000),
    (Window, "lead_seconds"): msgspec.Meta(ge=0, le=LONGEST_OWN_LEAD.total_seconds()),
    (EvidenceRound, "sequence"): msgspec.Meta(ge=0, le=MOST_WHOLE),
    (Route, "max_concurrent"): msgspec.Meta(ge=0, le=MOST_WHOLE),
    (Answered, "status"): msgspec.Meta(ge=100, le=999),
    (Site, "expected_status"): msgspec.Meta(ge=100, le=999),
}
"""Where the name of the field does not tell its bounds."""


def bounds_of(owner: type[Any], field: str, kind: type[Any]) -> msgspec.Meta | None:
    """Return the bounds of a number; None when it has none."""
    if owner.__module__ in _ANSWERS:
        return None
    special = SPECIAL.get((owner, field))
    if special is not None:
        return special
    if kind is int:
        return msgspec.Meta(ge=0, le=_most_whole(field))
    return msgspec.Meta(ge=0, le=_most(owner, field))


def _most_whole(field: str) -> int:
    if field in _REPLICAS or field.endswith("_replicas"):
        return MOST_REPLICAS
    if field == "weight" or field.endswith("_weight"):
        return MOST_WEIGHT
    for suffix, most in (("_percent", MOST_PERCENT), ("_permille", MOST_PERMILLE), ("seconds", int(MOST_SECONDS))):
        if field.endswith(suffix):
            return most
    return MOST_WHOLE


def _most(owner: type[Any], field: str) -> float:
    if owner.__module__ == _MEMORY:
        return MOST_REMEMBERED
    if field.endswith("per_second"):
        return MOST_PER_SECOND
    return MOST_SECONDS if field.endswith("seconds") else MOST_MEASURED
