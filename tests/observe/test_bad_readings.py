"""The whole matrix of bad readings, from what a Prometheus answers to what the planner does: no shrink, no move, no
growth lost.
"""

import math
import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from controller.domain.memory import SiteMemory, Verdict
from controller.domain.names import SiteName
from controller.domain.plan import Plan, SetReplicas, SetWeights
from controller.domain.readings import Fresh, Missing, Reading, ReadingReason, Stale
from controller.domain.world import SignalReading, World
from controller.observe.metering import MeterPlan, SignalQuery, SiteMeter
from controller.observe.metrics_source import QueryError, Sample
from controller.observe.prometheus import PrometheusSource
from controller.observe.prometheus_address import PrometheusAddress
from controller.observe.readings import Freshness, LabelNames, SignalMemory
from controller.planning.invariants import violations
from controller.planning.planner import plan
from tests.builders import BELL, REQUESTS, a_window, a_world, key
from tests.observe.answers import answering, answering_in_turn
from tests.planning.past import with_past

LABELS = LabelNames(namespace="namespace", ent="ent")
HOUR = timedelta(hours=1)
STEP = timedelta(seconds=5)
Answer = tuple[Sample, ...] | QueryError


def sample(value: float, at: datetime = BELL) -> Sample:
    return Sample(labels={"namespace": "ents", "ent": "nord"}, value=value, at=at)


def failed(reason: ReadingReason) -> QueryError:
    return QueryError(reason, "as a Prometheus fails")


def away_then(*answers: Answer) -> tuple[Answer, ...]:
    return (failed(ReadingReason.UNREACHABLE), *answers)


MATRIX: dict[str, tuple[tuple[Answer, ...], ReadingReason]] = {
    "empty": (((),), ReadingReason.EMPTY),
    "NaN": (((sample(math.nan),),), ReadingReason.NOT_A_NUMBER),
    "+Inf": (((sample(math.inf),),), ReadingReason.INFINITE),
    "-Inf": (((sample(-math.inf),),), ReadingReason.INFINITE),
    "several series": (((sample(1.0), sample(2.0)),), ReadingReason.SEVERAL_SERIES),
    "4xx, 5xx": ((failed(ReadingReason.HTTP_ERROR),), ReadingReason.HTTP_ERROR),
    "HTML page": ((failed(ReadingReason.MALFORMED),), ReadingReason.MALFORMED),
    "timeout": ((failed(ReadingReason.TIMED_OUT),), ReadingReason.TIMED_OUT),
    "refused": ((failed(ReadingReason.UNREACHABLE),), ReadingReason.UNREACHABLE),
    "partial-result warning": ((failed(ReadingReason.PARTIAL_RESULT),), ReadingReason.PARTIAL_RESULT),
    "stale sample": (((sample(1.0, BELL - timedelta(minutes=5)),),), ReadingReason.TOO_OLD),
    "clock an hour behind": (((sample(1.0, BELL - HOUR),),), ReadingReason.TOO_OLD),
    "clock an hour ahead": (((sample(1.0, BELL + HOUR),),), ReadingReason.FROM_THE_FUTURE),
    "negative": (((sample(-5.0),),), ReadingReason.NEGATIVE),
    "huge": (((sample(2.0**64),),), ReadingReason.IMPLAUSIBLE),
    "frozen counter": (((sample(0.0),),), ReadingReason.FROZEN_COUNTER),
    "half window": (away_then((), (sample(1.0),)), ReadingReason.HALF_WINDOW),
    "returned source": (away_then((sample(1.0),)), ReadingReason.QUARANTINED),
}
"""By the name that the issue gives it: what the query answers from one moment to the next, and the reason it leads to.

What 4xx, 5xx, HTML, timeouts, refusals and partial results look like on the wire is below and in `test_prometheus`.
"""


def read(case: str, before: float, *, used: bool) -> Reading:
    """A good answer a moment ago, then the bad ones."""
    memory = SignalMemory(SiteName("a"), REQUESTS, LABELS, Freshness(), of_events=True)
    mine = frozenset({key()}) if used else frozenset()
    for now, answer in [(BELL - STEP, (sample(before, BELL - STEP),)), *((BELL, bad) for bad in MATRIX[case][0])]:
        memory.readings((key(),), now, mine)
        memory.take(answer, now)
        memory.readings((key(),), now, mine)
    return memory.readings((key(),), BELL, mine)[0].reading


