"""Clusters that somebody gave us by kubeconfig: we play nodes on them and leave their own processes alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tests.controlplane.client import ApiClient
from tests.controlplane.errors import PartsMissingError
from tests.controlplane.played import PlayedNodes
from tests.controlplane.programs import GIVEN_CLUSTER, VisitingTools
from tests.controlplane.sites import SiteSpec
from tests.controlplane.visiting import Visit


class GivenCluster:
    """One site on a cluster of somebody else's. It cannot be killed, and says so to a test that wants to."""

    def __init__(self, spec: SiteSpec, *, tools: VisitingTools, kubeconfig: Path, folder: Path) -> None:
        self.name = spec.name
        self.kubeconfig = kubeconfig
        self._visit = Visit(spec, tools=tools, kubeconfig=kubeconfig, folder=folder)

    @property
    def server(self) -> str:
        """Gives the URL of the API server."""
        return ApiClient.from_kubeconfig(self.kubeconfig).server

    @property
    def alive(self) -> bool:
        """Says whether the API answers that it is ready."""
        return self._visit.client.says_ok("/readyz")

    @property
    def nodes(self) -> PlayedNodes:
        """Gives the nodes we play."""
        return self._visit.nodes

    def start(self) -> None:
        """Plays our nodes there and returns when they are Ready."""
        self._visit.begin()

    def stop(self) -> None:
        """Refuses: the cluster is not ours to stop."""
        self._refuse("stopped")

    def kill(self) -> None:
        """Refuses: the cluster is not ours to kill."""
        self._refuse("killed")

    def hang(self) -> None:
        """Refuses: the cluster is not ours to halt."""
        self._refuse("halted")

    def go_on(self) -> None:
        """Refuses: the cluster was not halted by us."""
        self._refuse("halted")

    def end(self) -> None:
        """Removes our nodes."""
        self._visit.end()

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002  as subprocess calls it
        """Runs kubectl with the given kubeconfig."""
        return self._visit.kubectl.run(*arguments, input=input)

    def install_crds(self, *projects: str) -> None:
        """Installs upstream's definitions; they stay."""
        self._visit.install_crds(*projects)

    def _refuse(self, what: str) -> NoReturn:
        message = f"site {self.name} is a given cluster and cannot be {what}; unset {GIVEN_CLUSTER} for this test"
        raise PartsMissingError(message)


def given_clusters(
    specs: Sequence[SiteSpec], joined_paths: str, *, tools: VisitingTools, folder: Path
) -> list[GivenCluster]:
    """Gives one cluster per spec, in the order of the kubeconfigs; raises when there are too few."""
    paths = [Path(path).expanduser() for path in joined_paths.split(os.pathsep) if path]
    if lacking := [str(path) for path in paths if not path.is_file()]:
        message = f"{GIVEN_CLUSTER} names {', '.join(lacking)}, which is not a file"
        raise PartsMissingError(message)
    if len(paths) < len(specs):
        message = (
            f"{GIVEN_CLUSTER} gives {len(paths)} cluster(s) and the tests use {len(specs)}, each with its own API "
            f"server.\nJoin {len(specs)} kubeconfigs with '{os.pathsep}', or unset it and run `make setup`."
        )
        raise PartsMissingError(message)
    return [
        GivenCluster(spec, tools=tools, kubeconfig=path, folder=folder / spec.name)
        for spec, path in zip(specs, paths, strict=False)
    ]
