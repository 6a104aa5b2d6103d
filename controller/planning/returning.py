"""When a site may get back what it had: after its hold, whether it fell or was drained.

The end of a drain permits the way back and does not order it. The order says itself when it ended, for as long as it
stands; nothing else must be remembered.
"""

from datetime import datetime, timedelta

from controller.domain.fleet import Site
from controller.planning.facts import Facts
from controller.planning.health import LONGEST_HOLD, Health, failback_hold_until

CAME_BACK_LATELY = timedelta(hours=24)
"""So long after a drain what grows there is called a fail-back: longer than any hold and a school day together."""


def returns_at(facts: Facts, health: Health, hold: timedelta) -> datetime | None:
    """Return until when the site stays without what it had; None where nothing holds it, or it is not back yet.

    `hold` is what the ENT declares for a first fall.
    """
    found = [until for until in (failback_hold_until(health, hold), _after_drain(facts, health, hold)) if until]
    return max(found, default=None)


def drain_ended(site: Site, now: datetime) -> datetime | None:
    """Return when the last drain of the site ended; None while it lasts, and where there was none lately."""
    if site.drain is None or site.drain.in_force(now) or now - site.drain.until > CAME_BACK_LATELY:
        return None
    return site.drain.until


def _after_drain(facts: Facts, health: Health, hold: timedelta) -> datetime | None:
    ended = drain_ended(facts.sites[health.site], facts.now) if health.site in facts.sites else None
    return ended + min(hold, LONGEST_HOLD) if ended is not None else None
