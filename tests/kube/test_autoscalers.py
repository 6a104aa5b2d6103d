"""HPAs and ScaledObjects as a few fields, and what an owner may do with them."""

import json
from typing import Any

import pytest

from controller.domain.fleet import ReplicaOwner, Target
from controller.domain.reasons import Reason
from controller.kube.autoscalers import (
    FLOOR_ANNOTATION,
    PAUSED,
    PAUSED_REPLICAS,
    Autoscaler,
    FloorNote,
    decode_hpa,
    decode_scaled_object,
    write_note,
)
from controller.kube.binding import Binding, bind
from controller.kube.field_owners import NOBODY_KNOWN, newest_writer
from tests.builders import WORKLOAD, key

NOTE = FloorNote(ent="ents/nord", before=2, wrote=9)


def an_hpa(name: str = "portal", *, scaled_object: str = "", note: FloorNote | None = None, **spec: Any) -> Autoscaler:
    """An HPA of the portal as the API server sends it."""
    meta: dict[str, Any] = {"name": name, "namespace": "ents", "resourceVersion": "7"}
    meta["annotations"] = write_note(note) if note else {}
    if scaled_object:
        meta["ownerReferences"] = [{"kind": "ScaledObject", "name": scaled_object, "uid": "u"}]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "portal"}
    body = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 20} | spec
    return decode_hpa(json.dumps({"metadata": meta, "spec": body}).encode())


def a_scaled_object(name: str = "portal", *, annotations: dict[str, str] | None = None, **spec: Any) -> Autoscaler:
    """A ScaledObject of the portal, whose target needs no kind."""
    meta = {"name": name, "namespace": "ents", "resourceVersion": "7", "annotations": annotations or {}}
    body = {"scaleTargetRef": {"name": "portal"}, "triggers": []} | spec
    return decode_scaled_object(json.dumps({"metadata": meta, "spec": body}).encode())


def test_what_is_kept() -> None:
    """Bounds with their defaults, target, note."""
    hpa = an_hpa(note=NOTE)
    assert (hpa.floor_in_force, hpa.ceiling, hpa.target_kind, hpa.note) == (2, 20, "Deployment", NOTE)
    bare = a_scaled_object()
    assert (bare.floor, bare.floor_in_force, bare.ceiling, bare.target_kind) == (None, 0, 100, "Deployment")


def test_a_note_that_somebody_edited_is_no_note() -> None:
    """Nothing is restored from what cannot be read."""
    assert a_scaled_object(annotations={FLOOR_ANNOTATION: "{}"}).note is None


@pytest.mark.parametrize(
    "annotations",
    [{PAUSED: "true"}, {PAUSED: "yes, please"}, {PAUSED_REPLICAS: "0"}, {PAUSED_REPLICAS: "3", PAUSED: "false"}],
)
def test_paused_as_keda_reads_it(annotations: dict[str, str]) -> None:
    """What is no boolean counts as true, and paused-replicas wins."""
    assert a_scaled_object(annotations=annotations).paused
    assert not a_scaled_object(annotations={PAUSED: "false"}).paused


def bound(owner: ReplicaOwner, *found: Autoscaler) -> Binding:
    """The binding of the portal."""
    return bind(owner, key(), WORKLOAD, found)


SCALE, HPA, KEDA = ReplicaOwner.SCALE, ReplicaOwner.HPA_FLOOR, ReplicaOwner.KEDA_FLOOR
KEDAS_OWN = an_hpa("keda-hpa-portal", scaled_object="portal")


@pytest.mark.parametrize(
    ("owner", "found", "reason"),
    [
        (SCALE, [], None),
        (SCALE, [an_hpa()], Reason.AUTOSCALER_PRESENT),
        (SCALE, [a_scaled_object(annotations={PAUSED: "true"})], Reason.AUTOSCALER_PRESENT),
        (HPA, [], Reason.AUTOSCALER_MISSING),
        (HPA, [an_hpa()], None),
        (HPA, [an_hpa("one"), an_hpa("two")], Reason.SEVERAL_AUTOSCALERS),
        (HPA, [KEDAS_OWN], Reason.OWNED_BY_KEDA),
        (HPA, [an_hpa(note=NOTE)], None),
        (HPA, [an_hpa(note=FloorNote(ent="ents/sud", before=1, wrote=2))], Reason.CLAIMED_BY_ANOTHER),
        (KEDA, [an_hpa()], Reason.AUTOSCALER_MISSING),
        (KEDA, [a_scaled_object(), KEDAS_OWN], None),
        (KEDA, [a_scaled_object(), an_hpa()], Reason.SEVERAL_AUTOSCALERS),
        (KEDA, [a_scaled_object(annotations={PAUSED_REPLICAS: "3"})], Reason.AUTOSCALER_PAUSED),
    ],
)
def test_who_may_write_what(owner: ReplicaOwner, found: list[Autoscaler], reason: Reason | None) -> None:
    """One writer for one count, never KEDA's own HPA, never a paused one."""
    binding = bound(owner, *found)
    assert (binding.obstacle.reason if binding.obstacle else None) == reason


def test_the_sentence_names_the_owner_to_choose() -> None:
    """What to do, in words of the spec."""
    for found, owner in ((an_hpa(), "HPAFloor"), (KEDAS_OWN, "KEDAFloor")):
        obstacle = bound(SCALE, found).obstacle
        assert obstacle is not None
        assert f"set spec.replicas.owner to {owner}" in obstacle.text
    assert isinstance(WORKLOAD, Target)


def managed(*entries: tuple[str, str, dict[str, Any]]) -> bytes:
    """An object with these entries: manager, time, fields."""
    fields = [{"manager": manager, "time": time, "fieldsV1": owned} for manager, time, owned in entries]
    return json.dumps({"metadata": {"managedFields": fields}}).encode()


def test_the_newest_writer_of_the_field_is_named() -> None:
    """Not whoever wrote the status last, and not ourselves."""
    replicas: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    body = managed(
        ("helm", "2026-09-01T05:00:00Z", replicas),
        ("argocd-controller", "2026-09-01T06:00:00Z", replicas),
        ("kube-controller-manager", "2026-09-01T07:00:00Z", {"f:status": {}}),
        ("sonnerie", "2026-09-01T07:00:01Z", replicas),
    )
    assert newest_writer(body, "spec", "replicas") == "argocd-controller"
    assert newest_writer(body, "spec", "paused") == "kube-controller-manager"
    assert newest_writer(managed(), "spec", "replicas") == NOBODY_KNOWN
