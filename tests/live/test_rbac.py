"""Least privilege, proven both ways on a real API server: nothing missing, nothing superfluous, the rest refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.kube.client import Cluster as ApiServer
from controller.kube.errors import ApiError, Forbidden
from controller.kube.kubeconfig import Credentials, read_kubeconfig
from controller.kube.resources import DEPLOYMENTS, SECRETS, ObjectKey
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.live.portals import deployment
from tests.live.rights import (
    NAMESPACE,
    Act,
    Atom,
    Stage,
    at_a_site,
    at_the_management_cluster,
    atoms,
    refused,
    roles,
    without,
)
from tests.policy.objects import an_object

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
TAKES_EFFECT_SECONDS = 20.0
OVERLAYS = sorted(path.parent.name for path in (ROOT / "manifests/overlays").glob("*/kustomization.yaml"))
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
EVERYBODYS_GROUPS = {"authorization.k8s.io", "authentication.k8s.io", "certificates.k8s.io"}
"""Kubernetes lets every account ask who it is and what it may, and read whom the cluster trusts."""


def admin(site: Cluster) -> Credentials:
    """The administrator of the site."""
    return read_kubeconfig(site.kubeconfig.read_bytes(), where=site.name)


def account(site: Cluster) -> Credentials:
    """Our ServiceAccount there."""
    token = site.kubectl("create", "token", "sonnerie", f"--namespace={NAMESPACE}").strip()
    before = admin(site)
    return Credentials(server=before.server, ca_pem=before.ca_pem, token=token)


@pytest.fixture
def stage(control_plane: Fleet, namespace: str) -> Stage:
    """Something to act upon, on site a."""
    site = control_plane.sites["a"]
    site.install_crds("gateway-api", "external-dns", "keda")
    stateful = json.loads(deployment("example", replicas=0))
    stateful["kind"], stateful["spec"]["serviceName"] = "StatefulSet", "example"
    ent = an_object("RegionalENT", an_ent_spec(namespace))
    site.kubectl("apply", "--server-side", "--force-conflicts", f"--kustomize={ROOT}/manifests/overlays/all-sites")
    items = [json.loads(deployment("example", replicas=0)), stateful, ent]
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    site.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=json.dumps(listed))
    here = an_object("Site", {"provider": "the cluster itself"}, name=namespace)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "of-a-site", "namespace": NAMESPACE}}
    for made in (here, secret):
        site.kubectl("apply", "--filename=-", input=json.dumps(made))
    return Stage(namespace=namespace, site=namespace)


def an_ent_spec(site: str) -> dict[str, Any]:
    """An ENT at one site."""
    return {
        "region": "FR-HDF",
        "territory": "zone-b",
        "timeZone": "Europe/Paris",
        "demandSignals": [{"name": "requests", "signal": "requests", "capacityPerReplica": "10"}],
        "placements": [{"site": site, "target": {"name": "example"}, "min": 1, "max": 5, "home": True}],
    }


@pytest.fixture
async def ours(control_plane: Fleet, stage: Stage) -> AsyncIterator[ApiServer]:
    """Access as our ServiceAccount has it."""
    assert stage
    found = ApiServer.connect(account(control_plane.sites["a"]), name="ours")
    yield found
    await found.close()


@pytest.fixture
async def administrator(control_plane: Fleet, stage: Stage) -> AsyncIterator[ApiServer]:
    """Access with all rights; afterwards the roles are as the manifests say."""
    assert stage
    site = control_plane.sites["a"]
    found = ApiServer.connect(admin(site), name="administrator")
    yield found
    await found.close()
    overlay = f"--kustomize={ROOT}/manifests/overlays/all-sites"
    await asyncio.to_thread(site.kubectl, "apply", "--server-side", "--force-conflicts", overlay)
    await asyncio.to_thread(site.kubectl, "delete", "site", stage.site, "--wait=false")


def granted(site: Cluster, folder: str) -> dict[str, dict[str, Any]]:
    """The roles that a folder of manifests binds to us."""
    return roles(site.kubectl("kustomize", str(ROOT / "manifests" / folder)))


async def put(administrator: ApiServer, document: dict[str, Any]) -> None:
    """Write a role as it is given."""
    meta = document["metadata"]
    root = "/apis/rbac.authorization.k8s.io/v1"
    inside = f"/namespaces/{meta['namespace']}/roles" if document["kind"] == "Role" else "/clusterroles"
    await administrator.call("PUT", f"{root}{inside}/{meta['name']}", body=document)


async def broken_by(
    atom: Atom, role: dict[str, Any], administrator: ApiServer, ours: ApiServer, acts: dict[str, Act]
) -> list[str]:
    """What is refused once the atom is gone; the role is whole again afterwards."""
    lease = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/sonnerie"
    await put(administrator, without(role, atom))
    try:
        async with asyncio.timeout(TAKES_EFFECT_SECONDS):
            while True:
                if atom.verb == "create" and atom.resource == "leases":
                    await administrator.call("DELETE", lease)
                found = await refused(ours, acts)
                if found:
                    return sorted(found)
    except TimeoutError:
        return []
    finally:
        await put(administrator, role)


async def until_all_is_allowed(ours: ApiServer, acts: dict[str, Act]) -> dict[str, ApiError]:
    """Rules take effect after a moment: what is still refused at the end."""
    found: dict[str, ApiError] = {}
    try:
        async with asyncio.timeout(TAKES_EFFECT_SECONDS):
            while found := await refused(ours, acts):  # noqa: ASYNC110 - the API server is asked
                await asyncio.sleep(0.1)
    except TimeoutError:
        pass
    return found


@pytest.mark.timeout(300)
async def test_all_works_with_exactly_these_rules_and_each_one_is_needed(
    control_plane: Fleet, stage: Stage, ours: ApiServer, administrator: ApiServer
) -> None:
    """Whatever the controller does is allowed; take any one verb away, and something is refused."""
    acts = at_a_site(stage) | at_the_management_cluster(stage)
    assert await until_all_is_allowed(ours, acts) == {}
    given = granted(control_plane.sites["a"], "overlays/all-sites")
    superfluous = []
    for atom in atoms(given):
        if not await broken_by(atom, given[atom.role], administrator, ours, acts):
            superfluous.append(str(atom))
        assert await until_all_is_allowed(ours, acts) == {}
    assert superfluous == []


async def test_nothing_else_is_granted_anywhere(control_plane: Fleet, stage: Stage, ours: ApiServer) -> None:
    """The API server's own account of our rights, in four namespaces, is what the manifests say and no more."""
    given = granted(control_plane.sites["a"], "overlays/all-sites")
    for namespace in ("default", NAMESPACE, "kube-system", "kube-node-lease", stage.namespace):
        answer = await ours.call("POST", REVIEWS, body={"spec": {"namespace": namespace}})
        rules = json.loads(answer)["status"]["resourceRules"]
        found = {
            (group, resource, tuple(rule.get("resourceNames", ())), verb)
            for rule in rules
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
            if group not in EVERYBODYS_GROUPS
        }
        expected = {
            atom[1:]
            for atom in atoms(given)
            if atom.role.startswith("ClusterRole") or atom.role.startswith(f"Role {namespace}/")
        }
        assert found == expected, namespace


