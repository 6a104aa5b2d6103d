"""Sites on clusters that we do not run: the tests that use them see no difference.

One API server of our own stands for the foreign cluster. It has no played nodes and no kwok, and one node of its
own, as a cluster in a container has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane, ServerFailedError, Site, SiteSpec
from tests.controlplane.clusters import Cluster, OutsideControlPlane
from tests.controlplane.given import GivenCluster
from tests.controlplane.kind import KindCluster, kind_clusters
from tests.controlplane.programs import Binaries, visiting_tools
from tests.controlplane.waiting import wait_until
from tests.live.portals import deployment, is_true, pods

pytestmark = pytest.mark.live

SPEC = SiteSpec(name="guest", nodes=2)
OWN_NODE = "sonnerie-test-guest-control-plane"  # as kind would call it

FAKE_KIND = """\
#!/bin/sh
echo "kind $*" >> "{log}"
for argument; do case "$argument" in --kubeconfig=*) cp "{kubeconfig}" "${{argument#*=}}";; esac; done
"""
FAKE_DOCKER = """\
#!/bin/sh
echo "docker $*" >> "{log}"
echo true
"""


@pytest.fixture
def host(programs: Binaries, tmp_path: Path) -> Iterator[Site]:
    """Gives a cluster with one schedulable node of its own, which nobody plays."""
    specs = [SiteSpec(name="host", nodes=0)]
    with ControlPlane(specs, run_folder=tmp_path / "host", programs=programs) as plane:
        site = plane.sites["host"]
        site.kill_component("kwok")
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": OWN_NODE}}
        site.kubectl("apply", "--filename=-", input=json.dumps(node))
        yield site


def runs_a_pod(site: Cluster) -> bool:
    """Says whether a pod becomes Ready there."""
    site.kubectl("apply", "--filename=-", input=deployment("portal", replicas=1, start_up_milliseconds=0))
    wait_until(lambda: [is_true(pod, "Ready") for pod in pods(site, "default", "portal")] == [True], 60, "a Ready pod")
    return True


def node_names(site: Cluster) -> list[str]:
    """Names all nodes of a cluster."""
    return sorted(site.kubectl("get", "nodes", "--output=name").split())


def test_a_given_cluster_is_used_and_left_as_it_was(host: Site, tmp_path: Path) -> None:
    """Its own schedulable nodes are refused, with the command to run; ours are gone afterwards."""
    cluster = GivenCluster(
        SPEC, tools=visiting_tools(build=False), kubeconfig=host.kubeconfig, folder=tmp_path / "guest"
    )
    with OutsideControlPlane([cluster]) as plane:
        with pytest.raises(ServerFailedError, match=f"kubectl cordon {OWN_NODE}"):
            plane.sites["guest"]
        host.kubectl("cordon", OWN_NODE)
        site = plane.sites["guest"]
        assert site.alive
        assert site.server == host.server
        assert runs_a_pod(site)
    wait_until(lambda: node_names(host) == [f"node/{OWN_NODE}"], 60, "our nodes are gone")


def test_a_kind_cluster_is_created_killed_returned_and_deleted(
    host: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands are kind's and docker's own; the commands here are stand-ins, the API server is real."""
    log = tmp_path / "commands"
    for name, text in (("kind", FAKE_KIND), ("docker", FAKE_DOCKER)):
        script = tmp_path / name
        script.write_text(text.format(log=log, kubeconfig=host.kubeconfig))
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    clusters: list[KindCluster] = kind_clusters([SPEC], tools=visiting_tools(build=False), folder=tmp_path / "clusters")
    with OutsideControlPlane(clusters) as plane:
        site = plane.sites["guest"]
        assert site.server == host.server
        assert runs_a_pod(site)
        site.kill()
        site.start()
        assert runs_a_pod(site)

    made = log.read_text().splitlines()
    name = "--name=sonnerie-test-guest"
    kubeconfig = f"--kubeconfig={tmp_path / 'clusters' / 'guest' / 'admin.yaml'}"
    assert made[1:] == [  # after `docker info`
        f"kind delete cluster {name}",
        f"kind create cluster {name} {kubeconfig} --wait=180s",
        f"docker kill {OWN_NODE}",
        f"docker start {OWN_NODE}",
        f"kind delete cluster {name}",
    ]
