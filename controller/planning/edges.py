"""Edges that stand at sites, and what becomes of them when their site is lost or out of sight.

What a fallen edge was told last splits nobody's traffic any more. Left in, it would go on sending users to a dead site
for ever, and the emergency would last as long. Its users come in through other edges, by and by; and an edge that is
out of sight may have changed its mind. Until both are seen again users may be missing from what is measured, so
nothing of the ENT shrinks (ADR 0011).
"""

from dataclasses import replace

from controller.domain.memory import Verdict
from controller.domain.names import EdgeName, EntKey, SiteName
from controller.domain.plan import Because
from controller.domain.reasons import Reason
from controller.planning.demand import Demand
from controller.planning.facts import Facts, rerouted
from controller.planning.health import Health


def fallen_edges(facts: Facts, health: dict[SiteName, Health]) -> frozenset[EdgeName]:
    """Return the edges that stand at sites that are Down."""
    return frozenset(e.name for e in facts.world.edges if e.site in health and health[e.site].gone)


def without_edges(facts: Facts, fallen: frozenset[EdgeName]) -> Facts:
    """Return the facts as if these edges did not exist."""
    if not fallen:
        return facts
    ents = {
        key: replace(ent, edges=tuple(edge for edge in ent.edges if edge not in fallen))
        for key, ent in facts.ents.items()
    }
    routes = {place: routes for place, routes in facts.routes.items() if place[1] not in fallen}
    return rerouted(facts, ents, routes)


def held_for_edges(facts: Facts, demands: dict[EntKey, Demand], health: dict[SiteName, Health]) -> dict[EntKey, Demand]:
    """Let no ENT shrink whose users may be on their way from one edge to another without being counted."""
    unseen = frozenset(
        e.name for e in facts.world.edges if e.site in health and health[e.site].verdict in _OUT_OF_SIGHT
    )
    if not unseen:
        return demands
    through = {ent.key: sorted(unseen.intersection(ent.edges)) for ent in facts.world.ents}
    return {
        key: replace(demand, no_shrink=_on_their_way(through[key]))
        if through[key] and demand.no_shrink is None
        else demand
        for key, demand in demands.items()
    }


_OUT_OF_SIGHT = (Verdict.DOWN, Verdict.UNKNOWN)


def _on_their_way(edges: list[EdgeName]) -> Because:
    text = f"users of {', '.join(edges)} may be on their way to another edge: its site is lost or out of sight"
    return Because(reason=Reason.EVIDENCE_NOT_FRESH, text=text)