async def test_what_a_thief_of_the_token_would_try_is_refused(stage: Stage, ours: ApiServer) -> None:
    """For real, not by asking: images, secrets of others, pods, nodes, roles, policies themselves."""
    target = DEPLOYMENTS.path(ObjectKey(stage.namespace, "example"))
    merge = "application/merge-patch+json"
    attempts: list[tuple[str, str, dict[str, Any] | None]] = [
        ("PATCH", target, {"spec": {"template": {"spec": {"containers": []}}}}),
        ("DELETE", target, None),
        ("PATCH", f"{target}/scale", {"spec": {"replicas": 9}}),
        ("GET", SECRETS.path(namespace=NAMESPACE), None),
        ("GET", SECRETS.path(ObjectKey("kube-system", "any")), None),
        ("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", {"metadata": {"name": "mine"}}),
        ("POST", f"/api/v1/namespaces/{stage.namespace}/pods/any/exec", {}),
        ("PATCH", "/api/v1/nodes/a-node-0", {"spec": {"unschedulable": True}}),
        ("GET", "/api/v1/nodes", None),
        ("PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterroles/sonnerie-workloads", {"rules": []}),
        ("PATCH", f"/apis/sonnerie.dev/v1alpha1/sites/{stage.site}", {"spec": {"provider": "me"}}),
        ("DELETE", f"/apis/sonnerie.dev/v1alpha1/namespaces/{stage.namespace}/regionalents/example", None),
        ("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/sonnerie/token", {"spec": {}}),
        ("DELETE", f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/sonnerie", None),
    ]
    for method, path, body in attempts:
        content_type = merge if method == "PATCH" else "application/json"
        with pytest.raises(Forbidden):
            await ours.call(method, path, body=body, content_type=content_type)


async def test_a_token_for_a_site_can_do_what_is_done_at_a_site_and_nothing_else(
    control_plane: Fleet, stage: Stage, ours: ApiServer, administrator: ApiServer
) -> None:
    """With `site-access` alone, as at every other site: workloads and nodes, no policies, no Secrets, no Lease."""
    site = control_plane.sites["a"]
    everywhere = granted(site, "site-access")
    for name, role in granted(site, "overlays/all-sites").items():
        if name not in everywhere:
            await put(administrator, role | {"rules": []})
    there, here = at_a_site(stage), at_the_management_cluster(stage)
    async with asyncio.timeout(TAKES_EFFECT_SECONDS):
        while set(found := await refused(ours, there | here)) != set(here):
            assert not set(found) & set(there)
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_roles_stay_where_they_work(control_plane: Fleet, overlay: str) -> None:
    """An overlay that sets `namespace:` would move the Role for heartbeats away from them, without a word."""
    site = control_plane.sites["a"]
    given = granted(site, f"overlays/{overlay}")
    assert "Role kube-node-lease/sonnerie-nodes" in given
    documents = yaml.safe_load_all(site.kubectl("kustomize", str(ROOT / "manifests/overlays" / overlay)))
    wild = [rule for each in documents if each["kind"] in ("Role", "ClusterRole") for rule in each["rules"]]
    for rule in wild:
        assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]
        assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])
