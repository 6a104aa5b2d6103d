"""A real Prometheus, alive, hung, dead and back."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from controller.domain.names import SignalName, SiteName
from controller.domain.readings import Fresh, Missing, Reading, ReadingReason, Stale
from controller.observe.metering import MeterPlan, SignalQuery, SiteMeter
from controller.observe.metrics_source import Grid
from controller.observe.prometheus import PrometheusSource
from controller.observe.prometheus_address import PrometheusAddress
from controller.observe.readings import Freshness, LabelNames
from controller.runtime.clock import SystemClock
from tests.builders import key
from tests.controlplane import PartsMissingError, prometheus_binary
from tests.controlplane.ports import free_ports

pytestmark = pytest.mark.live

DEADLINE_SECONDS = 30.0
QUERY_DEADLINE_SECONDS = 1.0
CLOCK = SystemClock()

NORD = 'label_replace(label_replace(vector({value}), "namespace", "ents", "", ""), "ent", "nord", "", "")'
"""A sample of one ENT without anything to scrape."""


@dataclass
class Prometheus:
    """A Prometheus that can be stopped and brought back with its data."""

    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start it; it answers a little later."""
        (self.folder / "prometheus.yml").write_text("global: {scrape_interval: 1s}\n")
        command = [
            str(prometheus_binary(fetch=False)),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; wait for the end if it ends it."""
        assert self._process is not None
        os.kill(self._process.pid, number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._process.wait(20)
            self._process = None

    def end(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None:
            self.signal(signal.SIGKILL)


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    """A real Prometheus."""
    (port,) = free_ports(1)
    found = Prometheus(tmp_path, port)
    try:
        found.start()
    except PartsMissingError as error:
        pytest.fail(str(error), pytrace=False)
    yield found
    found.end()


def a_meter(prometheus: Prometheus, *queries: str, quarantine_seconds: float = 60.0) -> SiteMeter:
    """A meter that asks these queries; each is a signal named by its number."""
    plan = MeterPlan(
        site=SiteName("a"),
        queries=tuple(SignalQuery(signal=SignalName(str(n)), promql=query) for n, query in enumerate(queries)),
        labels=LabelNames(namespace="namespace", ent="ent"),
        freshness=Freshness(quarantine=timedelta(seconds=quarantine_seconds)),
        every_seconds=0.1,
    )
    address = PrometheusAddress(url=f"http://127.0.0.1:{prometheus.port}")
    return SiteMeter(plan, PrometheusSource(address, deadline_seconds=QUERY_DEADLINE_SECONDS), now=CLOCK.now)


def reading(meter: SiteMeter) -> Reading:
    """The reading of the first signal."""
    return meter.readings([key()], CLOCK.now())[0].reading


async def asked_until(meter: SiteMeter, condition: Callable[[Reading], bool]) -> Reading:
    """Ask until the reading of the first signal is so."""
    last: Reading | None = None
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                await meter.ask()
                last = reading(meter)
                if condition(last):
                    return last
                await asyncio.sleep(0.05)
    except TimeoutError:
        found = {str(each.signal): each.reading for each in meter.readings([key()], CLOCK.now())}
        raise AssertionError(f"the reading stays {last}, all of them are {found}") from None


async def test_every_kind_of_answer(prometheus: Prometheus) -> None:
    """What PromQL can answer, and what each becomes."""
    nord, sud = NORD.format(value=5), NORD.format(value=5).replace("nord", "sud")
    queries = {
        nord: Fresh,
        NORD.format(value="0/0"): ReadingReason.NOT_A_NUMBER,
        NORD.format(value="1/0"): ReadingReason.INFINITE,
        NORD.format(value="-1"): ReadingReason.NEGATIVE,
        "no_such_metric": ReadingReason.EMPTY,
        sud: ReadingReason.EMPTY,
        f'label_replace({nord}, "pod", "one", "", "") or label_replace({nord}, "pod", "two", "", "")': (
            ReadingReason.SEVERAL_SERIES
        ),
        "sum(": ReadingReason.HTTP_ERROR,
        "1 + 1": ReadingReason.MALFORMED,
    }
    meter = a_meter(prometheus, *queries)

    def as_expected(_first: Reading) -> bool:
        # Queries of one batch may meet a Prometheus that is still starting: each is asked until its own answer came.
        found = [each.reading for each in meter.readings([key()], CLOCK.now())]
        return all(map(matches, queries.values(), found))

    def matches(expected: object, found: Reading) -> bool:
        if expected is Fresh:
            return isinstance(found, Fresh | Stale) and found.value == 5.0
        return found == Missing(reason=expected)  # type: ignore[arg-type]

    await asked_until(meter, as_expected)


async def test_a_prometheus_that_hangs_dies_and_returns(prometheus: Prometheus) -> None:
    """The last value stays, Stale with the reason; after the return it is in quarantine, then Fresh."""
    meter = a_meter(prometheus, NORD.format(value=5), quarantine_seconds=1.5)
    await asked_until(meter, lambda r: isinstance(r, Fresh))
    prometheus.signal(signal.SIGSTOP)
    hung = await asked_until(meter, lambda r: not isinstance(r, Fresh))
    assert isinstance(hung, Stale)
    assert (hung.value, hung.reason) == (5.0, ReadingReason.TIMED_OUT)
    prometheus.signal(signal.SIGKILL)
    dead = await asked_until(meter, lambda r: isinstance(r, Stale) and r.reason is ReadingReason.UNREACHABLE)
    assert isinstance(dead, Stale)
    prometheus.start()
    await asked_until(meter, lambda r: isinstance(r, Stale) and r.reason is ReadingReason.QUARANTINED)
    assert isinstance(await asked_until(meter, lambda r: isinstance(r, Fresh)), Fresh)


async def test_the_past_is_answered_slot_by_slot(prometheus: Prometheus) -> None:
    """A range is asked over HTTP as the port says: one value an instant of the grid, for each series."""
    await asked_until(a_meter(prometheus, NORD.format(value=5)), lambda r: isinstance(r, Fresh))
    source = PrometheusSource(PrometheusAddress(url=f"http://127.0.0.1:{prometheus.port}"), deadline_seconds=5.0)
    grid = Grid(start=CLOCK.now() - timedelta(hours=6), steps=72, step_seconds=300)
    promql = f"max_over_time(({NORD.format(value=5)})[300s:30s])"
    (found,) = await source.query_range(promql, grid)
    assert (found.labels["namespace"], found.labels["ent"]) == (key().namespace, key().name)
    assert list(found.values) == [5.0] * 72
    assert list(await source.query_range("no_such_metric", grid)) == []
    await source.close()
