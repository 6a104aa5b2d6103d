"""One site: its own etcd, API server, controllers, scheduler and nodes, which live and die together or one by one."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane import components
from tests.controlplane.client import ApiClient
from tests.controlplane.components import Files, Pace, Ports
from tests.controlplane.credentials import Credentials
from tests.controlplane.errors import ServerFailedError
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.nodes import stages
from tests.controlplane.played import PlayedNodes
from tests.controlplane.ports import LOOPBACK, free_ports
from tests.controlplane.processes import Child
from tests.controlplane.programs import Binaries
from tests.controlplane.waiting import wait_until

START_SECONDS = 100.0  # per step, on two cores that others use too; a site alone needs about ten in all
PORT_TAKEN = "address already in use"  # as every one of the servers says it
PORT_TRIES = 3  # another process may bind a port between our look and the server's
SERVERS = 5  # of one site that listen
ONE_CORE = "1"  # many servers on few cores: one thread each wastes the least


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSpec:
    """What a site is like. A pod's own annotation wins over `start_up_milliseconds`."""

    name: str
    nodes: int = 2
    pods_per_node: int = 110
    cpu_per_node: str = "32"
    start_up_milliseconds: int = 2000
    node_grace_seconds: int = 40  # how long a node's heartbeat may stay away before it is not Ready
    hpa_sync_seconds: int = 15
    audited: bool = False  # every write is in `audit_log`
    address: str = LOOPBACK  # where its servers listen
    enter: tuple[str, ...] = ()  # what leads a command into the site's network, before the command itself


