"""Who owns what is written: owners, proofs, rivals, finalizers; and the conditions that tell of them.

Beside the planning cycle, while the Lease is held: once a second a few dry runs that are due, finalizers that are
missing, floors that are to be given back. All of it level-based, nothing of it in a hurry.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from controller.actuate.floor import FloorWriter
from controller.actuate.giving_back import FINALIZER, give_back, hold, let_go
from controller.actuate.outcome import Done, Outcome
from controller.actuate.proofs import Prover
from controller.actuate.rivals import Rivals
from controller.actuate.scale import Scaler
from controller.domain.fleet import Ent, ReplicaOwner
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Because, Condition, ConditionStatus, ConditionType
from controller.domain.reasons import Reason
from controller.domain.world import World
from controller.kube.autoscalers import Autoscaler
from controller.kube.client import Cluster
from controller.kube.lease import LeaseLost
from controller.kube.resources import ObjectKey
from controller.observe.policies import CustomObject, Policies, PolicyStore, resource_of
from controller.observe.sites import WatchedSites
from controller.policy.ent import RegionalENT
from controller.runtime.clock import SystemClock
from controller.runtime.journal import Journal
from controller.runtime.leadership import Leadership

ENTS = resource_of(RegionalENT)

NOBODY_ELSE = Because(reason=Reason.NOT_NEEDED, text="nobody else writes what we write")


BUSY_SECONDS = 1.0
"""Between rounds while there is something to prove."""

QUIET_SECONDS = 5.0
"""Between rounds otherwise: one planning cycle."""


class Ownership:
    """One per process."""

    def __init__(
        self,
        store: PolicyStore,
        sites: WatchedSites,
        management: Cluster,
        clock: SystemClock,
        *,
        home: SiteName | None = None,
    ) -> None:
        """Own what is at all sites, or at `home` alone."""
        self._home = home
        self._store = store
        self._sites = sites
        self._management = management
        self._now = clock.now
        self._looked_at: Policies | None = None
        self._ents: dict[EntKey, Ent] = {}
        self.rivals = Rivals()
        self.scaler = Scaler(sites.clusters, sites.binding, self.rivals, self._now)
        self.floors = FloorWriter(sites.clusters, sites.binding, self._owner, self._held, self.rivals, self._now)
        self._prover = Prover(sites.clusters, sites.binding, self._now)

    async def run(self, world: Callable[[], World | None], leadership: Leadership, journal: Journal) -> None:
        """Do a little of what is due, again and again, as long as this process leads."""
        while True:
            seen, busy = world(), False
            if seen is not None and leadership.term is not None:
                with contextlib.suppress(LeaseLost):
                    busy = await leadership.elector.guard(self._round(seen, journal))
            await asyncio.sleep(BUSY_SECONDS if busy else QUIET_SECONDS)

    async def _round(self, world: World, journal: Journal) -> bool:
        """Return whether there was something to prove."""
        self.rivals.follow(self._store.policies().generation)
        tried = await self._prover.prove(self._here(world.ents))
        troubles: dict[str, str] = {}
        for each in self._store.objects(RegionalENT.__name__):
            why = getattr(await self._settle(each, world), "why", None)
            if why:
                troubles[str(each.key)] = why
        journal.changed("floors", troubles, event="finalizers and floors not settled")
        return tried > 0

    def conditions(self, world: World, now: datetime) -> tuple[Condition, ...]:
        """Return `FloorWritable` and `RivalWriter` of every ENT."""
        rivals = self.rivals.found(now)
        return tuple(
            condition
            for ent in self._here(world.ents)
            for condition in (self._writable(ent), _rival(ent.key, rivals.get(ent.key)))
        )

    def _here(self, ents: Iterable[Ent]) -> tuple[Ent, ...]:
        """Return the ENTs with the placements that are ours to write."""
        if self._home is None:
            return tuple(ents)
        return tuple(replace(e, placements=tuple(p for p in e.placements if p.site == self._home)) for e in ents)

    def _writable(self, ent: Ent) -> Condition:
        """Return `FloorWritable`; a predecessor's proof of the same spec counts until we have tried ourselves."""
        found = self._prover.condition(ent)
        if found.status is not ConditionStatus.UNKNOWN or self._prover.has_tried(ent):
            return found
        seen = self._store.ent(ent.key)
        for before in seen.status.conditions if seen is not None else ():
            proven = before.get("type") == str(found.type) and before.get("status") == str(ConditionStatus.TRUE)
            if seen is not None and proven and before.get("observedGeneration") == seen.generation:
                because = Because(reason=Reason.ALL_WELL, text=str(before.get("message", "")))
                return replace(found, status=ConditionStatus.TRUE, because=because)
        return found

    def pods_refused(self, ents: Iterable[Ent]) -> dict[EntKey, Condition]:
        """Return `ScalingLimited` of the ENTs whose pods some cluster refuses to create, in its own words."""
        found = {}
        for ent in ents:
            texts = [f"{p.site}: {why}" for p in ent.placements if (why := self._refused(ent, p.site))]
            if texts:
                because = Because(reason=Reason.PODS_REFUSED, text="; ".join(texts))
                found[ent.key] = Condition(
                    of=ent.key, type=ConditionType.SCALING_LIMITED, status=ConditionStatus.TRUE, because=because
                )
        return found

    def _refused(self, ent: Ent, site: SiteName) -> str:
        watched, placement = self._sites.sites.get(site), ent.placement(site)
        if watched is None or placement is None:
            return ""
        workload = watched.find(placement.target, ObjectKey(ent.key.namespace, placement.target.name))
        return workload.refused if workload is not None else ""

    async def _settle(self, each: CustomObject, world: World) -> Outcome:
        """Bring one ENT's finalizer and notes to where they should be, one step at a time."""
        key = EntKey(each.key.namespace, each.key.name)
        held, owner = FINALIZER in each.finalizers, self._owner(key)
        floors = owner is not None and owner is not ReplicaOwner.SCALE
        if floors and not each.deleting and not held:
            return await hold(self._management, ENTS, each.key, uid=each.uid, now=self._now)
        if held and not (each.deleting and _in_force(world, key)):
            return await self._give_back(each, key, world)
        return Done()

    async def _give_back(self, each: CustomObject, key: EntKey, world: World) -> Outcome:
        owed = self._owed(key, leaving=each.deleting)
        for site, autoscaler in owed:
            outcome = await give_back(self._sites.clusters()[site], autoscaler, self._now)
            if not isinstance(outcome, Done):
                return outcome
        owner = self._owner(key)
        needed = not each.deleting and (owner is None or owner is not ReplicaOwner.SCALE)
        if owed or needed or not self._all_seen(world):
            return Done()  # what was just given back must be seen to be gone first
        return await let_go(self._management, ENTS, each.key, self._now)

    def _owed(self, key: EntKey, *, leaving: bool) -> list[tuple[SiteName, Autoscaler]]:
        """Return the autoscalers with a note of the ENT that are not its targets, or not any more."""
        noted = [(name, auto) for name, site in self._sites.sites.items() for auto in site.autoscalers.noted(key)]
        ent = self._declared(key)
        if leaving:
            return noted
        if ent is None:
            return []  # its object is there but was never valid: nobody knows what it owns
        return [(site, auto) for site, auto in noted if not self._is_bound(ent, site, auto)]

    def _is_bound(self, ent: Ent, site: SiteName, auto: Autoscaler) -> bool:
        placement = ent.placement(site)
        if placement is None or ent.owner is ReplicaOwner.SCALE:
            return False
        binding = self._sites.binding(site, ent.owner, ent.key, placement.target)
        # Several autoscalers, or none to be seen, is a mistake to be mended and no reason to take a floor away.
        return binding.autoscaler is None or binding.autoscaler.key == auto.key

    def _all_seen(self, world: World) -> bool:
        """Tell whether no declared site may hide a note from us."""
        seen = {name for name, site in self._sites.sites.items() if site.autoscalers.known}
        return world.writable_sites <= seen

    def _owner(self, key: EntKey) -> ReplicaOwner | None:
        ent = self._declared(key)
        return ent.owner if ent is not None else None

    def _declared(self, key: EntKey) -> Ent | None:
        policies = self._store.policies()
        if policies is not self._looked_at:
            self._looked_at, self._ents = policies, {ent.key: ent for ent in policies.declared.ents}
        return self._ents.get(key)

    def _held(self, key: EntKey) -> bool:
        seen = self._store.ent(key)
        return seen is not None and FINALIZER in seen.finalizers


def _in_force(world: World, key: EntKey) -> bool:
    """Tell whether a window of the ENT has begun and not ended: until then its floor stays (design §4)."""
    return any(ent.key == key for ent in world.ents)


def _rival(of: EntKey, found: str | None) -> Condition:
    status = ConditionStatus.FALSE if found is None else ConditionStatus.TRUE
    because = NOBODY_ELSE if found is None else Because(reason=Reason.REVERTED, text=found)
    return Condition(of=of, type=ConditionType.RIVAL_WRITER, status=status, because=because)
