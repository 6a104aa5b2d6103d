"""The figures of one run of one fault, from what was written down. Pure: the same traces give the same figures.

Each key is defined in docs/faults.md. None: the key has no meaning for this fault, or nothing of the kind happened.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.demo.recording import ACTION, VERDICT, Decision
from tests.demo.records import PortalSecond
from tests.faults.traces import Answer, Request, Weight

SMALL_PERCENT = 2.0
"""Smaller changes of weight are no move (design §5, invariant 6)."""
WINDOW_SECONDS = 5.0
"""Shares of requests are means over this."""
UTILISATION_SECONDS = 10
"""Admitted ÷ Ready over this (the issue's definition)."""
STILL_THERE = 0.05
"""95 % evacuated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything that was seen of one run, cut to it."""

    began: float
    """From here to the fault all is well."""
    fault: float
    heal: float
    end: float
    sick: frozenset[str]
    """Sites that users ought to leave."""
    dead: frozenset[str]
    """Those of them that do not answer at all."""
    doubted: frozenset[str] = frozenset()
    """Living sites that two observers or more have lost: leaving them is no false shift."""
    requests: Sequence[Request] = ()
    answers: Sequence[Answer] = ()
    weights: Sequence[Weight] = ()
    """Changes; what was before `began` included."""
    seconds: Sequence[PortalSecond] = ()
    decisions: Mapping[str, Sequence[Decision]]
    """Of each controller, by its site."""
    capacity_per_replica: float
    site_of: Mapping[str, str]
    """Site by public address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the summary says of a fault; the same keys for all."""

    decided_seconds: float | None
    moved_95_percent_seconds: float | None
    requests_total: int
    requests_failed: int
    failed_site_seconds: float | None
    max_destination_utilisation: float | None
    reversals: int
    empty_answers: int
    false_shifts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What explains the figures."""

    decided_by_all_seconds: float | None
    effect_seconds: float | None
    """From the decision to the first change of weight at an edge."""
    normal_site_requests_per_second: float
    failed_first_attempts: int
    false_shifts_were: tuple[str, ...]
    weightless: int
    """How often an edge had no weight left for an ENT between two answers of its agent."""


def figures(trace: Trace) -> Figures:
    """Measure."""
    seen = [r for r in trace.requests if trace.fault <= r.at < trace.end]
    failed = sum(request.failed for request in seen)
    normal = normal_rate(trace)
    return Figures(
        decided_seconds=_rounded(decided(trace)),
        moved_95_percent_seconds=_rounded(moved(trace)),
        requests_total=len(seen),
        requests_failed=failed,
        failed_site_seconds=round(failed / normal, 1) if normal else None,
        max_destination_utilisation=utilisation(trace),
        reversals=reversals(trace),
        empty_answers=empty_answers(trace),
        false_shifts=len(false_shifts(trace)),
    )


def details(trace: Trace) -> Details:
    """Explain."""
    by_site = [at for at in _decided_by(trace).values() if at is not None]
    first = min(by_site, default=None)
    effect = _effect(trace, trace.fault + first) if first is not None else None
    seen = [r for r in trace.requests if trace.fault <= r.at < trace.end]
    return Details(
        decided_by_all_seconds=_rounded(max(by_site, default=None)),
        effect_seconds=_rounded(effect),
        normal_site_requests_per_second=round(normal_rate(trace), 2),
        failed_first_attempts=sum(r.failed for r in seen if r.attempt == 1),
        false_shifts_were=tuple(false_shifts(trace)),
        weightless=_weightless(trace),
    )


# ------------------------------------------------------------------------------------------------------- decisions


def decided(trace: Trace) -> float | None:
    """Return the seconds from the fault to the first decision against a sick site, of any controller."""
    return min((at for at in _decided_by(trace).values() if at is not None), default=None)


def _decided_by(trace: Trace) -> dict[str, float | None]:
    return {
        site: next((d.at - trace.fault for d in found if d.at >= trace.fault and _against(trace, d)), None)
        for site, found in trace.decisions.items()
    }


def _against(trace: Trace, decision: Decision) -> bool:
    """Tell whether the line says that a sick site is to be left: Down, for a living one Degraded, or less weight."""
    if decision.event == VERDICT:
        site = decision.get("site")
        wanted = ("Down",) if site in trace.dead else ("Down", "Degraded")
        return site in trace.sick and decision.get("verdict") in wanted
    return any(site in trace.sick for site in _lowered(decision))


def _lowered(decision: Decision) -> list[str]:
    """Name the sites whose weight the action lowers by more than a little."""
    if decision.event != ACTION or decision.get("action") != "SetWeights":
        return []
    was, now = decision.fields.get("was") or {}, decision.fields.get("weights") or {}
    total = sum(was.values())
    return [
        s
        for s in sorted(was)
        if total and (was[s] / total - now.get(s, 0) / (sum(now.values()) or 1)) * 100 > SMALL_PERCENT
    ]


def _effect(trace: Trace, after: float) -> float | None:
    found = (w.at for w in trace.weights if w.at >= after and w.site in trace.sick)
    return next((at - after for at in found), None)


# ------------------------------------------------------------------------------------------------------- requests


def served_by(trace: Trace, request: Request) -> str:
    """Return the site that a request went to, as far as its user could know; empty: nobody answered."""
    return request.site or trace.site_of.get(request.tried.rpartition("+")[2], "")


def normal_rate(trace: Trace) -> float:
    """Return the requests per second at the sick sites while all was well."""
    long = trace.fault - trace.began
    count = sum(trace.began <= r.at < trace.fault and served_by(trace, r) in trace.sick for r in trace.requests)
    return count / long if long > 0 else 0.0


def moved(trace: Trace) -> float | None:
    """Return after how many seconds 95 % of the new requests that would have gone to the sick sites go elsewhere.

    It is the first second from which on, until the repair, at most 5 % of what the sick sites used to get still went
    there or nowhere; over the five seconds after it, and over all of the rest.
    """
    normal = _normal_first_rate(trace)
    if not trace.sick or not normal:
        return None
    stray = sorted(
        r.at for r in trace.requests
        if r.attempt == 1 and trace.fault <= r.at < trace.heal
        and (served_by(trace, r) in trace.sick or (r.status == 0 and not r.site))
    )  # fmt: skip
    for second in range(int(trace.heal - trace.fault)):
        at = trace.fault + second
        soon = min(WINDOW_SECONDS, trace.heal - at)
        rest = trace.heal - at
        within = sum(at <= s < at + soon for s in stray)
        after = sum(s >= at for s in stray)
        if within <= max(1.0, STILL_THERE * normal * soon) and after <= max(1.0, STILL_THERE * normal * rest):
            return float(second)
    return None


def _normal_first_rate(trace: Trace) -> float:
    long = trace.fault - trace.began
    count = sum(
        trace.began <= r.at < trace.fault and r.attempt == 1 and served_by(trace, r) in trace.sick
        for r in trace.requests
    )
    return count / long if long > 0 else 0.0


# ---------------------------------------------------------------------------------------------------------- sites


def utilisation(trace: Trace) -> float | None:
    """Return the most that any ENT's portal at a site users may go to admitted, as a share of Ready, over 10 s."""
    series: dict[tuple[str, str], list[PortalSecond]] = defaultdict(list)
    for second in trace.seconds:
        if second.site not in trace.sick and trace.fault <= second.at < trace.end:
            series[second.site, second.ent].append(second)
    found = [
        sum(s.admitted for s in window) / (sum(s.ready for s in window) * trace.capacity_per_replica)
        for seconds in series.values()
        for window in _windows(sorted(seconds, key=lambda s: s.at))
        if any(s.ready for s in window)
    ]
    return round(max(found), 3) if found else None


def _windows(seconds: Sequence[PortalSecond]) -> Iterable[Sequence[PortalSecond]]:
    return (seconds[i : i + UTILISATION_SECONDS] for i in range(len(seconds) - UTILISATION_SECONDS + 1))


# --------------------------------------------------------------------------------------------------------- weights


Shares = dict[tuple[str, str, str], float]
"""Percent, by edge, ENT and site."""


def shares_over_time(weights: Iterable[Weight]) -> Iterable[tuple[float, Shares]]:
    """Give the shares after each instant at which a weight changed."""
    now: dict[tuple[str, str, str], int] = {}
    for at, changed in itertools.groupby(sorted(weights, key=lambda w: w.at), key=lambda w: w.at):
        for weight in changed:
            now[weight.edge, weight.ent, weight.site] = weight.weight
        totals: dict[tuple[str, str], int] = defaultdict(int)
        for (edge, ent, _), value in now.items():
            totals[edge, ent] += value
        yield at, {key: 100.0 * v / totals[key[0], key[1]] for key, v in now.items() if totals[key[0], key[1]]}


def reversals(trace: Trace) -> int:
    """Return the most turns of the weight of any ENT at any site, without its leaving and its first coming back."""
    tracks: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for at, shares in shares_over_time(trace.weights):
        if at < trace.end:
            for key, share in shares.items():
                if at < trace.fault:
                    tracks[key] = [share]
                else:
                    tracks[key].append(share)
    return max((max(0, turns(track) - 1) for track in tracks.values()), default=0)


def turns(track: Sequence[float]) -> int:
    """Return how often a series turns from rising to falling or back, by more than a little."""
    count, direction = 0, 0
    extreme = track[0] if track else 0.0
    for value in track:
        change = value - extreme
        if abs(change) > SMALL_PERCENT and change * direction <= 0:
            count += direction != 0
            direction, extreme = (1 if change > 0 else -1), value
        elif change * direction > 0:
            extreme = value
    return count


def false_shifts(trace: Trace) -> list[str]:
    """Name every move away from a site that is not sick: less than before the fault by more than a little, or Down."""
    found = set()
    before: Shares = {}
    for at, shares in shares_over_time(trace.weights):
        if at < trace.fault:
            before = shares
        elif at < trace.heal:
            found |= {
                f"{ent} leaves {site}"
                for (edge, ent, site), share in shares.items()
                if site not in trace.sick | trace.doubted and share < before.get((edge, ent, site), 0.0) - SMALL_PERCENT
            }
    for decisions in trace.decisions.values():
        for decision in decisions:
            down = decision.event == VERDICT and decision.get("verdict") == "Down"
            if (
                trace.fault <= decision.at < trace.heal
                and down
                and decision.get("site") not in trace.sick | trace.doubted
            ):
                found.add(f"{decision.get('site')} is held to be Down")
    return sorted(found)


def _weightless(trace: Trace) -> int:
    now: dict[tuple[str, str, str], Weight] = {}
    count = 0
    for at, changed in itertools.groupby(sorted(trace.weights, key=lambda w: w.at), key=lambda w: w.at):
        touched = set()
        for weight in changed:
            now[weight.edge, weight.ent, weight.site] = weight
            touched.add((weight.edge, weight.ent))
        if trace.fault <= at < trace.end:
            count += sum(not any(w.weight and w.up for key, w in now.items() if key[:2] == one) for one in touched)
    return count


def empty_answers(trace: Trace) -> int:
    """Count DNS answers without an address, and changes after which an edge had no site left for an ENT.

    An edge falls back on any site that is up while no site has weight (tests/faults/haproxy.py).
    """
    dns = sum(not a.addresses and not a.silent for a in trace.answers if trace.fault <= a.at < trace.end)
    now: dict[tuple[str, str, str], Weight] = {}
    empty = 0
    for at, changed in itertools.groupby(sorted(trace.weights, key=lambda w: w.at), key=lambda w: w.at):
        touched = set()
        for weight in changed:
            now[weight.edge, weight.ent, weight.site] = weight
            touched.add((weight.edge, weight.ent))
        if trace.fault <= at < trace.end:
            empty += sum(not any(w.up for (edge, ent, _), w in now.items() if (edge, ent) == one) for one in touched)
    return dns + empty


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