class Site:
    """One Kubernetes cluster whose nodes are played by kwok. Ports, certificates and data outlive its processes."""

    def __init__(self, spec: SiteSpec, *, programs: Binaries, folder: Path, memory: Path) -> None:
        self.spec = spec
        self.name = spec.name
        self._programs = programs
        self._folder = folder
        for part in ("pki", "kubeconfigs", "logs", "pids"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        self._files = Files(
            pki=folder / "pki",
            kubeconfigs=folder / "kubeconfigs",
            stages=folder / "stages.yaml",
            data=memory / spec.name,
            audit_log=folder / "logs" / "audit.log",
        )
        self._files.stages.write_text(stages(spec.start_up_milliseconds))
        self._credentials = Credentials(spec.name, self._files, spec.address)
        self.kubeconfig = self._files.kubeconfigs / "admin.yaml"
        self._kubectl = Kubectl(programs.kubectl, self.kubeconfig, folder / "kubectl-cache")
        self._starting = threading.Lock()
        self._spawning = threading.Lock()
        self._begun: set[str] = set()
        self._ended = False
        self._came_up_once = False
        self._take_ports()

    @property
    def server(self) -> str:
        """Gives the URL of the API server."""
        return f"https://{self.spec.address}:{self._ports.api_server}"

    @property
    def audit_log(self) -> Path:
        """Gives where the API server of an audited site logs writes, one JSON object a line."""
        return self._files.audit_log

    @property
    def alive(self) -> bool:
        """Says whether every process of the site runs."""
        return all(child.alive for child in self._children.values())

    @property
    def pids(self) -> dict[str, int]:
        """Gives the process id of each component that runs."""
        return {name: child.pid for name, child in self._children.items() if child.pid is not None}

    @property
    def nodes(self) -> PlayedNodes:
        """Gives the nodes of the site, whose heartbeats can be stopped."""
        return PlayedNodes(self._client, self.name)

    @property
    def _client(self) -> ApiClient:
        return self._credentials.admin_client(self.server)

    def start(self) -> None:
        """Starts what does not run and returns when the API answers, all nodes are Ready and the scheduler works."""
        with self._starting:
            for tries_left in reversed(range(PORT_TRIES)):
                try:
                    self._start_everything()
                except ServerFailedError as error:
                    if self._came_up_once or not tries_left or PORT_TAKEN not in str(error):
                        raise
                    self.kill()
                    shutil.rmtree(self._files.data, ignore_errors=True)
                    self._take_ports()
                else:
                    self._came_up_once = True
                    return

    def stop(self) -> None:
        """Ends the site in good order; its objects are there when it starts again."""
        for child in reversed(list(self._children.values())):
            child.terminate()

    def kill(self) -> None:
        """Ends every process of the site at once, as if the building had lost power."""
        for child in self._children.values():
            child.kill()

    def end(self) -> None:
        """Ends the site for good: nothing of it can be started any more, not even by a thread that is about to."""
        with self._spawning:
            self._ended = True
            self.kill()

    def kill_component(self, name: str) -> None:
        """Ends one component, such as kube-apiserver, at once; `start()` brings it back."""
        self._child(name).kill()

    def pause_component(self, name: str) -> None:
        """Lets one component hang: its port accepts connections and nothing answers."""
        self._child(name).pause()

    def resume_component(self, name: str) -> None:
        """Lets a paused component go on."""
        self._child(name).resume()

    def hang(self) -> None:
        """Lets the API server hang."""
        self.pause_component("kube-apiserver")

    def go_on(self) -> None:
        """Lets a hanging API server go on."""
        self.resume_component("kube-apiserver")

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002  as subprocess calls it
        """Runs kubectl as administrator of this site and gives what it printed; raises with its complaint."""
        return self._kubectl.run(*arguments, input=input)

    def install_crds(self, *projects: str) -> None:
        """Installs upstream's definitions, such as gateway-api, and returns when their kinds can be used."""
        for project in projects:
            self._kubectl.install_definitions(self._programs.definitions / project)

    def _take_ports(self) -> None:
        etcd, etcd_peer, api_server, controller_manager, scheduler = free_ports(SERVERS)
        self._ports = Ports(
            address=self.spec.address,
            etcd=etcd,
            etcd_peer=etcd_peer,
            api_server=api_server,
            controller_manager=controller_manager,
            scheduler=scheduler,
        )
        self._credentials.write_kubeconfigs(self.server)
        self._children = {name: self._make(name, argv) for name, argv in self._commands().items()}

    def _commands(self) -> dict[str, list[str]]:
        programs, ports, files, spec = self._programs, self._ports, self._files, self.spec
        pace = Pace(node_grace_seconds=spec.node_grace_seconds, hpa_sync_seconds=spec.hpa_sync_seconds)
        kwok_kubeconfig = files.kubeconfigs / "kwok.yaml"
        return {
            components.ETCD: components.etcd(programs, ports, files),
            components.API_SERVER: [
                *components.api_server(programs, ports, files),
                *(components.auditing(files) if spec.audited else ()),
            ],
            components.CONTROLLER_MANAGER: components.controller_manager(programs, ports, files, pace),
            components.SCHEDULER: components.scheduler(programs, ports, files),
            components.KWOK: components.kwok(programs.kwok, kwok_kubeconfig, files.stages, spec.node_grace_seconds),
        }

    def _make(self, name: str, argv: list[str]) -> Child:
        return Child(
            f"{name} of site {self.name}",
            [*self.spec.enter, *argv],
            log=self._folder / "logs" / f"{name}.log",
            pid_file=self._folder / "pids" / f"{name}.pid",
            environment=child_environment(name, home=self._folder),
        )

    def _start_everything(self) -> None:
        self._begun = set()
        self._begin(components.ETCD)
        self._begin(components.API_SERVER)
        self._wait(components.API_SERVER, lambda: self._client.says_ok("/readyz"), "the API is ready")
        for name in (components.CONTROLLER_MANAGER, components.SCHEDULER):
            self._begin(name)
        spec = self.spec
        if not self._children[components.KWOK].alive:
            self.nodes.forget_leases(spec.nodes)
        self._begin(components.KWOK)
        self.nodes.create(spec.nodes, pods=spec.pods_per_node, cpu=spec.cpu_per_node)
        self._wait(components.KWOK, lambda: self.nodes.all_ready(spec.nodes), "all nodes are Ready")
        self._healthy(components.CONTROLLER_MANAGER, self._ports.controller_manager, "/healthz")
        self._healthy(components.SCHEDULER, self._ports.scheduler, "/readyz")
        # The ServiceAccount controller works, so pods can be created in the default namespace.
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self._wait(components.CONTROLLER_MANAGER, lambda: self._client.says_ok(account), "a ServiceAccount")

    def _begin(self, name: str) -> None:
        with self._spawning:
            if self._ended:
                message = f"site {self.name} was ended and cannot start any more"
                raise ServerFailedError(message)
            self._children[name].start()
            self._begun.add(name)

    def _healthy(self, name: str, port: int, path: str) -> None:
        client = self._credentials.admin_client(f"https://{self.spec.address}:{port}")
        self._wait(name, lambda: client.says_ok(path), f"{name} answers {path}")

    def _wait(self, name: str, condition: Callable[[], bool], what: str) -> None:
        def look() -> bool:
            for begun in self._begun:
                self._children[begun].expect_alive()
            return condition()

        try:
            wait_until(look, START_SECONDS, f"site {self.name}: {what}")
        except TimeoutError as error:
            message = f"{error}; the end of the log of {name}:\n{self._children[name].log_tail()}"
            raise ServerFailedError(message) from error

    def _child(self, name: str) -> Child:
        if name not in self._children:
            message = f"a site has no {name!r}, only {', '.join(self._children)}"
            raise ValueError(message)
        return self._children[name]


def child_environment(component: str, *, home: Path) -> dict[str, str]:
    """Gives the whole environment of a server: nothing of ours leaks in, no proxy, no kubeconfig."""
    return {
        "HOME": str(home),
        "PATH": os.defpath,
        "GOMAXPROCS": ONE_CORE,
        "GOMEMLIMIT": components.MEMORY_LIMITS[component],
    }
