"""What can be done to the world, as data: the words in which the table of faults is written."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.knobs import Knobs
from tests.faults.network import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSite:
    """A site burns: packets vanish, processes end, its controller with them."""

    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnSite:
    """A burnt site is back with its data."""

    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lose:
    """A place loses packets by these rules; none: it loses nothing any more."""

    place: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The portals of a site behave so."""

    site: str
    knobs: Knobs


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPrometheus:
    """A site's Prometheus ends."""

    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KillControllers:
    """The controllers at these sites end at once, and come back after some seconds, or with the repair."""

    sites: tuple[str, ...] = ()
    """None: all."""
    back_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewClock:
    """The controller of a site is started again with a clock that is wrong by so much."""

    site: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceNodes:
    """Half of the nodes of a site fall silent; what runs there serves no more."""

    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KillEdge:
    """One of the two HAProxies ends."""

    edge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadEdge:
    """An HAProxy is reloaded as a script does it: it says its state, ends, and begins from that state."""

    edge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A new image at these sites, whose pages fail in this share of all cases."""

    sites: tuple[str, ...]
    errors: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """So many more users come, as at a bell."""

    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bell:
    """A bell is declared for then, which brings so many times the usual users: capacity is to be there before."""

    after_seconds: float
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Everything is as it was: no loss, no knob turned, everything runs."""


Step = (
    KillSite
    | ReturnSite
    | Lose
    | Turn
    | StopPrometheus
    | KillControllers
    | SkewClock
    | SilenceNodes
    | KillEdge
    | ReloadEdge
    | Release
    | Crowd
    | Bell
    | Repair
)
