"""Which order holds, where several clusters have one: of those about the same thing, the one that was given last.

Taking an order back is an order too, one that has ended already. So an older one, still standing in a cluster that was
not reached when it was taken back, does not come into force again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from controller.domain.fleet import Order, Site
from controller.domain.names import SiteName

LONGEST_ORDER = timedelta(days=7)
"""Whoever needs longer changes the policy, where others review it. What was given longer ago is over everywhere."""

CLOCKS_APART = timedelta(minutes=5)
"""An order from further ahead was dated by a wrong clock, and would win for as long as it is ahead."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenOrder:
    """An order as the instances tell it to each other."""

    site: SiteName | None
    """The site that is to be left; None: a freeze of the whole fleet."""
    order: Order

    def is_told(self, now: datetime) -> bool:
        """Tell whether others need to know: it says when it was given, and may still outdo another."""
        given = self.order.given_at
        return given is not None and now - LONGEST_ORDER <= given <= now + CLOCKS_APART


def newest(orders: Iterable[Order]) -> Order | None:
    """Return the order that was given last. One that does not say when counts as older than all that do."""
    return max(orders, key=lambda o: (o.given_at or _LONG_AGO, o.until, o.by, o.reason), default=None)


def drained(sites: Sequence[Site], told: Iterable[GivenOrder]) -> tuple[Site, ...]:
    """Return the sites, each with the newest drain: its own or one that was told."""
    by_site: dict[SiteName, list[Order]] = {}
    for each in told:
        if each.site is not None:
            by_site.setdefault(each.site, []).append(each.order)
    if not by_site:
        return tuple(sites)
    return tuple(
        replace(site, drain=newest([*by_site[site.name], *_one(site.drain)])) if site.name in by_site else site
        for site in sites
    )


def fleet_freeze(freezes: Iterable[Order]) -> Order | None:
    """Return the freeze that lasts longest: of those given by hand only the newest counts, of policies every one."""
    orders = tuple(freezes)
    by_hand = newest(order for order in orders if order.given_at is not None)
    counted = [order for order in orders if order.given_at is None] + _one(by_hand)
    return max(counted, key=lambda order: (order.until, order.by), default=None)


def told_freezes(told: Iterable[GivenOrder]) -> tuple[Order, ...]:
    """Return the freezes among what was told."""
    return tuple(each.order for each in told if each.site is None)


def to_tell(
    sites: Iterable[Site], freezes: Iterable[Order], told: Iterable[GivenOrder], now: datetime
) -> tuple[GivenOrder, ...]:
    """Return the newest order about every site and about the fleet: our own, and those told to us, passed on."""
    found: dict[SiteName | None, list[Order]] = {}
    own = [GivenOrder(site=site.name, order=site.drain) for site in sites if site.drain is not None]
    own += [GivenOrder(site=None, order=order) for order in freezes]
    for each in (*own, *told):
        if each.is_told(now):
            found.setdefault(each.site, []).append(each.order)
    return tuple(
        GivenOrder(site=site, order=order)
        for site, orders in sorted(found.items(), key=lambda item: item[0] or "")
        if (order := newest(orders)) is not None
    )


def _one(order: Order | None) -> list[Order]:
    return [order] if order is not None else []
