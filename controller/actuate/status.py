"""What stands in the status of ENTs and sites: conditions, a summary for `kubectl get`, and memory. Pure functions.

Every write sends the whole status: server-side apply removes what is not sent again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from controller.domain.fleet import Ent
from controller.domain.memory import EntMemory, SiteMemory
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.plan import Action, Condition, ConditionType, Plan, SetAdmission, SetWeights
from controller.domain.windows import Window, kept_out_at
from controller.domain.world import ReplicaState, Route, World
from controller.wire.memory import StoredEnt, stored_weights, write_ent, write_site

LONGEST_MESSAGE = 1024
LONGEST_SUMMARY = 512
LONGEST_SERVING = 256
LONGEST_BELL = 64
"""Bounds of the CRDs."""

Status = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the object had: the generation of its spec and the conditions in its status."""

    generation: int
    conditions: Sequence[Mapping[str, Any]]


def decided_routes(decided: Iterable[Route], plan: Plan) -> tuple[Route, ...]:
    """Return the weights and caps as they are decided once every action of the plan is done."""
    routes = {(route.ent, route.edge, route.site): route for route in decided}
    for action in plan.actions:
        for route in _changed(action, routes):
            routes[(route.ent, route.edge, route.site)] = route
    return tuple(routes[key] for key in sorted(routes))


def _changed(action: Action, routes: Mapping[tuple[EntKey, EdgeName, SiteName], Route]) -> Iterable[Route]:
    match action:
        case SetWeights(ent=ent, edge=edge, weights=weights):
            new = {weight.site: weight.weight for weight in weights}
            known = {site for key, at, site in routes if (key, at) == (ent, edge)}
            for site in sorted(known | new.keys()):
                before = routes.get((ent, edge, site), Route(ent=ent, edge=edge, site=site, weight=0))
                yield replace(before, weight=new.get(site, 0))
        case SetAdmission(ent=ent, edge=edge, site=site, max_concurrent=most):
            if (ent, edge, site) in routes:
                yield replace(routes[(ent, edge, site)], max_concurrent=most)
        case _:
            return


def conditions(found: Iterable[Condition], before: Before, now: datetime) -> list[dict[str, Any]]:
    """Return the conditions as Kubernetes has them; the time of transition stays while the status does."""
    had = {condition.get("type"): condition for condition in before.conditions}
    return [
        {
            "type": str(condition.type),
            "status": str(condition.status),
            "reason": str(condition.because.reason),
            "message": condition.because.text[:LONGEST_MESSAGE],
            "observedGeneration": before.generation,
            "lastTransitionTime": _since(condition, had.get(str(condition.type)), now),
        }
        for condition in sorted(found, key=lambda condition: condition.type)
    ]


def _since(condition: Condition, had: Mapping[str, Any] | None, now: datetime) -> str:
    if had is not None and had.get("status") == str(condition.status) and had.get("lastTransitionTime"):
        return str(had["lastTransitionTime"])
    return seconds_text(now)


def seconds_text(instant: datetime) -> str:
    """Return the instant as Kubernetes writes `Time`: UTC, whole seconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ent_status(
    ent: Ent,
    memory: EntMemory,
    *,
    world: World,
    routes: Sequence[Route],
    found: Sequence[Condition],
    before: Before,
    now: datetime,
    windows: Sequence[Window] = (),
) -> Status:
    """Return the whole status of an ENT; `windows` are its own, sorted."""
    mine = [route for route in routes if route.ent == ent.key]
    states = {state.site: state for state in world.replicas if state.ent == ent.key}
    told = {route.edge for route in mine}
    # An instance for one site decides at its own edges alone.
    edge = next((edge for edge in ent.edges if edge in told), None)
    first_edge = {route.site: route.weight for route in mine if route.edge == edge}
    status: Status = {
        "observedGeneration": before.generation,
        "conditions": conditions(found, before, now),
        "serving": _serving(first_edge),
        "nextBell": _next_bell(windows, now),
        "keptOut": [str(audience) for audience, _ in kept_out_at(windows, now)],
        "placements": [_placement(p.site, states.get(p.site), first_edge.get(p.site)) for p in ent.placements],
        "summary": _summary(found),
        "memory": write_ent(StoredEnt(restraints=memory, weights=stored_weights(tuple(mine)))),
    }
    return status | _totals(states.values())


def site_status(
    memory: SiteMemory, *, world: World, found: Sequence[Condition], before: Before, now: datetime
) -> Status:
    """Return the whole status of a site."""
    status: Status = {
        "observedGeneration": before.generation,
        "conditions": conditions(found, before, now),
        "verdict": str(memory.verdict),
        "verdictSince": seconds_text(memory.since),
        "summary": _summary(found),
        "memory": write_site(memory),
    }
    return status | _totals([state for state in world.replicas if state.site == memory.site])


def _totals(states: Iterable[ReplicaState]) -> Status:
    known = list(states)
    if not known:
        return {}
    return {"readyReplicas": sum(s.ready for s in known), "wantedReplicas": sum(s.wanted for s in known)}


def _placement(site: SiteName, state: ReplicaState | None, weight: int | None) -> Status:
    status: Status = {"site": str(site)}
    if state is not None:
        status |= {"readyReplicas": state.ready, "wantedReplicas": state.wanted}
    if weight is not None:
        status["weight"] = weight
    return status


def _serving(weights: Mapping[SiteName, int]) -> str:
    whole = sum(weights.values())
    shares = [f"{site} {weight * 100 // whole} %" for site, weight in sorted(weights.items()) if whole and weight]
    return " ".join(shares)[:LONGEST_SERVING]


def _next_bell(windows: Iterable[Window], now: datetime) -> str:
    ahead = next((window for window in windows if window.start > now and window.demand_per_second > 0.0), None)
    return ahead.source.rpartition(": ")[2][:LONGEST_BELL] if ahead else ""


def _summary(found: Iterable[Condition]) -> str:
    """Return the sentence of the condition `Ready`."""
    ready = next((condition for condition in found if condition.type is ConditionType.READY), None)
    return ready.because.text[:LONGEST_SUMMARY] if ready else ""