@pytest.mark.parametrize("case", MATRIX)
def test_no_bad_reading_is_fresh(case: str) -> None:
    """Each is Stale with what was last known and its own reason, and Missing where nothing was known; none is zero."""
    found = read(case, 20.0, used=True)
    assert isinstance(found, Stale)
    assert found.reason is MATRIX[case][1]
    assert found.value > 0
    fresh_start = SignalMemory(SiteName("a"), REQUESTS, LABELS, Freshness(), of_events=True)
    fresh_start.readings((key(),), BELL, frozenset())
    fresh_start.take(MATRIX[case][0][0], BELL)
    never_known = fresh_start.readings((key(),), BELL, frozenset())[0].reading
    assert isinstance(never_known, Missing) or case == "frozen counter", "a first zero is all there is to see"


def seen_at(world: World, site: str, reading: Reading) -> World:
    """The world with another reading at one site."""
    others = tuple(r for r in world.readings if r.site != site)
    bad = SignalReading(site=SiteName(site), ent=key(), signal=REQUESTS, reading=reading)
    return replace(world, readings=(*others, bad))


def decided(world: World) -> Plan:
    found = plan(world, BELL)
    assert violations(world, found, BELL) == ()
    return found


def counts(found: Plan) -> dict[str, int]:
    return {str(a.site): a.replicas for a in found.actions if isinstance(a, SetReplicas)}


def moves(found: Plan) -> list[SetWeights]:
    return [a for a in found.actions if isinstance(a, SetWeights)]


@pytest.mark.parametrize("case", MATRIX)
def test_nothing_shrinks_while_the_site_with_users_is_badly_read(case: str) -> None:
    """Ten replicas where six would do stay ten; read well again, they may go."""
    assert counts(decided(a_world())) == {"a": 6, "b": 6}
    found = decided(seen_at(a_world(), "a", read(case, 20.0, used=True)))
    assert counts(found) == {}
    assert moves(found) == []


@pytest.mark.parametrize("case", MATRIX)
def test_a_site_without_users_that_is_badly_read_changes_nothing(case: str) -> None:
    """Where nobody is sent a bad reading is no demand and no lack of it: the plan is the one of a true zero."""
    found = decided(seen_at(a_world(), "b", read(case, 0.0, used=False)))
    assert counts(found) == {"a": 6, "b": 6}
    assert moves(found) == []


@pytest.mark.parametrize("site", ["a", "b"])
@pytest.mark.parametrize("case", MATRIX)
def test_no_growth_for_a_bell_is_lost(case: str, site: str) -> None:
    """What the schedule asks for is put in place whatever the metrics do."""
    window = a_window(key(), BELL + timedelta(minutes=4), 60, 150.0)
    world = seen_at(a_world(windows=(window,)), site, read(case, 20.0 if site == "a" else 0.0, used=site == "a"))
    assert counts(decided(world)) == {"a": 40, "b": 40}


@pytest.mark.parametrize("case", MATRIX)
def test_no_growth_for_the_demand_last_seen_is_lost(case: str) -> None:
    """150/s were measured a moment ago, before the reading went bad: they are still provided for."""
    world = with_past(a_world(), known_per_second=150.0, known_at=BELL - STEP)
    assert counts(decided(seen_at(world, "a", read(case, 150.0, used=True)))) == {"a": 40, "b": 40}


def due_for_failback() -> World:
    """Home is back for sixteen minutes, and all traffic still elsewhere."""
    healthy = BELL - timedelta(minutes=16)
    memory = SiteMemory(
        site=SiteName("a"), verdict=Verdict.HEALTHY, since=healthy, healthy_since=healthy, fell_at=healthy
    )
    world = a_world(weights={("nord", "a"): 0, ("nord", "b"): 100}, demand={("nord", "a"): 0.0, ("nord", "b"): 20.0})
    return replace(world, memory=replace(world.memory, sites=(memory,)))


@pytest.mark.parametrize("case", MATRIX)
def test_no_traffic_moves_away_from_users_that_are_badly_read(case: str) -> None:
    """A living site is left on fresh evidence only, even for home."""
    assert moves(decided(due_for_failback()))
    assert moves(decided(seen_at(due_for_failback(), "b", read(case, 20.0, used=True)))) == []


