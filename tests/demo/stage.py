"""Everything around Kubernetes and the controller: portals, a Prometheus per site, HAProxy, references, users."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.controlplane import haproxy_command, prometheus_binary
from tests.controlplane.ports import free_ports
from tests.demo import haproxy, prometheus, records
from tests.demo.processes import Troupe, get_text, python_module, wait_for
from tests.demo.records import Weight
from tests.demo.story import Story

WEIGHTS_EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where everybody listens, on loopback."""

    edge: haproxy.EdgePorts
    listen: int
    """The controller's own figures."""
    references: tuple[int, ...]
    portals: Mapping[str, int]
    prometheus: Mapping[str, int]


def take_ports(story: Story) -> Ports:
    """Choose ports that were free just now and stay free of outgoing connections."""
    names = [site.name for site in story.sites]
    ports = free_ports(7 + 2 * len(names))
    return Ports(
        edge=haproxy.EdgePorts(users=ports[0], statistics=ports[1], agent=ports[2]),
        listen=ports[3],
        references=ports[4:7],
        portals=dict(zip(names, ports[7 : 7 + len(names)], strict=True)),
        prometheus=dict(zip(names, ports[7 + len(names) :], strict=True)),
    )


class Stage:
    """Runs it all inside a `with` block. `ready` is, by site, what its portals learn their replicas from."""

    def __init__(self, story: Story, folder: Path, ports: Ports, ready: Mapping[str, tuple[str, Path]]) -> None:
        self.story, self.folder, self.ports = story, folder, ports
        self._ready = ready
        self.troupe = Troupe(folder / "processes")
        self.weights_now: dict[tuple[str, str], int] = {}
        """By ENT and site, as HAProxy has them."""
        self._over = threading.Event()
        self._weights = threading.Thread(target=self._watch_weights, name="weights", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._start_all()
        except BaseException:
            self.troupe.end()
            raise
        self._weights.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.troupe.end()
        self._weights.join()

    @property
    def users_address(self) -> str:
        """Return where users come."""
        return f"http://127.0.0.1:{self.ports.edge.users}"

    @property
    def references(self) -> tuple[str, ...]:
        """Return the addresses outside all sites."""
        return tuple(f"http://127.0.0.1:{port}/" for port in self.ports.references)

    def canary(self, site: str) -> str:
        """Return a site's public address for observers."""
        return f"http://127.0.0.1:{self.ports.portals[site]}/canary"

    def prometheus_url(self, site: str) -> str:
        """Return the address of a site's Prometheus."""
        return f"http://127.0.0.1:{self.ports.prometheus[site]}"

    def start_users(self, curtain: float) -> None:
        """Let the users come from this instant on."""
        record = self.folder / records.REQUESTS
        arguments = (f"--address={self.users_address}", f"--curtain={curtain}", f"--record={record}")
        self.troupe.add("users", python_module("tests.demo.load", *arguments))

    def stop_prometheus(self, site: str) -> None:
        """Stop a site's Prometheus at once."""
        self.troupe.kill(f"prometheus-{site}")

    def start_prometheus(self, site: str) -> None:
        """Start it again; it has its data."""
        child = self.troupe.bring_back(f"prometheus-{site}")
        wait_for(child, f"{self.prometheus_url(site)}/-/ready")

    def kill_site(self, site: str) -> None:
        """End what we run at the site at once: portals and Prometheus."""
        for name in (f"portal-{site}", f"prometheus-{site}"):
            self.troupe.kill(name)

    def return_site(self, site: str) -> None:
        """Start both again."""
        wait_for(self.troupe.bring_back(f"portal-{site}"), self.canary(site))
        self.start_prometheus(site)

    def _start_all(self) -> None:
        binary = prometheus_binary()
        with ThreadPoolExecutor() as pool:
            starts = [
                pool.submit(self._start_references),
                *(pool.submit(self._start_portal, site.name) for site in self.story.sites),
                *(pool.submit(self._start_prometheus, site.name, binary) for site in self.story.sites),
            ]
            for start in starts:
                start.result()
        self._start_edge()  # last: what is not there yet would count as down

    def _start_references(self) -> None:
        arguments = [str(port) for port in self.ports.references]
        child = self.troupe.add("references", python_module("tests.demo.references", *arguments))
        for address in self.references:
            wait_for(child, address)

    def _start_portal(self, site: str) -> None:
        option, path = self._ready[site]
        record = self.folder / records.portal_file(site)
        arguments = (f"--site={site}", f"--port={self.ports.portals[site]}", f"--record={record}", f"{option}={path}")
        wait_for(self.troupe.add(f"portal-{site}", python_module("tests.demo.portal", *arguments)), self.canary(site))

    def _start_prometheus(self, site: str, binary: Path) -> None:
        folder = self.folder / f"prometheus-{site}"
        folder.mkdir(parents=True, exist_ok=True)
        configuration = prometheus.configuration(self.story, self.ports.portals[site])
        (folder / "prometheus.yml").write_text(configuration)
        command = prometheus.command(binary, folder, self.ports.prometheus[site])
        wait_for(self.troupe.add(f"prometheus-{site}", command), f"{self.prometheus_url(site)}/-/ready")

    def _start_edge(self) -> None:
        program, busy = haproxy_command(), self.folder / "busy.http"
        busy.write_text(haproxy.busy_answer())
        path = self.folder / "haproxy.cfg"
        path.write_text(haproxy.configuration(self.story, self.ports.edge, self.ports.portals, busy))
        child = self.troupe.add("haproxy", [*program.argv, "-db", "-f", str(path)], **program.environment)
        wait_for(child, self._statistics_url)

    @property
    def _statistics_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.edge.statistics}/;csv"

    def _watch_weights(self) -> None:
        with (self.folder / records.WEIGHTS).open("w") as file:
            file.write(Weight.header())
            while not self._over.wait(WEIGHTS_EVERY_SECONDS):
                statistics = get_text(self._statistics_url)
                seen = haproxy.weights_of(statistics, self.story, haproxy.now_seconds()) if statistics else []
                self.weights_now = {(weight.ent, weight.site): weight.weight for weight in seen} or self.weights_now
                file.writelines(weight.text() for weight in seen)
                file.flush()
