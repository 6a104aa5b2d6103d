"""The same faults in the simulator, for us and for the defaults of k8gb and Karmada, side by side.

Peers cannot be run here: they need clouds of their own. The simulator plays what their sources say they do
(docs/peers.md), behind DNS for k8gb's sake, with the same scripts. A fault that ends after half a minute would be over
before either has decided; here it lasts a quarter of an hour.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from controller.sim.engine import Outcome
from controller.sim.run import draw, outcomes_of
from controller.sim.scenario import FaultKind, Scenario
from tests.faults.cast import DOMAINS, ENTS, SITES
from tests.faults.knobs import Knobs
from tests.faults.steps import KillSite, Lose, Release, SilenceNodes, Step, StopPrometheus, Turn
from tests.faults.table import EVERYTHING, HALF_DEAF, Fault

CONTROLLERS = ("sonnerie", "k8gb", "karmada")
BEGINS = datetime(2021, 3, 15, 9, 15)  # noqa: DTZ001 - the simulator's own local time
FAULT_AT = datetime(2021, 3, 15, 10, 15, 11)  # noqa: DTZ001
LASTS = timedelta(minutes=15)
WATCHED = timedelta(minutes=10)
SEED = 1
STILL_FAILING = 0.05
IN_NO_WAY = (Turn(site="b", knobs=Knobs(capacity_factor=0.5)),)
"""Already in the word for silent nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What the simulator says of one controller in one fault."""

    controller: str
    decided_seconds: float | None
    moved_95_percent_seconds: float | None
    """Until failures were below 5 % of what the sick sites get when all is well."""
    failed_site_seconds: float | None
    max_destination_utilisation: float | None


def script(fault: Fault) -> str:
    """Return the fault in the simulator's words; empty when it has none."""
    faults = _script(fault)
    return json.dumps([fault.sick, faults]) if faults else ""


def simulate(fault: Fault) -> list[Simulated] | None:
    """Run all controllers through a fault; None: the simulator has no words for it."""
    faults = _script(fault)
    if not faults:
        return None
    scenario = Scenario.model_validate_json(
        json.dumps(
            {
                "schema": "sonnerie.dev/scenario/v1",
                "name": fault.name,
                "story": fault.title,
                "from": _local(BEGINS),
                "until": _local(FAULT_AT + LASTS + WATCHED),
                "sites": [{"name": site, "domain": DOMAINS.get(site)} for site in SITES],
                "ents": [_ent(name, home) for name, home in zip(ENTS, SITES, strict=True)],
                "edge": {"kind": "dns"},
                "faults": faults,
            }
        )
    )
    return [_figures(fault, outcome) for outcome in outcomes_of(draw(scenario, SEED, None), CONTROLLERS)]


def as_json(found: Iterable[Simulated]) -> list[dict[str, Any]]:
    """Return what is kept of it."""
    return [asdict(one) for one in found]


def _ent(name: str, home: str) -> dict[str, Any]:
    return {"name": name, "sites": [home, *(site for site in SITES if site != home)]}


def _local(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")


def _script(fault: Fault) -> list[dict[str, Any]]:
    """Translate the steps; what ends in the real script by the repair lasts a quarter of an hour here.

    A script with a step for which there is no word is not translated at all.
    """
    found: list[dict[str, Any]] = []
    for after, step in sorted(fault.steps, key=lambda pair: pair[0]):
        if step in IN_NO_WAY or (isinstance(step, Lose) and not step.rules):
            continue
        said = _translated(step)
        if said is None:
            return []
        kind, sites, more = said
        at = FAULT_AT + timedelta(seconds=after)
        until = FAULT_AT + timedelta(seconds=_undone(fault, after, step))
        found.append({"kind": kind, "sites": sites, "from": _local(at), "until": _local(until), **more})
    return found


def _undone(fault: Fault, after: float, step: Step) -> float:
    """Return when a loss ends: with the next step of the same place, or with the fault."""
    if isinstance(step, Lose):
        later = [
            at for at, other in fault.steps if at > after and isinstance(other, Lose) and other.place == step.place
        ]
        if later:
            return min(later)
    return LASTS.total_seconds()


def _translated(step: Step) -> tuple[FaultKind, Sequence[str], dict[str, Any]] | None:
    match step:
        case KillSite(site=site):
            return FaultKind.SITE_DOWN, [site], {}
        case Lose(place=place, rules=rules) if place in SITES and rules in (EVERYTHING, HALF_DEAF):
            return FaultKind.SITE_DOWN, [place], {}
        case SilenceNodes(site=site):
            return FaultKind.HALF_NODES, [site], {"factor": 0.5}
        case Turn(site=site, knobs=knobs) if knobs.slow_seconds:
            return FaultKind.SLOW_SITE, [site], {}
        case StopPrometheus(site=site):
            return FaultKind.METRICS_GAP, [site], {}
        case Turn(site=site, knobs=knobs) if knobs.metrics_frozen:
            return FaultKind.METRICS_FROZEN, [site], {}
        case Release(sites=sites, errors=errors):
            return FaultKind.BAD_RELEASE, list(sites), {"factor": errors}
        case _:
            return None


def _figures(fault: Fault, outcome: Outcome) -> Simulated:
    at = (FAULT_AT - BEGINS).total_seconds()
    every = outcome.course.every_seconds
    points = list(zip(outcome.course.seconds, outcome.course.failed, outcome.course.demand, strict=True))
    before = [(failed, demand) for second, failed, demand in points if at - 300 <= second < at]
    usual_failed = sum(failed for failed, _ in before) / max(len(before), 1)
    demand = sum(demand for _, demand in before) / max(len(before), 1)
    normal = demand * len(fault.sick) / len(SITES)
    after = [(second - at, max(0.0, failed - usual_failed)) for second, failed, _ in points if second >= at]
    failing = [second + every for second, failed in after if normal and failed > STILL_FAILING * normal]
    decided = [
        decision.second - at
        for decision in outcome.decisions
        if decision.moves_traffic and decision.second >= at and fault.sick
    ]
    lasting = bool(failing) and failing[-1] >= LASTS.total_seconds()
    return Simulated(
        controller=outcome.controller,
        decided_seconds=round(min(decided), 1) if decided else None,
        moved_95_percent_seconds=None if not normal or lasting else (failing[-1] if failing else 0.0),
        failed_site_seconds=round(sum(failed * every for _, failed in after) / normal, 1) if normal else None,
        max_destination_utilisation=outcome.figures.max_destination_utilisation or None,
    )
