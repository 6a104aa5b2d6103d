"""The manifests as kustomize renders them, on a real API server, with no more rights than needed."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.kube.kubeconfig import read_kubeconfig
from controller.runtime.settings import PREFIX, Settings
from tests.controlplane.clusters import Cluster
from tests.controlplane.errors import KubectlError
from tests.controlplane.fleet import Fleet
from tests.controlplane.ports import free_ports
from tests.controlplane.programs import visiting_tools
from tests.controlplane.waiting import wait_until
from tests.live.portals import deployment
from tests.policy.objects import an_object

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
ACCOUNT = "--as=system:serviceaccount:sonnerie-system:sonnerie"


@pytest.fixture(scope="module")
def site(control_plane: Fleet) -> Cluster:
    """A site to which the overlay was applied."""
    found = control_plane.sites["b"]
    found.kubectl(
        "apply", "--server-side", "--force-conflicts", "--kustomize", str(ROOT / "manifests/overlays/all-sites")
    )
    return found


@pytest.mark.parametrize("overlay", ["overlays/all-sites", "site-access"])
def test_an_overlay_is_rendered_and_accepted(control_plane: Fleet, overlay: str) -> None:
    """`kubectl apply -k` works on a cluster that has never seen us."""
    site = control_plane.sites["b"]
    rendered = site.kubectl("kustomize", str(ROOT / "manifests" / overlay))
    documents = list(yaml.safe_load_all(rendered))
    assert {"Namespace", "ServiceAccount", "ClusterRole"} <= {document["kind"] for document in documents}
    site.kubectl("apply", "--server-side", "--force-conflicts", "--validate=strict", "--filename=-", input=rendered)


def test_the_pods_pass_the_restricted_standard(site: Cluster) -> None:
    """The namespace enforces it, so a pod that is not hardened would never start."""
    deployment = yaml.safe_load(
        site.kubectl("get", "deployment", "sonnerie", "--namespace=sonnerie-system", "--output=yaml")
    )
    template = deployment["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": "sonnerie-system"},
        "spec": template["spec"],
    }
    site.kubectl("apply", "--dry-run=server", "--filename=-", input=yaml.safe_dump(pod))
    assert deployment["spec"]["replicas"] == 2


def test_every_setting_can_stand_in_the_config_map(site: Cluster) -> None:
    """The Deployment sets none itself, since that would win over the ConfigMap."""
    rendered = list(yaml.safe_load_all(site.kubectl("kustomize", str(ROOT / "manifests/overlays/all-sites"))))
    (settings,) = (document["data"] for document in rendered if document["kind"] == "ConfigMap")
    (deployment,) = (document for document in rendered if document["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert {name.removeprefix(PREFIX).lower() for name in settings} <= set(Settings.__dataclass_fields__)
    assert [each["name"] for each in container["env"] if each["name"].startswith(PREFIX)] == []
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert settings["SONNERIE_LISTEN"] == f":{ports['http']}"
    assert settings["SONNERIE_AGENT_ADDRESS"] == f":{ports['agent-check']}"


def test_haproxy_outside_reaches_the_agent_with_its_own_address(site: Cluster) -> None:
    """Every HAProxy is counted by itself, which another node's SNAT would prevent."""
    service = yaml.safe_load(
        site.kubectl("get", "service", "sonnerie-agent", "--namespace=sonnerie-system", "--output=yaml")
    )["spec"]
    assert (service["type"], service["externalTrafficPolicy"]) == ("NodePort", "Local")
    assert [(port["nodePort"], port["targetPort"]) for port in service["ports"]] == [(30707, "agent-check")]


