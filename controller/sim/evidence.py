"""What Sonnerie is shown of the simulated sites: rounds of probes, and readings with their quality."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from controller.domain.names import ObserverName, SignalName, SiteName
from controller.domain.readings import (
    Answered,
    Fresh,
    Missing,
    Probe,
    ProbePath,
    ProbeResult,
    Reading,
    ReadingReason,
    Stale,
    TimedOut,
)
from controller.domain.world import EvidenceRound, SignalReading
from controller.planning.data import DATA_READY
from controller.planning.health import ERRORS, LATENCY
from controller.planning.measured import FIRST_ATTEMPTS, LOGIN_FAILURES, SUCCESSES
from controller.sim.acting import Acting
from controller.sim.fleet import REQUESTS
from controller.sim.metrics import Counter, Scrape
from controller.sim.system import System

ROUND_SECONDS = 2
ROUNDS_SHOWN, ROUNDS_SHOWN_IN_CALM = 7, 5
"""As many as anybody looks back at (planning/votes.py); in calm all are the same."""
SETTLES_SECONDS = 30.0
"""After a change at a site every round is weighed for so long."""
REFERENCES = 3
OBSERVER = ObserverName("management")
FINE: ProbeResult = Answered(status=200, seconds=0.02)
HUNG: ProbeResult = TimedOut(seconds=1.0)
TAIL = 2.0
"""The 95th percentile of an answer's time against its mean, as a portal's page has it."""

Sight = tuple[bool, bool]
"""Whether the API server and the public address answer."""


class Rounds:
    """The rounds of one observer outside all sites, two seconds apart."""

    def __init__(self, system: System, names: list[SiteName]) -> None:
        self._system, self._names = system, names
        self._history: list[tuple[float, tuple[Sight, ...]]] = [(-1e9, ((True, True),) * len(names))]
        self._probes: dict[tuple[Sight, ...], tuple[Probe, ...]] = {}

    def turn(self, now: float) -> None:
        """See what can be seen now."""
        conditions = self._system.faults.conditions
        sights = tuple(
            (bool(conditions.alive[s]), bool(conditions.alive[s] and not conditions.seen_dead[s]))
            for s in range(len(self._names))
        )
        if sights != self._history[-1][1]:
            self._history = [*self._history[-3:], (now, sights)]

    def unsettled(self, now: float) -> bool:
        """Tell whether verdicts may still change by what is seen."""
        return now - self._history[-1][0] <= SETTLES_SECONDS

    def shown(self, now: float, start: datetime) -> tuple[EvidenceRound, ...]:
        """Return the last rounds, oldest first."""
        newest = int(now // ROUND_SECONDS)
        found, count = [], ROUNDS_SHOWN if self.unsettled(now) else ROUNDS_SHOWN_IN_CALM
        for number in range(newest - count + 1, newest + 1):
            second = float(number * ROUND_SECONDS)
            sights = next(s for since, s in reversed(self._history) if since <= second)
            found.append(
                EvidenceRound(
                    observer=OBSERVER,
                    sequence=number + ROUNDS_SHOWN,
                    at=start + timedelta(seconds=second),
                    probes=self._probes_of(sights),
                )
            )
        return tuple(found)

    def _probes_of(self, sights: tuple[Sight, ...]) -> tuple[Probe, ...]:
        if sights not in self._probes:
            probes = [
                Probe(path=path, target=name, result=FINE if fine else HUNG)
                for name, sight in zip(self._names, sights, strict=True)
                for path, fine in zip((ProbePath.API, ProbePath.PUBLIC), sight, strict=True)
            ]
            probes += [Probe(path=ProbePath.REFERENCE, target=f"reference-{i}", result=FINE) for i in range(REFERENCES)]
            self._probes[sights] = tuple(probes)
        return self._probes[sights]


class Readings:
    """Numbers of a scrape with their quality, and the last good ones for when there are none."""

    def __init__(self, system: System, acting: Acting) -> None:
        self._system, self._acting = system, acting
        self._last: dict[tuple[int, int, SignalName], Fresh] = {}
        self.shown: tuple[SignalReading, ...] = ()

    def take(self, scrape: Scrape, at: datetime) -> None:
        """Make readings of a scrape."""
        found = []
        for e, ent in enumerate(self._acting.ents):
            for s, name in enumerate(self._acting.names):
                if self._system.placed[e, s]:
                    values = self._values(scrape, e, s)
                    why = scrape.missing[s] or scrape.doubted[s]
                    for signal, value in values.items():
                        reading = self._reading((e, s, signal), value, at, why)
                        found.append(SignalReading(site=name, ent=ent.key, signal=signal, reading=reading))
        self.shown = tuple(found)

    def _values(self, scrape: Scrape, e: int, s: int) -> Mapping[SignalName, float | None]:
        rates = scrape.rates[:, e, s].tolist()
        requests, good, bad = rates[Counter.REQUESTS], rates[Counter.SUCCESSES], rates[Counter.FAILURES]
        logins = rates[Counter.LOGINS]
        values: dict[SignalName, float | None] = {
            REQUESTS: requests,
            FIRST_ATTEMPTS: rates[Counter.FIRST_ATTEMPTS],
            SUCCESSES: good,
            ERRORS: bad / (good + bad) if good + bad > 0 else 0.0,
            LOGIN_FAILURES: min(1.0, rates[Counter.LOGIN_FAILURES] / logins) if logins > 0 else 0.0,
            LATENCY: TAIL * rates[Counter.LATENCY] / good if good > 0 else None,
        }
        if self._system.guarded_data[e] and s != self._system.home[e]:
            values[DATA_READY] = 0.0 if self._system.faults.conditions.no_data[s] else 1.0
        return values

    def _reading(
        self, of: tuple[int, int, SignalName], value: float | None, at: datetime, why: ReadingReason | None
    ) -> Reading:
        if why is None and value is not None:
            self._last[of] = fresh = Fresh(value=value, at=at)
            return fresh
        reason = why or ReadingReason.NOT_A_NUMBER
        last = self._last.get(of)
        return Stale(value=last.value, at=last.at, reason=reason) if last is not None else Missing(reason=reason)
