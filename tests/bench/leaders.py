"""Leaders killed at chosen points: `python -m tests.bench.leaders [NUMBER_OF_POINTS]`.

Two controllers, two real sites; a proxy before each API server kills the leader with SIGKILL at exactly one request of
its work: before the server sees it (the request is lost with the process) or before the answer comes back. Each time
the floor of an ENT is raised by one; the successor must hold the Lease in time, and in the end each Deployment must
have been written exactly once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.policy.kinds import KINDS
from controller.policy.resource import GROUP
from tests.controlplane import ControlPlane, Site, SiteSpec, wait_until
from tests.controlplane.client import ApiClient
from tests.controlplane.ports import free_ports
from tests.faultproxy import ApiProxy, Pass, Seen, Threaded, in_thread
from tests.faultproxy.api import Fault
from tests.live.portals import deployment
from tests.policy.objects import an_object

NAMESPACE = "killing"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/sonnerie"
ENT = f"/apis/sonnerie.dev/v1alpha1/namespaces/{NAMESPACE}/regionalents/nord"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/portal"
LEASE_SECONDS, RETRY_SECONDS = 4.0, 0.5
ENVIRONMENT = {
    "SONNERIE_LEASE_DURATION_SECONDS": f"{LEASE_SECONDS}",
    "SONNERIE_LEASE_RENEW_DEADLINE_SECONDS": "3",
    "SONNERIE_LEASE_RETRY_SECONDS": f"{RETRY_SECONDS}",
    "SONNERIE_LEASE_CALL_DEADLINE_SECONDS": "0.45",
    "SONNERIE_PLAN_EVERY_SECONDS": "1",
}
SUCCESSOR_WITHIN_SECONDS = LEASE_SECONDS + 2 * RETRY_SECONDS
"""The duration since the successor last saw a renewal, and its own pause."""
SOON_SECONDS = 40.0
AWAY_SECONDS = 60.0
FIRST_FLOOR, CEILING = 2, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """When the leader dies."""

    name: str
    matches: Callable[[Seen], bool]
    nth: int = 1
    answered: bool = False
    """The server has done it; else it never sees it."""


def _of(method: str, ending: str, site: str | None = None) -> Callable[[Seen], bool]:
    def matches(seen: Seen) -> bool:
        there = site is None or seen.query.get("_site") == site
        return seen.method == method and seen.path.endswith(ending) and there

    return matches


_REQUESTS: tuple[tuple[str, Callable[[Seen], bool], int], ...] = (
    ("the status of the ENT", _of("PATCH", "/regionalents/nord/status"), 1),
    ("reading the scale at home", _of("GET", "/portal/scale", "home"), 1),
    ("writing the scale at home", _of("PUT", "/portal/scale", "home"), 1),
    ("reading the scale away", _of("GET", "/portal/scale", "away"), 1),
    ("writing the scale away", _of("PUT", "/portal/scale", "away"), 1),
    ("the first Event", _of("POST", "/events"), 1),
    ("the second Event", _of("POST", "/events"), 2),
    ("a renewal of the Lease", _of("PUT", "/leases/sonnerie"), 1),
    ("the second renewal of the Lease", _of("PUT", "/leases/sonnerie"), 2),
    ("the status after the work", _of("PATCH", "/regionalents/nord/status"), 2),
)
POINTS = tuple(
    Point(name=f"{'after' if answered else 'before'} {name}", matches=matches, nth=nth, answered=answered)
    for name, matches, nth in _REQUESTS
    for answered in (False, True)
)


class Killer:
    """The script of both proxies: counts the requests that match, and kills at the one that was named."""

    def __init__(self) -> None:
        self._point: Point | None = None
        self._count = 0
        self._pid = 0
        self.killed = threading.Event()
        self.killed_at = 0.0

    def arm(self, point: Point, pid: int) -> None:
        """Kill this process at the point."""
        self.killed.clear()
        self._point, self._pid, self._count = point, pid, 0

    def before(self, site: str) -> Callable[[Seen], Fault]:
        """Return the script of the proxy before a site."""

        def script(seen: Seen) -> Fault:
            at = Seen(
                number=seen.number,
                method=seen.method,
                path=seen.path,
                query={**seen.query, "_site": site},
                body=seen.body,
            )
            point = self._point
            if point is None or not point.matches(at):
                return Pass()
            self._count += 1
            if self._count != point.nth:
                return Pass()
            self._point = None
            return Pass(after=self._kill) if point.answered else Pass(before=self._kill_and_lose)

        return script

    async def _kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self.killed_at = time.monotonic()
        self.killed.set()

    async def _kill_and_lose(self) -> None:
        await self._kill()
        raise ConnectionAbortedError


@dataclass(slots=True)
class Replica:
    """One controller process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def ended(self) -> None:
        """Kill it and wait."""
        self.process.kill()
        self.process.wait(10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened at one point."""

    point: str
    successor_seconds: float
    writes: dict[str, int]
    """By site: how often the Deployment's spec was written."""
    replicas: dict[str, int]
    floor: int

    @property
    def well(self) -> bool:
        """Tell whether the promise was kept."""
        once = all(count == 1 for count in self.writes.values())
        right = all(count == self.floor for count in self.replicas.values())
        return once and right and self.successor_seconds <= SUCCESSOR_WITHIN_SECONDS


class Theatre:
    """Two sites behind proxies, an ENT on both, and controllers that come and go."""

    def __init__(
        self, sites: dict[str, Site], proxies: dict[str, Threaded[ApiProxy]], killer: Killer, folder: Path
    ) -> None:
        self._home = sites["home"]
        self._apis = {name: ApiClient.from_kubeconfig(site.kubeconfig) for name, site in sites.items()}
        self._killer = killer
        self._folder = folder
        self._kubeconfig = proxies["home"].proxy.kubeconfig(folder / "management")
        self._number = 0
        self._floor = FIRST_FLOOR
        self.replicas: list[Replica] = []

    def start(self) -> Replica:
        """Start another controller and return when it has a plan."""
        self._number += 1
        name, (listen, agent) = f"r{self._number}", free_ports(2)
        log = self._folder / f"{name}.log"
        arguments = ["run", f"--kubeconfig={self._kubeconfig}", f"--lease-namespace={NAMESPACE}", f"--identity={name}"]
        arguments += [f"--listen=127.0.0.1:{listen}", f"--agent-address=127.0.0.1:{agent}"]
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "controller", *arguments], stderr=errors, env={**os.environ, **ENVIRONMENT}
            )
        replica = Replica(name, process, log)
        self.replicas.append(replica)
        wait_until(lambda: b'"event": "verdict"' in log.read_bytes(), SOON_SECONDS, f"{name} plans")
        return replica

    def end(self) -> None:
        """End all controllers."""
        for replica in self.replicas:
            replica.ended()

    def holder(self) -> Replica | None:
        """Return who holds the Lease, by the record."""
        name = str(self._get("home", LEASE)["spec"].get("holderIdentity") or "").partition("_")[0]
        return next((replica for replica in self.replicas if replica.name == name), None)

    def kill_at(self, point: Point) -> Outcome:
        """Raise the floor, let the leader die at the point, and look at what its successor makes of it."""
        leader = self.holder()
        assert leader is not None
        generations = {site: self._generation(site) for site in self._apis}
        self._floor += 1
        self._killer.arm(point, leader.process.pid)
        self._raise_floor()
        assert self._killer.killed.wait(SOON_SECONDS), f"{point.name} never came"
        leader.process.wait(10)
        self.replicas.remove(leader)
        wait_until(lambda: self.holder() is not None, SOON_SECONDS, "a successor")
        took = time.monotonic() - self._killer.killed_at
        self.start()  # the next follower
        wait_until(self._in_place, SOON_SECONDS, f"the floor of {self._floor} after death {point.name}")
        return Outcome(
            point=point.name,
            successor_seconds=took,
            writes={site: self._generation(site) - before for site, before in generations.items()},
            replicas={site: self._wanted(site) for site in self._apis},
            floor=self._floor,
        )

    def api_server_away(self, seconds: float) -> dict[str, int]:
        """Let the management API server hang for so long; return how often each Deployment was written by its return.

        A floor is raised just before, so that the work is under way when the server falls silent.
        """
        generations = {site: self._generation(site) for site in self._apis}
        self._floor += 1
        self._raise_floor()
        self._home.hang()
        time.sleep(seconds)
        alive = [replica.name for replica in self.replicas if replica.process.poll() is None]
        self._home.go_on()
        assert len(alive) == len(self.replicas), f"only {alive} are alive"
        wait_until(self._in_place, SOON_SECONDS, "the floor after the silence")
        return {site: self._generation(site) - before for site, before in generations.items()}

    def settle(self) -> None:
        """Return when the first floor is in place, told, and somebody leads."""
        wait_until(lambda: self.holder() is not None and self._in_place(), SOON_SECONDS, "the first floor")

    def _in_place(self) -> bool:
        status = self._get("home", ENT).get("status", {})
        conditions = {each["type"]: each["status"] for each in status.get("conditions", ())}
        replicas = all(self._wanted(site) == self._floor for site in self._apis)
        return replicas and conditions.get("Ready") == "True" and status.get("wantedReplicas") == 2 * self._floor

    def _raise_floor(self) -> None:
        placements = self._get("home", ENT)["spec"]["placements"]
        for placement in placements:
            placement["min"] = self._floor
        answer = self._apis["home"].call("PATCH", ENT, {"spec": {"placements": placements}})
        assert answer.ok, answer.text

    def _get(self, site: str, path: str) -> dict[str, Any]:
        answer = self._apis[site].call("GET", path)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def _generation(self, site: str) -> int:
        return int(self._get(site, DEPLOYMENT)["metadata"]["generation"])

    def _wanted(self, site: str) -> int:
        return int(self._get(site, DEPLOYMENT)["spec"]["replicas"])


