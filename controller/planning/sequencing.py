"""Order of actions: grow the receiver → raise its cap → move weight → shrink the source (design §5 stage 9)."""

from dataclasses import replace

from controller.domain.fleet import ReplicaOwner
from controller.domain.names import ActionId, EntKey
from controller.domain.plan import (
    Action,
    Because,
    SetAdmission,
    SetFloor,
    SetReplicas,
    Withheld,
)
from controller.domain.reasons import Reason
from controller.planning.scaling import Target
from controller.planning.shifts import Shift, taken, withheld_shift


def actions_of(
    targets: list[Target], shifts: list[Shift], caps: list[SetAdmission]
) -> tuple[list[Action], list[Withheld]]:
    """Return the actions in order, each naming those that must come before it, and what was withheld on the way."""
    growths = [_write_of(t, t.replicas) for t in targets if t.replicas > t.state.wanted]
    shrinks = [_write_of(t, t.replicas) for t in targets if t.replicas < t.state.wanted]
    # No cap is the highest cap: the first one lowers, and an edge learns it after its first weights.
    raised = [cap for cap in caps if cap.was is not None and cap.max_concurrent > cap.was]
    lowered = [cap for cap in caps if cap.was is None or cap.max_concurrent < cap.was]
    weights = [
        _after(action, [c.id for c in raised if (c.ent, c.edge) == (action.ent, action.edge)])
        for action in taken(shifts)
    ]
    moved: dict[EntKey, list[ActionId]] = {}
    for action in weights:
        moved.setdefault(action.ent, []).append(action.id)
    last = [_after(action, moved.get(action.ent, [])) for action in [*lowered, *shrinks]]
    withheld = [w for w in (withheld_shift(shift) for shift in shifts) if w is not None]
    withheld += [_kept(t) for t in targets if t.withheld]
    return [*growths, *raised, *weights, *last], withheld


def _after(action: Action, ids: list[ActionId]) -> Action:
    return replace(action, after=tuple(sorted(ids)))


def _kept(target: Target) -> Withheld:
    assert target.kept is not None
    return Withheld(action=_write_of(target, target.would_be), because=target.kept)


def _write_of(target: Target, replicas: int) -> SetReplicas | SetFloor:
    """Write the count itself, or only the floor when somebody else's autoscaler owns the count."""
    key, site = target.ent.key, target.placement.site
    match target.ent.owner:
        case ReplicaOwner.SCALE:
            return SetReplicas(
                id=ActionId(f"replicas:{key}:{site}"),
                ent=key,
                site=site,
                target=target.placement.target,
                was=target.state.wanted,
                replicas=replicas,
                because=target.because,
            )
        case ReplicaOwner.HPA_FLOOR | ReplicaOwner.KEDA_FLOOR:
            return SetFloor(
                id=ActionId(f"floor:{key}:{site}"),
                ent=key,
                site=site,
                target=target.placement.target,
                was=target.state.wanted,
                replicas=replicas,
                because=target.because,
            )


def without(
    actions: list[Action], withheld: list[Withheld], *, also: dict[ActionId, Withheld]
) -> tuple[list[Action], list[Withheld]]:
    """Move the named actions to withheld, and with each the actions that wait for it."""

    gone = dict(also)
    kept: list[Action] = []
    for action in actions:
        waits_for = next((before for before in action.after if before in gone), None)
        if action.id in gone:
            continue
        if waits_for is not None:
            text = f"{waits_for} is withheld: {gone[waits_for].because.text}"
            gone[action.id] = Withheld(action=action, because=Because(reason=Reason.DEPENDENCY_WITHHELD, text=text))
            continue
        kept.append(action)
    return kept, [*withheld, *gone.values()]
