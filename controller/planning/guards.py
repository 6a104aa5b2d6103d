"""Guards: orders of people and limits of this instance move actions to withheld (design §5 stage 10).

A guard returns the reason, not a bool. Growth passes every guard but pause and dry run.
"""

from controller.domain.memory import MoveKind
from controller.domain.names import ActionId, EdgeName, SiteName
from controller.domain.plan import (
    Action,
    Because,
    SetAdmission,
    SetDnsTargets,
    SetFloor,
    SetReplicas,
    SetWeights,
    Withheld,
)
from controller.domain.reasons import Reason
from controller.planning.facts import Facts

MOVES_UNDER_FREEZE = (MoveKind.EVACUATION, MoveKind.SWITCHOVER)
"""Leaving a dead site, and a drain, which is a manual order (invariant 7)."""

ANSWERS_UNDER_FREEZE = (Reason.SITE_DOWN, Reason.DRAIN_ORDERED)
"""The same of answers, which say why and not what kind of move they are."""


def guarded(facts: Facts, actions: list[Action]) -> dict[ActionId, Withheld]:
    """Return the actions that must not be taken, with the reason."""
    found: dict[ActionId, Withheld] = {}
    edges = {edge.name: edge.site for edge in facts.world.edges}
    for action in actions:
        because = _held_by(facts, action, edges)
        if because is not None:
            found[action.id] = Withheld(action=action, because=because)
    return found


def _held_by(facts: Facts, action: Action, edges: dict[EdgeName, SiteName | None]) -> Because | None:
    return (
        _dry_run(facts, action) or _pause(facts, action) or _freeze(facts, action) or _elsewhere(facts, action, edges)
    )


def _dry_run(facts: Facts, action: Action) -> Because | None:
    if facts.world.orders.dry_run:
        return Because(reason=Reason.DRY_RUN, text="dry run: nothing is written")
    ent = facts.ents.get(action.ent)
    if isinstance(action, SetWeights | SetDnsTargets) and ent is not None and ent.shifting.dry_run:
        return Because(reason=Reason.DRY_RUN, text="shifting.dryRun: no traffic of this ENT is moved")
    return None


def _pause(facts: Facts, action: Action) -> Because | None:
    ent = facts.ents.get(action.ent)
    for order in (facts.world.orders.pause, ent.pause if ent is not None else None):
        if order is not None and order.in_force(facts.now):
            text = f"paused until {order.until:%Y-%m-%d %H:%M}Z by {order.by}: {order.reason}"
            return Because(reason=Reason.PAUSED, text=text)
    return None


def _freeze(facts: Facts, action: Action) -> Because | None:
    order = facts.world.orders.freeze
    if order is None or not order.in_force(facts.now) or not shrinks_or_moves(action):
        return None
    text = f"frozen until {order.until:%Y-%m-%d %H:%M}Z by {order.by}: {order.reason}"
    return Because(reason=Reason.FROZEN, text=text)


def shrinks_or_moves(action: Action) -> bool:
    """Tell whether a freeze forbids the action."""
    match action:
        case SetReplicas(was=was, replicas=replicas) | SetFloor(was=was, replicas=replicas):
            return replicas < was
        case SetWeights(kind=kind, was=was):
            return bool(was) and kind not in MOVES_UNDER_FREEZE
        case SetDnsTargets(was=was, targets=targets, because=because):
            return bool(was) and was != targets and because.reason not in ANSWERS_UNDER_FREEZE
        case SetAdmission(was=cap, max_concurrent=new):
            return cap is not None and new < cap


def _elsewhere(facts: Facts, action: Action, edges: dict[EdgeName, SiteName | None]) -> Because | None:
    """In the one-site topology an instance writes only its own cluster; the others are expected to act themselves.

    What an edge holds is written by the site at which the edge stands, whatever site it is about.
    """
    if facts.world.self_site is None:
        return None
    site: SiteName | None = None
    match action:
        case SetReplicas() | SetFloor():
            site = action.site
        case SetAdmission():
            site = edges.get(action.edge) or action.site
        case SetWeights() | SetDnsTargets():
            site = edges.get(action.edge) or facts.world.self_site
    if site in facts.world.writable_sites:
        return None
    return Because(reason=Reason.NOT_WRITABLE_HERE, text=f"expected from the instance at {site}")
