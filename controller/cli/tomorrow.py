"""What the coming bells will ask for, and whether it fits: the planner of production, asked about instants to come.

Everything that can go wrong in a morning is left out of these worlds: all sites are well, all is measured, nobody is
served yet. What the planner then calls short is short on the best of mornings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from controller.domain.fleet import Ent
from controller.domain.memory import EntMemory, Memory, Samples, SiteMemory, Verdict
from controller.domain.names import EntKey, ObserverName, SiteName
from controller.domain.plan import Condition, ConditionType, Plan
from controller.domain.readings import Answered, Fresh, Probe, ProbePath
from controller.domain.reasons import Reason
from controller.domain.schooltime import SchoolPolicies, resolve
from controller.domain.windows import Window
from controller.domain.world import EvidenceRound, ReplicaState, Route, SignalReading, World
from controller.planning.decide import decide
from controller.planning.explain import is_well, subject_of
from controller.policy.declared import Declared

ONE_DAY = timedelta(hours=20)
"""From its first bell on, what belongs to the same school day."""
LOOK_AHEAD = timedelta(days=120)
"""A summer and a bit: the next bell may be after the long vacation."""
MOST_INSTANTS = 48
"""Bells of one day that are looked at, the largest first."""
ROUNDS = 6
"""More than a verdict takes."""
FINE = Answered(status=200, seconds=0.01)
SHORT = frozenset({ConditionType.READY, ConditionType.RESERVE_READY, ConditionType.SCALING_LIMITED})
NOT_YET = frozenset({Reason.WAITING_FOR_READY, Reason.EVIDENCE_NOT_FRESH})
"""Nothing is grown yet in these worlds, and nothing is to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one bell asks for at one placement."""

    at: datetime
    ent: EntKey
    site: SiteName
    replicas: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tomorrow:
    """The bells of the next school day, what they need at most, and what is short."""

    bells: tuple[Window, ...]
    needs: tuple[Need, ...]
    """The largest of the day, per placement."""
    short: tuple[Condition, ...]
    """Conditions that would not be well, each once."""


def coming_bells(school: Iterable[SchoolPolicies], now: datetime) -> tuple[Window, ...]:
    """Return the windows that begin on the day of the next bell, in order; none if nothing rings for months."""
    policies = tuple(school)
    for days in (3, 21, LOOK_AHEAD.days):
        found = sorted(
            window
            for each in policies
            for window in resolve(each, now, now + timedelta(days=days)).windows
            if window.start > now and window.demand_per_second > 0
        )
        if found and found[0].start + ONE_DAY <= now + timedelta(days=days):
            return tuple(window for window in found if window.start < found[0].start + ONE_DAY)
    return ()


def foresee(declared: Declared, replicas: Sequence[ReplicaState], ents: Sequence[EntMemory], now: datetime) -> Tomorrow:
    """Return what the coming bells need and what is short."""
    bells = coming_bells(declared.school, now)
    needs: dict[tuple[EntKey, SiteName], Need] = {}
    short: dict[tuple[object, ConditionType, Reason], Condition] = {}
    for instant in _instants(bells):
        plan = decide(_world(declared, bells, replicas, ents, instant), instant)
        for need in _needs(plan, bells, instant):
            known = needs.get((need.ent, need.site))
            if known is None or need.replicas > known.replicas:
                needs[(need.ent, need.site)] = need
        for condition in plan.conditions:
            if condition.type in SHORT and not is_well(condition) and condition.because.reason not in NOT_YET:
                short.setdefault((condition.of, condition.type, condition.because.reason), condition)
    return Tomorrow(
        bells=bells, needs=tuple(needs[key] for key in sorted(needs)), short=tuple(short[key] for key in short)
    )


def _instants(bells: Sequence[Window]) -> list[datetime]:
    """Return when it is worth asking: at the beginning of windows, those of the largest demand first."""
    demand: dict[datetime, float] = {}
    for bell in bells:
        demand[bell.start] = sum(window.demand_per_second for window in bells if window.covers(bell.start))
    largest = sorted(demand, key=lambda instant: (-demand[instant], instant))[:MOST_INSTANTS]
    return sorted(largest)


def _needs(plan: Plan, bells: Sequence[Window], instant: datetime) -> Iterable[Need]:
    for number in plan.explanation:
        about, site = subject_of(number)
        if site is None:
            continue
        ent = EntKey.parse(about)
        covering = [window for window in bells if window.ent == ent and window.covers(instant)]
        source = max(covering, key=lambda window: window.demand_per_second).source if covering else "no window"
        yield Need(at=instant, ent=ent, site=SiteName(site), replicas=round(number.value), source=source)


def _world(
    declared: Declared,
    bells: Sequence[Window],
    replicas: Sequence[ReplicaState],
    ents: Sequence[EntMemory],
    instant: datetime,
) -> World:
    """Return the best of worlds at the instant."""
    known = {(state.ent, state.site): state for state in replicas}
    places = [(ent, placement) for ent in declared.ents for placement in ent.placements]
    nothing = [ReplicaState(ent=ent.key, site=p.site, wanted=0, ready=0, seen_at=instant) for ent, p in places]
    states = (replace(known.get((s.ent, s.site), s), seen_at=instant, pending_since=None) for s in nothing)
    sites = [site.name for site in declared.sites]
    return World(
        sites=declared.sites,
        ents=declared.ents,
        edges=declared.edges,
        windows=tuple(bells),
        readings=tuple(
            SignalReading(site=p.site, ent=ent.key, signal=s.signal, reading=Fresh(value=0.0, at=instant))
            for ent, p in places
            for s in ent.signals
        ),
        rounds=_rounds(sites, instant),
        replicas=tuple(states),
        routes=tuple(route for ent in declared.ents for route in _at_home(ent)),
        memory=Memory(
            sites=tuple(
                SiteMemory(site=site, verdict=Verdict.HEALTHY, since=instant - ONE_DAY, healthy_since=instant - ONE_DAY)
                for site in sites
            ),
            ents=tuple(EntMemory(ent=memory.ent, leads=memory.leads) for memory in ents),
            samples=Samples(complete_since=instant - ONE_DAY),
        ),
        writable_sites=frozenset(sites),
    )


def _rounds(sites: Sequence[SiteName], instant: datetime) -> tuple[EvidenceRound, ...]:
    probes = tuple(
        Probe(path=path, target=site, result=FINE) for site in sites for path in (ProbePath.API, ProbePath.PUBLIC)
    ) + tuple(Probe(path=ProbePath.REFERENCE, target=f"reference {n}", result=FINE) for n in range(3))
    return tuple(
        EvidenceRound(
            observer=ObserverName("preflight"),
            sequence=n + 1,
            at=instant - timedelta(seconds=2 * (ROUNDS - 1 - n)),
            probes=probes,
        )
        for n in range(ROUNDS)
    )


def _at_home(ent: Ent) -> Iterable[Route]:
    homes = [p.site for p in ent.placements if p.home] or [ent.placements[0].site]
    for edge in ent.edges:
        for placement in ent.placements:
            weight = 100 // len(homes) if placement.site in homes else 0
            if placement.site == homes[0]:
                weight += 100 % len(homes)
            yield Route(ent=ent.key, edge=edge, site=placement.site, weight=weight)
