"""From a world, a plan and evidence to the `SiteReport` that the other sites read. Pure functions."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from controller.actuate.status import Status, seconds_text
from controller.domain.intents import Intent
from controller.domain.memory import Memory
from controller.domain.names import EdgeName, EntKey, ObserverName, SiteName
from controller.domain.orders import GivenOrder
from controller.domain.plan import Action, Because, Plan, SetDnsTargets, SetWeights, SiteWeight
from controller.domain.readings import Answered, Fresh, ProbePath, TimedOut, answers
from controller.domain.reasons import Reason
from controller.domain.report import Report
from controller.domain.world import EvidenceRound, Route, World
from controller.observe.hearing import Told
from controller.planning.votes import LEAST_REFERENCES, RECOVERY_ROUNDS
from controller.policy.declared import Declared
from controller.wire.report import write_report

DIGEST_BYTES = 6
"""Enough to tell policies apart, short enough to be read aloud."""

LONGEST_WEIGHTS = 1024
LONGEST_WHY = 256
"""Bounds of the CRD."""

MOST_ENTS_SHOWN = 2048
"""Bound of the CRD; what peers plan with is not cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Who reports."""

    observer: ObserverName
    site: SiteName | None
    instance: str
    version: str


def digest(value: object) -> str:
    """Return a short digest of any value of the domain; the same in every process."""
    return blake2b(msgspec.json.encode(value, order="deterministic"), digest_size=DIGEST_BYTES).hexdigest()


def digest_of_policies(declared: Declared) -> str:
    """Return the digest of what plans are made of: everything declared but orders, which are given at one site."""
    return digest(
        (
            [replace(site, drain=None) for site in declared.sites],
            [replace(ent, pause=None) for ent in declared.ents],
            declared.edges,
            declared.school,
        )
    )


def digest_of_inputs(world: World, memory: Memory, policies: str, version: str) -> str:
    """Return the digest of what should be the same at all sites within a round: verdicts, Ready replicas, weights."""
    return digest(
        (
            policies,
            version,
            [(each.site, each.verdict) for each in memory.sites],
            sorted((state.ent, state.site, state.ready) for state in world.replicas),
            sorted((route.ent, route.edge, route.site, route.weight) for route in world.routes),
        )
    )


def report_of(
    who: Reporter,
    rounds: Sequence[EvidenceRound],
    now: datetime,
    *,
    world: World | None = None,
    plan: Plan | None = None,
    told: Told | None = None,
    policies: str = "",
    orders: tuple[GivenOrder, ...] = (),
) -> Report:
    """Return the report of an observer; without a world, that of a witness."""
    report = Report(
        observer=who.observer,
        site=who.site,
        instance=who.instance,
        sequence=rounds[-1].sequence if rounds else 0,
        at=now,
        version=who.version,
        policies=policies,
        rounds=tuple(rounds[-RECOVERY_ROUNDS:]),
        heard=tuple((p.report.observer, p.report.instance, p.report.sequence) for p in told.peers if not p.silent)
        if told is not None
        else (),
        orders=orders,
    )
    if world is None or plan is None:
        return report
    here = {edge.name for edge in world.edges if edge.site == who.site}
    intents, undecided = _intents(plan)
    intents = (*intents, *_kept(world, (*intents, *undecided)))
    return replace(
        report,
        inputs=digest_of_inputs(world, plan.memory, policies, who.version),
        readings=tuple(each for each in world.readings if each.site == who.site),
        replicas=tuple(state for state in world.replicas if state.site == who.site),
        routes=tuple(route for route in world.routes if route.edge in here),
        intents=intents,
        undecided=undecided,
    )


def _intents(plan: Plan) -> tuple[tuple[Intent, ...], tuple[Intent, ...]]:
    """Return what the plan does or expects of peers, and what it withholds for reasons of this instance."""
    expected = [each.action for each in plan.withheld if each.because.reason is Reason.NOT_WRITABLE_HERE]
    held = [each.action for each in plan.withheld if each.because.reason is not Reason.NOT_WRITABLE_HERE]
    return _moves((*plan.actions, *expected)), _moves(held)


def _kept(world: World, said: Iterable[Intent]) -> list[Intent]:
    """Return the weights that this instance keeps as they are, at edges that stand at no site.

    There every instance answers for itself and starts from weights of its own: to a peer that is still on its way, one
    that has arrived says where it is. Silence would read as "I would leave yours as they are", for ever.
    """
    shared = {edge.name for edge in world.edges if edge.site is None}
    named = {(intent.ent, intent.edge) for intent in said}
    kept: dict[tuple[EntKey, EdgeName], list[SiteWeight]] = {}
    for route in world.routes:
        if route.edge in shared and (route.ent, route.edge) not in named:
            kept.setdefault((route.ent, route.edge), []).append(SiteWeight(site=route.site, weight=route.weight))
    return [Intent(ent=ent, edge=edge, weights=tuple(weights)) for (ent, edge), weights in sorted(kept.items())]


def _moves(actions: Iterable[Action]) -> tuple[Intent, ...]:
    found: list[Intent] = []
    for action in actions:
        match action:
            case SetWeights(ent=ent, edge=edge, weights=weights):
                found.append(Intent(ent=ent, edge=edge, weights=weights))
            case SetDnsTargets(ent=ent, edge=edge, targets=targets):
                each = tuple(SiteWeight(site=site, weight=1) for site in targets)
                found.append(Intent(ent=ent, edge=edge, weights=each))
            case _:
                pass
    return tuple(found)


def report_status(
    report: Report, *, world: World | None = None, memory: Memory | None = None, sick: Because | None = None
) -> Status:
    """Return the whole status of the SiteReport."""
    newest = report.rounds[-1] if report.rounds else None
    asked, answered = _references(newest)
    status: Status = {
        "sequence": report.sequence,
        "observedAt": seconds_text(report.at),
        "instance": report.instance,
        "version": report.version,
        "abstains": asked < LEAST_REFERENCES or answered * 2 < asked,
        "referencesAsked": asked,
        "referencesAnswering": answered,
        "declaresSick": sick.text[:LONGEST_WHY] if sick is not None else "",
        "policies": report.policies,
        "inputs": report.inputs,
        "sites": _sites(newest, memory),
        "shared": write_report(report),
    }
    if world is not None:
        status["ents"] = _ents(report, world)
    return status


def _references(newest: EvidenceRound | None) -> tuple[int, int]:
    probes = [p for p in newest.probes if p.path is ProbePath.REFERENCE] if newest is not None else []
    return len(probes), sum(1 for p in probes if answers(p.result) is True)


def _sites(newest: EvidenceRound | None, memory: Memory | None) -> list[dict[str, Any]]:
    """Return what the last round saw; the verdict is Unknown of an observer that judges nothing."""
    verdicts = {each.site: str(each.verdict) for each in memory.sites} if memory is not None else {}
    paths: dict[str, list[dict[str, Any]]] = {}
    for probe in newest.probes if newest is not None else ():
        if probe.path is not ProbePath.REFERENCE:
            seen: dict[str, Any] = {"path": str(probe.path), "result": type(probe.result).__name__}
            match probe.result:
                case Answered(status=status, seconds=seconds):
                    seen |= {"status": status, "milliseconds": round(seconds * 1000)}
                case TimedOut(seconds=seconds):
                    seen |= {"milliseconds": round(seconds * 1000)}
                case _:
                    pass
            paths.setdefault(probe.target, []).append(seen)
    return [
        {"site": site, "verdict": verdicts.get(SiteName(site), "Unknown"), "paths": paths[site]}
        for site in sorted(paths)
    ]


def _ents(report: Report, world: World) -> list[dict[str, Any]]:
    states = {state.ent: state for state in report.replicas}
    readings = {(each.ent, each.signal): each.reading for each in report.readings}
    weights: dict[EntKey, list[Route]] = {}
    for route in report.routes:
        weights.setdefault(route.ent, []).append(route)
    found: list[dict[str, Any]] = []
    for ent in world.ents:
        if report.site is None or ent.placement(report.site) is None:
            continue
        shown: dict[str, Any] = {"ent": str(ent.key)}
        reading, state = readings.get((ent.key, ent.signals[0].signal)), states.get(ent.key)
        if isinstance(reading, Fresh):
            shown["demandPerSecond"] = math.ceil(reading.value)
        if state is not None:
            shown |= {"readyReplicas": state.ready, "wantedReplicas": state.wanted}
            shown["readyCapacityPerSecond"] = math.floor(state.ready * ent.capacity_per_replica)
        if ent.key in weights:
            shown["weights"] = _weights(weights[ent.key])
        found.append(shown)
    return found[:MOST_ENTS_SHOWN]


def _weights(routes: Iterable[Route]) -> str:
    found: dict[EdgeName, list[str]] = {}
    for route in sorted(routes, key=lambda r: (r.edge, r.site)):
        found.setdefault(route.edge, []).append(f"{route.site} {route.weight}")
    return ", ".join(f"{edge}: {' '.join(each)}" for edge, each in found.items())[:LONGEST_WEIGHTS]
