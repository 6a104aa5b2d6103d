"""Every overlay as kustomize renders it, held against what a hardened pod is, and accepted by a real API server."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.runtime.settings import PREFIX, Settings, read_settings
from controller.runtime.witness_settings import read_witness_settings
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.controlplane.programs import visiting_tools
from tests.monitoring.rules import rules
from tests.typed import sonnerie

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
OVERLAYS = ("overlays/all-sites", "overlays/one-site")


@pytest.fixture(scope="module")
def site(control_plane: Fleet) -> Cluster:
    """A site that knows our kinds and our namespace."""
    found = control_plane.sites["b"]
    found.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", str(MANIFESTS / OVERLAYS[0]))
    found.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd/sites.sonnerie.dev")
    return found


def rendered(site: Cluster, folder: Path) -> list[dict[str, Any]]:
    """The documents of an overlay."""
    return list(yaml.safe_load_all(site.kubectl("kustomize", str(folder))))


def accepted(site: Cluster, documents: list[dict[str, Any]]) -> None:
    """Fail unless the API server would take all of it; nothing is changed."""
    text = yaml.safe_dump_all(documents)
    site.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--validate=strict",
        "--field-manager=test",
        "--filename=-",
        input=text,
    )


def the(documents: list[dict[str, Any]], kind: str, name: str = "sonnerie") -> dict[str, Any]:
    """The one document of the kind and name."""
    (found,) = (d for d in documents if d["kind"] == kind and d["metadata"]["name"].startswith(name))
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_accepted_and_hardened(site: Cluster, overlay: str) -> None:
    """Not root, nothing writable but memory, no privilege, the runtime's system calls, bounded resources."""
    documents = rendered(site, MANIFESTS / overlay)
    accepted(site, documents)
    pod = the(documents, "Deployment")["spec"]["template"]["spec"]
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 65532)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["enableServiceLinks"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"memory", "ephemeral-storage"} <= container["resources"]["limits"].keys()
    assert {"cpu", "memory", "ephemeral-storage"} <= container["resources"]["requests"].keys()
    assert [volume["emptyDir"]["medium"] for volume in pod["volumes"]] == ["Memory"]
    assert all(":" in container["image"] for container in pod["containers"])
    settings = next(d["data"] for d in documents if d["kind"] == "ConfigMap")
    assert {name.removeprefix(PREFIX).lower() for name in settings} <= set(Settings.__dataclass_fields__)


def test_one_site_can_be_told_its_name_and_its_witnesses(site: Cluster) -> None:
    """The settings are there to be filled in; filled in, they are of an instance that writes one site."""
    documents = rendered(site, MANIFESTS / "overlays/one-site")
    settings = next(d["data"] for d in documents if d["kind"] == "ConfigMap")
    filled = settings | {"SONNERIE_SITE": "gra", "SONNERIE_WITNESSES": "witness,paris"}
    found = read_settings({}, filled)
    assert (found.site, found.witnesses) == ("gra", ("witness", "paris"))


def test_a_witness_is_accepted_and_hardened(site: Cluster) -> None:
    """It has no account in the cluster it runs in, and reads its kubeconfigs from the Secret that the docs make."""
    documents = rendered(site, MANIFESTS / "witness/outside")
    accepted(site, documents)
    pod = the(documents, "Deployment")["spec"]["template"]["spec"]
    assert not pod["automountServiceAccountToken"]
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 65532)
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    settings = read_witness_settings({}, next(d["data"] for d in documents if d["kind"] == "ConfigMap"))
    mounted = {volume["name"]: volume["mountPath"] for volume in container["volumeMounts"]}
    assert str(settings.sites) == mounted["sites"]
    at_each_site = rendered(site, MANIFESTS / "witness/at-each-site")
    accepted(site, at_each_site)
    assert the(at_each_site, "SiteReport", settings.name)["spec"] == {"observer": settings.name}