def test_the_examples_are_applied_as_the_readme_says(site: Cluster) -> None:
    """Namespace first, then four folders; every object is there afterwards."""
    folders = ("sites", "calendars", "schedules", "ents")
    try:
        site.kubectl("apply", "-f", str(ROOT / "policies/namespace.yaml"))
        site.kubectl("apply", "-R", *(f"--filename={ROOT / 'policies' / folder}" for folder in folders))
        found = site.kubectl(
            "get", "sites,schoolcalendars,schoolschedules,regionalents", "--namespace=portals", "-o", "name"
        )
    finally:
        site.kubectl("delete", "-R", *(f"--filename={ROOT / 'policies' / folder}" for folder in folders))
        site.kubectl("delete", "-f", str(ROOT / "policies/namespace.yaml"), "--wait=false")
    assert {"site.sonnerie.dev/south", "schoolcalendar.sonnerie.dev/zone-b"} <= set(found.split())
    assert {"schoolschedule.sonnerie.dev/college", "regionalent.sonnerie.dev/hdf"} <= set(found.split())


def allowed(site: Cluster, *what: str) -> bool:
    """Tell whether our ServiceAccount may do it. kubectl asks about kinds that are there alone, so all are."""
    site.install_crds("gateway-api", "external-dns", "keda")
    try:
        return site.kubectl("auth", "can-i", *what, ACCOUNT).strip() == "yes"
    except KubectlError:
        return False


@pytest.mark.parametrize(
    "what",
    [
        ("watch", "regionalents.sonnerie.dev", "--all-namespaces"),
        ("patch", "regionalents.sonnerie.dev", "--subresource=status", "--all-namespaces"),
        ("patch", "sites.sonnerie.dev", "--subresource=status"),
        ("patch", "schoolcalendars.sonnerie.dev", "--subresource=status"),
        ("patch", "schoolschedules.sonnerie.dev", "--subresource=status", "--all-namespaces"),
        ("patch", "schoolevents.sonnerie.dev", "--subresource=status"),
        ("watch", "deployments.apps", "--all-namespaces"),
        ("update", "deployments.apps", "--subresource=scale", "--all-namespaces"),
        ("create", "events.events.k8s.io", "--all-namespaces"),
        ("create", "leases.coordination.k8s.io", "--namespace=sonnerie-system"),
        ("update", "leases.coordination.k8s.io/sonnerie", "--namespace=sonnerie-system"),
        ("get", "leases.coordination.k8s.io/sonnerie", "--namespace=sonnerie-system"),
        ("get", "deployments.apps", "--subresource=scale", "--all-namespaces"),
        ("update", "statefulsets.apps", "--subresource=scale", "--all-namespaces"),
        ("get", "secrets", "--namespace=sonnerie-system"),
        ("patch", "regionalents.sonnerie.dev", "--all-namespaces"),
        ("patch", "horizontalpodautoscalers.autoscaling", "--all-namespaces"),
        ("watch", "scaledobjects.keda.sh", "--all-namespaces"),
        ("patch", "httproutes.gateway.networking.k8s.io", "--all-namespaces"),
        ("create", "dnsendpoints.externaldns.k8s.io", "--all-namespaces"),
    ],
    ids=" ".join,
)
def test_the_account_may_do_its_work(site: Cluster, what: tuple[str, ...]) -> None:
    """Whatever the controller does is allowed."""
    assert allowed(site, *what)


