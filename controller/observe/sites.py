"""Everything that runs for the sites: access, watches, metering; started, renewed and ended as Sites come and go.

A site whose Secret cannot be read any more keeps the access it had: the management cluster may be the sick one.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from controller.domain.fleet import ReplicaOwner, Target
from controller.domain.names import EntKey, SiteName
from controller.kube.binding import Binding
from controller.kube.client import Cluster
from controller.kube.errors import ApiError, KubeconfigError
from controller.kube.informer import PROVING, Informer, Surroundings
from controller.kube.resources import DEPLOYMENTS, STATEFUL_SETS, ObjectKey
from controller.observe.access import SiteAccess
from controller.observe.autoscalers import AutoscalerSight
from controller.observe.discretion import Discreet, shown_secrets
from controller.observe.expiry import credentials_end
from controller.observe.history import SiteHistory
from controller.observe.metering import MeterPlan, SiteMeter
from controller.observe.nodes import NodeSight
from controller.observe.probes import SiteProbes
from controller.observe.prometheus import PrometheusSource
from controller.observe.readings import Freshness
from controller.observe.workloads import Workload, decode_workload

API_PROBE_PATH = "/readyz"
"""Answers 200 when the API server and its store are well; any answer at all proves that it lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often and how long metrics are asked for."""

    query_every_seconds: float
    query_deadline_seconds: float
    freshness: Freshness


class WatchedSite:
    """One site as this process sees it: its cluster, the workloads there, its meter."""

    def __init__(self, access: SiteAccess, cluster: Cluster, surroundings: Surroundings, pace: Pace) -> None:
        self.access = access
        self.credentials_end = credentials_end(access)
        """When the first of the credentials in use ends; None when none of them says."""
        self.cluster = cluster
        self._pace = pace
        self.meter: SiteMeter | None = None
        self.history: SiteHistory | None = None
        self._metering: asyncio.Task[None] | None = None
        self._now = surroundings.now
        self._informers = {
            resource.kind: Informer(cluster, resource, decode_workload, surroundings, timing=PROVING)
            for resource in (DEPLOYMENTS, STATEFUL_SETS)
        }
        self.autoscalers = AutoscalerSight(cluster, surroundings)
        self.nodes = NodeSight(cluster, surroundings)
        self._spawn = surroundings.spawn
        self._start_meter()
        self._watches = [
            *(self._spawn(f"{cluster.name}: {kind}", informer.run) for kind, informer in self._informers.items()),
            self._spawn(f"{cluster.name}: autoscalers", self.autoscalers.run),
            self._spawn(f"{cluster.name}: nodes", self.nodes.run),
        ]

    @property
    def alive_at(self) -> datetime | None:
        """The last instant at which all watches were proven alive; None before the first complete list."""
        instants = [informer.alive_at for informer in self._informers.values()]
        known = [instant for instant in instants if instant is not None]
        return min(known) if len(known) == len(instants) and self.synced else None

    @property
    def synced(self) -> bool:
        """Tell whether all workloads have been listed."""
        return all(informer.synced for informer in self._informers.values())

    @property
    def seen_once(self) -> bool:
        """Tell whether everything there has been listed, or cannot be."""
        return self.synced and self.autoscalers.settled

    @property
    def trouble(self) -> ApiError | None:
        """Return why the cluster cannot be watched; None when it can."""
        errors = (informer.last_error for informer in self._informers.values())
        return next((error for error in errors if error is not None), None)

    def find(self, target: Target, key: ObjectKey) -> Workload | None:
        """Return the target as last seen; replicas on nodes that have fallen silent do not count as Ready."""
        informer = self._informers.get(target.kind)
        found = informer.objects.get(key) if informer and target.api_version == "apps/v1" else None
        standing = self.nodes.standing(target.kind, key) if found else None
        if found is None or standing is None or standing >= found.ready:
            return found
        return replace(found, ready=standing)

    def probes(self) -> SiteProbes:
        """Return how to look at the site."""

        async def ask_api(deadline_seconds: float) -> int:
            return await self.cluster.probe(API_PROBE_PATH, deadline_seconds=deadline_seconds)

        return SiteProbes(site=self.access.site, api=ask_api, public=self.access.public)

    async def change(self, access: SiteAccess) -> None:
        """Go on with another access to the same API server.

        Raises:
            KubeconfigError: the new credentials cannot be used; everything stays as it was.
        """
        before, after = self.access, access
        if before.credentials != after.credentials and after.credentials is not None:
            await self.cluster.renew(after.credentials)
        self.access = after
        self.credentials_end = credentials_end(after)
        if before.metrics != after.metrics:
            await self._end_meter()
            self._start_meter()

    async def close(self) -> None:
        """End everything that runs for the site."""
        for task in self._watches:
            await _ended(task)
        await self._end_meter()

    def _start_meter(self) -> None:
        metrics = self.access.metrics
        if metrics is None:
            self.history = None
            return
        plan = MeterPlan(
            site=self.access.site,
            queries=metrics.queries,
            labels=metrics.labels,
            freshness=self._pace.freshness,
            every_seconds=self._pace.query_every_seconds,
        )
        asked = PrometheusSource(metrics.address, deadline_seconds=self._pace.query_deadline_seconds)
        source = Discreet(asked, shown_secrets(metrics.address))
        self.meter = SiteMeter(plan, source, now=self._now)
        queries = {query.signal: query.promql for query in metrics.queries}
        before, self.history = self.history, SiteHistory(self.access.site, queries, metrics.labels, source)
        if before is not None:
            self.history.inherit(before)
        self._metering = self._spawn(f"{self.cluster.name}: metrics", self.meter.run)

    async def _end_meter(self) -> None:
        meter, task = self.meter, self._metering
        self.meter, self._metering = None, None
        await _ended(task)
        if meter is not None:
            await meter.close()


class WatchedSites:
    """All sites."""

    def __init__(
        self,
        management: Cluster,
        surroundings: Surroundings,
        pace: Pace,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_change = on_change
        """Called when there are other sites or accesses, before those that are gone are closed."""
        self._management = management
        self._surroundings = surroundings
        self._pace = pace
        self._sites: dict[SiteName, WatchedSite] = {}
        self.unusable: dict[SiteName, str] = {}
        """Sites whose credentials cannot be used, and why."""

    @property
    def sites(self) -> Mapping[SiteName, WatchedSite]:
        """The sites that can be reached as declared."""
        return self._sites

    def clusters(self) -> Mapping[SiteName, Cluster]:
        """Return the API servers by site."""
        return {name: site.cluster for name, site in self._sites.items()}

    def binding(self, site: SiteName, owner: ReplicaOwner, ent: EntKey, target: Target) -> Binding:
        """Return what the owner may write for the workload at the site."""
        watched = self._sites.get(site)
        return watched.autoscalers.binding(owner, ent, target) if watched is not None else Binding(known=False)

    async def reconcile(self, accesses: Mapping[SiteName, SiteAccess], declared: frozenset[SiteName]) -> None:
        """Make what runs follow what is declared; a declared site without access now keeps the one it had."""
        for name in [name for name in self._sites if name not in declared]:
            await self._end(name)
        self.unusable = {name: why for name, why in self.unusable.items() if name in declared}
        for name, access in sorted(accesses.items()):
            try:
                await self._follow(name, access)
                self.unusable.pop(name, None)
            except KubeconfigError as error:
                self.unusable[name] = str(error)
            except Exception as error:  # noqa: BLE001 - the other sites are followed; the text may quote a secret
                self.unusable[name] = f"the site cannot be followed: {type(error).__name__}"
        self._on_change()

    async def close(self) -> None:
        """End everything."""
        for name in list(self._sites):
            await self._end(name)

    async def _follow(self, name: SiteName, access: SiteAccess) -> None:
        running = self._sites.get(name)
        if running is None:
            self._sites[name] = self._begun(access)
        elif _server(running.access) != _server(access):
            self._sites[name] = self._begun(access)
            await self._retire(running)
        elif running.access != access:
            await running.change(access)

    def _begun(self, access: SiteAccess) -> WatchedSite:
        cluster = (
            Cluster.connect(access.credentials, name=f"site {access.site}")
            if access.credentials is not None
            else self._management
        )
        return WatchedSite(access, cluster, self._surroundings, self._pace)

    async def _end(self, name: SiteName) -> None:
        await self._retire(self._sites.pop(name))

    async def _retire(self, site: WatchedSite) -> None:
        self._on_change()
        await site.close()
        if site.cluster is not self._management:
            await site.cluster.close()


def _server(access: SiteAccess) -> str | None:
    return access.credentials.server if access.credentials else None


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
