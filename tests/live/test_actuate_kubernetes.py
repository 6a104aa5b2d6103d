"""Writing to a real API server."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from controller.actuate.events import About, EventTeller, Told
from controller.actuate.outcome import Done, LookAgainAt, Refused
from controller.actuate.rivals import Rivals
from controller.actuate.scale import Scaler
from controller.actuate.status_writer import DRIFT_SECONDS, StatusDocument, StatusWriter
from controller.domain.fleet import Target
from controller.domain.memory import SiteMemory, Verdict
from controller.domain.names import ActionId, EntKey, SiteName
from controller.domain.plan import Because, SetReplicas
from controller.domain.reasons import Reason
from controller.kube.apply import read_scale, read_secret, write_scale
from controller.kube.client import Cluster as ApiServer
from controller.kube.errors import ApiError, Conflict
from controller.kube.resources import DEPLOYMENTS, ObjectKey
from controller.policy.kinds import KINDS
from controller.policy.resource import GROUP
from controller.runtime.clock import SystemClock
from controller.runtime.reporting import ENTS, SITES
from controller.wire.memory import write_site
from tests.actuate.test_scale import nobody_else
from tests.actuate.test_status import an_ent_status
from tests.builders import BELL
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.live.portals import deployment
from tests.live.test_kube_informer import connect
from tests.policy.objects import an_object

pytestmark = pytest.mark.live

CLOCK = SystemClock()


@pytest.fixture
def site(control_plane: Fleet) -> Cluster:
    """Site a, with our definitions."""
    found = control_plane.sites["a"]
    found.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", "manifests/crd")
    definitions = [f"crd/{kind.plural}.{GROUP}" for kind in KINDS]
    found.kubectl("wait", "--for=condition=Established", "--timeout=30s", *definitions)
    return found


@pytest.fixture
async def api(site: Cluster) -> AsyncIterator[ApiServer]:
    """Access to it."""
    found = connect(site)
    yield found
    await found.close()


@pytest.fixture
def portal(site: Cluster, namespace: str) -> ObjectKey:
    """A Deployment of one replica."""
    made = deployment("portal", replicas=1, start_up_milliseconds=0)
    site.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=made)
    # While its controller still writes its status, every write of ours may be a conflict.
    site.kubectl("rollout", "status", "deployment/portal", "--timeout=60s", f"--namespace={namespace}")
    return ObjectKey(namespace, "portal")


def a_scaling(portal: ObjectKey, *, was: int, replicas: int, kind: str = "Deployment") -> SetReplicas:
    """A change of the Deployment's replicas."""
    return SetReplicas(
        id=ActionId("r"),
        ent=EntKey(portal.namespace, "nord"),
        site=SiteName("a"),
        target=Target(api_version="apps/v1", kind=kind, name=portal.name),
        was=was,
        replicas=replicas,
        because=Because(reason=Reason.SCHEDULE, text="a bell"),
    )


async def test_replicas_are_written_once(api: ApiServer, portal: ObjectKey) -> None:
    """Done, done again without a write, and looked at again when somebody else has written."""
    scaler = Scaler(lambda: {SiteName("a"): api}, nobody_else, Rivals(), CLOCK.now)
    assert await scaler.set_replicas(a_scaling(portal, was=1, replicas=3)) == Done()
    assert (await read_scale(api, DEPLOYMENTS, portal)).spec.replicas == 3
    assert await scaler.set_replicas(a_scaling(portal, was=1, replicas=3)) == Done()
    assert isinstance(await scaler.set_replicas(a_scaling(portal, was=1, replicas=4)), LookAgainAt)
    assert isinstance(
        await scaler.set_replicas(a_scaling(ObjectKey(portal.namespace, "gone"), was=1, replicas=4)), Refused
    )


async def test_a_write_on_an_old_version_is_a_conflict(api: ApiServer, portal: ObjectKey) -> None:
    """The resourceVersion that was read is the precondition."""
    old = (await read_scale(api, DEPLOYMENTS, portal)).metadata.resource_version
    await write_scale(api, DEPLOYMENTS, portal, replicas=2, resource_version=old)
    with pytest.raises(Conflict):
        await write_scale(api, DEPLOYMENTS, portal, replicas=9, resource_version=old)
    assert (await read_scale(api, DEPLOYMENTS, portal)).spec.replicas == 2


