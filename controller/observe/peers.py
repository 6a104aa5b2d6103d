"""The other sites as an instance sees them: their API servers, their public addresses, and what they report.

Read with credentials that can write nothing. A site's own report counts as it stands at that site, and that of a
witness as it stands at ours: nobody can speak for somebody else by writing an object of their own cluster.

Reports are watched in short sessions (ADR 0007): a connection that is half open tells nothing for nine seconds at
most, and by then its observer has long fallen silent in the votes.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import msgspec

from controller.domain.names import ObserverName, SiteName
from controller.domain.report import Report
from controller.kube.client import Cluster
from controller.kube.errors import ApiError, KubeconfigError
from controller.kube.informer import PROVING, Informer, Surroundings
from controller.kube.resources import ObjectKey, Resource
from controller.observe.access import SiteAccess
from controller.observe.hearing import Hearing
from controller.observe.probes import SiteProbes
from controller.observe.sites import API_PROBE_PATH
from controller.policy.resource import API_VERSION
from controller.policy.site import Site
from controller.wire.report import ReadReport, UnreadableReportError, read_report

SITE_REPORTS = Resource(API_VERSION, "SiteReport", "sitereports")


class _Spec(msgspec.Struct):
    observer: str = ""
    site: str | None = None


class _Status(msgspec.Struct):
    sequence: int = 0
    shared: msgspec.Raw = msgspec.Raw(b"")


class _Object(msgspec.Struct):
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenReport:
    """A SiteReport as last seen."""

    read: ReadReport | None = None
    problem: str | None = None
    """Why it says nothing; None of one that was written and read."""


def decode_report(body: bytes) -> SeenReport:
    """Return the report; whatever is wrong with it is its own matter and stops no watch."""
    try:
        found = msgspec.json.decode(body, type=_Object)
        if not bytes(found.status.shared):
            return SeenReport(problem="nothing has been reported yet")
        site = SiteName(found.spec.site) if found.spec.site else None
        observer = ObserverName(found.spec.observer)
        read = read_report(bytes(found.status.shared), observer=observer, site=site, sequence=found.status.sequence)
    except (msgspec.MsgspecError, UnreadableReportError) as error:
        return SeenReport(problem=str(error))
    return SeenReport(read=read)


def as_seen_from(self_site: SiteName, sites: Mapping[SiteName, Site]) -> dict[SiteName, Site]:
    """Return the Sites as an instance reaches them: its own in its own cluster, of the others neither metrics.

    The same objects may thus lie in every cluster.
    """
    return {
        name: site.model_copy(
            update={
                "spec": site.spec.model_copy(update={"cluster": None} if name == self_site else {"prometheus": None})
            }
        )
        for name, site in sites.items()
    }


class _Watched:
    """One peer's cluster and the reports that lie there."""

    def __init__(self, access: SiteAccess, surroundings: Surroundings) -> None:
        self.access = access
        self.cluster: Cluster | None = None
        self.reports: Informer[SeenReport] | None = None
        self._watch: asyncio.Task[None] | None = None
        if access.credentials is not None:
            self.cluster = Cluster.connect(access.credentials, name=f"site {access.site}")
            self.reports = Informer(self.cluster, SITE_REPORTS, decode_report, surroundings, timing=PROVING)
            self._watch = surroundings.spawn(f"{self.cluster.name}: reports", self.reports.run)

    def probes(self) -> SiteProbes:
        """Return how to look at the site; without credentials its API server cannot be looked at."""
        cluster = self.cluster

        async def ask_api(deadline_seconds: float) -> int:
            assert cluster is not None
            return await cluster.probe(API_PROBE_PATH, deadline_seconds=deadline_seconds)

        api = ask_api if cluster is not None else None
        return SiteProbes(site=self.access.site, api=api, public=self.access.public)

    @property
    def trouble(self) -> ApiError | None:
        """Return why its reports cannot be watched."""
        return self.reports.last_error if self.reports is not None else None

    async def close(self) -> None:
        """End everything that runs for it."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self.cluster is not None:
            await self.cluster.close()


class WatchedPeers:
    """All other sites, and the reports of witnesses at our own."""

    def __init__(
        self,
        home: Cluster,
        surroundings: Surroundings,
        hearing: Hearing,
        *,
        witnesses: Collection[ObserverName],
    ) -> None:
        self._surroundings = surroundings
        self._hearing = hearing
        self.on_news: Callable[[], None] = lambda: None
        """Called when somebody has told something new."""
        self._witnesses = frozenset(witnesses)
        self._peers: dict[SiteName, _Watched] = {}
        around = replace(surroundings, wake=self._hear_witnesses)
        self._at_home: Informer[SeenReport] = Informer(home, SITE_REPORTS, decode_report, around, timing=PROVING)
        self.unusable: dict[SiteName, str] = {}
        """Sites that cannot be looked at as declared, and why."""
        self.problems: dict[ObserverName, str] = {}
        """Whose report says nothing to us, and why."""

    async def run(self) -> None:
        """Watch the reports at our own site until cancelled."""
        await self._at_home.run()

    @property
    def names(self) -> frozenset[SiteName]:
        """Sites that are looked at."""
        return frozenset(self._peers)

    @property
    def troubles(self) -> dict[SiteName, ApiError]:
        """Return whose reports cannot be watched, and why."""
        found = {name: peer.trouble for name, peer in self._peers.items()}
        return {name: error for name, error in sorted(found.items()) if error is not None}

    @property
    def settled(self) -> bool:
        """Tell whether every report has been listed, or cannot be."""
        watched = [peer.reports for peer in self._peers.values() if peer.reports is not None]
        return all(each.synced or each.last_error is not None for each in (*watched, self._at_home))

    def probes(self) -> tuple[SiteProbes, ...]:
        """Return how to look at each."""
        return tuple(peer.probes() for _, peer in sorted(self._peers.items()))

    async def reconcile(self, accesses: Mapping[SiteName, SiteAccess], declared: frozenset[SiteName]) -> None:
        """Make what is watched follow what is declared; without access now, what was had is kept."""
        for name in [name for name in self._peers if name not in declared]:
            await self._peers.pop(name).close()
        self.unusable = {name: why for name, why in self.unusable.items() if name in declared}
        self._hearing.forget({*map(ObserverName, declared), *self._witnesses})
        for name, access in sorted(accesses.items()):
            if access.credentials is None:
                self.unusable[name] = f"Site {name}: spec.cluster is missing, so its reports cannot be read"
            else:
                self.unusable.pop(name, None)
            await self._follow(name, access)

    async def close(self) -> None:
        """End everything."""
        for name in list(self._peers):
            await self._peers.pop(name).close()

    async def _follow(self, name: SiteName, access: SiteAccess) -> None:
        running = self._peers.get(name)
        if running is not None and running.access == access:
            return
        try:
            around = replace(self._surroundings, wake=lambda: self._hear_peer(name))
            self._peers[name] = _Watched(access, around)
        except KubeconfigError as error:
            self.unusable[name] = str(error)
            return
        if running is not None:
            await running.close()

    def _hear_peer(self, name: SiteName) -> None:
        """Take what the site says of itself; whatever else lies there is not its to say."""
        peer = self._peers.get(name)
        if peer is not None and peer.reports is not None:
            self._hear(peer.reports, ObserverName(name), name)

    def _hear_witnesses(self) -> None:
        for witness in sorted(self._witnesses):
            self._hear(self._at_home, witness, None)

    def _hear(self, reports: Informer[SeenReport], observer: ObserverName, site: SiteName | None) -> None:
        seen = reports.objects.get(ObjectKey("", observer))
        if seen is None:
            return
        report = seen.read.report if seen.read is not None else None
        problem = seen.problem or _not_its_own(report, observer, site)
        if problem is None and report is not None:
            self.problems.pop(observer, None)
            if self._hearing.hear(report):
                self.on_news()
        elif problem is not None:
            self.problems[observer] = problem


def _not_its_own(report: Report | None, observer: ObserverName, site: SiteName | None) -> str | None:
    if report is not None and (report.observer != observer or report.site != site):
        return f"SiteReport {observer} speaks for {report.observer} at {report.site}"
    return None
