"""Who may do what in the one-site topology, proven both ways on a real API server.

Three accounts: that of the instance in its own cluster, that by which peers read its report, that of the witness.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controller.domain.names import ObserverName, SiteName
from controller.kube.client import Cluster as ApiServer
from controller.kube.errors import ApiError, Forbidden
from controller.kube.informer import Informer, Surroundings
from controller.kube.kubeconfig import Credentials, read_kubeconfig
from controller.kube.resources import DEPLOYMENTS, LEASES, SECRETS, ObjectKey
from controller.observe.peers import SITE_REPORTS, SeenReport, decode_report
from controller.observe.policies import decoder, resource_of
from controller.policy.site import Site
from controller.runtime.clock import SystemClock
from controller.runtime.publishing import Publisher
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.live.instances import take_back
from tests.live.rights import atoms, roles
from tests.live.test_kube_informer import until

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
SYSTEM = "sonnerie-system"
FOLDERS = {
    "sonnerie": "overlays/one-site",
    "sonnerie-reader": "site-access/readonly",
    "sonnerie-witness": "witness/at-each-site",
}
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
EVERYBODYS_GROUPS = {"authorization.k8s.io", "authentication.k8s.io", "certificates.k8s.io"}
"""Kubernetes lets every account ask who it is and what it may, and read whom the cluster trusts."""
CLOCK = SystemClock()
AROUND = Surroundings(now=CLOCK.now, monotonic=CLOCK.monotonic, random=random.random)
STATUS = {"sequence": 1}
TAKES_EFFECT_SECONDS = 20.0


@pytest.fixture(scope="module")
def site(control_plane: Fleet) -> Iterator[Cluster]:
    """A site with everything that the topology needs there."""
    found = control_plane.sites["b"]
    for folder in FOLDERS.values():
        path = f"--kustomize={ROOT}/manifests/{folder}"
        found.kubectl("apply", "--server-side", "--force-conflicts", path)
    found.kubectl("delete", "deployment", "sonnerie", f"--namespace={SYSTEM}", "--wait=false")
    yield found
    found.kubectl("delete", "sitereport", "--all", "--wait=false")
    take_back(found)
    found.kubectl("apply", "--server-side", "--force-conflicts", f"--kustomize={ROOT}/manifests/overlays/all-sites")


@asynccontextmanager
async def as_account(site: Cluster, account: str) -> AsyncIterator[ApiServer]:
    """Access as the account has it."""
    token = (await asyncio.to_thread(site.kubectl, "create", "token", account, f"--namespace={SYSTEM}")).strip()
    admin = read_kubeconfig(site.kubeconfig.read_bytes(), where=site.name)
    found = ApiServer.connect(Credentials(server=admin.server, ca_pem=admin.ca_pem, token=token), name=account)
    try:
        yield found
    finally:
        await found.close()


def reports(api: ApiServer) -> Informer[SeenReport]:
    """Watch as an instance does."""
    return Informer(api, SITE_REPORTS, decode_report, AROUND)


async def written(api: ApiServer, observer: str, where: str | None, *, may_create: bool) -> ApiError | None:
    """Write a report as its observer does; rights take effect after a moment."""
    publisher = Publisher(api, ObserverName(observer), SiteName(where) if where else None, may_create=may_create)
    async with asyncio.timeout(TAKES_EFFECT_SECONDS):
        while True:
            await publisher.write(STATUS)
            if not isinstance(publisher.error, Forbidden):
                return publisher.error
            await asyncio.sleep(0.1)


async def test_each_can_do_what_it_must(site: Cluster) -> None:
    """The instance makes and writes its report, the witness writes its own, and the reader sees both by watching."""
    async with (
        as_account(site, "sonnerie") as instance,
        as_account(site, "sonnerie-witness") as witness,
        as_account(site, "sonnerie-reader") as reader,
    ):
        assert await written(instance, "gra", "gra", may_create=True) is None
        assert await written(witness, "witness", None, may_create=False) is None
        watching = reports(reader)
        task = asyncio.create_task(watching.run())
        await until(lambda: {"gra", "witness"} <= {key.name for key in watching.objects}, "both reports")
        assert await reader.probe("/readyz", deadline_seconds=5) == 200
        assert await witness.probe("/readyz", deadline_seconds=5) == 200
        sites = Informer(witness, resource_of(Site), decoder(Site), AROUND)
        others = asyncio.create_task(sites.run())
        await until(lambda: sites.synced, "the Sites")
        for each in (task, others):
            each.cancel()
        await asyncio.gather(task, others, return_exceptions=True)


def forbidden(account: str) -> list[tuple[str, str]]:
    """What somebody who stole the account's token would try."""
    mine = SITE_REPORTS.path(ObjectKey("", "gra"), subresource="status")
    tried = [
        ("PATCH", mine),
        ("PATCH", SITE_REPORTS.path(ObjectKey("", "gra"))),
        ("DELETE", SITE_REPORTS.path(ObjectKey("", "gra"))),
        ("POST", SITE_REPORTS.path()),
        ("PATCH", SITE_REPORTS.path(ObjectKey("", "witness"))),
        ("DELETE", SITE_REPORTS.path(ObjectKey("", "witness"))),
        ("PATCH", resource_of(Site).path(ObjectKey("", "gra"))),
        ("PATCH", resource_of(Site).path(ObjectKey("", "gra"), subresource="status")),
        ("PATCH", DEPLOYMENTS.path(ObjectKey("default", "portal"), subresource="scale")),
        ("GET", DEPLOYMENTS.path()),
        ("GET", SECRETS.path(ObjectKey(SYSTEM, "any"))),
        ("PUT", LEASES.path(ObjectKey(SYSTEM, "sonnerie"))),
    ]
    if account == "sonnerie-reader":
        return [*tried, ("PATCH", SITE_REPORTS.path(ObjectKey("", "witness"), subresource="status"))]
    return [*tried, ("GET", SITE_REPORTS.path())]


