"""Regret greedy: a placement without a solver, for when the programme is too large or has no answer in its limits.

ENTs are served by priority; among equals first the one that would lose most by not getting its best site. Normal
demand of all comes before anybody's reserve. The order of the objectives is that of the programme; what greedy gives
up is that nobody ever steps aside for somebody else.
"""

from collections.abc import Callable, Mapping, Sequence

from controller.domain.names import DomainName, EntKey, SiteName
from controller.planning.flows import UNLIMITED, Slot, Split, Wish, split_of

Price = Callable[[Slot], tuple[float, float]]
"""What a slot costs; the lesser is filled first."""


def place_greedily(wishes: Sequence[Wish], quotas: Mapping[SiteName, float]) -> dict[EntKey, Split]:
    """Return a feasible answer to every wish; never more than `most` of a slot nor the quota of a site."""
    left = dict(quotas)
    order = sorted(wishes, key=lambda wish: (-wish.priority, -_regret(wish), wish.key))
    normal = {wish.key: _serve(wish, left) for wish in order}
    replicas = {wish.key: _insure(wish, normal[wish.key], left) for wish in order}
    return {wish.key: split_of(wish, normal[wish.key], replicas[wish.key]) for wish in wishes}


def _regret(wish: Wish) -> float:
    """What the ENT pays for its second best site instead of its best."""
    prices = sorted((slot.distance, slot.cost) for slot in wish.slots)
    if len(prices) < 2:
        return UNLIMITED
    (near, cheap), (far, dear) = prices[0], prices[1]
    return wish.units * wish.per_unit * ((far - near) + (dear - cheap))


def _serve(wish: Wish, left: dict[SiteName, float]) -> list[float]:
    """Fill the nearest sites first, the cheaper of equals."""
    found = [0.0] * len(wish.slots)
    _fill(wish, found, wish.units, left, lambda slot: (slot.distance, slot.cost))
    return found


def _insure(wish: Wish, normal: Sequence[float], left: dict[SiteName, float]) -> list[float]:
    """Raise the cheapest survivors until every loss is covered as far as it can be."""
    found = list(normal)
    for domain in wish.domains:
        survivors = [n for slot, n in zip(wish.slots, found, strict=True) if domain not in slot.domains]
        _fill(wish, found, wish.units - sum(survivors), left, lambda slot: (slot.cost, slot.distance), but=domain)
    return found


def _fill(
    wish: Wish,
    found: list[float],
    amount: float,
    left: dict[SiteName, float],
    price: Price,
    but: DomainName | None = None,
) -> None:
    """Add replicas at the cheapest slots outside the domain, and take them from the quotas."""
    amount = min(amount, wish.most_replicas - sum(found))
    for index in sorted(range(len(wish.slots)), key=lambda i: (price(wish.slots[i]), wish.slots[i].site)):
        slot = wish.slots[index]
        if amount <= 0 or (but is not None and but in slot.domains):
            continue
        taken = max(0.0, min(amount, slot.most - found[index], left.get(slot.site, UNLIMITED)))
        found[index] += taken
        amount -= taken
        if slot.site in left:
            left[slot.site] -= taken
