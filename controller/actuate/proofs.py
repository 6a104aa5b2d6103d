"""That we may write what the next bell needs is proven long before it, by dry runs that pass all that a write passes.

When a placement is first seen, when its owner, target or maximum changes, and every six hours, the largest write that
could ever be wanted (the placement's maximum) is sent as a server-side dry run: credentials, admission policies and
schemas all have their say, and nothing is written. The condition `FloorWritable` tells the result.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.actuate.answers import DEADLINE_SECONDS
from controller.actuate.floor import apply_floor, highest_floor
from controller.actuate.scale import Bindings, Clusters
from controller.domain.fleet import Ent, Placement, ReplicaOwner
from controller.domain.names import EntKey, SiteName
from controller.domain.plan import Because, Condition, ConditionStatus, ConditionType
from controller.domain.reasons import Reason
from controller.kube.apply import read_scale, write_scale
from controller.kube.autoscalers import DECODERS, Autoscaler
from controller.kube.client import Cluster
from controller.kube.errors import ApiError, Conflict, Forbidden, Invalid, NotFound
from controller.kube.resources import SCALABLE, ObjectKey

GOOD_FOR = timedelta(hours=6)
"""A proof of the evening is renewed before the bell of the morning (design §4)."""

BELIEVED_FOR = 2 * GOOD_FOR
"""A proof that could not be renewed, since the site does not answer, is worth nothing after this."""

REFUSED_AGAIN_AFTER = timedelta(minutes=5)
"""Whoever mends a role or a policy wants to see it."""

UNANSWERED_AGAIN_AFTER = timedelta(seconds=30)
CONFLICT_AGAIN_AFTER = timedelta(seconds=1)
"""Most often the workload's own controller was writing its status; a moment later it is not."""

AT_ONCE = 4
"""Dry runs of one round: 3,000 placements are proven within a quarter of an hour, and nobody feels it."""