@pytest.mark.parametrize("account", ["sonnerie-reader", "sonnerie-witness"])
async def test_whoever_is_not_at_home_can_write_nothing_of_others(site: Cluster, account: str) -> None:
    """For real, not by asking: a stolen token of a peer or of the witness hurts nobody."""
    async with as_account(site, account) as api:
        for method, path in forbidden(account):
            body = None if method in ("GET", "DELETE") else {"metadata": {"name": "gra"}, "spec": {"observer": "gra"}}
            kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
            with pytest.raises(Forbidden):
                await api.call(method, path, body=body, content_type=kind)


@pytest.mark.parametrize("account", sorted(FOLDERS))
async def test_nothing_else_is_granted(site: Cluster, account: str) -> None:
    """The API server's own account of the rights is what the manifests say and no more."""
    given = roles(site.kubectl("kustomize", str(ROOT / "manifests" / FOLDERS[account])), account)
    assert given
    async with as_account(site, account) as api:
        for namespace in ("default", SYSTEM, "kube-system", "kube-node-lease"):
            expected = {
                atom[1:]
                for atom in atoms(given)
                if atom.role.startswith("ClusterRole") or atom.role.startswith(f"Role {namespace}/")
            }
            async with asyncio.timeout(TAKES_EFFECT_SECONDS):
                while await _granted(api, namespace) != expected:  # noqa: ASYNC110 - the API server is asked
                    await asyncio.sleep(0.1)


async def _granted(api: ApiServer, namespace: str) -> set[tuple[str, str, tuple[str, ...], str]]:
    answer = await api.call("POST", REVIEWS, body={"spec": {"namespace": namespace}})
    return {
        (group, resource, tuple(rule.get("resourceNames", ())), verb)
        for rule in json.loads(answer)["status"]["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if group not in EVERYBODYS_GROUPS
    }