@contextmanager
def theatre(folder: Path) -> Iterator[Theatre]:
    """Set the stage, with a leader and a follower."""
    folder.mkdir(parents=True, exist_ok=True)
    specs = [SiteSpec(name=name, start_up_milliseconds=100) for name in ("home", "away")]
    killer = Killer()
    with ExitStack() as stack:
        plane = stack.enter_context(ControlPlane(specs, run_folder=folder / "sites"))
        proxies = {}
        for name, site in plane.sites.items():
            proxies[name] = stack.enter_context(
                in_thread(lambda n=name, s=site: ApiProxy(s.kubeconfig, script=killer.before(n), keep=False))  # type: ignore[misc]
            )
        _declare(dict(plane.sites), proxies["away"].proxy.kubeconfig(folder / "away").read_text())
        found = Theatre(dict(plane.sites), proxies, killer, folder)
        stack.callback(found.end)
        found.start()
        wait_until(lambda: found.holder() is not None, SOON_SECONDS, "a leader")
        found.start()
        found.settle()
        yield found


def _declare(sites: dict[str, Site], away: str) -> None:
    home = sites["home"]
    home.kubectl("apply", "--server-side", "--kustomize", "manifests/crd")
    names = [f"crd/{kind.plural}.{GROUP}" for kind in KINDS]
    home.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
    portal = deployment("portal", replicas=1, start_up_milliseconds=0, cpu="10m")
    for site in sites.values():
        site.kubectl("create", "namespace", NAMESPACE)
        site.kubectl("apply", f"--namespace={NAMESPACE}", "--filename=-", input=portal)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "away", "namespace": NAMESPACE},
        "stringData": {"kubeconfig": away},
    }
    reference = {"namespace": NAMESPACE, "name": "away", "key": "kubeconfig"}
    ent = an_object("RegionalENT", _ent(), name="nord")
    ent["metadata"]["namespace"] = NAMESPACE
    objects = [
        secret,
        an_object("Site", {"provider": "bench"}, name="home"),
        an_object("Site", {"provider": "bench", "cluster": {"kubeconfigSecretRef": reference}}, name="away"),
        ent,
    ]
    home.kubectl("apply", "--filename=-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def _ent() -> dict[str, Any]:
    target = {"target": {"name": "portal"}, "min": FIRST_FLOOR, "max": CEILING}
    return {
        "region": "FR-HDF",
        "territory": "zone-b",
        "timeZone": "Europe/Paris",
        "demandSignals": [{"name": "requests", "signal": "requests", "capacityPerReplica": "10"}],
        "placements": [{"site": "home", **target, "home": True}, {"site": "away", **target}],
        "edges": [{"name": "front", "kind": "HAProxyAgent"}],
    }


def main() -> None:
    """Print one line per point; exit 1 when a promise was not kept."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else len(POINTS)
    with tempfile.TemporaryDirectory() as folder, theatre(Path(folder)) as stage:
        found = []
        for point in POINTS[:number]:
            outcome = stage.kill_at(point)
            found.append(outcome)
            mark = "well" if outcome.well else "NOT WELL"
            took = f"successor after {outcome.successor_seconds:.1f} s"
            print(f"{mark}: {point.name}: {took}, writes {outcome.writes}, floor {outcome.floor}", flush=True)
        writes = stage.api_server_away(AWAY_SECONDS)
        print(f"the management API server hung for {AWAY_SECONDS:.0f} s: each Deployment was written {writes} times")
    slowest = max(outcome.successor_seconds for outcome in found)
    well = sum(outcome.well for outcome in found)
    print(
        f"{well} of {len(found)} points well; slowest successor {slowest:.1f} s with a Lease of {LEASE_SECONDS:.0f} s"
    )
    sys.exit(well != len(found) or set(writes.values()) != {1})


if __name__ == "__main__":
    main()