@pytest.mark.parametrize("case", [case for case in MATRIX if case not in ("empty", "frozen counter")])
def test_no_traffic_moves_to_a_site_that_is_badly_read(case: str) -> None:
    """Nobody is sent where the metrics are not believed. A series that nobody feeds, or a true zero, is no reason."""
    assert moves(decided(seen_at(due_for_failback(), "a", read(case, 0.0, used=False)))) == []


# ------------------------------------------------------------------------------------------------------ on the wire

OF_NORD = (
    b'{"status":"success","data":{"resultType":"vector","result":'
    b'[{"metric":{"namespace":"ents","ent":"nord"},"value":[%d,"%s"]}]}%s}'
)


def vector(value: bytes, *, at: datetime = BELL, warnings: bytes = b"") -> bytes:
    return OF_NORD % (at.timestamp(), value, warnings)


PARTIAL = b',"warnings":["a store is down"]'

WIRE: dict[str, tuple[int, bytes, ReadingReason]] = {
    "400": (400, b'{"status":"error","error":"parse error"}', ReadingReason.HTTP_ERROR),
    "401": (401, b"", ReadingReason.HTTP_ERROR),
    "404": (404, b"<html>not here</html>", ReadingReason.HTTP_ERROR),
    "422": (422, b'{"status":"error","error":"too many samples"}', ReadingReason.HTTP_ERROR),
    "429": (429, b"slow down", ReadingReason.HTTP_ERROR),
    "500": (500, b"", ReadingReason.HTTP_ERROR),
    "502": (502, b"<html>bad gateway</html>", ReadingReason.HTTP_ERROR),
    "503 with a vector": (503, vector(b"5"), ReadingReason.HTTP_ERROR),
    "HTML page": (200, b"<html>log in</html>", ReadingReason.MALFORMED),
    "partial-result warning": (
        200,
        vector(b"5", warnings=b',"warnings":["a store is down"]'),
        ReadingReason.PARTIAL_RESULT,
    ),
    "empty": (200, b'{"status":"success","data":{"resultType":"vector","result":[]}}', ReadingReason.EMPTY),
    "NaN": (200, vector(b"NaN"), ReadingReason.NOT_A_NUMBER),
    "+Inf": (200, vector(b"+Inf"), ReadingReason.INFINITE),
    "-Inf": (200, vector(b"-Inf"), ReadingReason.INFINITE),
    "negative": (200, vector(b"-1"), ReadingReason.NEGATIVE),
    "huge": (200, vector(b"1.8446744073709552e+19"), ReadingReason.IMPLAUSIBLE),
    "clock an hour behind": (200, vector(b"5", at=BELL - HOUR), ReadingReason.TOO_OLD),
    "clock an hour ahead": (200, vector(b"5", at=BELL + HOUR), ReadingReason.FROM_THE_FUTURE),
}


@pytest.mark.parametrize("case", WIRE)
async def test_what_a_real_answer_becomes(case: str) -> None:
    """From the bytes on the wire to the reading: the last good value stays, Stale with the reason."""
    status, body, reason = WIRE[case]
    answers = [(200, vector(b"5")), (status, body)]
    with answering_in_turn(answers) as url:
        meter = a_meter(url)
        meter.readings([key()], BELL)
        await meter.ask()
        assert meter.readings([key()], BELL)[0].reading == Fresh(value=5.0, at=BELL)
        await meter.ask()
        assert meter.readings([key()], BELL)[0].reading == Stale(value=5.0, at=BELL, reason=reason)
        await meter.close()


async def test_a_timeout_on_the_wire() -> None:
    """A Prometheus that answers too late has not answered."""
    let_go = threading.Event()
    with answering(200, vector(b"5"), after=let_go) as url:
        meter = a_meter(url, deadline_seconds=0.1)
        await meter.ask()
        assert meter.readings([key()], BELL)[0].reading == Missing(reason=ReadingReason.TIMED_OUT)
        let_go.set()
        await meter.close()


def a_meter(url: str, *, deadline_seconds: float = 2.0) -> SiteMeter:
    """A meter with one rate to ask for."""
    query = SignalQuery(signal=REQUESTS, promql="sum by (namespace, ent) (rate(requests_total[1m]))")
    mine = MeterPlan(site=SiteName("a"), queries=(query,), labels=LABELS, freshness=Freshness(), every_seconds=5.0)
    source = PrometheusSource(PrometheusAddress(url=url), deadline_seconds=deadline_seconds)
    return SiteMeter(mine, source, now=lambda: BELL)