async def read(api: ApiServer, path: str) -> dict[str, Any]:
    """An object as it stands."""
    found: dict[str, Any] = msgspec.json.decode(await api.call("GET", path))
    return found


async def test_status_is_accepted_whole_and_written_on_change_only(
    api: ApiServer, site: Cluster, namespace: str
) -> None:
    """Conditions, numbers and memory pass the schema; the same again is no write; drift waits for its time."""
    key = ObjectKey(namespace, "example")
    placement = {"site": "a", "target": {"name": "portal"}, "min": 1, "max": 9, "home": True}
    signal = {"name": "requests", "signal": "requests", "capacityPerReplica": "10"}
    spec = {
        "region": "FR-HDF",
        "territory": "zone-b",
        "timeZone": "Europe/Paris",
        "demandSignals": [signal],
        "placements": [placement],
    }
    ent = msgspec.json.encode(an_object("RegionalENT", spec)).decode()
    await asyncio.to_thread(site.kubectl, "apply", f"--namespace={namespace}", "--filename=-", input=ent)
    writer = StatusWriter(api)
    document = StatusDocument(resource=ENTS, key=key, status=an_ent_status())

    async def version_after(document: StatusDocument, *, seconds: float) -> str:
        assert await writer.write([document], monotonic_seconds=seconds) == {}
        return str((await read(api, ENTS.path(key)))["metadata"]["resourceVersion"])

    first = await version_after(document, seconds=0.0)
    assert await version_after(document, seconds=100.0) == first
    drifted = StatusDocument(resource=ENTS, key=key, status=document.status | {"summary": "other"})
    assert await version_after(drifted, seconds=DRIFT_SECONDS - 1) == first
    assert await version_after(drifted, seconds=DRIFT_SECONDS) != first
    found = (await read(api, ENTS.path(key)))["status"]
    assert found["memory"] == json.loads(json.dumps(document.status["memory"]))
    assert found["summary"] == "other"
    assert {c["type"] for c in found["conditions"]} == {"Ready"}


async def test_status_that_cannot_be_written_is_reported(api: ApiServer, site: Cluster, namespace: str) -> None:
    """An object that is gone needs no status; one that is refused is told, so that its actions are withheld."""
    memory = write_site(SiteMemory(site=SiteName("a"), verdict=Verdict.HEALTHY, since=BELL))
    gone = StatusDocument(resource=SITES, key=ObjectKey("", f"{namespace}-gone"), status={"memory": memory})
    assert await StatusWriter(api).write([gone], monotonic_seconds=0.0) == {}
    here = msgspec.json.encode(an_object("Site", {"provider": "Example"}, name=namespace)).decode()
    await asyncio.to_thread(site.kubectl, "apply", "--filename=-", input=here)
    bad = StatusDocument(resource=SITES, key=ObjectKey("", namespace), status={"verdict": "Sick"})
    failed = await StatusWriter(api).write([bad], monotonic_seconds=0.0)
    await asyncio.to_thread(site.kubectl, "delete", "site", namespace)
    assert isinstance(failed[("Site", bad.key)], ApiError)


async def test_events_are_told_once(api: ApiServer, portal: ObjectKey) -> None:
    """The same thing said in every cycle is one Event; after a pause it is a new one."""
    about = About(resource=DEPLOYMENTS, key=portal, uid="u")
    thing = Told(about=about, reason="Schedule", action="SetReplicas", note="replicas 3: a bell")
    teller = EventTeller(api, instance="test")

    async def told() -> int:
        path = f"/apis/events.k8s.io/v1/namespaces/{portal.namespace}/events"
        return sum(1 for event in (await read(api, path))["items"] if event["reportingController"].startswith("sonn"))

    for _ in range(3):
        await teller.tell([thing, thing], CLOCK.now())
    assert (await told(), teller.last_error) == (1, None)
    await teller.tell([], CLOCK.now())
    await teller.tell([thing], CLOCK.now())
    assert await told() == 2


async def test_secrets_are_read_by_name(api: ApiServer, site: Cluster, namespace: str) -> None:
    """Decoded, key by key."""
    literal = "--from-literal=kubeconfig=planted-secret"
    await asyncio.to_thread(site.kubectl, "create", "secret", "generic", "site-b", literal, f"--namespace={namespace}")
    assert await read_secret(api, ObjectKey(namespace, "site-b")) == {"kubeconfig": b"planted-secret"}
