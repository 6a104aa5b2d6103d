"""List and watch on a real API server that dies and returns."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from controller.kube.client import Cluster as ApiServer
from controller.kube.informer import Informer, Surroundings, WatchTiming
from controller.kube.kubeconfig import read_kubeconfig
from controller.kube.resources import DEPLOYMENTS, ObjectKey
from controller.observe.workloads import Workload, decode_workload
from controller.runtime.clock import SystemClock
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.live.conftest import MakeNamespace
from tests.live.portals import deployment

pytestmark = pytest.mark.live

DEADLINE_SECONDS = 30.0
CLOCK = SystemClock()
SHORT = WatchTiming(session_seconds=4, silence_seconds=5)
"""Sessions of three to four seconds, so that several fit into a test."""


def connect(site: Cluster) -> ApiServer:
    """Access as the controller has it: from the bytes of a kubeconfig."""
    credentials = read_kubeconfig(site.kubeconfig.read_bytes(), where=str(site.kubeconfig))
    return ApiServer.connect(credentials, name=f"site {site.name}")


@asynccontextmanager
async def watching(site: Cluster) -> AsyncIterator[Informer[Workload]]:
    """An informer of Deployments that runs."""
    cluster = connect(site)
    around = Surroundings(now=CLOCK.now, monotonic=CLOCK.monotonic, random=random.random)
    informer = Informer(cluster, DEPLOYMENTS, decode_workload, around, timing=SHORT)
    task = asyncio.create_task(informer.run())
    try:
        yield informer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await cluster.close()


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for what the informer shows."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():  # noqa: ASYNC110 - the informer's public state is what is waited for
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_SECONDS} s: {what}") from None


async def kubectl(site: Cluster, *arguments: str, text: str | None = None) -> str:
    """Run kubectl without stopping the informer."""
    return await asyncio.to_thread(site.kubectl, *arguments, input=text)


async def test_created_changed_and_deleted_objects_are_seen(control_plane: Fleet, namespace: str) -> None:
    """Across several watch sessions nothing is missed, and the proof of life stays young."""
    site = control_plane.sites["a"]
    key = ObjectKey(namespace, "portal")
    async with watching(site) as informer:
        await until(lambda: informer.synced, "the first list")
        made = deployment("portal", replicas=1, start_up_milliseconds=0)
        await kubectl(site, "apply", f"--namespace={namespace}", "--filename=-", text=made)
        await until(lambda: key in informer.objects and informer.objects[key].ready == 1, "one Ready replica")
        revision = informer.objects[key].revision
        await kubectl(site, "scale", "deployment", "portal", "--replicas=3", f"--namespace={namespace}")
        await until(lambda: informer.objects[key].ready == 3, "three Ready replicas")
        assert informer.objects[key].revision == revision
        seen = informer.alive_at
        await until(lambda: informer.alive_at is not None and informer.alive_at != seen, "a proof of life")
        await kubectl(site, "delete", "deployment", "portal", f"--namespace={namespace}")
        await until(lambda: key not in informer.objects, "the deletion")
        assert informer.alive_at is not None
        assert CLOCK.now() - informer.alive_at < timedelta(seconds=10)


async def test_an_api_server_that_dies_leaves_the_last_sight_and_is_seen_again(
    control_plane: Fleet, make_namespace: MakeNamespace
) -> None:
    """Objects grow old, they do not disappear; after the return everything that changed is seen."""
    site = control_plane.sites["c"]
    namespace = await asyncio.to_thread(make_namespace, site)
    key = ObjectKey(namespace, "portal")
    async with watching(site) as informer:
        made = deployment("portal", replicas=2, start_up_milliseconds=0)
        await kubectl(site, "apply", f"--namespace={namespace}", "--filename=-", text=made)
        await until(lambda: key in informer.objects and informer.objects[key].ready == 2, "two Ready replicas")
        await asyncio.to_thread(site.kill)
        await until(lambda: informer.last_error is not None, "an error")
        died_at = informer.alive_at
        assert informer.objects[key].ready == 2
        await asyncio.to_thread(site.start)
        await until(lambda: informer.last_error is None and informer.alive_at != died_at, "life after the return")
        await kubectl(site, "scale", "deployment", "portal", "--replicas=1", f"--namespace={namespace}")
        await until(lambda: informer.objects[key].wanted == 1, "the change after the return")
