"""The faults: each one small entry. The runner plays it, `figures` measures it, the bars judge it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.faults.steps import KillSite, Step

HAPROXY, DNS = "haproxy", "dns"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What must hold; None: no bar."""

    decided_seconds: float | None = None
    effect_seconds: float | None = None
    moved_95_percent_seconds: float | None = None
    failed_site_seconds: float | None = None
    max_destination_utilisation: float | None = 0.85
    reversals: int = 1
    false_shifts: int = 0
    empty_answers: int = 0


KILLED = Bars(decided_seconds=10.0, moved_95_percent_seconds=90.0, failed_site_seconds=10.0)
KILLED_DNS = Bars(decided_seconds=10.0, moved_95_percent_seconds=90.0, failed_site_seconds=30.0)
DEGRADED = Bars(decided_seconds=30.0, effect_seconds=5.0, moved_95_percent_seconds=90.0)
NOTHING_MOVES = Bars(max_destination_utilisation=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: what is done when, who ought to be left by its users, and what must hold."""

    name: str
    title: str
    steps: tuple[tuple[float, Step], ...]
    """Seconds after the fault began, and what is done then."""
    lasts: float
    """Seconds until everything is repaired."""
    watch: float = 20.0
    """Seconds that are measured after it."""
    sick: tuple[str, ...] = ()
    """Sites that users ought to leave."""
    dead: bool = True
    """Whether the sick sites do not answer at all."""
    edge: str = HAPROXY
    bars: Bars = NOTHING_MOVES
    shortened: str = ""
    """What is shorter than in the issue, and why that changes nothing, or what it hides."""
    topologies: tuple[str, ...] = ("all-sites", "one-site")
    needs_packets: bool = False
    """Whether it is about lost packets, so that loopback will not do."""
    seconds: float = field(init=False)

    def __post_init__(self) -> None:
        """Add up."""
        object.__setattr__(self, "seconds", self.lasts + self.watch)


FAULTS: tuple[Fault, ...] = (
    Fault(
        name="site-killed",
        title="A site burns: packets vanish, API server, Prometheus, portals and controller end",
        steps=((0.0, KillSite(site="b")),),
        lasts=35.0,
        sick=("b",),
        bars=KILLED,
    ),
)