@pytest.mark.parametrize(
    "what",
    [
        ("update", "regionalents.sonnerie.dev", "--all-namespaces"),
        ("delete", "regionalents.sonnerie.dev", "--all-namespaces"),
        ("patch", "sites.sonnerie.dev"),
        ("update", "horizontalpodautoscalers.autoscaling", "--all-namespaces"),
        ("delete", "horizontalpodautoscalers.autoscaling", "--all-namespaces"),
        ("create", "httproutes.gateway.networking.k8s.io", "--all-namespaces"),
        ("delete", "dnsendpoints.externaldns.k8s.io", "--all-namespaces"),
        ("delete", "sites.sonnerie.dev"),
        ("patch", "deployments.apps", "--all-namespaces"),
        ("patch", "deployments.apps", "--subresource=scale", "--all-namespaces"),
        ("patch", "statefulsets.apps", "--subresource=scale", "--all-namespaces"),
        ("delete", "deployments.apps", "--all-namespaces"),
        ("patch", "leases.coordination.k8s.io/sonnerie", "--namespace=sonnerie-system"),
        ("update", "leases.coordination.k8s.io/another", "--namespace=sonnerie-system"),
        ("patch", "events.events.k8s.io", "--all-namespaces"),
        ("list", "events.events.k8s.io", "--all-namespaces"),
        ("get", "regionalents.sonnerie.dev", "--subresource=status", "--all-namespaces"),
        ("update", "regionalents.sonnerie.dev", "--subresource=status", "--all-namespaces"),
        ("get", "sites.sonnerie.dev", "--subresource=status"),
        ("update", "schoolcalendars.sonnerie.dev"),
        ("update", "schoolschedules.sonnerie.dev", "--all-namespaces"),
        ("patch", "schoolevents.sonnerie.dev"),
        ("list", "secrets", "--namespace=sonnerie-system"),
        ("get", "secrets", "--all-namespaces"),
        ("get", "pods", "--all-namespaces"),
        ("update", "leases.coordination.k8s.io", "--namespace=kube-system"),
    ],
    ids=" ".join,
)
def test_the_account_may_do_nothing_else(site: Cluster, what: tuple[str, ...]) -> None:
    """A stolen token changes replica counts at worst, and reads nobody else's secrets."""
    assert not allowed(site, *what)


def test_the_controller_works_with_exactly_these_rights(control_plane: Fleet, namespace: str, tmp_path: Path) -> None:
    """One cycle of the real program with the token of our ServiceAccount: replicas, status and Lease are written."""
    site = control_plane.sites["a"]
    site.kubectl(
        "apply", "--server-side", "--force-conflicts", "--kustomize", str(ROOT / "manifests/overlays/all-sites")
    )
    site.kubectl(
        "apply",
        f"--namespace={namespace}",
        "--filename=-",
        input=deployment("portal", replicas=1, start_up_milliseconds=0),
    )
    here = an_object("Site", {"provider": "the cluster itself"}, name=namespace)
    placement = {"site": namespace, "target": {"name": "portal"}, "min": 3, "max": 5, "home": True}
    signal = {"name": "requests", "signal": "requests", "capacityPerReplica": "10"}
    spec = {
        "region": "FR-HDF",
        "territory": "zone-b",
        "timeZone": "Europe/Paris",
        "demandSignals": [signal],
        "placements": [placement],
    }
    site.kubectl("apply", "--filename=-", input=yaml.safe_dump(here))
    meant = {"applies": {"ents": [{"namespace": namespace, "name": "example"}]}, "remoteSchooling": "LikeApril2021"}
    days = {"announcedOn": "2021-03-31", "firstDay": "2021-04-06", "lastDay": "2021-04-09"}
    event = an_object("SchoolEvent", {"description": "lessons at home"} | meant | days, name=namespace)
    schedule = an_object("SchoolSchedule", {"extends": "nowhere", "days": [{"types": ["Sunday"]}]})
    site.kubectl("apply", "--filename=-", input=yaml.safe_dump(event))
    site.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=yaml.safe_dump(schedule))
    try:
        ent = yaml.safe_dump(an_object("RegionalENT", spec))
        site.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=ent)
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(as_account(site))
        found = run_once(kubeconfig)
        written = yaml.safe_load(site.kubectl("get", "ent", "example", f"--namespace={namespace}", "--output=yaml"))
        trail = yaml.safe_load(site.kubectl("get", "schoolevent", namespace, "--output=yaml"))["status"]["audit"]
        bells = yaml.safe_load(site.kubectl("get", "bells", "example", f"--namespace={namespace}", "--output=yaml"))
    finally:
        site.kubectl("delete", "site", namespace, "--wait=false")
        site.kubectl("delete", "schoolevent", namespace, "--wait=false")

    assert found.returncode == 0, found.stderr
    assert "forbidden" not in found.stderr.lower()
    assert written["status"]["conditions"]
    assert [(entry["generation"], "concerns 1 ENT" in entry["changed"]) for entry in trail] == [(1, True)]
    assert [(c["status"], c["reason"]) for c in bells["status"]["conditions"]] == [("False", "PolicyInvalid")]
    scale = site.kubectl(
        "get", "deployment", "portal", f"--namespace={namespace}", "--output=jsonpath={.spec.replicas}"
    )
    assert scale == "3", found.stdout + found.stderr


