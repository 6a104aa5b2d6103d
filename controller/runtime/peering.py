"""One instance among several: hears the others, is heard by them, and writes nowhere but at home (design §6)."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from controller import __version__
from controller.actuate.status import Status
from controller.domain.intents import PeerPlan
from controller.domain.names import EdgeName, ObserverName, SiteName
from controller.domain.orders import GivenOrder, to_tell
from controller.domain.plan import Because, Condition, ConditionStatus, ConditionType, Plan
from controller.domain.reasons import Reason
from controller.domain.report import Report
from controller.domain.world import EvidenceRound, World
from controller.kube.client import Cluster
from controller.kube.informer import Surroundings
from controller.kube.lease import Elector
from controller.observe.access import SiteAccess
from controller.observe.hearing import Hearing, Told
from controller.observe.peers import WatchedPeers, as_seen_from
from controller.observe.policies import PolicyStore
from controller.observe.probes import Prober, SiteProbes
from controller.observe.readings import Freshness
from controller.planning.own_word import Before, own_word
from controller.policy.declared import DeclaredEdge
from controller.policy.site import Site
from controller.runtime.journal import Journal
from controller.runtime.publishing import Desk, Publish, Publisher, troubles
from controller.runtime.site_report import Reporter, digest_of_policies, report_of, report_status
from controller.runtime.telemetry import Telemetry

HEARD_WITHIN_ROUNDS = 5
"""A peer that has not heard our last rounds does not know what we know. It plans every five seconds, two rounds and a
half; our report takes up to a round to it, and its own takes one back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where this instance lives, and with whom it shares evidence."""

    site: SiteName
    cluster: Cluster
    witnesses: Collection[ObserverName]
    freshness: Freshness
    instance: str
    """The process, as peers know it."""


class Peering:
    """The other observers, from where we stand. None of this exists in the all-sites topology."""

    def __init__(
        self, home: Home, surroundings: Surroundings, store: PolicyStore, journal: Journal, telemetry: Telemetry
    ) -> None:
        self.site = home.site
        self._around = surroundings
        self._store = store
        self._journal = journal
        self._telemetry = telemetry
        self._hearing = Hearing(home.freshness, monotonic=surroundings.monotonic)
        self.peers = WatchedPeers(home.cluster, surroundings, self._hearing, witnesses=home.witnesses)
        self._who = Reporter(
            observer=ObserverName(home.site), site=home.site, instance=home.instance, version=__version__
        )
        self._publisher = Publisher(home.cluster, self._who.observer, home.site, may_create=True)
        self._planned: tuple[World, Plan] | None = None
        self._digest: tuple[int, str] = (-1, "")
        self._told = Told()
        self._before = Before()
        self._sick: Because | None = None
        self._sequence: Callable[[], int] = lambda: 0

    # ------------------------------------------------------------------------------------------------ who is where

    def sites_from_here(self) -> dict[SiteName, Site]:
        """Return the Sites as we reach them."""
        return as_seen_from(self.site, self._store.policies().sites)

    async def reconcile(self, accesses: dict[SiteName, SiteAccess]) -> None:
        """Follow the other sites as declared."""
        declared = frozenset(self._store.policies().sites) - {self.site}
        others = {name: access for name, access in accesses.items() if name != self.site}
        await self.peers.reconcile(others, declared)
        self._journal.changed("peers", sorted(self.peers.names), event="peers")
        known = self.site in self._store.policies().sites
        missing = None if known else f"no Site {self.site} is declared here: nothing is planned for this cluster"
        self._journal.changed("home", missing, event="our own site is not declared")

    def probes(self) -> tuple[SiteProbes, ...]:
        """Return how to look at the other sites."""
        return self.peers.probes()

    def edges_here(self, edges: tuple[DeclaredEdge, ...]) -> tuple[DeclaredEdge, ...]:
        """Return the edges that are ours to write: those that stand here, and those that stand nowhere else."""
        return tuple(edge for edge in edges if edge.place in (None, self.site))

    # --------------------------------------------------------------------------------------------------- what is told

    def told(self, now: datetime) -> Told:
        """Return what the others have told by now."""
        at_edges: dict[EdgeName, SiteName | None] = {e.name: e.site for e in self._store.policies().declared.edges}
        told = self._hearing.told(now, at_edges)
        return replace(told, plans=tuple(self._plans(told)))

    def rounds(self, now: datetime) -> tuple[EvidenceRound, ...]:
        """Return what the others have seen, and nothing else."""
        return self._hearing.rounds(now)

    def _plans(self, told: Told) -> Iterator[PeerPlan]:
        """Return what those would do whose opinion counts: of the same policies, heard, and they have heard us."""
        for peer in told.peers:
            report = peer.report
            same = report.policies == self.policies and bool(report.inputs)
            if report.site is None or peer.silent or not same:
                continue
            if any(self._is_recent(*heard) for heard in report.heard):
                yield PeerPlan(site=report.site, intents=report.intents, undecided=report.undecided)

    def _is_recent(self, observer: ObserverName, instance: str, sequence: int) -> bool:
        newest = self._sequence()
        mine = observer == self._who.observer and instance == self._who.instance
        return mine and newest - sequence <= HEARD_WITHIN_ROUNDS

    def planned(self, world: World, plan: Plan, told: Told) -> None:
        """Know what has been decided, and of what was told, for the next report."""
        self._planned, self._told = (world, plan), told
        self._tell_troubles()

    def speak_of_ourselves(self, world: World, prober: Prober, now: datetime) -> None:
        """Let the next rounds say whether our own site should not be sent users."""
        self._before = self._before.seen(world)
        self._sick = own_word(world, now, self._before)
        prober.declares_sick = self._sick is not None
        self._journal.changed(
            "own word", self._sick.text if self._sick else None, event="this site declares itself sick"
        )

    def conditions(self, told: Told) -> tuple[Condition, ...]:
        """Return `PoliciesAgree` of the sites that have said what they plan from; not knowing is no difference."""
        theirs = {p.report.site: p.report for p in told.peers if p.report.site is not None and p.report.policies}
        return tuple(
            policies_agree(name, theirs[name], ours=self.policies)
            for name in sorted(self._store.policies().sites)
            if name in theirs
        )

    @property
    def policies(self) -> str:
        """Digest of what is declared here."""
        policies = self._store.policies()
        if self._digest[0] != policies.generation:
            self._digest = (policies.generation, digest_of_policies(policies.declared))
        return self._digest[1]

    # ------------------------------------------------------------------------------------------------ what we publish

    def after_round(self) -> None:
        """Publish the round."""
        self._publisher.after_round()

    def _orders(self) -> tuple[GivenOrder, ...]:
        declared = self._store.policies().declared
        return to_tell(declared.sites, declared.freezes, self._told.orders, self._around.now())

    async def publish(self, prober: Prober, elector: Elector) -> None:
        """Write our report after every round, as long as this process leads, until cancelled."""

        def status() -> Status | None:
            if not prober.rounds:
                return None
            world, plan = self._planned or (None, None)
            report = report_of(
                self._who,
                prober.rounds,
                self._around.now(),
                world=world,
                plan=plan,
                told=self._told,
                policies=self.policies,
                orders=self._orders(),
            )
            memory = plan.memory if plan is not None else None
            return report_status(report, world=world, memory=memory, sick=self._sick)

        def guard() -> Publish | None:
            return elector.guard if elector.holding else None

        self._sequence = lambda: prober.rounds[-1].sequence if prober.rounds else 0
        await self._publisher.run(Desk(status=status, guard=guard), self._show_written)

    async def run(self) -> None:
        """Hear witnesses until cancelled; peers are heard as they are found."""
        await self.peers.run()

    def _show_written(self) -> None:
        self._telemetry.report_bytes.set(self._publisher.bytes)
        self._telemetry.reports_written.inc()

    def _tell_troubles(self) -> None:
        journal, telemetry = self._journal, self._telemetry
        journal.changed("report", troubles([self._publisher]) or None, event="our report cannot be written")
        for name, error in self.peers.troubles.items():
            journal.changed(f"peer {name}", str(error), event="reports of a peer cannot be watched", site=name)
        for name in self.peers.names - self.peers.troubles.keys():
            journal.changed(f"peer {name}", None, event="reports of a peer cannot be watched", site=name)
        journal.changed("reports", self.peers.problems or None, event="reports that say nothing to us")
        silent = sorted(str(peer.report.observer) for peer in self._told.peers if peer.silent)
        journal.changed("silent observers", silent or None, event="observers are silent")
        telemetry.report_age.clear()
        telemetry.policies_differ.clear()
        for peer in self._told.peers:
            site = str(peer.report.observer)
            telemetry.report_age.labels(site=site).set(peer.age_seconds)
            if peer.report.site is not None:
                telemetry.policies_differ.labels(site=site).set(0)
        differing = {c.of: c.because.text for c in self.conditions(self._told) if c.status is ConditionStatus.FALSE}
        for of in differing:
            telemetry.policies_differ.labels(site=str(of)).set(1)
        journal.changed("policies", differing or None, event="sites plan from different policies")


def policies_agree(site: SiteName, theirs: Report, *, ours: str) -> Condition:
    """Return whether the site plans from the policies that we plan from.

    Two versions may read the same policies differently, so their digests tell only that policies are equal.
    """
    if theirs.policies == ours:
        status, reason, text = ConditionStatus.TRUE, Reason.ALL_WELL, f"{site} plans from the same policies, {ours}"
    elif theirs.version != __version__:
        status, reason = ConditionStatus.UNKNOWN, Reason.POLICIES_DIFFER
        text = f"{site} runs {theirs.version}, this site {__version__}: told apart once both run the same"
    else:
        status, reason = ConditionStatus.FALSE, Reason.POLICIES_DIFFER
        text = f"{site} plans from policies {theirs.policies}, this site from {ours}: apply the same at both"
    because = Because(reason=reason, text=text)
    return Condition(of=site, type=ConditionType.POLICIES_AGREE, status=status, because=because)
