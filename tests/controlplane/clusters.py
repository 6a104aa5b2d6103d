"""What a test may ask of a cluster, whoever runs it: our own processes, kind, or somebody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from tests.controlplane.played import PlayedNodes


class Cluster(Protocol):
    """One site, as tests see it."""

    @property
    def name(self) -> str:
        """Gives the site's name."""

    @property
    def kubeconfig(self) -> Path:
        """Gives the file with an administrator's credentials."""

    @property
    def server(self) -> str:
        """Gives the URL of the API server."""

    @property
    def alive(self) -> bool:
        """Says whether the cluster runs."""

    @property
    def nodes(self) -> PlayedNodes:
        """Gives the nodes, whose heartbeats can be stopped."""

    def start(self) -> None:
        """Starts it, or brings it back, and returns when pods can run."""

    def stop(self) -> None:
        """Ends it in good order; its objects stay."""

    def kill(self) -> None:
        """Ends it at once; its objects stay."""

    def hang(self) -> None:
        """Lets its API server hang: connections are accepted and nothing answers."""

    def go_on(self) -> None:
        """Lets a hanging API server go on."""

    def end(self) -> None:
        """Ends it for good."""

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002  as subprocess calls it
        """Runs kubectl as administrator and gives what it printed."""

    def install_crds(self, *projects: str) -> None:
        """Installs upstream's definitions, such as gateway-api."""


AnyCluster = TypeVar("AnyCluster", bound=Cluster)


class OnDemand(Mapping[str, AnyCluster]):
    """Clusters by name, each started when somebody first asks for it."""

    def __init__(self, clusters: Mapping[str, AnyCluster]) -> None:
        self._clusters = clusters
        self._started: set[str] = set()

    def __getitem__(self, name: str) -> AnyCluster:
        cluster = self._clusters[name]
        if name not in self._started:
            cluster.start()
            self._started.add(name)  # once only: a cluster that a test has killed stays down until it says so
        return cluster

    def __iter__(self) -> Iterator[str]:
        return iter(self._clusters)

    def __len__(self) -> int:
        return len(self._clusters)


class OutsideControlPlane:
    """Clusters that we do not run ourselves, behind the interface of `ControlPlane`; each is started on demand."""

    def __init__(self, clusters: Sequence[Cluster]) -> None:
        self._clusters = clusters
        self._stack = ExitStack()
        self.sites: Mapping[str, Cluster] = {}

    def __enter__(self) -> Self:
        for cluster in self._clusters:
            self._stack.callback(cluster.end)
        self.sites = OnDemand({cluster.name: cluster for cluster in self._clusters})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def install_crds(self, *projects: str) -> None:
        """Installs upstream's definitions in every site: any of gateway-api, external-dns, keda."""
        for site in self.sites.values():
            site.install_crds(*projects)
