"""A toy morning for peers: pods that get Ready after a delay, and a demand that each test draws. No simulator."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from controller.domain.names import EntKey, SiteName
from controller.sim.controller import Controller, Known, Seen, SeenPlacement
from tests.builders import a_site, a_window, an_ent

START = datetime(2026, 9, 1, 5, 0, tzinfo=UTC)
SITES = ("a", "b", "c")
WEIGHTS = (34, 33, 33)
LEAST, MOST = 2, 60
DELAY = timedelta(seconds=60)
CAPACITY = 5.0
DECLARED = 200.0
BELL = START + timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a test draws for one instant."""

    demand: float | None
    """Per second at all sites; None: the metric is missing."""
    answers: bool = True
    """Whether the metrics source answers at all."""
    down: frozenset[str] = frozenset()


def known(*, reserve: bool = True, declared: bool = True) -> Known:
    """One ENT on three sites, with a bell two hours after the start."""
    ent = an_ent(sites=SITES)
    placements = tuple(replace(p, min_replicas=LEAST, max_replicas=MOST) for p in ent.placements)
    ent = replace(ent, placements=placements)
    return Known(
        ents=(ent,),
        sites=tuple(a_site(name) for name in SITES),
        windows=(a_window(ent.key, BELL, 60, DECLARED),) if declared else (),
        history={ent.key: tuple((START - timedelta(hours=h), 15.0) for h in range(14 * 24, 0, -1))},
        start_delay_seconds=DELAY.total_seconds(),
        target_utilisation=0.75,
        capacity_per_replica={ent.key: CAPACITY},
        reserve=reserve,
    )


@dataclass
class Morning:
    """What happened: replicas and weights wished for, instant by instant."""

    wanted: list[tuple[datetime, dict[str, int]]] = field(default_factory=list)
    weights: list[tuple[datetime, dict[str, int]]] = field(default_factory=list)

    def at(self, instant: datetime) -> dict[str, int]:
        """The replicas that were wanted at the instant."""
        return next(counts for when, counts in reversed(self.wanted) if when <= instant)


def lived(
    make: Callable[[Known], Controller],
    of: Known,
    look: Callable[[datetime], Look],
    until: datetime,
    start: int = LEAST,
) -> Morning:
    """Ask the controller at its own pace, and let pods follow."""
    controller, ent = make(of), of.ents[0].key
    wanted = dict.fromkeys(SITES, start)
    ready = dict(wanted)
    weights = dict(zip(SITES, WEIGHTS, strict=True))
    starting: list[tuple[datetime, str, int]] = []
    morning = Morning()
    now = START
    while now < until:
        for entry in [entry for entry in starting if entry[0] <= now]:
            starting.remove(entry)
            ready[entry[1]] = min(wanted[entry[1]], ready[entry[1]] + entry[2])
        wish = controller.decide(_seen(ent, now, look(now), wanted, ready, weights))
        for (_, site), count in wish.replicas.items():
            if count > wanted[site]:
                starting.append((now + DELAY, site, count - wanted[site]))
            wanted[site] = count
            ready[site] = min(ready[site], count)
        weights.update({site: weight for (_, site), weight in wish.weights.items()})
        morning.wanted.append((now, dict(wanted)))
        morning.weights.append((now, dict(weights)))
        now += timedelta(seconds=controller.interval_seconds)
    return morning


def _seen(
    ent: EntKey,
    now: datetime,
    look: Look,
    wanted: dict[str, int],
    ready: dict[str, int],
    weights: dict[str, int],
) -> Seen:
    placements = []
    for site in SITES:
        here = None if look.demand is None else look.demand * weights[site] / 100
        cpu = None if here is None or not ready[site] else min(1.0, here / CAPACITY / ready[site])
        placements.append(
            SeenPlacement(
                ent=ent,
                site=SiteName(site),
                wanted=wanted[site],
                ready=0 if site in look.down else ready[site],
                starting=wanted[site] - ready[site],
                min_replicas=LEAST,
                max_replicas=MOST,
                cpu_utilisation=cpu,
                requests_per_second=here,
                metric_at=now if look.answers else None,
                probe_ok=site not in look.down,
            )
        )
    in_force = {(ent, SiteName(site)): weight for site, weight in weights.items()}
    return Seen(now=now, placements=tuple(placements), weights=in_force)


def steady(demand: float) -> Callable[[datetime], Look]:
    """The same demand all the time."""
    return lambda _now: Look(demand=demand)


def piecewise(parts: Sequence[Look], each: timedelta) -> Callable[[datetime], Look]:
    """One part after the other, the last one for ever."""
    return lambda now: parts[min(int((now - START) / each), len(parts) - 1)]
