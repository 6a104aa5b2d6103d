"""What a window says beyond its demand, in the plan: who is out, who is shut, when it is asked for, which one won."""

from datetime import timedelta

import pytest

from controller.domain.memory import Verdict
from controller.domain.names import SiteName
from controller.domain.plan import AudienceAdmission, ConditionStatus, ConditionType, Plan
from controller.domain.reasons import Reason
from controller.domain.timetable import Audience
from controller.domain.windows import Window
from controller.domain.world import World
from controller.planning.explain import explain
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from controller.planning.planner import plan
from tests.builders import BELL, a_window, a_world, key
from tests.planning.test_demand import demand, read

MINUTE = timedelta(minutes=1)
SHUT = a_window(
    key(), BELL - 600 * MINUTE, 1200, 0.0, by_event=True, kept_out=(Audience.ALL,), source="event e: shut on purpose"
)
PARENTS_OUT = a_window(
    key(), BELL - 60 * MINUTE, 600, 0.0, kept_out=(Audience.PARENTS,), source="schedule college: 07:30-17:30 later"
)


def a_morning(*windows: Window) -> World:
    """Two sites that are well, and these windows."""
    return a_world(windows=windows)


def status_of(decided: Plan, kind: ConditionType) -> tuple[ConditionStatus, Reason]:
    """A condition of the ENT."""
    [found] = [c for c in decided.conditions if c.of == key() and c.type is kind]
    return found.status, found.because.reason


def test_who_is_kept_out_is_said_beside_what_can_be_carried() -> None:
    """A waiting room reads it; the rest is admitted as before."""
    decided = plan(a_morning(PARENTS_OUT, a_window(key(), BELL, 60, 20.0)), BELL)
    [admission] = decided.admission
    assert admission.audiences == (
        AudienceAdmission(audience=Audience.PARENTS, admit_permille=0, source=PARENTS_OUT.source),
    )
    assert admission.admit_permille == 1000
    assert "keeps out parents: schedule college: 07:30-17:30 later" in explain(decided)


def test_nobody_is_kept_out_before_or_after_the_window() -> None:
    """Half-open, like every window."""
    for now in (PARENTS_OUT.start - MINUTE, PARENTS_OUT.end):
        [admission] = plan(a_morning(PARENTS_OUT), now).admission
        assert admission.audiences == ()


def test_a_portal_that_is_shut_on_purpose_makes_no_site_sick() -> None:
    """It answers everything with errors, at every site, and that is what was ordered."""
    failing = read(read(a_morning(), "errors", 0.9, 0.9), "requests", 40.0, 40.0)
    shut = read(read(a_morning(SHUT), "errors", 0.9, 0.9), "requests", 40.0, 40.0)
    facts = facts_of(shut, BELL)
    assert {health.verdict for health in judge_sites(facts).values()} == {Verdict.HEALTHY}
    assert demand(failing).failing
    assert not demand(shut).failing
    assert not demand(shut).failing_everywhere


def test_a_portal_that_is_shut_is_ready_and_says_why_nobody_is_there() -> None:
    """`Ready` with reason `Suspended`: whoever is on call sleeps on."""
    decided = plan(a_morning(SHUT), BELL)
    assert status_of(decided, ConditionType.READY) == (ConditionStatus.TRUE, Reason.SUSPENDED)
    assert "shut     on purpose, which is no outage: event e: shut on purpose" in explain(decided)


def test_a_shut_portal_keeps_the_floors_of_its_schedule_and_is_not_surprised() -> None:
    """What the schedule wants is there at the reopening; that nobody comes is judged by no curve."""
    scheduled = a_window(key(), BELL - 30 * MINUTE, 120, 80.0)
    found = demand(a_morning(SHUT, scheduled))
    assert found.ahead_per_second == 80.0
    assert found.expected_per_second == 0.0


@pytest.mark.parametrize(("minutes_before", "wanted"), [(91, 0.0), (90, 80.0), (1, 80.0)])
def test_a_window_with_a_lead_of_its_own_is_asked_for_that_long_before(minutes_before: int, wanted: float) -> None:
    """An hour and a half, whatever was learned: beyond the longest lead that can be learned."""
    window = a_window(key(), BELL + minutes_before * MINUTE, 60, 80.0, lead_seconds=5400.0)
    scheduled = [t.value for t in demand(a_morning(window)).explained.terms if t.reason is Reason.SCHEDULE]
    assert max(scheduled, default=0.0) == wanted


def test_a_short_lead_of_its_own_is_taken_at_its_word() -> None:
    """An author who says two minutes knows better than what was learned."""
    window = a_window(key(), BELL + 3 * MINUTE, 60, 80.0, lead_seconds=120.0)
    assert demand(a_morning(window)).ahead_per_second < 80.0
    assert demand(a_morning(a_window(key(), BELL + 3 * MINUTE, 60, 80.0))).ahead_per_second == 80.0


def test_of_several_schedules_the_largest_wins_and_the_others_are_named() -> None:
    """`explain` says which, and by how much."""
    windows = (
        a_window(key(), BELL, 60, 30.0, source="schedule college: 08:00 first-bell"),
        a_window(key(), BELL, 60, 20.0, source="schedule college: 07:30-18:00 day"),
        a_window(key(), BELL, 60, 50.0, source="schedule lycee: 08:10 first-bell"),
        a_window(key(), BELL, 60, 10.0, source="schedule ecole: 08:30 morning"),
    )
    terms = [t for t in demand(a_morning(*windows)).explained.terms if t.reason is Reason.SCHEDULE]
    assert [(t.value, t.detail) for t in terms] == [
        (50.0, "schedule lycee: 08:10 first-bell"),
        (30.0, "schedule college: 08:00 first-bell"),
        (10.0, "schedule ecole: 08:30 morning"),
    ]
    text = explain(plan(a_morning(*windows), BELL))
    assert "won  50.0 per second  Schedule: schedule lycee: 08:10 first-bell" in text
    assert "also 30.0 per second  Schedule: schedule college: 08:00 first-bell" in text


def test_a_sick_site_stays_sick_when_another_portal_is_shut() -> None:
    """The excuse is for the ENT that is shut, not for its neighbours."""
    other = key("sud")
    elsewhere = a_window(other, BELL - 60 * MINUTE, 120, 0.0, kept_out=(Audience.ALL,))
    world = read(read(a_morning(elsewhere), "errors", 0.9, 0.0), "requests", 40.0, 40.0)
    facts = facts_of(world, BELL)
    assert judge_sites(facts)[SiteName("a")].because.reason is Reason.ERRORS_ABOVE_SLO
