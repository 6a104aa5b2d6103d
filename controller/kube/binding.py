"""What an owner of replicas may write for one workload, given the autoscalers that target it."""

from collections.abc import Iterable
from dataclasses import dataclass

from controller.domain.fleet import ReplicaOwner, Target
from controller.domain.names import EntKey
from controller.domain.plan import Because
from controller.domain.reasons import Reason
from controller.kube.autoscalers import Autoscaler
from controller.kube.resources import SCALED_OBJECTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What is written for one placement. `autoscaler` is None where the workload itself is."""

    autoscaler: Autoscaler | None = None
    obstacle: Because | None = None
    """Why it must not be written; None when it may."""
    known: bool = True
    """Whether the autoscalers of the cluster have been seen at all."""


def bind(owner: ReplicaOwner, ent: EntKey, target: Target, found: Iterable[Autoscaler]) -> Binding:
    """Decide by the rule of design §4. The autoscalers given are those that target the workload."""
    autoscalers = sorted(found, key=lambda each: (each.resource.kind, each.key))
    made_by_keda = [each for each in autoscalers if each.scaled_object is not None]
    scaled_objects = [each for each in autoscalers if each.resource is SCALED_OBJECTS]
    hpas = [each for each in autoscalers if each not in made_by_keda and each not in scaled_objects]
    what = f"{target.kind} {target.name}"
    match owner:
        case ReplicaOwner.SCALE:
            return _free(what, autoscalers)
        case ReplicaOwner.HPA_FLOOR:
            if made_by_keda or scaled_objects:
                return _not(Reason.OWNED_BY_KEDA, f"KEDA scales {what}: set spec.replicas.owner to KEDAFloor")
            return _bound(ent, what, "HorizontalPodAutoscaler", hpas)
        case ReplicaOwner.KEDA_FLOOR:
            if hpas and scaled_objects:
                return _not(Reason.SEVERAL_AUTOSCALERS, f"{hpas[0]} targets {what} beside KEDA: delete one of the two")
            return _bound(ent, what, "ScaledObject", scaled_objects)


def _free(what: str, autoscalers: list[Autoscaler]) -> Binding:
    if not autoscalers:
        return Binding()
    owner = (
        "KEDAFloor"
        if any(each.resource is SCALED_OBJECTS or each.scaled_object for each in autoscalers)
        else ("HPAFloor")
    )
    text = f"{autoscalers[0]} targets {what}, and two would write one count: set spec.replicas.owner to {owner}"
    return _not(Reason.AUTOSCALER_PRESENT, f"{text}, or delete it")


def _bound(ent: EntKey, what: str, kind: str, found: list[Autoscaler]) -> Binding:
    if not found:
        return _not(Reason.AUTOSCALER_MISSING, f"no {kind} targets {what}: create it, or set spec.replicas.owner")
    if len(found) > 1:
        names = " and ".join(str(each) for each in found)
        return _not(Reason.SEVERAL_AUTOSCALERS, f"{names} both target {what}: delete one of them")
    return Binding(autoscaler=found[0], obstacle=_obstacle(ent, found[0]))


def _obstacle(ent: EntKey, found: Autoscaler) -> Because | None:
    if found.paused:
        return Because(reason=Reason.AUTOSCALER_PAUSED, text=f"{found} is paused by its annotations: left alone")
    if found.note is not None and found.note.ent != str(ent):
        text = f"the floor of {found} is written for {found.note.ent}: two ENTs must not share a workload"
        return Because(reason=Reason.CLAIMED_BY_ANOTHER, text=text)
    return None


def _not(reason: Reason, text: str) -> Binding:
    return Binding(obstacle=Because(reason=reason, text=text))
