"""Stories whose plans are written down whole: `python -m tests.planning.stories --write` after a change that is meant.

Each is a world in which one thing is the matter. What the planner answers stands in `told/NAME.json`: actions and what
is withheld, the chain of every number, conditions, what is remembered, and what a second look would do. A change of
the planner shows there what it changes, and whoever reviews it reads the difference.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from controller.domain.fleet import (
    DataMode,
    Dependency,
    Edge,
    EdgeKind,
    Ent,
    Order,
    ReplicaOwner,
    ReservePolicy,
    Shifting,
)
from controller.domain.forecast import Forecast
from controller.domain.intents import Intent, PeerPlan
from controller.domain.memory import (
    EntMemory,
    Growth,
    Latch,
    LearnedLead,
    Memory,
    Move,
    MoveKind,
    Recommendation,
    Samples,
    SiteMemory,
    Verdict,
)
from controller.domain.names import EdgeName, SignalName, SiteName
from controller.domain.plan import SiteWeight
from controller.domain.readings import Missing, Reading, ReadingReason, Stale
from controller.domain.timetable import Audience
from controller.domain.world import Orders, Route, SignalReading, World
from controller.planning.planner import plan
from controller.wire.plan import plan_document
from tests.builders import (
    BELL,
    DEAD,
    EDGE,
    HUNG,
    a_placement,
    a_reading,
    a_site,
    a_window,
    a_world,
    an_ent,
    key,
    rounds,
)
from tests.planning import test_bottleneck, test_edges, test_following
from tests.planning.past import a_morning, points, with_past
from tests.wire.page import pretty

TOLD = Path(__file__).parent / "told"
LATER = timedelta(seconds=5)
"""The second look: it remembers the first, and nothing else has changed."""
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
A, B, C = SiteName("a"), SiteName("b"), SiteName("c")
ENT = key()
HALVES = {("nord", "a"): 50, ("nord", "b"): 50}
AT_B = {("nord", "a"): 0, ("nord", "b"): 100}
USERS_AT_B: Mapping[tuple[str, str], float | None] = {("nord", "a"): 0.0, ("nord", "b"): 20.0}
LOST = rounds(BELL, "ab", api={"a": DEAD}, public={"a": HUNG})
OPS = Order(until=BELL + HOUR, reason="power", by="ops")


def _site_memory(verdict: Verdict, ago: timedelta, **more: object) -> Memory:
    found = SiteMemory(site=A, verdict=verdict, since=BELL - ago)
    return Memory(samples=Samples(complete_since=BELL - HOUR), sites=(replace(found, **more),))  # type: ignore[arg-type]


def _fallen_and_back(ago: timedelta, *, relapses: int = 0) -> Memory:
    healthy, fell = BELL - ago, BELL - ago - 5 * MINUTE
    return _site_memory(Verdict.HEALTHY, ago, healthy_since=healthy, fell_at=fell, relapses=relapses)


def _with_ent(world: World, **more: object) -> World:
    memory = EntMemory(ent=ENT)
    return replace(world, memory=replace(world.memory, ents=(replace(memory, **more),)))  # type: ignore[arg-type]


def _read(world: World, site: SiteName, signal: str, reading: Reading | float) -> World:
    if isinstance(reading, float):
        found = a_reading(ENT, site, reading, BELL, signal)
    else:
        found = SignalReading(site=site, ent=ENT, signal=SignalName(signal), reading=reading)
    others = (r for r in world.readings if (r.site, r.signal) != (found.site, found.signal))
    return replace(world, readings=(*others, found))


def _bell(minutes: float, per_second: float = 150.0, **more: object) -> World:
    return a_world(windows=(a_window(ENT, BELL + minutes * MINUTE, 60, per_second, **more),))


def _moves(
    kind: MoveKind, *steps: tuple[SiteName, int, int], ago: timedelta, edge: EdgeName = EDGE
) -> tuple[Move, ...]:
    return tuple(
        Move(edge=edge, site=site, before_percent=before, after_percent=after, at=BELL - ago, kind=kind)
        for site, before, after in steps
    )


def _answers(kind: EdgeKind, *, dead: bool = False, answered: str = "ab", **more: object) -> World:
    share = 100 // len(answered)
    weights = {("nord", site): share if site in answered else 0 for site in "ab"}
    found = a_world(
        weights=weights, edges=(Edge(name=EDGE, kind=kind),), demand={("nord", "a"): 10.0, ("nord", "b"): 10.0}
    )
    found = replace(found, rounds=LOST) if dead else found
    return replace(found, **more)  # type: ignore[arg-type]


def _many() -> tuple[Ent, ...]:
    return (an_ent("nord", priority=2), an_ent("sud", priority=1), an_ent("west"))


def _scarce(quota: int) -> World:
    windows = tuple(a_window(ent.key, BELL - MINUTE, 60, 150.0) for ent in _many())
    return a_world(ents=_many(), sites=[a_site("a", quota=quota), a_site("b", quota=quota)], windows=windows)


def _rollout(*, first_step_taken: bool = False, at: str = "a", kind: MoveKind = MoveKind.FAILOVER) -> World:
    found = _read(a_world(), A, "errors", 0.3)
    new, old = BELL - 2 * MINUTE, BELL - HOUR
    states = tuple(
        replace(state, revision="v2" if state.site in at else "v1", revision_since=new if state.site in at else old)
        for state in found.replicas
    )
    found = replace(found, replicas=states)
    if not first_step_taken:
        return found
    weights = {("nord", "a"): 90, ("nord", "b"): 10}
    found = replace(found, routes=a_world(weights=weights).routes)
    found = replace(found, memory=_site_memory(Verdict.DEGRADED, MINUTE, fell_at=BELL - MINUTE))
    return _with_ent(found, moves=_moves(kind, (A, 100, 90), (B, 0, 10), ago=30 * SECOND))


def _peer(*, at_a: int) -> World:
    found = test_edges.one_site("b")
    weights = tuple(SiteWeight(site=s, weight=w) for s, w in ((A, at_a), (B, 100 - at_a), (C, 0)))
    intents = (Intent(ent=ENT, edge=EdgeName("edge-b"), weights=weights),)
    heavy = tuple(
        replace(state, ready=3, wanted=3, pending_since=None) if state.site == A else state for state in found.replicas
    )
    return replace(found, replicas=heavy, peers=(PeerPlan(site=C, intents=intents),))


def _data(ready_at_b: float, mode: DataMode) -> World:
    ent = an_ent()
    placements = tuple(replace(p, data_mode=mode) for p in ent.placements)
    found = a_world(ents=[replace(ent, placements=placements)], rounds=LOST)
    for site, signal, value in ((B, "dataReady", ready_at_b), (B, "dataWritable", ready_at_b)):
        found = _read(found, site, signal, value)
    return found


def _three(**more: object) -> World:
    found = a_world(
        ents=[an_ent(sites="abc")],
        sites=[a_site("a", domain="gra"), a_site("b", domain="gra"), a_site("c")],
        windows=(a_window(ENT, BELL - MINUTE, 60, 120.0),),
    )
    return replace(found, **more)  # type: ignore[arg-type]


def _forecast(*, set_aside: str = "") -> World:
    per_second = (90.0, 120.0, 150.0, *(60.0,) * 9)
    forecast = Forecast(ent=ENT, start=BELL - 5 * MINUTE, per_second=per_second, days=8, set_aside=set_aside)
    return replace(a_world(windows=(a_window(ENT, BELL, 60, 100.0),)), forecasts=(forecast,))


def _errors_at(a: float, b: float) -> World:
    return _read(_read(a_world(weights=HALVES), A, "errors", a), B, "errors", b)


def stories() -> dict[str, World]:
    """Return the worlds by name."""
    return {
        # capacity
        "quiet": a_world(),
        "too-much": a_world(counts={("nord", "a"): 30, ("nord", "b"): 30}),
        "bell-ahead": _bell(4),
        "bell-far-ahead": _bell(6),
        "bell-rings": _bell(-1),
        "bell-by-event": _bell(4, by_event=True, source="event strike"),
        "bell-with-a-lead-of-its-own": _bell(20, lead_seconds=1800),
        "bell-latched": _with_ent(
            _bell(-10, 60.0), latches=(Latch(site=A, replicas=40, until=BELL + 50 * MINUTE, source="bell"),)
        ),
        "latch-over": _with_ent(a_world(), latches=(Latch(site=A, replicas=40, until=BELL, source="bell"),)),
        "between-bells": a_world(
            counts={("nord", "a"): 40, ("nord", "b"): 40},
            windows=(a_window(ENT, BELL - HOUR, 50, 150.0), a_window(ENT, BELL + 15 * MINUTE, 60, 150.0)),
        ),
        "forecast-adds": _forecast(),
        "forecast-set-aside": _forecast(set_aside="it was farther from 25 August than the calendar"),
        "surprise": with_past(
            replace(_bell(-10, 20.0), readings=a_world(demand={("nord", "a"): 60.0}).readings),
            morning=a_morning(seen=36000.0, foreseen=12000.0),
        ),
        "trend": with_past(a_world(demand={("nord", "a"): 40.0}), recent=points(per_second=40.0, rise=0.2)),
        "learned-lead": _with_ent(
            _bell(8),
            leads=(LearnedLead(site=A, rows=((5, 3, 400, 300, 600),)), LearnedLead(site=B, rows=((5, 1, 90, 0, 0),))),
            growths=(Growth(site=A, before_replicas=4, replicas=10, since=BELL - 2 * MINUTE),),
        ),
        "stabilized": with_past(
            a_world(counts={("nord", "a"): 20}),
            recommendations=(
                Recommendation(site=A, at=BELL - 4 * MINUTE, replicas=18),
                Recommendation(site=A, at=BELL - MINUTE, replicas=14),
            ),
        ),
        "short-of-room": a_world(
            ents=[an_ent(placements=(a_placement("a", home=True, most=12), a_placement("b", most=12)))],
            windows=(a_window(ENT, BELL - MINUTE, 60, 150.0),),
            demand={("nord", "a"): 150.0},
        ),
        "quota": _scarce(60),
        "quota-below-all-floors": _scarce(2),
        "no-reserve-wanted": a_world(ents=[an_ent(reserve=ReservePolicy.NONE)], windows=_bell(-1).windows),
        "floor-of-an-hpa": a_world(ents=[an_ent(owner=ReplicaOwner.HPA_FLOOR)], windows=_bell(4).windows),
        "floor-of-keda": a_world(ents=[an_ent(owner=ReplicaOwner.KEDA_FLOOR)]),
        "domain-of-two": _three(),
        # what is not known
        "reading-missing": _read(a_world(), A, "requests", Missing(reason=ReadingReason.UNREACHABLE)),
        "reading-stale": _read(
            a_world(), A, "requests", Stale(value=20.0, at=BELL - HOUR, reason=ReadingReason.QUARANTINED)
        ),
        "nothing-read": replace(a_world(counts={("nord", "a"): 30}), readings=()),
        "just-started": replace(a_world(counts={("nord", "a"): 30}), memory=Memory()),
        "replicas-seen-long-ago": replace(
            a_world(), replicas=tuple(replace(s, seen_at=BELL - 10 * MINUTE) for s in a_world().replicas)
        ),
        "blind-for-long": with_past(
            _read(a_world(counts={("nord", "a"): 30}), A, "requests", Missing(reason=ReadingReason.EMPTY)),
            known_per_second=80.0,
            known_at=BELL - 13 * HOUR,
        ),
        "no-rounds": replace(a_world(), rounds=()),
        "references-fail": replace(a_world(), rounds=rounds(BELL, "ab", references=[DEAD, DEAD, DEAD])),
        "no-references": replace(a_world(), rounds=rounds(BELL, "ab", references=[])),
        "api-server-fails": replace(a_world(), rounds=rounds(BELL, "ab", api={"a": DEAD})),
        # traffic
        "no-weights-yet": replace(a_world(), routes=()),
        "site-lost": replace(a_world(), rounds=LOST),
        "site-lost-and-nobody-has-room": replace(
            a_world(demand={("nord", "a"): 200.0}, counts={("nord", "b"): 8}), rounds=LOST
        ),
        "all-sites-lost": replace(
            a_world(), rounds=rounds(BELL, "ab", api={"a": DEAD, "b": DEAD}, public={"a": DEAD, "b": DEAD})
        ),
        "domain-lost": _three(rounds=rounds(BELL, "abc", api={"a": DEAD, "b": DEAD}, public={"a": DEAD, "b": DEAD})),
        "public-address-fails": replace(a_world(weights=HALVES), rounds=rounds(BELL, "ab", public={"a": DEAD})),
        "errors-at-one-site": _errors_at(0.3, 0.0),
        "errors-at-both": _errors_at(0.3, 0.2),
        "slow-site": _read(a_world(), A, "latencySeconds", 3.5),
        "overloaded-site": a_world(demand={("nord", "a"): 60.0}),
        "recovering": replace(a_world(weights=AT_B, demand=USERS_AT_B), memory=_site_memory(Verdict.DOWN, MINUTE)),
        "held-before-fail-back": replace(
            a_world(weights=AT_B, demand=USERS_AT_B), memory=_fallen_and_back(14 * MINUTE)
        ),
        "fail-back": replace(a_world(weights=AT_B, demand=USERS_AT_B), memory=_fallen_and_back(16 * MINUTE)),
        "fail-back-after-relapse": replace(
            a_world(weights=AT_B, demand=USERS_AT_B), memory=_fallen_and_back(20 * MINUTE, relapses=1)
        ),
        "step-interval": _with_ent(
            replace(a_world(weights={("nord", "a"): 10, ("nord", "b"): 90}), memory=_fallen_and_back(16 * MINUTE)),
            moves=_moves(MoveKind.FAILBACK, (A, 0, 10), (B, 100, 90), ago=5 * SECOND),
        ),
        "second-reversal": _with_ent(
            a_world(weights=HALVES),
            moves=(
                *_moves(MoveKind.BALANCE, (A, 100, 60), (B, 0, 40), ago=20 * MINUTE),
                *_moves(MoveKind.BALANCE, (A, 60, 80), (B, 40, 20), ago=15 * MINUTE),
                *_moves(MoveKind.BALANCE, (A, 80, 50), (B, 20, 50), ago=10 * MINUTE),
            ),
        ),
        "drain": a_world(sites=[replace(a_site("a"), drain=OPS), a_site("b")]),
        "drain-nearly-over": a_world(
            sites=[replace(a_site("a"), drain=OPS), a_site("b")],
            weights={("nord", "a"): 1, ("nord", "b"): 99},
        ),
        "freeze": replace(
            a_world(counts={("nord", "a"): 30}, weights=AT_B, demand=USERS_AT_B), orders=Orders(freeze=OPS)
        ),
        "freeze-and-loss": replace(a_world(), rounds=LOST, orders=Orders(freeze=OPS)),
        "pause": replace(_bell(4), orders=Orders(pause=OPS)),
        "ent-paused": a_world(ents=[an_ent(pause=OPS)], windows=_bell(4).windows),
        "dry-run": replace(_bell(4), orders=Orders(dry_run=True)),
        "steps-of-thirty": replace(
            a_world(ents=[an_ent(shifting=Shifting(max_step_percent=30))], weights=AT_B, demand=USERS_AT_B),
            memory=_fallen_and_back(16 * MINUTE),
        ),
        "two-edges": replace(
            a_world(ents=[an_ent(edges=(EDGE, EdgeName("back")))]),
            edges=(Edge(name=EDGE, kind=EdgeKind.HAPROXY_AGENT), Edge(name=EdgeName("back"), kind=EdgeKind.HTTP_ROUTE)),
            routes=tuple(
                Route(ent=ENT, edge=edge, site=site, weight=weight)
                for edge, site, weight in (
                    (EDGE, A, 60),
                    (EDGE, B, 40),
                    (EdgeName("back"), A, 10),
                    (EdgeName("back"), B, 90),
                )
            ),
            rounds=LOST,
        ),
        "answers": _answers(EdgeKind.DNS_ENDPOINT),
        "answers-of-a-dead-site": _answers(EdgeKind.DNS_ENDPOINT, dead=True),
        "answers-at-a-server-of-a-dead-site": _answers(EdgeKind.RFC2136, dead=True, answered="a"),
        "answers-while-drained": _answers(EdgeKind.DNS_ENDPOINT, sites=(replace(a_site("a"), drain=OPS), a_site("b"))),
        "answers-come-back": _answers(EdgeKind.DNS_ENDPOINT, answered="b", memory=_fallen_and_back(16 * MINUTE)),
        # what is no site's fault
        "bottleneck-elsewhere": test_bottleneck.world(past=test_bottleneck.past(), errors=(0.2, 0.2)),
        "bottleneck-persists": test_bottleneck.world(
            past=test_bottleneck.past(bottleneck=test_bottleneck.STUCK), errors=(0.2, 0.2), scheduled=150.0
        ),
        "dependency-full": test_bottleneck.world(
            errors=(0.0, 0.0), dependencies=(Dependency(name="sso", capacity=25.0),), scheduled=150.0
        ),
        "connections-scarce": test_bottleneck.world(
            errors=(0.0, 0.0),
            dependencies=(Dependency(name="database", capacity=60.0, use_per_replica=5.0),),
            scheduled=150.0,
        ),
        "errors-follow-the-users": test_following.a_world({"a": 0.2, "b": 0.2, "c": 0.0}),
        "errors-stay-behind": test_following.a_world({"a": 0.2, "b": 0.0, "c": 0.0}),
        "rollout-suspected": _rollout(),
        "rollout-at-both-sites": _rollout(at="ab"),
        "rollout-after-another-move": _rollout(first_step_taken=True, kind=MoveKind.BALANCE),
        "rollout-suspected-after-a-step": _rollout(first_step_taken=True),
        "shut-on-purpose": a_world(
            windows=(a_window(ENT, BELL - HOUR, 120, 0.0, kept_out=(Audience.ALL,), source="event maintenance"),),
            demand={("nord", "a"): 0.0},
        ),
        "data-not-ready": _data(0.0, DataMode.PROMOTED),
        "data-ready": _data(1.0, DataMode.PROMOTED),
        "data-read-only": _data(1.0, DataMode.READ_ONLY),
        # one instance per site
        "one-of-three": test_edges.one_site("b"),
        "one-of-three-after-a-loss": test_edges.one_site("b", dead="a"),
        "a-peer-would-move-less": _peer(at_a=95),
        "a-peer-would-not-move": _peer(at_a=100),
    }


def told(world: World) -> str:
    """Return what the planner answers, as it is written down."""
    first = plan(world, BELL)
    second = plan_document(plan(replace(world, memory=first.memory), BELL + LATER))
    later = {part: second[part] for part in ("actions", "memory")}
    return f"{pretty({'plan': plan_document(first), 'five seconds later': later})}\n"


def main() -> int:
    """Write all files, and remove those of stories that are no more."""
    if sys.argv[1:] != ["--write"]:
        sys.stderr.write("python -m tests.planning.stories --write\n")
        return 2
    TOLD.mkdir(exist_ok=True)
    found = stories()
    for path in TOLD.glob("*.json"):
        if path.stem not in found:
            path.unlink()
    for name, world in found.items():
        TOLD.joinpath(f"{name}.json").write_text(told(world), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
