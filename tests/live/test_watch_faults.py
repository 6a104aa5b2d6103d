"""List and watch through networks and proxies that fail, with a real API server behind them."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from controller.kube import informer as watching_module
from controller.kube.client import Cluster as ApiServer
from controller.kube.errors import Throttled, Unavailable
from controller.kube.informer import Informer, Surroundings, WatchTiming
from controller.kube.kubeconfig import Credentials, read_kubeconfig
from controller.kube.resources import ObjectKey, Resource
from controller.runtime.clock import SystemClock
from tests.controlplane import ControlPlane, SiteSpec
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.controlplane.programs import Binaries
from tests.faultproxy import ApiProxy, Cut, Pass, Reply, Seen, Swallow, TcpProxy
from tests.faultproxy.api import Fault
from tests.live.conftest import MakeNamespace

pytestmark = pytest.mark.live

CLOCK = SystemClock()
SOON_SECONDS = 30.0
TIMING = WatchTiming(session_seconds=4, silence_seconds=3, list_deadline_seconds=2)
CONFIG_MAPS = Resource("v1", "ConfigMap", "configmaps")


def credentials(site: Cluster, server: str) -> Credentials:
    """The site's administrator, who goes another way."""
    return replace(read_kubeconfig(site.kubeconfig.read_bytes(), where=site.name), server=server)


@asynccontextmanager
async def watching(access: Credentials, namespace: str, timing: WatchTiming = TIMING) -> AsyncIterator[Informer[bytes]]:
    """An informer of the ConfigMaps of a namespace."""
    cluster = ApiServer.connect(access, name="proxied")
    around = Surroundings(now=CLOCK.now, monotonic=CLOCK.monotonic, random=random.random)
    informer: Informer[bytes] = Informer(cluster, CONFIG_MAPS, bytes, around, timing=timing, namespace=namespace)
    task = asyncio.create_task(informer.run())
    try:
        yield informer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await cluster.close()


async def until(condition: Callable[[], bool], what: str, seconds: float = SOON_SECONDS) -> float:
    """Wait for what the informer shows; return how long it took."""
    began = CLOCK.monotonic()
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - the informer's public state is what is waited for
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what}") from None
    return CLOCK.monotonic() - began


async def create(site: Cluster, namespace: str, *names: str) -> None:
    """Make ConfigMaps, behind the proxy's back."""
    for name in names:
        await asyncio.to_thread(site.kubectl, "create", "configmap", name, f"--namespace={namespace}")


def names(informer: Informer[bytes]) -> set[str]:
    """What the informer knows, without what Kubernetes adds itself."""
    return {key.name for key in informer.objects} - {"kube-root-ca.crt"}


@pytest.fixture
def site(control_plane: Fleet) -> Cluster:
    """The API server behind the proxies."""
    found: Cluster = control_plane.sites["a"]
    return found


async def test_a_half_open_connection_is_given_up_and_nothing_is_missed(site: Cluster, namespace: str) -> None:
    """Frozen: objects stay, their proof grows old, an error is told; thawed: what happened meanwhile is seen."""
    async with (
        TcpProxy(site.server) as proxy,
        watching(credentials(site, f"https://{proxy.address}"), namespace) as informer,
    ):
        await until(lambda: informer.synced, "the first list")
        await create(site, namespace, "before")
        await until(lambda: "before" in names(informer), "the watch works")
        proxy.frozen = True
        took = await until(lambda: informer.last_error is not None, "the silence is noticed")
        assert took <= TIMING.session_seconds + TIMING.silence_seconds + 1
        assert isinstance(informer.last_error, Unavailable)
        died = informer.alive_at
        await create(site, namespace, "during")
        assert (names(informer), informer.alive_at) == ({"before"}, died)
        proxy.frozen = False
        await until(lambda: names(informer) == {"before", "during"}, "what happened meanwhile")
        assert informer.last_error is None


