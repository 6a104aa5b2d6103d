"""Half a site that is gone, on a real API server whose nodes kwok plays."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from controller.domain.fleet import Target
from controller.domain.names import SiteName
from controller.kube.informer import Surroundings
from controller.kube.resources import ObjectKey
from controller.observe.access import SiteAccess
from controller.observe.readings import Freshness
from controller.observe.sites import Pace, WatchedSite
from controller.observe.workloads import Workload
from controller.runtime.clock import SystemClock
from tests.controlplane import ControlPlane, Site, SiteSpec
from tests.controlplane.programs import Binaries
from tests.live.portals import deployment, pods
from tests.live.test_kube_informer import connect, kubectl
from tests.live.test_watch_faults import until

pytestmark = pytest.mark.live

CLOCK = SystemClock()
SEEN_WITHIN_SECONDS = 24.0
"""Ten since the last renewal at worst, fifteen of silence, a look, a list of pods; Kubernetes takes 40 and more."""


@asynccontextmanager
async def watched(site: Site) -> AsyncIterator[WatchedSite]:
    """The site as the controller watches it."""
    cluster = connect(site)
    around = Surroundings(now=CLOCK.now, monotonic=CLOCK.monotonic, random=random.random)
    pace = Pace(query_every_seconds=5, query_deadline_seconds=1, freshness=Freshness(max_age=timedelta(seconds=30)))
    access = SiteAccess(site=SiteName("x"), credentials=None, metrics=None, public=())
    found = WatchedSite(access, cluster, around, pace)
    try:
        yield found
    finally:
        await found.close()
        await cluster.close()


async def test_half_a_site_gone_is_seen_before_kubernetes_says_so(programs: Binaries, tmp_path: Path) -> None:
    """Replicas on the silent node stop counting while the Deployment still counts them, and count again afterwards."""
    spec = SiteSpec(name="x", nodes=2, node_grace_seconds=40)
    with ControlPlane([spec], run_folder=tmp_path, programs=programs) as plane:
        site = plane.sites["x"]
        made = deployment("portal", replicas=6, start_up_milliseconds=0)
        site.kubectl("apply", "--namespace=default", "--filename=-", input=made)
        async with watched(site) as seen:

            def portal() -> Workload | None:
                return seen.find(
                    Target(api_version="apps/v1", kind="Deployment", name="portal"), ObjectKey("default", "portal")
                )

            def ready() -> int:
                found = portal()
                return found.ready if found else -1

            await until(lambda: ready() == 6, "six Ready replicas")
            placed = [pod["spec"]["nodeName"] for pod in pods(site, "default", "portal")]
            on_first = placed.count("x-node-0")
            assert 0 < on_first < 6
            await asyncio.to_thread(site.nodes.stop_heartbeats, "x-node-1")
            await until(lambda: ready() == on_first, "the silent node's replicas do not count", SEEN_WITHIN_SECONDS)
            assert seen.nodes.silent == {"x-node-1"}
            counted = "--output=jsonpath={.status.readyReplicas}"
            assert await kubectl(site, "get", "deployment", "portal", "--namespace=default", counted) == "6"
            found = portal()
            assert found is not None
            assert found.wanted == 6
            await asyncio.to_thread(site.nodes.resume_heartbeats, "x-node-1")
            await until(lambda: not seen.nodes.silent and ready() == 6, "all of it again")