RBAC_SAYS = " cannot "
"""As in `User "x" cannot patch resource "y"`: what the authorizer says, and no admission plugin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    subject: tuple[object, ...]
    at: datetime
    """When it was last tried."""
    wrong: Because | None
    again_after: timedelta
    answered: bool = True
    """Whether the last try got an answer."""
    proven_at: datetime | None = None
    """When it last succeeded."""


Place = tuple[EntKey, SiteName]


class Prover:
    """Knows for every placement whether it may be written; one per process."""

    def __init__(self, clusters: Clusters, bindings: Bindings, now: Callable[[], datetime]) -> None:
        self._clusters = clusters
        self._bindings = bindings
        self._now = now
        self._proofs: dict[Place, _Proof] = {}

    async def prove(self, ents: Iterable[Ent]) -> int:
        """Try some of those that are due, and return how many were tried."""
        due: list[tuple[Ent, Placement]] = []
        places: set[Place] = set()
        for ent in ents:
            for placement in ent.placements:
                places.add((ent.key, placement.site))
                if len(due) < AT_ONCE and self._is_due(ent, placement):
                    due.append((ent, placement))
        self._proofs = {place: proof for place, proof in self._proofs.items() if place in places}
        proofs = await asyncio.gather(*(self._tried(ent, placement) for ent, placement in due))
        for (ent, placement), proof in zip(due, proofs, strict=True):
            self._proofs[(ent.key, placement.site)] = proof
        return len(due)

    def condition(self, ent: Ent) -> Condition:
        """Return `FloorWritable` of the ENT: False before Unknown before True."""
        found = {placement.site: self._state(ent, placement) for placement in ent.placements}
        for status in (ConditionStatus.FALSE, ConditionStatus.UNKNOWN):
            wrong = {site: because for site, (state, because) in found.items() if state is status}
            if wrong:
                reason = wrong[min(wrong)].reason
                text = "; ".join(f"{site}: {wrong[site].text}" for site in sorted(wrong))
                return _condition(ent.key, status, Because(reason=reason, text=text))
        return _condition(ent.key, ConditionStatus.TRUE, Because(reason=Reason.ALL_WELL, text=PROVEN))

    def has_tried(self, ent: Ent) -> bool:
        """Tell whether every placement has been tried at least once since this process began."""
        return all((ent.key, placement.site) in self._proofs for placement in ent.placements)

    def _state(self, ent: Ent, placement: Placement) -> tuple[ConditionStatus, Because]:
        binding = self._bindings(placement.site, ent.owner, ent.key, placement.target)
        if not binding.known:
            return ConditionStatus.UNKNOWN, _not_proven("its autoscalers have not been seen; may we list them?")
        if binding.obstacle is not None:
            return ConditionStatus.FALSE, binding.obstacle
        if binding.autoscaler is not None and binding.autoscaler.idle_replicas is not None:
            idle = binding.autoscaler.idle_replicas
            text = f"idleReplicaCount {idle} of {binding.autoscaler} lets KEDA go below any floor: take it out"
            return ConditionStatus.FALSE, Because(reason=Reason.FLOOR_NOT_HELD, text=text)
        proof = self._proofs.get((ent.key, placement.site))
        if proof is None or proof.subject != self._subject(ent, placement):
            return ConditionStatus.UNKNOWN, _not_proven("not tried yet")
        if proof.answered:
            wrong = proof.wrong
            return (ConditionStatus.FALSE, wrong) if wrong is not None else (ConditionStatus.TRUE, _PROVEN)
        if proof.proven_at is not None and self._now() - proof.proven_at < BELIEVED_FOR:
            return ConditionStatus.TRUE, _PROVEN
        return ConditionStatus.UNKNOWN, proof.wrong or _not_proven("no answer")

    def _is_due(self, ent: Ent, placement: Placement) -> bool:
        binding = self._bindings(placement.site, ent.owner, ent.key, placement.target)
        if not binding.known or binding.obstacle is not None or placement.site not in self._clusters():
            return False
        proof = self._proofs.get((ent.key, placement.site))
        if proof is None or proof.subject != self._subject(ent, placement):
            return True
        return self._now() - proof.at >= proof.again_after

    def _subject(self, ent: Ent, placement: Placement) -> tuple[object, ...]:
        bound = self._bindings(placement.site, ent.owner, ent.key, placement.target).autoscaler
        ceiling = bound.ceiling if bound is not None else 0
        return ent.owner, placement.target, placement.max_replicas, str(bound), ceiling

    async def _tried(self, ent: Ent, placement: Placement) -> _Proof:
        cluster, subject = self._clusters()[placement.site], self._subject(ent, placement)
        bound = self._bindings(placement.site, ent.owner, ent.key, placement.target).autoscaler
        before = self._proofs.get((ent.key, placement.site))
        at = self._now()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                if ent.owner is ReplicaOwner.SCALE or bound is None:
                    await _try_scale(cluster, ent, placement)
                else:
                    await _try_floor(cluster, ent, placement, bound)
        except (Forbidden, Invalid, NotFound) as error:
            return _Proof(subject=subject, at=at, wrong=_refusal(error), again_after=REFUSED_AGAIN_AFTER)
        except (ApiError, TimeoutError) as error:
            return _Proof(
                subject=subject,
                at=at,
                wrong=_not_proven(str(error) or f"{cluster.name}: no answer within {DEADLINE_SECONDS} s"),
                again_after=CONFLICT_AGAIN_AFTER if isinstance(error, Conflict) else UNANSWERED_AGAIN_AFTER,
                answered=False,
                proven_at=before.proven_at if before is not None and before.subject == subject else None,
            )
        return _Proof(subject=subject, at=at, wrong=None, again_after=GOOD_FOR, proven_at=at)


PROVEN = "a dry run has passed at every site"
_PROVEN = Because(reason=Reason.ALL_WELL, text=PROVEN)


def _condition(of: EntKey, status: ConditionStatus, because: Because) -> Condition:
    return Condition(of=of, type=ConditionType.FLOOR_WRITABLE, status=status, because=because)


def _not_proven(text: str) -> Because:
    return Because(reason=Reason.NOT_PROVEN, text=text)


def _refusal(error: ApiError) -> Because:
    if isinstance(error, NotFound):
        reason = Reason.TARGET_MISSING
    elif isinstance(error, Forbidden) and RBAC_SAYS in error.message:
        reason = Reason.NOT_PERMITTED
    else:
        reason = Reason.WRITE_REFUSED
    return Because(reason=reason, text=str(error))


async def _try_scale(cluster: Cluster, ent: Ent, placement: Placement) -> None:
    target = placement.target
    resource = SCALABLE.get((target.api_version, target.kind))
    if resource is None:
        raise Invalid(cluster.name, f"{target.kind} {target.api_version} is not a kind that is scaled here")
    key = ObjectKey(ent.key.namespace, target.name)
    scale = await read_scale(cluster, resource, key)
    version = scale.metadata.resource_version
    await write_scale(cluster, resource, key, replicas=placement.max_replicas, resource_version=version, dry_run=True)


async def _try_floor(cluster: Cluster, ent: Ent, placement: Placement, bound: Autoscaler) -> None:
    found = DECODERS[bound.resource](await cluster.call("GET", bound.resource.path(bound.key)))
    floor = highest_floor(found, placement.max_replicas)
    await apply_floor(cluster, found, ent.key, floor, dry_run=True)
