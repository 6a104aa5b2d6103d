"""The trend over the lead time: upwards only, bounded, and empty after a gap (design §5 stages 1 and 3)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.domain.fleet import Scaling
from controller.domain.plan import Plan, SetReplicas
from controller.planning.demand import demand_of
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from controller.planning.planner import plan
from controller.planning.trend import grown, slope_per_second
from tests.builders import BELL, a_reading, a_window, a_world, an_ent, key
from tests.planning.past import points, with_past


@pytest.mark.parametrize(
    ("rise", "seconds", "slope"),
    [
        (0.1, 120, 0.1),
        (-0.5, 120, 0.0),
        (0.0, 120, 0.0),
        (0.1, 40, 0.1),
        (0.1, 30, 0.0),
        (0.1, 600, 0.1),
    ],
    ids=["rising", "falling", "flat", "just long enough", "too short", "only the last two minutes"],
)
def test_a_line_through_the_last_two_minutes(rise: float, seconds: int, slope: float) -> None:
    """A falling line counts as flat; under half a minute there is no line."""
    found = slope_per_second(points(rise=rise, seconds=seconds), BELL, of_first_attempts=False)
    assert found == pytest.approx(slope)


def test_one_noisy_scrape_does_not_bend_it_much() -> None:
    """One point at three times the rest, the newest, moves the line by less than a tenth of it per ten seconds."""
    flat = points(per_second=20.0, seconds=120)
    noisy = (*flat[:-1], replace(flat[-1], demand_per_second=60.0))
    assert slope_per_second(noisy, BELL, of_first_attempts=False) * 10 < 2.0


def test_points_at_this_very_instant_are_not_counted() -> None:
    """A plan made twice at one instant sees the same line."""
    past = points(rise=0.1)
    again = (*past, replace(past[-1], at=BELL, demand_per_second=500.0))
    assert slope_per_second(again, BELL, of_first_attempts=False) == pytest.approx(0.1)


@pytest.mark.parametrize(("slope", "expected"), [(0.0, 20.0), (0.1, 26.0), (5.0, 40.0)])
def test_it_looks_a_lead_time_ahead_and_at_most_doubles(slope: float, expected: float) -> None:
    """Beyond twice the present it would be extrapolation."""
    assert grown(20.0, slope, timedelta(minutes=1)) == pytest.approx(expected)


def test_it_is_part_of_the_demand() -> None:
    """Twenty, rising by six a minute, are twenty-six a minute ahead; the explanation says so."""
    ent = an_ent(scaling=Scaling(lead_time=timedelta(minutes=1)))
    facts = facts_of(with_past(a_world(ents=[ent]), recent=points(rise=0.1)), BELL)
    found = demand_of(facts, ent, judge_sites(facts))
    assert found.ahead_per_second == pytest.approx(26.0)
    assert "rising 6.0/s each minute" in found.explained.terms[0].detail


def test_after_a_gap_it_starts_empty() -> None:
    """A source that was away for one cycle leaves no line across the gap, and no line to the value it returns with."""
    world = with_past(a_world(), recent=points(rise=0.1))
    missing = tuple(a_reading(key(), r.site, None, BELL) if r.site == "a" else r for r in world.readings)
    after = plan(replace(world, readings=missing), BELL).memory.samples.ents[0]
    assert after.recent == ()
    assert after.older, "the past stays for the bottleneck"
    later = facts_of(
        replace(world, memory=replace(world.memory, samples=replace(world.memory.samples, ents=(after,)))),
        BELL + timedelta(seconds=5),
    )
    found = demand_of(later, world.ents[0], judge_sites(later))
    assert found.explained.terms[0].value == 20.0


@pytest.mark.parametrize(
    ("announced", "ahead"),
    [(24.0, 24.0), (60.0, 60.0), (20.0, 20.0), (17.0, 20.0), (16.0, 26.0)],
    ids=["within the rise", "far above it", "just reached", "a little exceeded", "exceeded"],
)
def test_a_rise_that_was_announced_is_not_drawn_on(announced: float, ahead: float) -> None:
    """Twenty, rising by six a minute: up to what windows announce it is theirs, well beyond, it counts in full."""
    ent = an_ent(scaling=Scaling(lead_time=timedelta(minutes=1)))
    world = a_world(ents=[ent], windows=[a_window(key(), BELL - timedelta(minutes=1), 30, announced)])
    facts = facts_of(with_past(world, recent=points(rise=0.1)), BELL)
    assert demand_of(facts, ent, judge_sites(facts)).ahead_per_second == pytest.approx(ahead)


def test_a_latch_holds_what_its_window_asks_for_and_no_more() -> None:
    """What is measured on top of a bell is let go when it is over, and not at the end of the window."""
    ent = an_ent(scaling=Scaling(lead_time=timedelta(minutes=1)))
    windows = [a_window(key(), BELL - timedelta(minutes=1), 30, 10.0)]

    def planned(per_second: float) -> Plan:
        readings = [a_reading(key(), "a", per_second, BELL), a_reading(key(), "b", 0.0, BELL)]
        return plan(a_world(ents=[ent], windows=windows, readings=readings), BELL)

    calm, full = planned(5.0), planned(40.0)
    asked = {latch.site: latch.replicas for latch in calm.memory.ents[0].latches}
    assert asked
    assert {latch.site: latch.replicas for latch in full.memory.ents[0].latches} == asked
    assert max(action.replicas for action in full.actions if isinstance(action, SetReplicas)) > max(asked.values())
