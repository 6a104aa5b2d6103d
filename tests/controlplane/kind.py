"""The same sites on kind clusters. `python -m tests.controlplane.kind` says what is missing to run them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.controlplane.client import ApiClient
from tests.controlplane.errors import PartsMissingError, ServerFailedError
from tests.controlplane.played import PlayedNodes
from tests.controlplane.programs import VisitingTools
from tests.controlplane.sites import SiteSpec
from tests.controlplane.visiting import Visit

PREFIX = "sonnerie-test-"
DOCKER_ANSWER_SECONDS = 20  # a daemon that hangs is as good as none
CREATE_SECONDS = 600  # the first cluster pulls the node image
START_WAIT = "180s"


def missing_for_kind() -> list[str]:
    """Says, one sentence each, what kind needs and this machine does not have; empty if it can run."""
    sentences = []
    if shutil.which("docker") is None:
        sentences.append("The `docker` command is not on PATH: install Docker Engine, then start its daemon.")
    elif complaint := _docker_complaint():
        sentences.append(
            f"`docker info` reaches no Docker daemon ({complaint}): start it (`systemctl start docker`), or set "
            "DOCKER_HOST to one you may use."
        )
    if shutil.which("kind") is None:
        sentences.append("The `kind` command is not on PATH: `go install sigs.k8s.io/kind@latest`, or your package.")
    return sentences


class KindCluster:
    """One site as one kind cluster, with our played nodes beside its own cordoned one."""

    def __init__(self, spec: SiteSpec, *, tools: VisitingTools, folder: Path) -> None:
        self.name = spec.name
        self._cluster = PREFIX + spec.name
        folder.mkdir(parents=True, exist_ok=True)
        self.kubeconfig = folder / "admin.yaml"
        self._created = False
        self._visit = Visit(spec, tools=tools, kubeconfig=self.kubeconfig, folder=folder)

    @property
    def server(self) -> str:
        """Gives the URL of the API server; kind keeps its port over a restart."""
        return ApiClient.from_kubeconfig(self.kubeconfig).server

    @property
    def alive(self) -> bool:
        """Says whether the cluster's container runs."""
        state = _run("docker", "inspect", "--format={{.State.Running}}", self._container, check=False)
        return state.strip() == "true"

    @property
    def nodes(self) -> PlayedNodes:
        """Gives the nodes we play."""
        return self._visit.nodes

    @property
    def _container(self) -> str:
        return f"{self._cluster}-control-plane"

    def start(self) -> None:
        """Creates the cluster, or starts its container again, and returns when our nodes are Ready."""
        if self._created:
            _run("docker", "start", self._container)
        else:
            _run("kind", "delete", "cluster", f"--name={self._cluster}")  # of a run that was killed
            config = f"--kubeconfig={self.kubeconfig}"
            _run("kind", "create", "cluster", f"--name={self._cluster}", config, f"--wait={START_WAIT}")
            self._created = True
            self._visit.kubectl.run("cordon", self._container)
        self._visit.begin()

    def stop(self) -> None:
        """Ends the cluster in good order."""
        self._visit.pause()
        _run("docker", "stop", self._container)

    def kill(self) -> None:
        """Ends the cluster at once."""
        self._visit.pause()
        _run("docker", "kill", self._container)

    def hang(self) -> None:
        """Freezes the cluster's container."""
        _run("docker", "pause", self._container)

    def go_on(self) -> None:
        """Lets the cluster's container go on."""
        _run("docker", "unpause", self._container)

    def end(self) -> None:
        """Deletes the cluster."""
        self._visit.pause()
        if self._created:
            _run("kind", "delete", "cluster", f"--name={self._cluster}")

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002  as subprocess calls it
        """Runs kubectl as the cluster's administrator."""
        return self._visit.kubectl.run(*arguments, input=input)

    def install_crds(self, *projects: str) -> None:
        """Installs upstream's definitions."""
        self._visit.install_crds(*projects)


def kind_clusters(specs: Sequence[SiteSpec], *, tools: VisitingTools, folder: Path) -> list[KindCluster]:
    """Gives one cluster per spec, none created yet; raises with all that is missing."""
    if missing := missing_for_kind():
        raise PartsMissingError("\n".join(["Tests on kind clusters cannot run here:", *missing]))
    return [KindCluster(spec, tools=tools, folder=folder / spec.name) for spec in specs]


def _docker_complaint() -> str:
    try:
        answer = subprocess.run(
            ["docker", "info", "--format={{.ServerVersion}}"],
            capture_output=True,
            text=True,
            timeout=DOCKER_ANSWER_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {DOCKER_ANSWER_SECONDS} s"
    return "" if answer.returncode == 0 else (answer.stderr.strip().splitlines() or ["no reason given"])[0]


def _run(*command: str, check: bool = True) -> str:
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CREATE_SECONDS)
    if check and answer.returncode != 0:
        message = f"`{' '.join(command)}` ended with {answer.returncode}: {answer.stderr.strip()}"
        raise ServerFailedError(message)
    return answer.stdout


def main() -> int:
    """Says what is missing and gives 1, or 0 if kind can run here."""
    missing = missing_for_kind()
    for sentence in missing:
        print(sentence, file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
