"""Second opinions: of moves that are no evacuation, the smaller shift wins (design §6, two topologies).

Instances that plan from the same policies should plan the same. Where they do not, one of them sees something that is
not so, or not yet. A step too small is mended ten seconds later, one too many has moved people. So what a peer would do
at our edge bounds what we do there:

1. Only of peers that plan from the same policies, are heard, and have heard us lately: whoever does not know what we
   know has no opinion (the shell sees to it).
2. Never when a Down site is left, and never against an order of people.
3. A peer's opinion of moves away from itself does not count: a word about oneself counts downwards only.
4. A peer that would move but for a reason of its own has no opinion; one that would leave the weights as they are, or
   move them the other way, says no.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controller.domain.intents import Intent, PeerPlan
from controller.domain.memory import MoveKind
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.plan import Because
from controller.domain.reasons import Reason
from controller.planning.facts import Facts
from controller.planning.programme import largest_remainder

UNBOUND = (MoveKind.EVACUATION, MoveKind.SWITCHOVER)
"""Leaving a dead site, and a drain, which is an order of people."""

Percents = dict[SiteName, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What is left of a move, and why, when nothing is."""

    percents: Percents
    held: Because | None = None


def second_opinion(
    facts: Facts, ent: EntKey, edge: EdgeName, kind: MoveKind, before: Percents, after: Percents
) -> Opinion:
    """Return the weights as far along our own way as every peer would go that has an opinion.

    How far a peer goes is told by what it takes from the site from which we take most.
    """
    left = [site for site in sorted(before) if after.get(site, 0) < before[site]]
    if kind in UNBOUND or not left or not facts.world.peers:
        return Opinion(percents=after)
    source = max(left, key=lambda site: (before[site] - after.get(site, 0), site))
    factor, by = 1.0, None
    for peer in _heard(facts.world.peers, ent, edge, before, after):
        theirs = before[source] - _percents_of(peer, ent, edge, before).get(source, 0)
        share = max(0, theirs) / (before[source] - after.get(source, 0))
        if share < factor:
            factor, by = share, peer.site
    if by is None:
        return Opinion(percents=after)
    smaller = _scaled(before, after, factor)
    if smaller == before:
        return Opinion(percents=after, held=_no(by))
    return Opinion(percents=smaller)


def peers_answer_otherwise(
    facts: Facts, ent: EntKey, edge: EdgeName, kind: MoveKind, was: Iterable[SiteName], targets: Iterable[SiteName]
) -> Because | None:
    """Return why an answer set is not changed now: a peer would change less of it."""
    before, after = dict.fromkeys(was, 1), dict.fromkeys(targets, 1)
    if kind in UNBOUND:
        return None
    for peer in _heard(facts.world.peers, ent, edge, before, after):
        theirs = set(_named(peer, ent, edge) or before)
        if len(theirs ^ set(before)) < len(set(after) ^ set(before)):
            return _no(peer.site)
    return None


def _no(site: SiteName) -> Because:
    text = f"the instance at {site} plans from the same policies and would not move this now"
    return Because(reason=Reason.PEERS_DISAGREE, text=text)


def _heard(
    peers: Iterable[PeerPlan],
    ent: EntKey,
    edge: EdgeName,
    before: Mapping[SiteName, int],
    after: Mapping[SiteName, int],
) -> list[PeerPlan]:
    """Return the peers that have an opinion on a move."""
    return [
        peer
        for peer in sorted(peers, key=lambda peer: peer.site)
        if after.get(peer.site, 0) >= before.get(peer.site, 0) and _find(peer.undecided, ent, edge) is None
    ]


def _find(intents: Iterable[Intent], ent: EntKey, edge: EdgeName) -> Intent | None:
    return next((intent for intent in intents if intent.ent == ent and intent.edge == edge), None)


def _named(peer: PeerPlan, ent: EntKey, edge: EdgeName) -> Percents | None:
    intent = _find(peer.intents, ent, edge)
    weights = {each.site: each.weight for each in intent.weights if each.weight > 0} if intent is not None else {}
    return weights or None


def _percents_of(peer: PeerPlan, ent: EntKey, edge: EdgeName, before: Percents) -> Percents:
    weights = _named(peer, ent, edge)
    if weights is None:
        return before
    found = largest_remainder({str(site): float(weight) for site, weight in weights.items()}, sum(before.values()))
    return {SiteName(site): percent for site, percent in found.items()}


def _scaled(before: Percents, after: Percents, factor: float) -> Percents:
    """Every point of the way from here to there is as safe as both ends."""
    sites = sorted(before.keys() | after.keys())
    shares: dict[str, float] = {
        site: before.get(site, 0) + factor * (after.get(site, 0) - before.get(site, 0)) for site in sites
    }
    return {SiteName(site): percent for site, percent in largest_remainder(shares, sum(before.values())).items()}