@pytest.mark.parametrize("refused_seconds", [0.0, 2.0], ids=["reset", "refused"])
async def test_broken_connections_lose_no_event(site: Cluster, namespace: str, refused_seconds: float) -> None:
    """Resets, and a server that is not there for a while: every object is seen, deletions too."""
    async with (
        TcpProxy(site.server) as proxy,
        watching(credentials(site, f"https://{proxy.address}"), namespace) as informer,
    ):
        await until(lambda: informer.synced, "the first list")
        expected = set()
        for round_number in range(2):
            await create(site, namespace, f"kept-{round_number}", f"gone-{round_number}")
            await proxy.refuse()
            proxy.cut()
            gone = ("delete", "configmap", f"gone-{round_number}", f"--namespace={namespace}")
            await asyncio.to_thread(site.kubectl, *gone)
            await asyncio.sleep(refused_seconds)
            await proxy.listen()
            expected.add(f"kept-{round_number}")
            await until(lambda: names(informer) == expected, f"the state after break {round_number}")


async def test_a_server_that_is_too_slow_is_an_error_and_no_half_list(site: Cluster, namespace: str) -> None:
    """A list that cannot come within its deadline is not shown in part."""
    await create(site, namespace, *(f"c{i}" for i in range(4)))
    async with TcpProxy(site.server) as proxy:
        proxy.bytes_per_second = 500
        async with watching(credentials(site, f"https://{proxy.address}"), namespace) as informer:
            await until(lambda: informer.last_error is not None, "the deadline")
            assert not informer.synced
            assert names(informer) == set()
            proxy.bytes_per_second = None
            await until(lambda: len(names(informer)) == 4, "all of it, once it comes in time")


class Script:
    """Does a fault so many times to the requests that match, and lets the rest pass."""

    def __init__(self, fault: Fault, matches: Callable[[Seen], bool], times: int = 1) -> None:
        self._fault, self._matches, self.left = fault, matches, times

    def __call__(self, seen: Seen) -> Fault:
        """Say what happens to the request."""
        if self.left and self._matches(seen):
            self.left -= 1
            return self._fault
        return Pass()


def lists(seen: Seen) -> bool:
    """A page of a list."""
    return not seen.watches


def second_pages(seen: Seen) -> bool:
    """A page after the first."""
    return "continue" in seen.query


FAULTS: dict[str, tuple[Fault, Callable[[Seen], bool]]] = {
    "410 on a watch": (Reply(status=410), lambda seen: seen.watches),
    "410 between two pages": (Reply(status=410), second_pages),
    "500 on a list": (Reply(status=500), lists),
    "HTML instead of a list": (Reply(status=200, body=b"<html>log in</html>"), lists),
    "HTML instead of a watch": (Reply(status=200, body=b"<html>log in</html>\n"), lambda seen: seen.watches),
    "dies within a list": (Cut(after_bytes=200), lists),
    "dies between two pages": (Cut(after_bytes=0), second_pages),
    "dies within a watch": (Cut(after_bytes=40), lambda seen: seen.watches),
    "never answers a list": (Swallow(), lists),
    "never answers a watch": (Swallow(), lambda seen: seen.watches),
}


