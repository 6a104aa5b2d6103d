"""Why a placement has the size it has: what asked for it, what each loss asked for, and what cut it.

Worked out when somebody asks. The sizes themselves are decided in `placement`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from controller.domain.explanation import Cut, Explained, Term
from controller.domain.fleet import Placement
from controller.domain.names import SiteName
from controller.domain.reasons import Reason
from controller.planning.demand import Demand
from controller.planning.facts import TARGET_UTILISATION
from controller.planning.flows import Split

ROUNDING = 1e-3
"""A solver's 7.0001 is 7 replicas, not 8: what the slack between two objectives leaves behind is arithmetic."""


NO_CEILINGS: Mapping[SiteName, Cut] = MappingProxyType({})


def whole(replicas: float) -> int:
    """Round up to whole replicas, but not for what arithmetic leaves behind."""
    return math.ceil(replicas - ROUNDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """How the sizes of one ENT came about. The splits are in the order of the placements."""

    demand: Demand
    per_unit: float
    """Demand per second that a replica carries at target utilisation."""
    placements: tuple[Placement, ...]
    """Those that take part."""
    split: Split
    ceilings: Mapping[SiteName, Cut]
    """Where replicas stay Pending, and so no more are to be had."""
    unbounded: Split | None = None
    """What it would have been without the bounds that bind; None when none binds."""
    how: str = ""
    bound_by_dependency: bool = False

    def most(self, placement: Placement) -> int:
        """Return the most replicas that the placement can reach."""
        cut = self.ceilings.get(placement.site)
        return placement.max_replicas if cut is None else min(placement.max_replicas, round(cut.after))

    def explained(self, index: int) -> Explained:
        """Say which case decided the replicas of one placement: normal, a loss, or the minimum."""
        placement, split = self.placements[index], self.split
        won = self.demand.won
        asked, detail = won.reason, won.told()
        terms = [_minimum(placement.min_replicas)]
        normally, value = whole(split.normal[index]), whole(split.replicas[index])
        if normally > 0:
            sized = f"{detail}; {self._sized(split.normal[index])}{self.how}"
            terms.append(Term(reason=asked, value=normally, detail=sized))
        if value > normally:
            loss = split.sized_for[index]
            lost = f"if {loss} is lost: " if loss is not None else "for the loss of a site: "
            sized = f"{lost}{self._sized(split.replicas[index])}{self.how}; {detail}"
            terms.append(Term(reason=Reason.RESERVE, value=value, detail=sized))
        terms.sort(key=_by_value)
        return Explained(
            subject=f"{self.demand.ent.key} at {placement.site}",
            quantity="replicas",
            value=min(max(value, placement.min_replicas), self.most(placement)),
            unit="replicas",
            terms=tuple(terms),
            cuts=self._cuts(index, max(value, placement.min_replicas)),
        )

    def _cuts(self, index: int, value: int) -> tuple[Cut, ...]:
        placement = self.placements[index]
        most = self.most(placement)
        cuts = [cut for cut in (self.ceilings.get(placement.site), self._bound(index)) if cut is not None]
        if value > most:
            text = f"max of the placement at {placement.site}"
            cuts.append(Cut(reason=Reason.AT_MAX, before=value, after=most, detail=text))
        return tuple(cuts)

    def _bound(self, index: int) -> Cut | None:
        """Say what the placement would have got if its bounds, or those of others, had not bound it."""
        if self.unbounded is None:
            return None
        placement, replicas = self.placements[index], self.split.replicas[index]
        before, after = whole(self.unbounded.replicas[index]), whole(replicas)
        if before <= after:
            return None
        if replicas >= self.most(placement) - ROUNDING:
            reason, detail = Reason.AT_MAX, f"max of the placement at {placement.site}"
        elif self.bound_by_dependency:
            reason, detail = Reason.BOTTLENECK_ELSEWHERE, "a shared dependency bears no more replicas"
        else:
            reason, detail = Reason.QUOTA, f"the quota of {placement.site}, or what others need of a quota"
        return Cut(reason=reason, before=before, after=after, detail=detail)

    def _sized(self, replicas: float) -> str:
        per_replica = self.per_unit / TARGET_UTILISATION
        return f"{replicas * self.per_unit:.1f}/s at {TARGET_UTILISATION:.0%} of {per_replica:g}/s per replica"


@lru_cache(maxsize=1024)
def _minimum(replicas: int) -> Term:
    return Term(reason=Reason.MINIMUM, value=replicas, detail="min of the placement")


def _by_value(term: Term) -> float:
    return -term.value