def test_the_lines_of_site_access_give_a_kubeconfig_that_works(control_plane: Fleet, tmp_path: Path) -> None:
    """What docs/site-access.md tells people to type makes a Secret that we take, with the rights of a site alone."""
    page = (ROOT / "docs/site-access.md").read_text("utf-8")
    (lines,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    management, site = control_plane.sites["a"], control_plane.sites["c"]
    management.kubectl("apply", "--server-side", "--kustomize", str(ROOT / "manifests/workloads"))
    kubeconfig = tmp_path / "both"
    kubeconfig.write_text(yaml.safe_dump(contexts(management=management, site=site)))
    found = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=ROOT,
        env={
            "PATH": f"{visiting_tools(build=False).kubectl.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "KUBECONFIG": str(kubeconfig),
            "SITE": "site",
            "MANAGEMENT": "management",
            "NAME": "of-a-site",
        },
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert found.returncode == 0, found.stderr
    secret = ("secret", "of-a-site", "--namespace=sonnerie-system")
    made = management.kubectl("get", *secret, "--output=go-template={{.data.kubeconfig | base64decode}}")
    assert read_kubeconfig(made.encode(), where="the Secret").token
    (tmp_path / "site").write_text(made)
    management.kubectl("delete", *secret)

    def may(*what: str) -> bool:
        with_it = f"--kubeconfig={tmp_path / 'site'}"
        try:
            return site.kubectl(with_it, "auth", "can-i", *what, "--all-namespaces").strip() == "yes"
        except KubectlError:
            return False

    # A site alone has no such binding; tests of sites that have an instance of their own leave one here.
    site.kubectl("delete", "clusterrolebinding", "sonnerie-policies", "--ignore-not-found")
    wait_until(lambda: not may("create", "events.events.k8s.io"), 10.0, "the rights of a site alone")
    assert may("watch", "deployments.apps")
    assert may("update", "deployments.apps", "--subresource=scale")
    assert not may("create", "events.events.k8s.io")
    assert not may("list", "regionalents.sonnerie.dev")


def contexts(**clusters: Cluster) -> dict[str, Any]:
    """One kubeconfig with a context for each cluster, by these names."""
    both: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
    for name, cluster in clusters.items():
        config = yaml.safe_load(cluster.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=yaml"))
        both["clusters"].append({"name": name, "cluster": config["clusters"][0]["cluster"]})
        both["users"].append({"name": name, "user": config["users"][0]["user"]})
        both["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
    return both


def as_account(site: Cluster) -> str:
    """A kubeconfig of the site with nothing but the token of our ServiceAccount."""
    config = yaml.safe_load(site.kubectl("config", "view", "--raw", "--minify", "--output=yaml"))
    token = site.kubectl("create", "token", "sonnerie", "--namespace=sonnerie-system").strip()
    config["users"][0]["user"] = {"token": token}
    return yaml.safe_dump(config)


def run_once(kubeconfig: Path) -> subprocess.CompletedProcess[str]:
    """Run one planning cycle of the controller."""
    listen, agent = (f"127.0.0.1:{port}" for port in free_ports(2))
    command = [sys.executable, "-m", "controller", "run", "--once", "--kubeconfig", str(kubeconfig)]
    command += ["--listen", listen, "--agent-address", agent]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
