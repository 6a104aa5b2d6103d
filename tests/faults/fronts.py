"""What users come through: a pair of HAProxies, or the sites' own DNS servers alone."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.controlplane import haproxy_command, knot_commands, wait_until
from tests.demo.processes import START_SECONDS, get_text, python_module, wait_for
from tests.faults import dns, haproxy
from tests.faults.asking import addresses_of
from tests.faults.cast import DNS_PORT, EDGE_PORT, EDGES, ENTS, PORTAL_PORT, SITES, STATISTICS_PORT
from tests.faults.stage import Stage
from tests.faults.traces import Weight


class Front(Protocol):
    """How users are sent to sites."""

    names: tuple[str, ...]
    """Of the edges, as they stand in the traces."""

    def start(self) -> None:
        """Start it."""
        ...

    def repair(self) -> None:
        """Start what does not run."""
        ...

    def forget(self) -> None:
        """Be as it was before any controller said anything."""
        ...

    def look(self) -> list[Weight]:
        """Return what it gives every site now; of an edge that does not answer nothing."""
        ...

    def ways(self) -> list[str]:
        """Return the users' arguments."""
        ...

    def processes_at(self, site: str) -> tuple[str, ...]:
        """Return which of its processes stand at a site."""
        ...


class HaproxyFront:
    """Two HAProxies outside the sites."""

    names: tuple[str, ...] = EDGES

    def __init__(self, stage: Stage, agents: Mapping[str, str]) -> None:
        self._stage, self._agents = stage, agents

    def start(self) -> None:
        """Start both."""
        stage = self._stage
        sites = {site: stage.address(site) for site in SITES}
        program = haproxy_command()
        for edge in EDGES:
            path = haproxy.write_configuration(self.folder(edge), stage.story, stage.address(edge), sites, self._agents)
            child = stage.run(edge, edge, [*program.argv, "-db", "-f", str(path)], **program.environment)
            wait_for(child, self._statistics(edge))

    def folder(self, edge: str) -> Path:
        """Return where an HAProxy has its files."""
        return self._stage.folder / edge

    def reload(self, edge: str) -> None:
        """Reload one as a script does: it says its state, ends, and begins from that state."""
        haproxy.keep_state(self.folder(edge))
        self._stage.kill(edge)
        self.repair()

    def repair(self) -> None:
        """Start those that do not run."""
        for edge in EDGES:
            if not self._stage.troupe.children[edge].alive:
                self._stage.bring_back(edge, self._statistics(edge))

    def forget(self) -> None:
        """Start both anew, with the weights of their configuration."""
        for edge in EDGES:
            self._stage.kill(edge)
            (self.folder(edge) / haproxy.STATE).write_text("")
        self.repair()

    def look(self) -> list[Weight]:
        """Return the weights in force."""
        found: list[Weight] = []
        for edge in EDGES:
            statistics = get_text(self._statistics(edge))
            found += haproxy.weights_of(statistics or "", edge, self._stage.story, round(time.time(), 3))
        return found

    def ways(self) -> list[str]:
        """Return the addresses of both."""
        return [f"--port={EDGE_PORT}", *(f"--address={self._stage.address(edge)}" for edge in EDGES)]

    def processes_at(self, site: str) -> tuple[str, ...]:
        """Return none: they stand outside."""
        del site
        return ()

    def _statistics(self, edge: str) -> str:
        return f"http://{self._stage.address(edge)}:{STATISTICS_PORT}/;csv"


class DnsFront:
    """Each site's own authoritative server, a real Knot, and what publishes there what its controller wrote."""

    def __init__(self, stage: Stage, kubeconfigs: Mapping[str, Path]) -> None:
        self._stage, self._kubeconfigs = stage, kubeconfigs
        self.names = tuple(dns.edge_name(site) for site in SITES)

    def start(self) -> None:
        """Start all servers and publishers."""
        knot, control = knot_commands()
        for site in SITES:
            folder = self._folder(site)
            folder.mkdir(parents=True, exist_ok=True)
            configuration = dns.write_configuration(folder, self._stage.address(site), DNS_PORT)
            self._first_zone(site)
            self._stage.run(self._server(site), site, [*knot.argv, "-c", str(configuration)], **knot.environment)
            arguments = (f"--kubeconfig={self._kubeconfigs[site]}", f"--folder={folder}", f"--knotc={control.argv[0]}")
            self._stage.run(
                self._publisher(site), site, python_module("tests.faults.publishing", *arguments), **control.environment
            )
        wait_until(lambda: len(self.look()) == len(SITES) * len(ENTS) * len(SITES), START_SECONDS, "all DNS answers")

    def repair(self) -> None:
        """Start those that do not run."""
        for name in (name for site in SITES for name in self.processes_at(site)):
            self._stage.troupe.bring_back(name)

    def forget(self) -> None:
        """Answer every ENT with its home again."""
        for site in SITES:
            self._stage.kill(*self.processes_at(site))
            self._first_zone(site)
        self.repair()

    def look(self) -> list[Weight]:
        """Return the answers of all servers, as weights: the same for every site that is answered."""
        return asyncio.run(self._ask())

    def ways(self) -> list[str]:
        """Return the addresses of all servers."""
        return [f"--port={PORTAL_PORT}", *(f"--dns-server={self._stage.address(site)}" for site in SITES)]

    def processes_at(self, site: str) -> tuple[str, ...]:
        """Return the server and what publishes to it."""
        return self._server(site), self._publisher(site)

    async def _ask(self) -> list[Weight]:
        asked = [(at, ent) for at in SITES for ent in ENTS]
        answers = await asyncio.gather(
            *(addresses_of(self._stage.address(at), f"{ent}.{dns.DOMAIN}", DNS_PORT) for at, ent in asked)
        )
        now = round(time.time(), 3)
        return [
            Weight(now, dns.edge_name(at), ent, site, int(self._stage.address(site) in answer[0]), 1)
            for (at, ent), answer in zip(asked, answers, strict=True)
            if answer is not None
            for site in SITES
        ]

    def _first_zone(self, site: str) -> None:
        homes = {ent.name: (self._stage.address(ent.home),) for ent in self._stage.story.ents}
        shutil.rmtree(self._folder(site) / dns.STATE, ignore_errors=True)
        dns.write_zone(self._folder(site), homes, serial=1)

    def _folder(self, site: str) -> Path:
        return self._stage.folder / self._server(site)

    def _server(self, site: str) -> str:
        return f"dns-{site}"

    def _publisher(self, site: str) -> str:
        return f"publisher-{site}"
