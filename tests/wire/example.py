"""The world of the documents: small, and with something of everything in it."""

from dataclasses import replace
from datetime import datetime, timedelta

from controller.domain.fleet import (
    DataMode,
    Dependency,
    DomainKind,
    Edge,
    EdgeKind,
    FailureDomain,
    Order,
    Scaling,
    Site,
)
from controller.domain.memory import (
    EntMemory,
    Growth,
    Latch,
    LearnedLead,
    Memory,
    Move,
    MoveKind,
    Samples,
    SiteMemory,
    Verdict,
)
from controller.domain.names import DomainName, ObserverName, SignalName, SiteName
from controller.domain.readings import (
    Fresh,
    Missing,
    NotAttempted,
    Probe,
    ProbePath,
    Reading,
    ReadingReason,
    Refused,
    Stale,
    TimedOut,
)
from controller.domain.world import EvidenceRound, Orders, ReplicaState, Route, SignalReading, World
from controller.wire.world import Question
from tests.builders import EDGE, FINE, a_placement, a_window, an_ent, key

NOW = datetime.fromisoformat("2026-09-01T06:55:00.250000Z")
BELL = datetime.fromisoformat("2026-09-01T07:00:00Z")
GRA, SBG = SiteName("gra"), SiteName("sbg")
SECOND = timedelta(seconds=1)


def question() -> Question:
    """Five minutes before a bell: a drain is ordered at one site, the other must grow and take the traffic."""
    return Question(id="2026-09-01T06:55:00Z hdf", now=NOW, world=world())


def world() -> World:
    """One ENT at two sites, with every kind of reading and probe result."""
    ent = replace(
        an_ent("hdf", sites=(GRA, SBG)),
        placements=(
            a_placement(GRA, home=True, least=2, most=60),
            replace(a_placement(SBG, least=2, most=84), data_mode=DataMode.READ_ONLY),
        ),
        dependencies=(Dependency(name="single-sign-on", capacity=500.0),),
        scaling=Scaling(lead_time=timedelta(minutes=4), warm_up=timedelta(seconds=30)),
    )
    drain = Order(until=BELL + timedelta(hours=3), reason="cooling at work", by="on call")
    campus = FailureDomain(name=DomainName("campus-north"), kind=DomainKind.SERVING)
    return World(
        sites=(
            Site(name=GRA, failure_domains=(campus,), quota_replicas=100, drain=drain),
            Site(name=SBG, relative_cost_permille=1100),
        ),
        ents=(ent,),
        edges=(Edge(name=EDGE, kind=EdgeKind.HAPROXY_AGENT),),
        windows=(a_window(ent.key, BELL - timedelta(minutes=10), 40, 300.0),),
        readings=(
            _reading(GRA, "requests", Fresh(value=42.5, at=NOW - 4 * SECOND)),
            _reading(GRA, "errors", Stale(value=0.002, at=NOW - 90 * SECOND, reason=ReadingReason.TOO_OLD)),
            _reading(SBG, "requests", Fresh(value=0.0, at=NOW - 4 * SECOND)),
            _reading(SBG, "errors", Missing(reason=ReadingReason.EMPTY)),
            _reading(SBG, "dataReady", Fresh(value=1.0, at=NOW - 4 * SECOND)),
        ),
        rounds=tuple(_round(number) for number in range(3)),
        replicas=(
            ReplicaState(ent=ent.key, site=GRA, wanted=20, ready=20, seen_at=NOW - SECOND, revision="5f6d"),
            ReplicaState(
                ent=ent.key, site=SBG, wanted=20, ready=18, seen_at=NOW - SECOND, pending_since=NOW - 40 * SECOND
            ),
        ),
        routes=(
            Route(ent=ent.key, edge=EDGE, site=GRA, weight=100, max_concurrent=100),
            Route(ent=ent.key, edge=EDGE, site=SBG, weight=0, max_concurrent=95),
        ),
        orders=Orders(freeze=Order(until=BELL + timedelta(days=2), reason="first days of term", by="rectorate")),
        memory=_memory(),
    )


def _reading(site: SiteName, signal: str, reading: Reading) -> SignalReading:
    return SignalReading(ent=key("hdf"), site=site, signal=SignalName(signal), reading=reading)


def _round(number: int) -> EvidenceRound:
    results = {"https://a.example": FINE, "https://b.example": FINE, "https://c.example": TimedOut(seconds=1.0)}
    probes = [Probe(path=ProbePath.REFERENCE, target=target, result=result) for target, result in results.items()]
    public = Refused(why="connection reset") if number == 0 else FINE
    return EvidenceRound(
        observer=ObserverName("one"),
        sequence=41 + number,
        at=NOW - 2 * (2 - number) * SECOND,
        probes=(
            Probe(path=ProbePath.API, target=GRA, result=FINE),
            Probe(path=ProbePath.PUBLIC, target=GRA, result=public),
            Probe(path=ProbePath.API, target=SBG, result=FINE),
            Probe(
                path=ProbePath.PUBLIC,
                target=SBG,
                result=NotAttempted(why="resolver not asked yet") if number == 0 else FINE,
            ),
            *probes,
        ),
    )


def _memory() -> Memory:
    early = NOW - timedelta(hours=9)
    return Memory(
        sites=(
            SiteMemory(site=GRA, verdict=Verdict.HEALTHY, since=early, healthy_since=early),
            SiteMemory(site=SBG, verdict=Verdict.HEALTHY, since=early, healthy_since=early),
        ),
        ents=(
            EntMemory(
                ent=key("hdf"),
                moves=(
                    Move(
                        edge=EDGE,
                        site=SBG,
                        before_percent=10,
                        after_percent=0,
                        at=NOW - timedelta(minutes=25),
                        kind=MoveKind.FAILBACK,
                    ),
                ),
                latches=(Latch(site=GRA, replicas=20, until=BELL, source="schedule college: 08:30 first bell"),),
                growths=(Growth(site=SBG, before_replicas=10, replicas=20, since=NOW - 40 * SECOND),),
                leads=(LearnedLead(site=GRA, rows=((3, 1, 95, 0, 0),)),),
                data_ready=((SBG, NOW - 4 * SECOND),),
            ),
        ),
        samples=Samples(complete_since=early),
    )
