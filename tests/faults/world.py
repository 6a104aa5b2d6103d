"""The whole world of a run: networks, clusters, what stands around them, and the controllers; made and removed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from tests.controlplane import ControlPlane, Site, SiteSpec, wait_until
from tests.demo.story import LEASE_NAMESPACE, NAMESPACE, TIME_ZONE
from tests.faults import controllers, objects, traces
from tests.faults.cast import ENTS, NODE_GRACE_SECONDS, NODES, SITES, USERS, story
from tests.faults.fronts import DnsFront, Front, HaproxyFront
from tests.faults.network import Fabric, Rule, fabric_here
from tests.faults.stage import Stage
from tests.faults.table import DNS

ROLLOUT_SECONDS = 90
FIRST_PLAN_SECONDS = 150.0
AT_HOME, AWAY = 90, 10
"""Percent: whatever else, the others together are at most a third of what home gets."""
STILL_SECONDS = 5.0
Say = Callable[[str], None]


class World:
    """Everything, inside a `with` block."""

    def __init__(self, folder: Path, topology: str, edge: str, say: Say) -> None:
        self.folder, self.topology, self.edge, self._say = folder, topology, edge, say
        self._untouched = True
        self.story = story()
        self._stack = ExitStack()
        self.fabric: Fabric
        self.plane: ControlPlane
        self.stage: Stage
        self.front: Front

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _build(self) -> None:
        began = time.monotonic()
        self.fabric = fabric_here(self.folder / "networks")
        self._stack.callback(self.fabric.end)
        places = {site: self.fabric.place(site) for site in SITES}
        specs = [
            SiteSpec(
                name=site,
                nodes=NODES,
                start_up_milliseconds=self.story.workload.start_up_milliseconds,
                node_grace_seconds=NODE_GRACE_SECONDS,
                address=places[site].address,
                enter=places[site].enter,
            )
            for site in SITES
        ]
        self._say(f"Starting {len(SITES)} sites, each with its own Kubernetes …")
        self.plane = self._stack.enter_context(ControlPlane(specs, run_folder=self.folder / "sites"))
        kubeconfigs = {site: self.plane.sites[site].kubeconfig for site in SITES}
        self.stage = Stage(self.story, self.folder, self.fabric, kubeconfigs)
        self._stack.callback(self.stage.end)
        self._say("Starting portals, Prometheus, HAProxy …")
        self.plane.in_parallel(self._install)
        self.stage.start()
        self._declare()
        self.front = self._front(kubeconfigs)
        self.front.start()
        self.stage.watch(self.front.look)
        self.plane.in_parallel(self._await_workloads)
        self.stage.start_users(self.front.ways())
        self._say("Starting the controllers …")
        self._start_controllers()
        self._say(f"Everything stands after {time.monotonic() - began:.0f} s")

    def _front(self, kubeconfigs: Mapping[str, Path]) -> Front:
        if self.edge == DNS:
            return DnsFront(self.stage, kubeconfigs)
        return HaproxyFront(self.stage, controllers.agents(self.stage, self.topology))

    def _start_controllers(self) -> None:
        for site in controllers.where(self.topology):
            self.start_controller(site)
        for site in controllers.where(self.topology):
            controllers.await_ready(self.stage, site)
        wait_until(self.calm, FIRST_PLAN_SECONDS, "every ENT is served where it lives")

    def start_controller(self, site: str, *, skew_seconds: float = 0.0) -> None:
        """Start the controller of a site, ending the one that runs."""
        if controllers.name(site) in self.stage.troupe.children:
            self.stage.kill(controllers.name(site))
        controllers.start(self.stage, site, self.topology, self._acting(site), skew_seconds=skew_seconds)
        self.stage.troupe.away.discard(controllers.name(site))

    def begin(self) -> None:
        """Begin a run: unless it is the first, let the controllers forget all that happened in the one before."""
        if self._untouched:
            self._untouched = False
            return
        for site in controllers.where(self.topology):
            self.stage.kill(controllers.name(site))
        self.plane.in_parallel(self._forget)
        self.plane.in_parallel(self._apply_workloads)
        self._declare()
        self.plane.in_parallel(self._await_workloads)
        self.front.forget()
        self.stage.weights_now.clear()
        self.stage.changed.clear()
        self._start_controllers()

    def _forget(self, site: Site) -> None:
        """Remove what was declared, with the memory in its status; nobody is there to finalize it."""
        if site.name in controllers.where(self.topology):
            names = site.kubectl("get", "regionalents", f"--namespace={NAMESPACE}", "--output=name").split()
            for name in names:
                patch = '--patch={"metadata":{"finalizers":null}}'
                site.kubectl("patch", name, f"--namespace={NAMESPACE}", "--type=merge", patch)
            site.kubectl("delete", "regionalents", "--all", f"--namespace={NAMESPACE}")
            site.kubectl("delete", "sites.sonnerie.dev", "--all")
            site.kubectl("delete", "leases", "--all", f"--namespace={LEASE_NAMESPACE}")
        site.kubectl("delete", "deployments", "--all", f"--namespace={NAMESPACE}")

    def _await_workloads(self, site: Site) -> None:
        site.kubectl(
            "wait", f"--namespace={NAMESPACE}", "--for=condition=Available", "deployments", "--all",
            f"--timeout={ROLLOUT_SECONDS}s",
        )  # fmt: skip

    def _apply_workloads(self, site: Site) -> None:
        site.kubectl("apply", "-f", "-", input=objects.as_list(objects.workloads(self.story, site.name)))

    def _declare(self) -> None:
        today = datetime.now(UTC).astimezone(ZoneInfo(TIME_ZONE)).date()
        addresses = {
            site: objects.Addresses(
                canary=self.stage.canary(site),
                prometheus=self.stage.prometheus_url(site),
                kubeconfig=self._reaching(site),
            )
            for site in SITES
        }
        for here in controllers.where(self.topology):
            declared = objects.as_list(objects.fleet(self.story, addresses, today, here, self._answers()))
            self.plane.sites[here].kubectl("apply", "--filename=-", input=declared)

    def _answers(self) -> dict[str, str] | None:
        """Return the addresses that DNS answers may have, by site; None: HAProxy asks."""
        return {site: self.stage.address(site) for site in SITES} if self.edge == DNS else None

    def _install(self, site: Site) -> None:
        if site.name in controllers.where(self.topology):
            objects.install(site, self.topology)
        if self.edge == DNS:
            site.install_crds("external-dns")
        self._apply_workloads(site)

    def _reaching(self, site: str) -> Path:
        """Return how others reach a site: to read its report alone, or for all."""
        if self.topology == controllers.ALL_SITES:
            return self.plane.sites[site].kubeconfig
        return objects.account(self.plane.sites[site], objects.READER, self.folder / f"reader-{site}.json")

    def _acting(self, site: str) -> Path:
        """Return the account of the controller of a site in its own cluster."""
        return objects.account(self.plane.sites[site], objects.WRITER, self.folder / f"writer-{site}.json")

    def declare_bell(self, after_seconds: float, factor: float) -> None:
        """Declare a bell at every controller's cluster that brings so many times the usual users."""
        bell = objects.bell(self.story, time.time() + after_seconds, factor)
        for here in controllers.where(self.topology):
            self.plane.sites[here].kubectl("apply", "--filename=-", input=objects.as_list([bell]))

    # -------------------------------------------------------------------------------------------------- how it is

    def weights_in_force(self) -> bool:
        """Tell whether all edges send every ENT home: before the first plans every site of an HAProxy has 100."""
        now = list(self.stage.weights_now.values())
        home = 1 if self.edge == DNS else AT_HOME
        away = 0 if self.edge == DNS else AWAY
        return len(now) == len(self.front.names) * len(ENTS) * len(SITES) and all(
            seen.weight >= home if self.story.ent(seen.ent).home == seen.site else seen.weight <= away for seen in now
        )

    def calm(self) -> bool:
        """Tell whether every ENT has been served where it lives for a while, and nothing changes any more.

        Nobody is asked: an instance would take whoever asks it for one more HAProxy, and one that then falls silent.
        """
        self.stage.troupe.expect_alive()
        last = max((seen.at for seen in list(self.stage.changed.values())), default=0.0)
        return self.weights_in_force() and time.time() - last >= STILL_SECONDS

    def mark(self, what: str, fault: str, run: int) -> float:
        """Write down that something happened now, and return when."""
        at = time.time()
        traces.write_mark(self.folder, traces.Mark(at=at, what=what, fault=fault, run=run))
        return at

    # ------------------------------------------------------------------------------------------------ what can be hurt

    def processes_of(self, site: str) -> tuple[str, ...]:
        """Return the processes of ours that stand at a site."""
        ours = (
            self.stage.portal_name(site),
            self.stage.prometheus_name(site),
            controllers.name(site),
            *self.front.processes_at(site),
        )
        return tuple(name for name in ours if name in self.stage.troupe.children)

    def kill_site(self, site: str) -> None:
        """Let a site burn: its packets vanish, and all its processes end."""
        if self.fabric.can_lose:
            self.fabric.lose(site, [Rule()])
        self.stage.kill(*self.processes_of(site))
        self.plane.sites[site].kill()

    def return_site(self, site: str) -> None:
        """Bring a burnt site back, with the data it had."""
        if self.fabric.can_lose:
            self.fabric.lose(site, [])
        self.plane.sites[site].start()
        for name in self.processes_of(site):
            self.stage.troupe.bring_back(name)

    @property
    def users_alive(self) -> bool:
        """Tell whether users still come."""
        return self.stage.troupe.children[USERS].alive
