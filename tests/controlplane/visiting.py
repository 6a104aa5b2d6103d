"""Our played nodes on a cluster that somebody else runs, so that tests meet the same delays and bounds there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.controlplane import components
from tests.controlplane.client import ApiClient
from tests.controlplane.errors import ServerFailedError
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.nodes import MANAGED_LABEL, stages
from tests.controlplane.played import PlayedNodes
from tests.controlplane.processes import Child
from tests.controlplane.programs import VisitingTools
from tests.controlplane.sites import SiteSpec, child_environment
from tests.controlplane.waiting import wait_until

READY_SECONDS = 100.0  # a cluster in containers takes its time after a kill


class Visit:
    """kwok on one cluster, with the nodes of one spec; both are gone after `end`."""

    def __init__(self, spec: SiteSpec, *, tools: VisitingTools, kubeconfig: Path, folder: Path) -> None:
        self._spec = spec
        folder.mkdir(parents=True, exist_ok=True)
        stages_file = folder / "stages.yaml"
        stages_file.write_text(stages(spec.start_up_milliseconds))
        self._kubeconfig = kubeconfig
        self.kubectl = Kubectl(tools.kubectl, kubeconfig, folder / "kubectl-cache")
        self._definitions = tools.definitions
        self._kwok = Child(
            f"kwok of site {spec.name}",
            components.kwok(tools.kwok, kubeconfig, stages_file, spec.node_grace_seconds),
            log=folder / "kwok.log",
            pid_file=folder / "kwok.pid",
            environment=child_environment(components.KWOK, home=folder),
        )

    @property
    def client(self) -> ApiClient:
        """Gives a client for the cluster as its kubeconfig says now."""
        return ApiClient.from_kubeconfig(self._kubeconfig)

    @property
    def nodes(self) -> PlayedNodes:
        """Gives the nodes we play there."""
        return PlayedNodes(self.client, self._spec.name)

    def begin(self) -> None:
        """Plays the nodes and returns when they are Ready; refuses a cluster whose own nodes would take our pods."""
        client, spec = self.client, self._spec
        wait_until(lambda: client.says_ok("/readyz"), READY_SECONDS, f"site {spec.name}: the API is ready")
        if others := self.other_nodes():
            message = (
                f"site {spec.name}: the cluster's own nodes {', '.join(others)} would run the tests' pods, which have "
                f"no image.\nUse a cluster for tests alone, and run there: kubectl cordon {' '.join(others)}"
            )
            raise ServerFailedError(message)
        self.nodes.forget_leases(spec.nodes)
        self._kwok.start()
        self.nodes.create(spec.nodes, pods=spec.pods_per_node, cpu=spec.cpu_per_node)
        wait_until(lambda: self.nodes.all_ready(spec.nodes), READY_SECONDS, f"site {spec.name}: nodes are Ready")

    def other_nodes(self) -> list[str]:
        """Names the nodes that take pods and are not ours."""
        listed = json.loads(self.kubectl.run("get", "nodes", f"--selector=!{MANAGED_LABEL}", "--output=json"))
        ours = set(self.nodes.names(self._spec.nodes))
        names = [item["metadata"]["name"] for item in listed["items"] if not item["spec"].get("unschedulable")]
        return [name for name in names if name not in ours]

    def pause(self) -> None:
        """Stops playing; the nodes stay."""
        self._kwok.kill()

    def end(self) -> None:
        """Stops playing and removes the nodes, if the cluster can still be reached."""
        self._kwok.kill()
        arguments = ("delete", "nodes", f"--selector={MANAGED_LABEL}", "--ignore-not-found", "--wait=false")
        command = [str(self.kubectl.program), f"--kubeconfig={self._kubeconfig}", "--request-timeout=10s", *arguments]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)

    def install_crds(self, *projects: str) -> None:
        """Installs upstream's definitions."""
        for project in projects:
            self.kubectl.install_definitions(self._definitions / project)
