"""Leaders that are stopped, whose clock jumps, whose API server is away: never two, and nothing after the loss."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controller.kube.client import Cluster as ApiServer
from controller.kube.lease import Elector, LeaseLost
from controller.kube.resources import ObjectKey
from tests.bench.leaders import POINTS, Theatre, theatre
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.faultproxy import TcpProxy
from tests.live.test_lease import CLOCK, QUICK, lease, until
from tests.live.test_run import Morning, Running, morning, running, soon
from tests.live.test_watch_faults import credentials

pytestmark = pytest.mark.live

AWAY_SECONDS = QUICK.duration_seconds * 4
"""A minute is tried by `python -m tests.bench.leaders`; here as many Leases as a minute has at production's pace."""

STOPPED_SECONDS = 6.0
"""The Lease of `running` lasts four seconds."""

KILLED_AT = ("before writing the scale at home", "after writing the scale at home", "after the status of the ENT")

assert morning  # the fixture


@asynccontextmanager
async def electing(
    site: Cluster, namespace: str, server: str, *, skew: list[timedelta] | None = None
) -> AsyncIterator[list[Elector]]:
    """Two contenders for one Lease, who go through a proxy; `skew` is added to what their wall clocks say."""

    def now() -> datetime:
        return CLOCK.now() + (skew[0] if skew else timedelta())

    apis = [ApiServer.connect(credentials(site, server), name=name) for name in ("one", "two")]
    key = ObjectKey(namespace, "sonnerie")
    found = [Elector(api, key, identity=api.name, now=now, monotonic=CLOCK.monotonic, timing=QUICK) for api in apis]
    tasks = [asyncio.create_task(elector.run()) for elector in found]
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for api in apis:
            await api.close()


async def one_of(electors: list[Elector], seconds: float) -> list[tuple[float, str]]:
    """Look for so long; return when who held, and fail if ever two did."""
    seen: list[tuple[float, str]] = []
    began = CLOCK.monotonic()
    while CLOCK.monotonic() - began < seconds:
        holders = [elector.identity for elector in electors if elector.holding]
        assert len(holders) <= 1
        seen += [(CLOCK.monotonic() - began, name) for name in holders]
        await asyncio.sleep(0.02)
    return seen


async def test_while_the_api_server_is_away_nobody_holds_and_afterwards_one_does(
    control_plane: Fleet, namespace: str
) -> None:
    """The holder stops by itself before its certainty ends; its work is cancelled; of the two never both."""
    site = control_plane.sites["a"]
    async with (
        TcpProxy(site.server) as proxy,
        electing(site, namespace, f"https://{proxy.address}") as electors,
    ):
        await until(lambda: any(elector.holding for elector in electors), "a holder")
        holder = next(elector for elector in electors if elector.holding)
        work = asyncio.create_task(holder.guard(asyncio.sleep(600)))
        proxy.frozen = True
        seen = await one_of(electors, AWAY_SECONDS)
        assert max((at for at, _ in seen), default=0.0) <= QUICK.renew_deadline_seconds + 0.1
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(work, 1)
        proxy.frozen = False
        await until(lambda: any(elector.holding for elector in electors), "a holder again")
        assert await one_of(electors, QUICK.duration_seconds)


async def test_wall_clocks_that_jump_change_nothing(control_plane: Fleet, namespace: str) -> None:
    """An hour forwards or back, in the middle of a term: the same one holds, and the record is only for people."""
    site = control_plane.sites["a"]
    skew = [timedelta()]
    async with electing(site, namespace, site.server, skew=skew) as electors:
        await until(lambda: any(elector.holding for elector in electors), "a holder")
        first = next(elector.identity for elector in electors if elector.holding)
        for hours in (1, -1, 24):
            skew[0] = timedelta(hours=hours)
            seen = await one_of(electors, QUICK.duration_seconds)
            assert {name for _, name in seen} == {first}
        api = ApiServer.connect(credentials(site, site.server), name="look")
        spec = await lease(api, namespace)
        await api.close()
        assert spec["leaseTransitions"] == 0
        assert datetime.fromisoformat(str(spec["renewTime"])) - CLOCK.now() > timedelta(hours=23)


@contextmanager
def stopped(controller: Running) -> Iterator[None]:
    """SIGSTOP for as long as the block lasts."""
    controller.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        controller.process.send_signal(signal.SIGCONT)


def test_a_leader_that_was_stopped_past_its_lease_does_nothing_more(morning: Morning) -> None:
    """While it sleeps another leads and acts; when it wakes it neither answers HAProxy nor writes, and says so."""
    with running(morning, "one") as one:
        soon(lambda: (one.weight(morning, "away") or "").startswith("up"), "the first answers")
        soon(lambda: morning.replicas(morning.away) == 2, "the minimum")
        with running(morning, "two") as two:
            soon(lambda: two.page("/readyz") == "ok\n", "the second is ready")
            before = generation(morning)
            with stopped(one):
                floor = {"spec": {"placements": placements(morning, least=4)}}
                morning.kubectl("patch", "ent", "nord", "--type=merge", f"--patch={json.dumps(floor)}")
                soon(lambda: (two.weight(morning, "away") or "").startswith("up"), "the second answers")
                soon(lambda: morning.replicas(morning.away) == 4, "the second acts")
            for _ in range(20):
                assert one.weight(morning, "away") is None
            soon(lambda: "term ended" in [line["event"] for line in one.lines()], "the first says that it lost")
            holder = morning.kubectl("get", "lease", "sonnerie", "--output=jsonpath={.spec.holderIdentity}")
            assert holder.startswith("two_")
            assert generation(morning) == before + 1
            assert two.terminate() == 0


def generation(morning: Morning) -> int:
    """How often the Deployment away was written."""
    path = "--output=jsonpath={.metadata.generation}"
    return int(morning.away.kubectl("get", "deployment", "portal", path, f"--namespace={morning.namespace}"))


def placements(morning: Morning, *, least: int) -> list[dict[str, object]]:
    """The ENT's placements with another minimum."""
    found: list[dict[str, object]] = json.loads(morning.kubectl("get", "ent", "nord", "--output=json"))["spec"][
        "placements"
    ]
    return [placement | {"min": least} for placement in found]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """Two sites behind proxies, a leader and a follower."""
    folder: Path = tmp_path_factory.mktemp("theatre")
    with theatre(folder) as found:
        yield found


@pytest.mark.parametrize("name", KILLED_AT)
def test_a_leader_killed_at_a_chosen_point_is_followed_and_nothing_is_done_twice(stage: Theatre, name: str) -> None:
    """Before or after the server has done it: the successor comes in time and every Deployment is written once."""
    (point,) = (point for point in POINTS if point.name == name)
    outcome = stage.kill_at(point)
    assert outcome.well, outcome
