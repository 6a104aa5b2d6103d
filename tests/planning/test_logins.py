"""Log-ins that do not arrive: held against the other sites and the forecast, which must agree."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.forecast import SLOT, Forecast
from controller.domain.memory import EntMemory, Memory, Move, MoveKind, Verdict
from controller.domain.names import SiteName
from controller.domain.readings import ReadingReason, Stale
from controller.domain.reasons import Reason
from controller.domain.world import Route, World
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from controller.planning.logins import missing_logins
from tests.builders import BELL, EDGE, a_reading, a_site, an_ent, key, rounds

SITES = "abc"
WEIGHTS = {"a": 50, "b": 25, "c": 25}
FAIR = {"a": 50.0, "b": 25.0, "c": 25.0}


def a_world(logins: Mapping[str, float], usual: float | None = None, ents: int = 1) -> World:
    """Traffic split by `WEIGHTS`, so many log-ins arriving at each site of every ENT."""
    names = [f"e{number}" for number in range(ents)]
    forecasts = [
        Forecast(ent=key(n), start=BELL - SLOT, per_second=(usual,) * 3, days=5) for n in names if usual is not None
    ]
    return World(
        sites=tuple(map(a_site, SITES)),
        ents=tuple(an_ent(n, sites=SITES) for n in names),
        rounds=rounds(BELL, SITES),
        readings=tuple(
            a_reading(key(n), site, value, BELL, signal)
            for n in names
            for site, value in logins.items()
            for signal in ("successes", "requests")
        ),
        routes=tuple(
            Route(ent=key(n), edge=EDGE, site=SiteName(s), weight=w) for n in names for s, w in WEIGHTS.items()
        ),
        forecasts=tuple(forecasts),
    )


def accused(world: World) -> set[str]:
    """Sites at which log-ins are missed."""
    return {str(site) for site in missing_logins(facts_of(world, BELL))}


@pytest.mark.parametrize(
    ("logins", "usual", "expected"),
    [
        (FAIR, None, set()),
        (FAIR | {"a": 10.0}, None, {"a"}),
        (FAIR | {"a": 16.0}, None, set()),
        (FAIR | {"a": 10.0}, 100.0, {"a"}),
        (FAIR | {"a": 10.0}, 20.0, set()),
        (FAIR | {"a": 10.0, "b": 5.0}, None, set()),
        (FAIR | {"b": 0.0}, None, {"b"}),
        ({"a": 0.1, "b": 0.4, "c": 0.4}, None, set()),
    ],
    ids=["fair", "far below", "a third", "forecast agrees", "forecast acquits", "no yardstick", "none", "too few"],
)
def test_what_counts_as_missing(logins: Mapping[str, float], usual: float | None, expected: set[str]) -> None:
    """Far below its share of what others let through and of what is usual, from sixty in a minute on."""
    assert accused(a_world(logins, usual)) == expected


def test_two_sites_need_a_forecast() -> None:
    """Of two sites that differ, one alone cannot be the yardstick: it may be the one with retries."""
    world = a_world({"a": 5.0, "b": 25.0})
    two = replace(world, routes=tuple(route for route in world.routes if route.site != "c"))
    assert accused(two) == set()
    usual = a_world({"a": 5.0, "b": 25.0}, 75.0)
    assert accused(replace(two, forecasts=usual.forecasts)) == {"a"}


def test_nothing_is_judged_while_weights_have_just_moved_or_a_site_is_not_measured() -> None:
    """Caches and windows still tell of the time before; missing is not zero."""
    world = a_world(FAIR | {"a": 0.0})
    assert accused(world) == {"a"}
    move = Move(edge=EDGE, site=SiteName("a"), before_percent=40, after_percent=50, at=BELL, kind=MoveKind.BALANCE)
    for ago, expected in ((timedelta(minutes=1), set()), (timedelta(minutes=3), {"a"})):
        memory = Memory(ents=(EntMemory(ent=key("e0"), moves=(replace(move, at=BELL - ago),)),))
        assert accused(replace(world, memory=memory)) == expected
    stale = Stale(value=25.0, at=BELL, reason=ReadingReason.TOO_OLD)
    readings = tuple(replace(r, reading=stale) if r.site == "b" else r for r in world.readings)
    assert accused(replace(world, readings=readings)) == set()


def test_a_site_is_suspected_when_most_ents_say_so_and_is_degraded_not_dead() -> None:
    """Its probes answer and its errors are none: a grey failure, told from a dead site."""
    world = a_world(FAIR | {"a": 0.5}, ents=3)
    health = judge_sites(facts_of(world, BELL))
    assert health[SiteName("a")].verdict is Verdict.DEGRADED
    assert health[SiteName("a")].because.reason is Reason.LOGINS_MISSING
    fair = a_world(FAIR, ents=3)
    one_ent = tuple(
        next(w for w in world.readings if (w.ent, w.site, w.signal) == (r.ent, r.site, r.signal))
        if r.ent == key("e0")
        else r
        for r in fair.readings
    )
    assert judge_sites(facts_of(replace(fair, readings=one_ent), BELL))[SiteName("a")].verdict is Verdict.HEALTHY
