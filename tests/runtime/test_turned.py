"""Conditions that turn become Events, once."""

from types import SimpleNamespace
from typing import Any, cast

from controller.domain.plan import Because, Condition, ConditionStatus, ConditionType
from controller.domain.reasons import Reason
from controller.kube.resources import ObjectKey
from controller.observe.policies import PolicyStore
from controller.runtime.reporting import turned
from tests.builders import key


def a_store(**statuses: str) -> PolicyStore:
    """A store with one ENT whose status has these conditions."""
    conditions: list[dict[str, Any]] = [{"type": kind, "status": status} for kind, status in statuses.items()]
    seen = SimpleNamespace(key=ObjectKey("ents", "nord"), uid="u", status=SimpleNamespace(conditions=conditions))
    return cast("PolicyStore", SimpleNamespace(ent=lambda _key: seen, site=lambda _name: None))


def conditions(**statuses: str) -> list[Condition]:
    """Conditions of the ENT."""
    because = Because(reason=Reason.RESERVE_LOST, text="the worst loss")
    return [
        Condition(of=key(), type=ConditionType(kind), status=ConditionStatus(status), because=because)
        for kind, status in statuses.items()
    ]


def test_a_condition_that_turned_is_told_with_why() -> None:
    """A warning when it stops being well, and no warning when it is well again."""
    (told,) = turned(conditions(ReserveReady="False", Frozen="False"), a_store(ReserveReady="True", Frozen="False"))
    assert (told.reason, told.note, told.warning) == ("ReserveLost", "ReserveReady is False: the worst loss", True)
    (again,) = turned(conditions(ReserveReady="True"), a_store(ReserveReady="False"))
    assert not again.warning


def test_of_a_new_object_only_what_is_not_well_is_told() -> None:
    """Nobody needs ten Events that say that nothing is wrong."""
    found = turned(conditions(ReserveReady="True", Frozen="False", FloorWritable="Unknown"), a_store())
    assert [told.subject for told in found] == ["FloorWritable Unknown"]


def test_what_follows_every_bell_is_not_told() -> None:
    """Growing is an Event of its own."""
    assert turned(conditions(Ready="False", Prescaled="False"), a_store(Ready="True", Prescaled="True")) == []
