"""Everything around Kubernetes: portals, a Prometheus per site, two HAProxies, references, users, each in its place."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.controlplane import prometheus_binary
from tests.controlplane.processes import Child
from tests.demo.processes import Troupe, python_module, wait_for
from tests.demo.records import portal_file
from tests.demo.story import Story
from tests.faults import traces
from tests.faults.cast import (
    EDGES,
    OUTSIDE,
    PORTAL_PORT,
    PROMETHEUS_PORT,
    REFERENCE_PORT,
    REFERENCES,
    SITES,
    USERS,
)
from tests.faults.knobs import Knobs, write_knobs
from tests.faults.network import Fabric, Place
from tests.faults.traces import CROWD

LOOK_EVERY_SECONDS = 0.25


class Stage:
    """Runs it all. Which processes make up a site is known here, so that a site can be killed and brought back."""

    def __init__(self, story: Story, folder: Path, fabric: Fabric, kubeconfigs: Mapping[str, Path]) -> None:
        self.story, self.folder, self.fabric = story, folder, fabric
        self._kubeconfigs = kubeconfigs
        self.troupe = Troupe(folder / "processes")
        self.places: dict[str, Place] = {name: fabric.place(name) for name in (*SITES, *EDGES, USERS, OUTSIDE)}
        self.weights_now: dict[tuple[str, str, str], traces.Weight] = {}
        """By edge, ENT and site, as they are in force."""
        self.changed: dict[tuple[str, str, str], traces.Weight] = {}
        """The same, as of their last changes."""
        self._over = threading.Event()
        self._looking: threading.Thread | None = None

    # ------------------------------------------------------------------------------------------------ addresses

    def address(self, name: str) -> str:
        """Return where a place is."""
        return self.places[name].address

    def canary(self, site: str) -> str:
        """Return a site's public address for observers."""
        return f"http://{self.address(site)}:{PORTAL_PORT}/canary"

    def prometheus_url(self, site: str) -> str:
        """Return the address of a site's Prometheus."""
        return f"http://{self.address(site)}:{PROMETHEUS_PORT}"

    @property
    def references(self) -> tuple[str, ...]:
        """Return the addresses outside all sites."""
        return tuple(f"http://{self.address(OUTSIDE)}:{REFERENCE_PORT + n}/" for n in range(REFERENCES))

    # ------------------------------------------------------------------------------------------------- beginning

    def start(self) -> None:
        """Start what does not hang on the controller; users come with `start_users`."""
        with ThreadPoolExecutor() as pool:
            starts = [pool.submit(self._start_references)]
            starts += [pool.submit(start, site) for site in SITES for start in (self._portal, self._prometheus)]
            for start in starts:
                start.result()

    def watch(self, look: Callable[[], list[traces.Weight]]) -> None:
        """Write down every change of what the edges give, until the end."""
        self._looking = threading.Thread(target=self._watch_weights, args=(look,), name="weights", daemon=True)
        self._looking.start()

    def crowd(self, factor: float) -> None:
        """Let so many times the usual users come from now on."""
        draft = self.folder / f"{CROWD}.draft"
        draft.write_text(f"{factor}")
        draft.replace(self.folder / CROWD)

    def start_users(self, ways: Iterable[str]) -> None:
        """Let the users come until the end."""
        self.run(USERS, USERS, python_module("tests.faults.users", f"--folder={self.folder}", *ways))

    def run(self, name: str, place: str, argv: Iterable[str], *, log: str | None = None, **environment: str) -> Child:
        """Run a process in a place."""
        return self.troupe.add(name, [*self.places[place].enter, *argv], log=log, **environment)

    def end(self) -> None:
        """End everything."""
        self._over.set()
        self.troupe.end()
        if self._looking is not None:
            self._looking.join()

    # ------------------------------------------------------------------------------------------------- of one site

    def turn(self, site: str, knobs: Knobs) -> None:
        """Turn the knobs of a site's portals."""
        write_knobs(self._knobs_file(site), knobs)

    def kill(self, *names: str) -> None:
        """End processes at once."""
        for name in names:
            self.troupe.kill(name)

    def bring_back(self, name: str, answers_at: str) -> None:
        """Start a process again and return when it answers."""
        wait_for(self.troupe.bring_back(name), answers_at)

    def portal_name(self, site: str) -> str:
        """Return how the process of a site's portals is called."""
        return f"portal-{site}"

    def prometheus_name(self, site: str) -> str:
        """Return how a site's Prometheus is called."""
        return f"prometheus-{site}"

    # --------------------------------------------------------------------------------------------------- privately

    def _start_references(self) -> None:
        address = self.address(OUTSIDE)
        ports = [str(REFERENCE_PORT + n) for n in range(REFERENCES)]
        child = self.run(OUTSIDE, OUTSIDE, python_module("tests.faults.references", address, *ports))
        for reference in self.references:
            wait_for(child, reference)

    def _knobs_file(self, site: str) -> Path:
        return self.folder / f"knobs-{site}.json"

    def _portal(self, site: str) -> None:
        arguments = (
            f"--site={site}",
            f"--address={self.address(site)}",
            f"--record={self.folder / portal_file(site)}",
            f"--knobs={self._knobs_file(site)}",
            f"--kubeconfig={self._kubeconfigs[site]}",
        )
        child = self.run(self.portal_name(site), site, python_module("tests.faults.portal", *arguments))
        wait_for(child, self.canary(site))

    def _prometheus(self, site: str) -> None:
        folder = self.folder / self.prometheus_name(site)
        folder.mkdir(parents=True, exist_ok=True)
        every = f"{self.story.shortened.scrape_interval_seconds}s"
        portals = {"targets": [f"{self.address(site)}:{PORTAL_PORT}"]}
        (folder / "prometheus.yml").write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": every, "scrape_timeout": every},
                    "scrape_configs": [{"job_name": "portals", "honor_labels": True, "static_configs": [portals]}],
                }
            )
        )
        command = [
            str(prometheus_binary()),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=1h",
            f"--web.listen-address={self.address(site)}:{PROMETHEUS_PORT}",
            "--log.level=warn",
        ]
        child = self.run(self.prometheus_name(site), site, command, GOMAXPROCS="1")
        wait_for(child, f"{self.prometheus_url(site)}/-/ready")

    def _watch_weights(self, look: Callable[[], list[traces.Weight]]) -> None:
        with (self.folder / traces.WEIGHTS).open("w") as file:
            file.write(traces.Weight.header())
            while not self._over.wait(LOOK_EVERY_SECONDS):
                for seen in look():
                    key = (seen.edge, seen.ent, seen.site)
                    before = self.weights_now.get(key)
                    if before is None or (before.weight, before.up) != (seen.weight, seen.up):
                        self.changed[key] = seen
                        file.write(seen.text())  # changes only
                    self.weights_now[key] = seen
                file.flush()
