"""Log-ins that do not arrive where traffic is sent: a grey failure that neither probes nor error ratios show.

Whoever cannot reach a site causes no errors there. So what gets through at each site is held against its share of the
traffic, by two measures that must agree:

1. by the other sites: what they let through for each share of theirs. One other site is not enough to judge by, two or
   more must be like each other;
2. by the forecast, where there is one. It may only acquit: with it, one other site is enough, and where fewer users
   come than usual nobody is accused by the forecast alone.

Judged are ENTs with one edge whose weights have not moved lately, on fresh readings of every site with traffic, and
from a least number of log-ins on. A site is suspected when most of the ENTs that can be judged there say so: one ENT is
that ENT's matter.
"""

from datetime import timedelta

from controller.domain.fleet import Ent
from controller.domain.names import EntKey, SignalName, SiteName
from controller.domain.plan import Because
from controller.domain.readings import Fresh
from controller.domain.reasons import Reason
from controller.planning.facts import Facts

LOGINS = SignalName("successes")
"""What got through, per second: in most portals log-ins that succeeded."""
LEAST_EXPECTED_PER_SECOND = 1.0
"""Sixty in the minute over which rates are taken: fewer say nothing (failover reference: 50 to 100)."""
FAR_BELOW = 0.3
"""Of what is expected. Sessions that stick and resolvers that cache blur a split, but not to a third."""
ALIKE = 0.5
"""The slowest of the other sites against the quickest, per share; below that they are no yardstick."""
SETTLED_AFTER = timedelta(minutes=2)
"""After a move of weights: caches of names and the window of a rate."""


def missing_logins(facts: Facts) -> dict[SiteName, Because]:
    """Return the sites at which log-ins are far below their share."""
    judged: dict[SiteName, int] = {}
    missed: dict[SiteName, list[str]] = {}
    for key, ent in facts.ents.items():
        if LOGINS not in facts.readings_of(key):
            continue
        for site, text in _judge(facts, ent).items():
            judged[site] = judged.get(site, 0) + 1
            if text is not None:
                missed.setdefault(site, []).append(f"{key}: {text}")
    return {
        site: Because(reason=Reason.LOGINS_MISSING, text=f"log-ins do not arrive at {site}: {', '.join(texts)}")
        for site, texts in sorted(missed.items())
        if len(texts) * 2 > judged[site]
    }


def _judge(facts: Facts, ent: Ent) -> dict[SiteName, str | None]:
    """Return what is wrong at each site that can be judged; None: nothing."""
    rates = _rates(facts, ent)
    if len(rates) < 2:
        return {}
    forecast = _forecast(facts, ent.key)
    found: dict[SiteName, str | None] = {}
    for site, (share, rate) in rates.items():
        others = [theirs / part for other, (part, theirs) in sorted(rates.items()) if other != site]
        if forecast is None and (len(others) < 2 or min(others) < ALIKE * max(others)):
            continue
        yardstick = min([min(others), *([forecast] if forecast is not None else [])])
        expected = yardstick * share
        if expected >= LEAST_EXPECTED_PER_SECOND:
            low = rate < FAR_BELOW * expected
            found[site] = f"{rate:.1f}/s of {expected:.1f}/s expected" if low else None
    return found


def _rates(facts: Facts, ent: Ent) -> dict[SiteName, tuple[float, float]]:
    """Return share and log-ins of each site with traffic; empty unless all is known and has settled."""
    if len(ent.edges) != 1:
        return {}
    moves = facts.remembered(ent.key).moves
    if any(facts.now - move.at < SETTLED_AFTER for move in moves):
        return {}
    found: dict[SiteName, tuple[float, float]] = {}
    for site, share in facts.shares(ent.key, ent.edges[0]).items():
        reading = facts.reading(ent.key, site, LOGINS)
        if share <= 0:
            continue
        if not isinstance(reading, Fresh):
            return {}
        found[site] = (share, reading.value)
    return found


def _forecast(facts: Facts, ent: EntKey) -> float | None:
    """Return what is usual now; None where it is not known or not used."""
    usual = [each.at(facts.now) for each in facts.forecasts.get(ent, ()) if not each.set_aside]
    return max(usual, default=0.0) or None