def test_the_example_fleet_is_accepted(site: Cluster) -> None:
    """By the schemas and rules of the API server too."""
    documents = rendered(site, MANIFESTS / "example-fleet")
    site.kubectl("create", "namespace", "portals")
    try:
        accepted(site, documents)
    finally:
        site.kubectl("delete", "namespace", "portals", "--wait=false")
    kinds = {"Namespace", "Site", "SchoolCalendar", "SchoolSchedule", "RegionalENT"}
    assert {document["kind"] for document in documents} == kinds


def test_recording_is_a_component_with_a_bound(site: Cluster, tmp_path: Path) -> None:
    """A folder of its own, larger than the recorder's bound, smaller than what the pod may take."""
    bases = {"resources": [MANIFESTS / OVERLAYS[0]], "components": [MANIFESTS / "components/recording"]}
    relative = {key: [os.path.relpath(path, tmp_path) for path in paths] for key, paths in bases.items()}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(relative))
    documents = rendered(site, tmp_path)
    accepted(site, documents)
    pod = the(documents, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    environment = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    settings = read_settings({}, environment)
    assert settings.record is not None
    assert str(settings.record).startswith("/recordings/")
    sizes = {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"]}
    assert (sizes["recordings"], settings.record_most_megabytes) == ("1Gi", 900)


def test_the_weekly_drill_is_a_component_and_hardened(site: Cluster, tmp_path: Path) -> None:
    """Its account can write the drain of a Site and nothing else; the command is one that there is."""
    head = (MANIFESTS / "components/drill/kustomization.yaml").read_text()
    shown = yaml.safe_load("\n".join(line[4:] for line in head.splitlines() if line.startswith("#   ")))
    bases = {"resources": [MANIFESTS / OVERLAYS[0]], "components": [MANIFESTS / "components/drill"]}
    relative: dict[str, Any] = {
        key: [os.path.relpath(path, tmp_path) for path in paths] for key, paths in bases.items()
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(relative | {"patches": shown["patches"]}))
    documents = rendered(site, tmp_path)
    accepted(site, documents)
    pod = the(documents, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert (pod["securityContext"]["runAsNonRoot"], pod["serviceAccountName"]) == (True, "sonnerie-drill")
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {"memory", "ephemeral-storage"} <= container["resources"]["limits"].keys()
    said = {each["name"]: each["value"] for each in container["env"]}
    assert said["SITE"] == "gra"
    words = [word.replace("$(SITE)", said["SITE"]).replace("$(LENGTH)", said["LENGTH"]) for word in container["args"]]
    assert sonnerie(*words, "--kubeconfig", tmp_path / "none").returncode == 3, "only the cluster is missing"
    granted = the(documents, "ClusterRole", "sonnerie-drill")["rules"]
    written = [rule["resources"] for rule in granted if set(rule["verbs"]) - {"get", "list", "watch"}]
    assert written == [["sites"]]


def test_monitoring_is_rendered_whole(site: Cluster) -> None:
    """Rules, the scrape of the Service there is, and the dashboard where Grafana's side-car looks for it."""
    documents = rendered(site, MANIFESTS / "monitoring")
    rule = the(documents, "PrometheusRule")
    assert sum(len(group["rules"]) for group in rule["spec"]["groups"]) == len(rules())
    dashboard = the(documents, "ConfigMap")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert "dashboard.json" in dashboard["data"]
    base = rendered(site, MANIFESTS / OVERLAYS[0])
    wanted = the(documents, "ServiceMonitor")["spec"]
    services = [
        d
        for d in base
        if d["kind"] == "Service" and wanted["selector"]["matchLabels"].items() <= d["metadata"]["labels"].items()
    ]
    (service,) = services
    assert wanted["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_kubectl_calls_us_by_our_name(site: Cluster, tmp_path: Path) -> None:
    """What is installed as `kubectl-sonnerie` answers to `kubectl sonnerie`."""
    plugin = tmp_path / "kubectl-sonnerie"
    plugin.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m controller "$@"\n')
    plugin.chmod(0o755)
    kubectl = visiting_tools(build=False).kubectl
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        [kubectl, "sonnerie", "--version"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("sonnerie ")
    assert site.alive
