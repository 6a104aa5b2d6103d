"""Hypothesis strategies for worlds: plausible and absurd ones alike."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st

from controller.domain.fleet import Edge, EdgeKind, Ent, Order, ReplicaOwner, ReservePolicy, Site
from controller.domain.forecast import SLOT, Forecast
from controller.domain.intents import Intent, PeerPlan
from controller.domain.memory import (
    Bottleneck,
    DemandPoint,
    EntMemory,
    EntSamples,
    Growth,
    Latch,
    LearnedLead,
    Memory,
    Morning,
    Move,
    MoveKind,
    Recommendation,
    Samples,
    SiteMemory,
    Verdict,
)
from controller.domain.names import SignalName, SiteName
from controller.domain.plan import SiteWeight
from controller.domain.readings import Fresh, Missing, Reading, ReadingReason, Stale
from controller.domain.timetable import Audience
from controller.domain.windows import Window
from controller.domain.world import EvidenceRound, Orders, ReplicaState, Route, SignalReading, World
from tests.builders import BELL, DEAD, EDGE, FINE, HUNG, a_placement, a_site, an_ent, rounds

SITE_NAMES = ("a", "b", "c", "d")
ENT_NAMES = ("est", "nord", "ouest")
seconds = st.integers(-3600, 3600).map(lambda s: timedelta(seconds=s))
ago = st.integers(0, 3600).map(lambda s: BELL - timedelta(seconds=s))
per_second = st.floats(0, 2000, allow_nan=False, allow_infinity=False)


@st.composite
def sites(draw: st.DrawFn) -> tuple[Site, ...]:
    """Draw two to four sites, some sharing a serving domain, some with a quota that is too small."""
    names = SITE_NAMES[: draw(st.integers(2, 4))]
    return tuple(
        a_site(name, domain=draw(st.sampled_from([None, "campus"])), quota=draw(st.none() | st.integers(0, 60)))
        for name in names
    )


@st.composite
def ents(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[Ent, ...]:
    """Draw one to three ENTs over some of the sites, with any owner, reserve and priority."""
    found = []
    for name in ENT_NAMES[: draw(st.integers(1, 3))]:
        at = draw(st.lists(st.sampled_from(names), min_size=1, max_size=len(names), unique=True))
        least = draw(st.integers(0, 5))
        placements = tuple(
            a_placement(site, home=i == 0, least=least, most=draw(st.integers(max(1, least), 200)))
            for i, site in enumerate(at)
        )
        found.append(
            an_ent(
                name,
                sites=at,
                placements=placements,
                owner=draw(st.sampled_from(ReplicaOwner)),
                reserve=draw(st.sampled_from(ReservePolicy)),
                priority=draw(st.integers(0, 2)),
            )
        )
    return tuple(found)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """Draw a reading of any quality."""
    kind = draw(st.sampled_from(["fresh", "fresh", "fresh", "stale", "missing"]))
    reason = draw(st.sampled_from(ReadingReason))
    if kind == "missing":
        return Missing(reason=reason)
    if kind == "stale":
        return Stale(value=draw(per_second), at=draw(ago), reason=reason)
    return Fresh(value=draw(per_second), at=BELL)


def evidence(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[EvidenceRound, ...]:
    """Draw a few rounds in which every probe may end in any way."""
    results = st.sampled_from([FINE, FINE, FINE, DEAD, HUNG])
    found = []
    for shown in rounds(BELL, names, count=draw(st.integers(0, 6))):
        if draw(st.booleans()):
            probes = tuple(replace(probe, result=draw(results)) for probe in shown.probes)
            found.append(replace(shown, probes=probes))
        else:
            found.append(shown)
    return tuple(found)


def windows(draw: st.DrawFn, ent: Ent) -> list[Window]:
    """Draw up to three windows around now."""
    found = []
    for _ in range(draw(st.integers(0, 3))):
        start = BELL + draw(seconds)
        end = start + timedelta(minutes=draw(st.integers(1, 90)))
        found.append(
            Window(
                ent=ent.key,
                start=start,
                end=end,
                demand_per_second=draw(per_second),
                source="generated",
                by_event=draw(st.booleans()),
                ramp_seconds=draw(st.sampled_from([0.0, 600.0])),
                lead_seconds=draw(st.sampled_from([0.0, 0.0, 1200.0])),
                kept_out=draw(st.sampled_from([(), (), (Audience.PARENTS,), (Audience.ALL,)])),
            )
        )
    return found


def maybe(values: st.SearchStrategy[float]) -> st.SearchStrategy[float | None]:
    """A value, or none."""
    return st.none() | values


def ent_samples(draw: st.DrawFn, ent: Ent) -> EntSamples:
    """Draw a past: a few points in order, a morning, a bottleneck, what was recommended."""
    ages = sorted(draw(st.lists(st.integers(1, 700), max_size=8, unique=True)), reverse=True)
    points = tuple(
        DemandPoint(
            at=BELL - timedelta(seconds=age),
            demand_per_second=draw(per_second),
            first_attempts_per_second=draw(maybe(per_second)),
            successes_per_second=draw(maybe(per_second)),
            ready_capacity_per_second=draw(per_second),
        )
        for age in ages
    )
    split = sum(age > 150 for age in ages)
    morning = Morning(
        begun_at=BELL - timedelta(hours=1),
        at=draw(ago),
        attempts_per_second=draw(per_second),
        expected_per_second=draw(per_second),
        seen=draw(st.floats(0, 1e6)),
        foreseen=draw(st.floats(0, 1e6)),
        watched_seconds=draw(st.floats(0, 3600)),
    )
    bottleneck = Bottleneck(
        since=draw(ago),
        failed_at=draw(ago),
        ready_before_per_second=50.0,
        ready_after_per_second=80.0,
        successes_per_second=draw(per_second),
    )
    return EntSamples(
        ent=ent.key,
        recent=points[split:],
        older=points[:split],
        known_per_second=(known := draw(maybe(per_second))),
        known_at=None if known is None else draw(ago),
        failing_since=draw(st.none() | ago),
        morning=draw(st.none() | st.just(morning)),
        morning_by_forecast=draw(st.none() | st.just(morning)),
        bottleneck=draw(st.none() | st.none() | st.just(bottleneck)),
        recommendations=tuple(
            Recommendation(site=p.site, at=draw(ago), replicas=draw(st.integers(0, 150)))
            for p in sorted(ent.placements, key=lambda p: p.site)
            if draw(st.booleans())
        ),
    )


def forecasts(draw: st.DrawFn, ent: Ent) -> list[Forecast]:
    """Draw a forecast of a few slots around now, perhaps set aside, or none."""
    if draw(st.booleans()):
        return []
    return [
        Forecast(
            ent=ent.key,
            start=BELL - draw(st.integers(0, 3)) * SLOT,
            per_second=tuple(draw(st.lists(per_second, max_size=6))),
            days=5,
            set_aside=draw(st.sampled_from(["", "", "it lost"])),
        )
    ]


def ent_memory(draw: st.DrawFn, ent: Ent) -> EntMemory:
    """Draw moves and latches."""
    percent = st.integers(0, 100)
    moves = tuple(
        Move(
            edge=EDGE,
            site=draw(st.sampled_from(ent.placements)).site,
            before_percent=draw(percent),
            after_percent=draw(percent),
            at=draw(ago),
            kind=draw(st.sampled_from(MoveKind)),
        )
        for _ in range(draw(st.integers(0, 3)))
    )
    latches = tuple(
        Latch(site=p.site, replicas=draw(st.integers(0, 80)), until=BELL + draw(seconds), source="generated")
        for p in ent.placements
        if draw(st.booleans())
    )
    growths = tuple(
        Growth(site=p.site, before_replicas=1, replicas=draw(st.integers(2, 150)), since=draw(ago))
        for p in ent.placements
        if not draw(st.integers(0, 3))
    )
    leads = tuple(
        LearnedLead(site=p.site, rows=((draw(st.integers(0, 7)), 3, draw(st.integers(0, 2700)), 5, 0),))
        for p in ent.placements
        if not draw(st.integers(0, 2))
    )
    return EntMemory(ent=ent.key, moves=moves, latches=latches, growths=growths, leads=leads)


def peer_plans(draw: st.DrawFn, names: Sequence[SiteName], all_ents: Sequence[Ent]) -> tuple[PeerPlan, ...]:
    """What peers would do, of whom most often there are none."""
    found = []
    for name in draw(st.lists(st.sampled_from(names), max_size=2, unique=True)) if names else ():
        intents = [
            Intent(
                ent=ent.key,
                edge=EDGE,
                weights=tuple(SiteWeight(site=p.site, weight=draw(st.integers(0, 100))) for p in ent.placements),
            )
            for ent in all_ents
        ]
        cut = draw(st.integers(0, len(intents)))
        found.append(PeerPlan(site=name, intents=tuple(intents[:cut]), undecided=tuple(intents[cut:][:1])))
    return tuple(found)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw any world: also floors above quotas, no site healthy, nothing ever seen."""
    all_sites = draw(sites())
    names = tuple(site.name for site in all_sites)
    all_ents = draw(ents(names))
    places = [(ent, p) for ent in all_ents for p in ent.placements]
    signals = [SignalName(s) for s in ("requests", "errors", "firstAttempts", "successes")]
    order = Order(until=BELL + timedelta(minutes=5), reason="generated", by="hypothesis")
    return World(
        sites=all_sites,
        ents=all_ents,
        edges=(Edge(name=EDGE, kind=draw(st.sampled_from(EdgeKind))),),
        windows=tuple(w for ent in all_ents for w in windows(draw, ent)),
        forecasts=tuple(forecast for ent in all_ents for forecast in forecasts(draw, ent)),
        readings=tuple(
            SignalReading(site=p.site, ent=ent.key, signal=signal, reading=draw(readings()))
            for ent, p in places
            for signal in signals
        ),
        rounds=evidence(draw, names),
        replicas=tuple(
            ReplicaState(
                ent=ent.key,
                site=p.site,
                wanted=(wanted := draw(st.integers(0, 150))),
                ready=draw(st.integers(0, wanted)),
                seen_at=draw(st.sampled_from([BELL, BELL - timedelta(minutes=5)])),
                pending_since=draw(st.none() | ago),
                revision=draw(st.sampled_from(["r1", "r2"])),
                revision_since=draw(st.none() | ago),
            )
            for ent, p in places
            if draw(st.integers(0, 9))
        ),
        routes=tuple(
            Route(
                ent=ent.key,
                edge=EDGE,
                site=p.site,
                weight=draw(st.integers(0, 100)),
                max_concurrent=draw(st.none() | st.integers(1, 99)),
            )
            for ent, p in places
            if draw(st.integers(0, 9))
        ),
        peers=peer_plans(draw, names, all_ents),
        orders=Orders(freeze=draw(st.none() | st.just(order)), pause=draw(st.none() | st.none() | st.just(order))),
        memory=Memory(
            sites=tuple(
                SiteMemory(
                    site=SiteName(name),
                    verdict=draw(st.sampled_from(Verdict)),
                    since=draw(ago),
                    healthy_since=draw(st.none() | ago),
                    fell_at=draw(st.none() | ago),
                )
                for name in names
                if draw(st.booleans())
            ),
            ents=tuple(ent_memory(draw, ent) for ent in all_ents if draw(st.booleans())),
            samples=Samples(
                complete_since=draw(st.none() | ago),
                ents=tuple(ent_samples(draw, ent) for ent in all_ents if draw(st.booleans())),
            ),
        ),
    )
