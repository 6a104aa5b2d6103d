"""What is measured of an ENT's demand, summed over its sites: how much of it is Fresh, and what is not known.

A site that carries none of the ENT's traffic need not be heard; a dead one cannot be. Of several demand signals the
one that needs most replicas counts (design §5 stage 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from controller.domain.fleet import Ent
from controller.domain.names import SignalName, SiteName
from controller.domain.readings import Fresh, Missing, Reading, Stale
from controller.planning.facts import NOWHERE_READ, Facts
from controller.planning.health import ERRORS, Health

FIRST_ATTEMPTS = SignalName("firstAttempts")
"""Requests that are no retries: what users want, in the unit of the first demand signal."""
SUCCESSES = SignalName("successes")
LOGIN_FAILURES = SignalName("loginFailures")
"""Ratio of log-ins, 0 to 1, that fail though the user did nothing wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Demand as measured. Totals are None unless every living site with traffic was heard freshly."""

    need_per_second: float
    """The largest need of all signals, in the unit of the first; a lower bound when something is unknown."""
    signal: SignalName
    """Whose need that is."""
    own_per_second: float
    """The same in that signal's own unit."""
    first_attempts_per_second: float | None
    successes_per_second: float | None
    failing: bool
    """Errors or failed log-ins above the SLO on a fresh reading at any site."""
    failing_everywhere: bool
    """The same at every living site with traffic: no site of ours is the reason."""
    unknown: tuple[str, ...]
    """What is not known, for people; empty: the need is known as a whole."""


def measure(facts: Facts, ent: Ent, health: dict[SiteName, Health]) -> Measured:
    """Sum up what the sites say."""
    living, serving, gone = _sites(facts, ent, health)
    read = facts.readings_of(ent.key)
    unknown = [f"{site} is down, its users are not counted" for site in gone]
    needed = []
    for signal in ent.signals:
        total, unheard = _sum(read.get(signal.signal, NOWHERE_READ), living, serving)
        needed.append(total)
        unknown += [_why_unknown(facts.reading(ent.key, site, signal.signal), signal.signal, site) for site in unheard]
    need, index = _largest_need(ent, needed)
    failing = _failing(read, ent.slo.error_ratio)
    return Measured(
        need_per_second=need,
        signal=ent.signals[index].signal,
        own_per_second=needed[index],
        first_attempts_per_second=None if gone else _whole(read.get(FIRST_ATTEMPTS), living, serving),
        successes_per_second=None if gone else _whole(read.get(SUCCESSES), living, serving),
        failing=bool(failing),
        failing_everywhere=bool(failing and serving) and all(site in failing for site in serving),
        unknown=tuple(unknown),
    )


def _sites(
    facts: Facts, ent: Ent, health: dict[SiteName, Health]
) -> tuple[list[SiteName], list[SiteName], list[SiteName]]:
    """Return the living sites, those of them with traffic, and the dead ones with traffic, each by name.

    The users of a dead site arrive elsewhere: its last word would count them twice.
    """
    shares = facts.largest_shares(ent)
    living, serving, gone = [], [], []
    for site in sorted([placement.site for placement in ent.placements]):
        carries = shares.get(site, 0.0) > 0 if shares else True
        judged = health.get(site)
        if judged is None or not judged.gone:
            living.append(site)
            if carries:
                serving.append(site)
        elif carries:
            gone.append(site)
    return living, serving, gone


def _sum(
    readings: Mapping[SiteName, Reading], living: list[SiteName], serving: list[SiteName]
) -> tuple[float, list[SiteName]]:
    """Sum what is known of a demand signal, and name the sites with traffic of which it is not fresh.

    What was true once still counts where traffic is: the users are there, whoever counts them.
    """
    total, unheard = 0.0, []
    for site in living:
        reading = readings.get(site)
        if isinstance(reading, Fresh):
            total += reading.value
        elif site in serving:
            total += reading.value if isinstance(reading, Stale) else 0.0
            unheard.append(site)
    return total, unheard


def _whole(
    readings: Mapping[SiteName, Reading] | None, living: list[SiteName], serving: list[SiteName]
) -> float | None:
    """Return the sum over the living sites; None unless it is fresh at every site with traffic, and somewhere."""
    if not readings:
        return None
    total, heard = 0.0, False
    for site in living:
        reading = readings.get(site)
        if isinstance(reading, Fresh):
            total += reading.value
            heard = True
        elif site in serving:
            return None
    return total if heard else None


def _failing(read: Mapping[SignalName, Mapping[SiteName, Reading]], most: float) -> set[SiteName]:
    """Return where errors or failed log-ins are above the SLO."""
    return {
        site
        for signal in (ERRORS, LOGIN_FAILURES)
        if signal in read
        for site, reading in read[signal].items()
        if isinstance(reading, Fresh) and reading.value > most
    }


def _largest_need(ent: Ent, needed: list[float]) -> tuple[float, int]:
    """Return the largest need in the unit of the first signal, and whose it is; the first of equals."""
    first = ent.signals[0].capacity_per_replica
    best, whose = needed[0], 0
    for index in range(1, len(needed)):
        need = needed[index] / ent.signals[index].capacity_per_replica * first
        if need > best:
            best, whose = need, index
    return best, whose


def _why_unknown(reading: Reading, signal: SignalName, site: SiteName) -> str:
    match reading:
        case Missing(reason=reason):
            return f"{signal} at {site} is missing ({reason})"
        case Stale(reason=reason):
            return f"{signal} at {site} is stale ({reason})"
        case Fresh():
            raise AssertionError("a fresh reading is known")
