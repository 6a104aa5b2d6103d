"""Who is solved together: most ENTs by the shape of their fleet, few by a programme of their own.

Most ENTs bind nobody: neither the max of a placement nor the quota of a site matters to them. Such a programme grows
in proportion to its demand, so it is solved once for a demand of one and each shape of fleet, and multiplied. An answer
that keeps within all bounds is the optimum of the bounded programme too, since bounds only take answers away. Only ENTs
that would break a bound, and those that share a quota with them, are solved together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from controller.domain.names import DomainName, EntKey, SiteName
from controller.planning.flows import UNLIMITED, Slot, Split, Wish, solve
from controller.planning.greedy import place_greedily
from controller.planning.programme import Unsolved

NOBODY = EntKey("", "")
SHAPES_REMEMBERED = 4096
"""Answers to a demand of one that are kept between plans: as many as ENTs may be in different steps of a shift."""
TIGHT = 1e-3
"""A quota exceeded by less than this is arithmetic."""
LARGEST_PROGRAMME = 1500
"""Slots that are solved together at most; beyond, regret greedy. A bound in size, so that all machines decide alike:
this many take about a second on the slowest that we know."""

Shape = tuple[tuple[SiteName, float, float, tuple[DomainName, ...], float], ...]
"""Of each slot its site, distance, cost, domains and present share: all but its bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The optimum without bounds for a demand of one, and what follows from it. Nothing in it may be changed."""

    split: Split
    shares: dict[SiteName, float]
    """Of the normal case; sums to 1."""
    carried: float
    after_loss: float
    """What the worst loss leaves; as much as there is where no loss is to be ready for."""
    replicas: float
    """Of all sites together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a programme gave one ENT."""

    bounded: Split
    unbounded: Split | None
    """What it would have been without bounds; None when that has no answer."""
    how: str = ""
    """A word on how it was found, where that was not the programme."""


@lru_cache(maxsize=SHAPES_REMEMBERED)
def unit_of(shape: Shape, reserve: bool) -> Unit | None:  # noqa: FBT001 - a key of the memory
    """Solve a demand of one without bounds. A fleet has a few shapes, and they stay for as long as traffic does.

    None when a solver finds no answer, or where nothing can serve.
    """
    one = _without_bounds(shape, reserve=reserve)
    solved = solve([one], {})
    if isinstance(solved, Unsolved):
        return None
    split = solved[NOBODY]
    carried, whole = sum(split.normal), sum(split.replicas)
    if carried <= TIGHT:
        return None
    after = [
        whole - sum(n for s, n in zip(one.slots, split.replicas, strict=True) if d in s.domains) for d in one.domains
    ]
    return Unit(
        split=split,
        shares={slot.site: flow / carried for slot, flow in zip(one.slots, split.normal, strict=True)},
        carried=carried,
        after_loss=min(after, default=1.0),
        replicas=whole,
    )


def _without_bounds(shape: Shape, *, reserve: bool) -> Wish:
    slots = tuple(
        Slot(site=site, most=UNLIMITED, distance=distance, cost=cost, domains=domains, held=held)
        for site, distance, cost, domains, held in shape
    )
    return Wish(key=NOBODY, priority=0, units=1.0, per_unit=1.0, reserve=reserve, most_replicas=UNLIMITED, slots=slots)


def unbounded(wish: Wish) -> Split | None:
    """Return the optimum without bounds: that of a demand of one, multiplied."""
    unit = unit_of(tuple([(s.site, s.distance, s.cost, s.domains, s.held) for s in wish.slots]), wish.reserve)
    return None if unit is None else unit.split.times(wish.units)


def answer(wishes: Sequence[Wish], quotas: Mapping[SiteName, float]) -> dict[EntKey, Answer]:
    """Solve some wishes as one programme, or greedily when it is too large or has no answer within its limits."""
    slots = sum(len(wish.slots) for wish in wishes)
    solved = solve(wishes, quotas) if slots <= LARGEST_PROGRAMME else Unsolved(why=f"{slots} placements share a quota")
    how = ""
    if isinstance(solved, Unsolved):
        how = f" (by regret greedy: {solved.why})"
        solved = place_greedily(wishes, quotas)
    return {w.key: Answer(bounded=solved[w.key], unbounded=unbounded(w), how=how) for w in wishes}


def entangled(asked: Mapping[EntKey, Mapping[SiteName, float]], quotas: Mapping[SiteName, float]) -> list[EntKey]:
    """Return the ENTs that share a quota with one that is exceeded, directly or through others; none if none is.

    `asked` is what each would take of every site at which it could serve, if there were no quotas.
    """
    if not quotas:
        return []
    whole = dict.fromkeys(quotas, 0.0)
    for counts in asked.values():
        for site, count in counts.items():
            if site in whole:
                whole[site] += count
    tight = {site for site, count in whole.items() if count > quotas[site] + TIGHT}
    found: set[EntKey] = set()
    while True:
        new = [key for key, counts in asked.items() if key not in found and not tight.isdisjoint(counts)]
        if not new:
            return [key for key in asked if key in found]
        found.update(new)
        tight.update(site for key in new for site in asked[key] if site in quotas)
