"""The faults: each one small entry. The runner plays it, `figures` measures it, the bars judge it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.cast import SITES
from tests.faults.knobs import Knobs
from tests.faults.network import Rule
from tests.faults.steps import (
    Bell,
    Crowd,
    KillControllers,
    KillEdge,
    KillSite,
    Lose,
    Release,
    ReloadEdge,
    SilenceNodes,
    SkewClock,
    Step,
    StopPrometheus,
    Turn,
)

HAPROXY, DNS = "haproxy", "dns"
ALL_SITES, ONE_SITE = "all-sites", "one-site"
BASELINE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What must hold; None: no bar."""

    decided_seconds: float | None = None
    effect_seconds: float | None = None
    moved_95_percent_seconds: float | None = None
    failed_site_seconds: float | None = None
    failed_share: float | None = None
    """Of all requests, where no site is to be left."""
    max_destination_utilisation: float | None = None
    reversals: int | None = 1
    false_shifts: int | None = 0
    empty_answers: int = 0


KILLED = Bars(
    decided_seconds=10.0, moved_95_percent_seconds=90.0, failed_site_seconds=10.0, max_destination_utilisation=0.85
)
KILLED_DNS = Bars(
    decided_seconds=10.0, moved_95_percent_seconds=90.0, failed_site_seconds=30.0, max_destination_utilisation=0.85
)
DEGRADED = Bars(
    decided_seconds=30.0, effect_seconds=5.0, moved_95_percent_seconds=90.0, max_destination_utilisation=0.85
)
NOTHING_MOVES = Bars(reversals=0, failed_share=0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: what is done when, who ought to be left by its users, and what must hold."""

    name: str
    title: str
    steps: tuple[tuple[float, Step], ...]
    """Seconds after the fault began, or before it, and what is done then."""
    lasts: float
    """Seconds until everything is repaired."""
    watch: float = 20.0
    """Seconds that are measured after it."""
    sick: tuple[str, ...] = ()
    """Sites that users ought to leave."""
    doubted: tuple[str, ...] = ()
    """Sites that live but that two observers or more whose word counts have lost: to them they are gone, and leaving
    them is no false shift (the same definition as in tests.bench.partitions)."""
    dead: bool = True
    """Whether the sick sites do not answer at all."""
    edge: str = HAPROXY
    bars: Bars = NOTHING_MOVES
    shortened: str = ""
    """What is shorter than in the issue, and what that hides."""
    topologies: tuple[str, ...] = (ALL_SITES, ONE_SITE)

    @property
    def before(self) -> float:
        """Return how long the world is watched before the fault."""
        return max([BASELINE_SECONDS, *(-after + BASELINE_SECONDS for after, _ in self.steps if after < 0)])

    @property
    def seconds(self) -> float:
        """Return how long a run takes, without its beginning anew."""
        return self.before + self.lasts + self.watch

    @property
    def loses_packets(self) -> bool:
        """Tell whether it needs networks of its own; a site that burns can also just end."""
        return any(isinstance(step, Lose) for _, step in self.steps)


EVERYTHING = (Rule(),)
HALF_DEAF = (Rule(leaving=False),)
THIRD_LOST = (Rule(percent=30),)
ALL_ERRORS = Knobs(errors={"*": 0.6})


def _between(places: tuple[str, ...], others: tuple[str, ...]) -> tuple[tuple[float, Step], ...]:
    """Cut two groups of places from each other."""
    return tuple((0.0, Lose(place=place, rules=(Rule(peers=others),))) for place in places)


def _flapping(site: str, seconds: float, period: float) -> tuple[tuple[float, Step], ...]:
    """Let a site be gone for the first half of every period."""
    steps: list[tuple[float, Step]] = []
    for number in range(int(seconds / period)):
        steps.append((number * period, Lose(place=site, rules=EVERYTHING)))
        steps.append((number * period + period / 2, Lose(place=site, rules=())))
    return tuple(steps)


FAULTS: tuple[Fault, ...] = (
    Fault(
        name="site-killed",
        title="A site burns: packets vanish, API server, Prometheus, portals and controller end",
        steps=((0.0, KillSite(site="b")),),
        lasts=30.0,
        sick=("b",),
        bars=KILLED,
    ),
    Fault(
        name="site-killed-with-leader",
        title="The site burns in which the controller runs",
        steps=((0.0, KillSite(site="a")),),
        lasts=30.0,
        sick=("a",),
        bars=KILLED,
        topologies=(ONE_SITE,),
    ),
    Fault(
        name="domain-killed",
        title="The campus of two sites burns",
        steps=((0.0, KillSite(site="c")), (0.0, KillSite(site="d"))),
        lasts=40.0,
        sick=("c", "d"),
        bars=KILLED,
    ),
    Fault(
        name="site-killed-dns",
        title="A site burns, and nothing but DNS stands before the sites",
        steps=((0.0, KillSite(site="b")),),
        lasts=75.0,
        sick=("b",),
        edge=DNS,
        bars=KILLED_DNS,
    ),
    Fault(
        name="domain-killed-dns",
        title="The campus of two sites burns, and nothing but DNS stands before the sites",
        steps=((0.0, KillSite(site="c")), (0.0, KillSite(site="d"))),
        lasts=75.0,
        sick=("c", "d"),
        edge=DNS,
        bars=KILLED_DNS,
    ),
    Fault(
        name="partition-1-3",
        title="A site is cut off from everybody: other sites, edges, users, references",
        steps=((0.0, Lose(place="b", rules=EVERYTHING)),),
        lasts=30.0,
        sick=("b",),
        bars=KILLED,
    ),
    Fault(
        name="partition-2-2",
        title="Two sites and two sites lose each other; users reach all four",
        steps=_between(("a", "b"), ("c", "d")),
        lasts=30.0,
        doubted=SITES,
        bars=Bars(failed_share=0.01, max_destination_utilisation=0.85),
    ),
    Fault(
        name="one-way-loss",
        title="What is sent to a site vanishes; what it sends arrives",
        steps=((0.0, Lose(place="b", rules=HALF_DEAF)),),
        lasts=30.0,
        sick=("b",),
        bars=KILLED,
    ),
    Fault(
        name="loss-30-percent",
        title="Three packets of ten to and from a site vanish",
        steps=((0.0, Lose(place="b", rules=THIRD_LOST)),),
        lasts=40.0,
        sick=("b",),
        dead=False,
        bars=Bars(),
    ),
    Fault(
        name="slow-site",
        title="Every page of a site takes two seconds longer; its canary and its cluster are well",
        steps=((0.0, Turn(site="b", knobs=Knobs(slow_seconds=2.0))),),
        lasts=75.0,
        sick=("b",),
        dead=False,
        bars=DEGRADED,
    ),
    Fault(
        name="error-burst",
        title="Sixty of a hundred pages of one ENT fail at one site",
        steps=((0.0, Turn(site="b", knobs=Knobs(errors={"ent-nord": 0.6}))),),
        lasts=75.0,
        sick=("b",),
        dead=False,
        bars=DEGRADED,
    ),
    Fault(
        name="prometheus-stale",
        title="The figures of a site stand still and are served as if they were new",
        steps=((0.0, Turn(site="b", knobs=Knobs(metrics_frozen=True))),),
        lasts=45.0,
    ),
    Fault(
        name="prometheus-lying",
        title="The counters of a site run three times as fast as what happens",
        steps=((0.0, Turn(site="b", knobs=Knobs(metrics_factor=3.0))),),
        lasts=45.0,
    ),
    Fault(
        name="prometheus-dead",
        title="The Prometheus of a site ends",
        steps=((0.0, StopPrometheus(site="b")),),
        lasts=45.0,
    ),
    Fault(
        name="controller-killed-in-shift",
        title="A site fails sixty pages of a hundred, and the controllers are killed at every step of leaving it",
        steps=(
            (0.0, Turn(site="b", knobs=ALL_ERRORS)),
            *((second, KillControllers(back_after_seconds=1.0)) for second in (8.0, 20.0, 32.0, 44.0, 56.0)),
        ),
        lasts=90.0,
        sick=("b",),
        dead=False,
        bars=Bars(max_destination_utilisation=0.85),
    ),
    Fault(
        name="clock-skew",
        title="The clock of one controller is ninety seconds ahead; then a site burns",
        steps=((-45.0, SkewClock(site="a", seconds=90.0)), (0.0, KillSite(site="b"))),
        lasts=30.0,
        sick=("b",),
        bars=KILLED,
        topologies=(ONE_SITE,),
    ),
    Fault(
        name="flapping",
        title="A site is gone for ten seconds of every twenty",
        steps=_flapping("b", 180.0, 20.0),
        lasts=180.0,
        watch=30.0,
        sick=("b",),
        bars=Bars(decided_seconds=30.0),
        shortened="three minutes instead of ten, beside a hold of 15 s instead of 900 s: harder, not easier",
    ),
    Fault(
        name="two-faults",
        title="A site burns while the Prometheus of its neighbour is dead",
        steps=((-10.0, StopPrometheus(site="c")), (0.0, KillSite(site="b"))),
        lasts=30.0,
        sick=("b",),
        bars=KILLED,
    ),
    Fault(
        name="bell-in-shift",
        title="The bell rings ten seconds after a site has burnt: half as many users again",
        steps=((-60.0, Bell(after_seconds=70.0, factor=1.5)), (0.0, KillSite(site="b")), (10.0, Crowd(factor=1.5))),
        lasts=45.0,
        sick=("b",),
        bars=KILLED,
    ),
    Fault(
        name="half-nodes-gone",
        title="Half of the nodes of a site fall silent, and with them half of what it can carry",
        steps=((0.0, SilenceNodes(site="b")), (0.0, Turn(site="b", knobs=Knobs(capacity_factor=0.5)))),
        lasts=75.0,
        sick=("b",),
        dead=False,
        bars=Bars(decided_seconds=30.0, effect_seconds=5.0, max_destination_utilisation=0.85),
    ),
    Fault(
        name="bad-release-everywhere",
        title="A release whose pages fail in half of all cases reaches all sites at once",
        steps=((0.0, Release(sites=SITES, errors=0.5)),),
        lasts=60.0,
        bars=Bars(reversals=0),
    ),
    Fault(
        name="bad-release-in-waves",
        title="A release whose pages fail in half of all cases goes from site to site, twenty seconds apart",
        steps=tuple((20.0 * n, Release(sites=(site,), errors=0.5)) for n, site in enumerate(("b", "c", "a", "d"))),
        lasts=90.0,
        sick=("b",),
        dead=False,
        bars=Bars(false_shifts=None),
    ),
    Fault(
        name="edge-killed",
        title="One of the two HAProxies is gone, its address answers nobody",
        steps=((0.0, Lose(place="edge-1", rules=EVERYTHING)), (0.0, KillEdge(edge="edge-1"))),
        lasts=30.0,
    ),
    Fault(
        name="edge-reloaded-controller-dead",
        title="Both HAProxies are reloaded while no controller answers",
        steps=(
            (0.0, KillControllers()),
            (8.0, ReloadEdge(edge="edge-1")),
            (14.0, ReloadEdge(edge="edge-2")),
        ),
        lasts=30.0,
    ),
    Fault(
        name="controller-dead-since-03",
        title="The controllers have been dead since the night when a site burns in the morning",
        steps=((-30.0, KillControllers()), (0.0, KillSite(site="b"))),
        lasts=30.0,
        sick=("b",),
        bars=Bars(moved_95_percent_seconds=90.0, failed_site_seconds=10.0),
        shortened="dead for half a minute instead of six hours: nothing of ours counts time while it is dead",
    ),
)
