"""Custom resources as the API server sends them."""

import json
from typing import Any

from controller.observe.policies import decoder, resource_of
from controller.policy.ent import RegionalENT
from controller.policy.site import Site


def a_site(**spec: Any) -> bytes:
    """A Site with a status and fields of Kubernetes' own."""
    return json.dumps(
        {
            "apiVersion": "sonnerie.dev/v1alpha1",
            "kind": "Site",
            "metadata": {"name": "a", "uid": "u", "generation": 3, "managedFields": [{"manager": "x"}]},
            "spec": {"provider": "Example"} | spec,
            "status": {"conditions": [{"type": "Ready"}], "memory": {"version": 1}, "unknown": True},
        }
    ).encode()


def test_spec_status_and_identity_are_read() -> None:
    """Everything later parts need comes from one reading of the object."""
    found = decoder(Site)(a_site())
    assert (found.kind, found.key.name, found.uid, found.generation) == ("Site", "a", "u", 3)
    assert found.declared is not None
    assert found.status.memory == {"version": 1}


def test_an_invalid_object_is_reported_with_its_field_and_keeps_its_status() -> None:
    """A bad spec spoils neither the memory nor the other objects."""
    found = decoder(Site)(a_site(relativeCostPermille="cheap"))
    assert found.declared is None
    assert found.problems[0].field == "spec.relativeCostPermille"
    assert found.status.memory == {"version": 1}


def test_kinds_know_their_place() -> None:
    """Paths come from the same table as the CRDs."""
    assert resource_of(RegionalENT).path() == "/apis/sonnerie.dev/v1alpha1/regionalents"
