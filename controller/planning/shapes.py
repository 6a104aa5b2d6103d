"""Who is solved together: most ENTs by the shape of their fleet, few by a programme of their own.

Most ENTs bind nobody: neither the max of a placement nor the quota of a site matters to them. Such a programme grows
in proportion to its demand, so it is solved once for a demand of one and each shape of fleet, and multiplied. An answer
that keeps within all bounds is the optimum of the bounded programme too, since bounds only take answers away. Only ENTs
that would break a bound, and those that share a quota with them, are solved together.
"""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answer to every wish."""

    bounded: dict[EntKey, Split]
    unbounded: dict[EntKey, Split]
    """What it would have been without bounds, for those whose bounds bind."""
    how: dict[EntKey, str]
    """A word on how it was found, where that was not the programme."""


def answers_to(wishes: dict[EntKey, Wish], quotas: dict[SiteName, float]) -> Answers:
    """Answer every wish: by its shape where no bound binds, together with whom it shares a bound otherwise."""
    found = Answers(bounded={}, unbounded={}, how={})
    for key, wish in wishes.items():
        unbounded = _unbounded(wish)
        if unbounded is not None and _keeps_bounds(wish, unbounded):
            found.bounded[key] = unbounded
            continue
        if unbounded is not None:
            found.unbounded[key] = unbounded
        _solve_together([wish], {}, found)
    together = _entangled(wishes, found.bounded, quotas)
    found.unbounded.update({w.key: found.bounded[w.key] for w in together if w.key not in found.unbounded})
    if together:
        _solve_together(together, quotas, found)
    return found


def _keeps_bounds(wish: Wish, split: Split) -> bool:
    return sum(split.replicas) <= wish.most_replicas and all(
        count <= slot.most for count, slot in zip(split.replicas, wish.slots, strict=True)
    )


def _unbounded(wish: Wish) -> Split | None:
    """Return the optimum without bounds: that of a demand of one, multiplied. None when a solver finds none."""
    slots = tuple([(s.site, s.distance, s.cost, s.domains, s.held) for s in wish.slots])
    unit = _unit(slots, wish.reserve)
    return None if unit is None else unit.times(wish.units)


Shape = tuple[tuple[SiteName, float, float, tuple[DomainName, ...], float], ...]
"""Of each slot its site, distance, cost, domains and present share: all but its bound."""


@lru_cache(maxsize=SHAPES_REMEMBERED)
def _unit(shape: Shape, reserve: bool) -> Split | None:  # noqa: FBT001 - a key of the memory
    """Solve a demand of one without bounds. A fleet has a few shapes, and they stay for as long as traffic does."""
    slots = tuple(
        Slot(site=site, most=UNLIMITED, distance=distance, cost=cost, domains=domains, held=held)
        for site, distance, cost, domains, held in shape
    )
    one = Wish(key=NOBODY, priority=0, units=1.0, per_unit=1.0, reserve=reserve, most_replicas=UNLIMITED, slots=slots)
    solved = solve([one], {})
    return None if isinstance(solved, Unsolved) else solved[NOBODY]


def _solve_together(wishes: list[Wish], quotas: dict[SiteName, float], found: Answers) -> None:
    """Solve some wishes as one programme, or greedily when it is too large or has no answer within its limits."""
    slots = sum(len(wish.slots) for wish in wishes)
    solved = solve(wishes, quotas) if slots <= LARGEST_PROGRAMME else Unsolved(why=f"{slots} placements share a quota")
    if isinstance(solved, Unsolved):
        found.how.update({wish.key: f" (by regret greedy: {solved.why})" for wish in wishes})
        solved = place_greedily(wishes, quotas)
    found.bounded.update(solved)


def _entangled(wishes: dict[EntKey, Wish], splits: dict[EntKey, Split], quotas: dict[SiteName, float]) -> list[Wish]:
    """Return the ENTs that share a quota with one that is exceeded, directly or through others; none if none is."""
    if not quotas:
        return []
    asked = dict.fromkeys(quotas, 0.0)
    for key, split in splits.items():
        for slot, count in zip(wishes[key].slots, split.replicas, strict=True):
            if slot.site in asked:
                asked[slot.site] += count
    tight = {site for site, count in asked.items() if count > quotas[site] + TIGHT}
    found: dict[EntKey, Wish] = {}
    while True:
        new = [w for k, w in wishes.items() if k not in found and any(s.site in tight for s in w.slots)]
        if not new:
            return [wish for key, wish in wishes.items() if key in found]
        found.update({wish.key: wish for wish in new})
        tight |= {slot.site for wish in new for slot in wish.slots if slot.site in quotas}
