"""What alerts are told about plans, bells and ends."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from controller.domain.explanation import Explained, Explanation
from controller.domain.names import SiteName
from controller.domain.plan import Admission, Because, Condition, ConditionStatus, ConditionType, Plan
from controller.domain.reasons import Reason
from controller.domain.schooldays import Calendar
from controller.domain.schooltime import SchoolPolicies
from controller.planning.decide import decide
from controller.runtime.telemetry import Telemetry
from tests.builders import BELL, a_window, a_world, key

LABELS = {"ent": "ents/nord", "site": "a"}


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    """A value of ours; None where there is no such series."""
    return telemetry.registry.get_sample_value(f"sonnerie_{name}", labels)


def a_condition(kind: ConditionType, status: ConditionStatus) -> Condition:
    """A condition of the ENT."""
    return Condition(of=key(), type=kind, status=status, because=Because(reason=Reason.QUOTA, text="so"))


def test_only_what_is_not_well_is_there_and_goes_when_it_is_well() -> None:
    """An alert that fires on presence ends with it; True and False mean other things for other types."""
    telemetry, world = Telemetry(), a_world()
    plan = decide(world, BELL)
    conditions = (
        a_condition(ConditionType.RESERVE_READY, ConditionStatus.FALSE),
        a_condition(ConditionType.RIVAL_WRITER, ConditionStatus.TRUE),
        a_condition(ConditionType.FROZEN, ConditionStatus.FALSE),
        a_condition(ConditionType.FLOOR_WRITABLE, ConditionStatus.UNKNOWN),
        replace(a_condition(ConditionType.QUORUM_POSSIBLE, ConditionStatus.FALSE), of=SiteName("a")),
    )
    telemetry.outlook.show_plan(world, replace(plan, conditions=conditions), BELL)
    assert value(telemetry, "condition_not_well", ent="ents/nord", site="", reason="ReserveReady") == 1
    assert value(telemetry, "condition_not_well", ent="ents/nord", site="", reason="RivalWriter") == 1
    assert value(telemetry, "condition_not_well", ent="ents/nord", site="", reason="FloorWritable") == 1
    assert value(telemetry, "condition_not_well", ent="ents/nord", site="", reason="Frozen") is None
    assert value(telemetry, "condition_not_well", ent="", site="a", reason="QuorumPossible") == 1
    telemetry.outlook.show_plan(world, replace(plan, conditions=()), BELL)
    assert value(telemetry, "condition_not_well", ent="ents/nord", site="", reason="ReserveReady") is None


def test_a_plan_is_shown_with_what_it_is_for() -> None:
    """Demand and what was expected, replicas wanted, the share that is let in, and how long replicas are awaited."""
    waiting = a_world(BELL, windows=(a_window(key(), BELL, 30, 100.0),))
    state = replace(waiting.replicas[0], ready=3, pending_since=BELL - timedelta(minutes=7))
    world = replace(waiting, replicas=(state, *waiting.replicas[1:]))
    plan = replace(
        decide(world, BELL),
        admission=(Admission(ent=key(), demand_per_second=100.0, served_per_second=80.0, admit_permille=800),),
    )
    telemetry = Telemetry()
    telemetry.outlook.show_plan(world, plan, BELL)
    assert value(telemetry, "demand_per_second", ent="ents/nord") == 100.0
    assert value(telemetry, "scheduled_demand_per_second", ent="ents/nord") == 100.0
    assert value(telemetry, "target_replicas", **LABELS) == 10.0  # a shrink is withheld while replicas are awaited
    assert value(telemetry, "target_replicas", ent="ents/nord", site="b") == 27.0
    assert value(telemetry, "admitted_ratio", ent="ents/nord") == 0.8
    assert value(telemetry, "pending_seconds", **LABELS) == 420.0
    assert value(telemetry, "pending_seconds", ent="ents/nord", site="b") == 0.0


def test_nobody_is_made_to_explain_a_plan_that_nobody_asks_about() -> None:
    """Sentences cost more than all gauges together; metrics are read off what is decided."""
    asked: list[bool] = []

    def worked_out() -> tuple[Explained, ...]:
        asked.append(True)
        return ()

    telemetry, world = Telemetry(), a_world()
    plan = replace(decide(world, BELL), explanation=Explanation(later=worked_out))
    telemetry.show_world(world, plan.memory, BELL)
    telemetry.outlook.show_plan(world, plan, BELL)
    assert asked == []


def test_the_next_bell_is_the_next_that_begins() -> None:
    """The window under way is not the next one."""
    bells = [BELL - timedelta(minutes=10), BELL + timedelta(minutes=50), BELL + timedelta(hours=2)]
    world = a_world(BELL, windows=tuple(a_window(key(), bell, 55, 10.0) for bell in bells))
    telemetry = Telemetry()
    telemetry.outlook.show_plan(world, Plan(memory=world.memory, next_look_at=BELL), BELL)
    assert value(telemetry, "next_bell_timestamp_seconds", ent="ents/nord") == bells[1].timestamp()


def test_what_ends_by_itself_is_known_before() -> None:
    """A calendar ends with its last day, in the time of the ENT; a site without dates has no series."""
    calendar = Calendar(name="zone-b", source="made up", valid_until=date(2026, 8, 31))
    school = [SchoolPolicies(ent=key(), time_zone="Europe/Paris", calendar=calendar)]
    ends: dict[SiteName, datetime | None] = {SiteName("a"): BELL, SiteName("b"): None}
    telemetry = Telemetry()
    telemetry.outlook.show_declared([*school, SchoolPolicies(ent=key("sud"), time_zone="Europe/Paris")], ends)
    midnight = BELL.replace(month=8, day=31, hour=22)
    assert value(telemetry, "calendar_end_timestamp_seconds", ent="ents/nord") == midnight.timestamp()
    assert value(telemetry, "calendar_end_timestamp_seconds", ent="ents/sud") is None
    assert value(telemetry, "credential_end_timestamp_seconds", site="a") == BELL.timestamp()
    assert value(telemetry, "credential_end_timestamp_seconds", site="b") is None