@pytest.mark.parametrize("what", FAULTS, ids=FAULTS)
async def test_whatever_happens_to_a_request_all_is_seen_in_the_end(
    site: Cluster, namespace: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists of several pages and watches, each broken in its own way; a half-read list is never shown."""
    monkeypatch.setattr(watching_module, "PAGE_SIZE", 2)
    before = {f"c{i}" for i in range(4)}
    await create(site, namespace, *before)
    fault, matches = FAULTS[what]
    script = Script(fault, matches)
    shown: set[int] = set()
    async with (
        ApiProxy(site.kubeconfig, script=script) as proxy,
        watching(credentials(site, proxy.url), namespace) as informer,
    ):

        def all_seen() -> bool:
            shown.add(len(names(informer)))
            return not script.left and informer.synced and informer.last_error is None

        await until(all_seen, "a list and a watch that work")
        await create(site, namespace, "later")
        await until(lambda: names(informer) == before | {"later"}, "an event after it all")
    assert shown <= {0, 4}
    assert any(second_pages(seen) for seen in proxy.seen)


async def test_a_throttling_server_is_given_the_time_it_asks_for(site: Cluster, namespace: str) -> None:
    """429 and 503 with `Retry-After`, in seconds: the next request comes no sooner."""
    arrivals: list[float] = []
    answers = [Reply(status=429, headers={"Retry-After": "2"}), Reply(status=503, headers={"Retry-After": "1"})]

    def script(_seen: Seen) -> Fault:
        arrivals.append(CLOCK.monotonic())
        return answers.pop(0) if answers else Pass()

    async with (
        ApiProxy(site.kubeconfig, script=script) as proxy,
        watching(credentials(site, proxy.url), namespace) as informer,
    ):
        await until(lambda: isinstance(informer.last_error, Throttled), "the throttling is told")
        await until(lambda: informer.synced, "the list, in the end")
    assert arrivals[1] - arrivals[0] >= 2
    assert arrivals[2] - arrivals[1] >= 1


async def test_life_is_proven_without_bookmarks_too(site: Cluster, namespace: str) -> None:
    """A server or proxy that sends none: sessions prove life by being opened."""
    async with (
        ApiProxy(site.kubeconfig, script=lambda _seen: Pass(without_bookmarks=True)) as proxy,
        watching(credentials(site, proxy.url), namespace) as informer,
    ):
        await until(lambda: informer.synced, "the first list")
        first = informer.alive_at
        await until(lambda: informer.alive_at != first, "a proof of life", TIMING.session_seconds + 2)


async def test_a_position_that_the_server_has_forgotten_is_given_up(
    control_plane: Fleet, make_namespace: MakeNamespace
) -> None:
    """The real server's 410, which after a restart remembers nothing from before; what is gone is then gone."""
    site = control_plane.sites["c"]
    namespace = await asyncio.to_thread(make_namespace, site)
    async with watching(credentials(site, site.server), namespace) as informer:
        await until(lambda: informer.synced, "the first list")
        await asyncio.to_thread(site.kill)
        await until(lambda: informer.last_error is not None, "the death")
        informer._resource_version = "1"
        informer._objects[ObjectKey(namespace, "never-was")] = b"{}"
        await asyncio.to_thread(site.start)
        await until(lambda: "never-was" not in names(informer), "a list instead of the lost position")
        await create(site, namespace, "after")
        await until(lambda: names(informer) == {"after"}, "an event after it")


async def test_nobody_is_trusted_whose_certificate_is_not_the_sites(control_plane: Fleet, namespace: str) -> None:
    """An API server with another authority, and one that is called otherwise, are refused before anything is said."""
    site, other = control_plane.sites["a"], control_plane.sites["b"]
    for access in (credentials(site, other.server), replace(credentials(site, site.server), tls_server_name="other")):
        async with watching(access, namespace) as informer:
            await until(lambda: informer.last_error is not None, "the refusal")
            assert "CERTIFICATE_VERIFY_FAILED" in str(informer.last_error)
            assert not informer.synced


async def test_a_server_restored_from_an_older_past_is_listed_anew(
    programs: Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its resourceVersions count from further back: a watch from our position would wait for the future in silence."""
    monkeypatch.setattr(watching_module, "LIST_AGAIN_AFTER_SECONDS", 3.0)
    with ControlPlane([SiteSpec(name="x", nodes=1)], run_folder=tmp_path, programs=programs) as plane:
        site = plane.sites["x"]
        async with watching(credentials(site, site.server), "default") as informer:
            await until(lambda: informer.synced, "the first list")
            for i in range(400):
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{i}"}}
                path = "/api/v1/namespaces/default/configmaps"
                assert (await asyncio.to_thread(site._client.call, "POST", path, body)).ok
            await until(lambda: len(names(informer)) == 400, "all of them")
            position = int(informer._resource_version or 0)
            await asyncio.to_thread(site.kill)
            shutil.rmtree(plane.data_folder / "x")
            await asyncio.to_thread(site.start)
            await until(lambda: names(informer) == set(), "the restored past")
            assert int(informer._resource_version or 0) < position
            await create(site, "default", "new")
            await until(lambda: names(informer) == {"new"}, "an event after it")
