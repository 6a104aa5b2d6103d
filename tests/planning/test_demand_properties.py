"""What holds of demand in every world."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.fleet import Ent
from controller.domain.names import EntKey
from controller.domain.readings import Missing, ReadingReason
from controller.domain.reasons import Reason
from controller.domain.world import World
from controller.planning.demand import Demand, demand_of
from controller.planning.facts import facts_of
from controller.planning.health import judge_sites
from controller.planning.planner import plan
from controller.planning.surprise import ratio
from tests.builders import BELL
from tests.strategies import worlds


def demands(world: World) -> dict[EntKey, Demand]:
    facts = facts_of(world, BELL)
    health = judge_sites(facts)
    return {key: demand_of(facts, ent, health) for key, ent in facts.ents.items()}


def value(demand: Demand, reason: Reason) -> float:
    return max((term.value for term in demand.explained.terms if term.reason is reason), default=0.0)


@given(worlds())
def test_a_forecast_only_ever_adds(world: World) -> None:
    """Without forecasts nothing is larger, whatever the morning has been like."""
    found = demands(world)
    for key, without in demands(replace(world, forecasts=())).items():
        assert found[key].ahead_per_second >= without.ahead_per_second
        assert found[key].now_per_second == without.now_per_second
        assert found[key].no_shrink == without.no_shrink


@given(worlds())
def test_demand_is_never_below_the_schedule(world: World) -> None:
    """Nothing that is measured, remembered or forecast lowers what a bell asks for."""
    for key, demand in demands(world).items():
        near = [w for w in world.windows if w.ent == key and w.asked_for_at(demand.lead) <= BELL < w.end]
        asked = max((w.demand_per_second for w in near), default=0.0)
        assert demand.scheduled_ahead_per_second == asked
        assert demand.ahead_per_second >= asked
        assert demand.now_per_second >= max((w.demand_per_second for w in near if w.covers(BELL)), default=0.0)


@given(worlds())
def test_a_surprise_is_bounded_and_never_compounded_with_an_event(world: World) -> None:
    """Between the expected and `surprise.max` times it; none within the lead time of an event."""
    for key, demand in demands(world).items():
        raised = value(demand, Reason.SURPRISE)
        if value(demand, Reason.EVENT) > 0.0:
            assert raised == 0.0
        highest = max(
            [w.demand_per_second for w in world.windows if w.ent == key and not w.by_event]
            + [v for f in world.forecasts if f.ent == key and not f.set_aside for v in f.per_second],
            default=0.0,
        )
        assert raised <= highest * demand.ent.scaling.surprise_max * (1 + 1e-9)


@given(worlds())
def test_a_surprise_never_lowers(world: World) -> None:
    """The ratio is at least 1, whatever was seen."""
    for samples in world.memory.samples.ents:
        assert ratio(samples.morning, BELL) >= 1.0


@given(worlds(), st.data())
def test_readings_that_vanish_never_lower_demand(world: World, data: st.DataObject) -> None:
    """With the demand of a moment ago in memory, any readings may be lost where users are sent: what is planned for
    does not fall. A site to which nobody is sent need not be heard."""
    before, now = demands(world), facts_of(world, BELL)
    known = tuple(
        replace(facts, known_per_second=demand.present_per_second, known_at=BELL)
        for key, demand in before.items()
        if demand.present_per_second is not None
        for facts in [facts_of(world, BELL).sampled(key)]
    )
    lost = tuple(
        replace(r, reading=Missing(reason=ReadingReason.TIMED_OUT))
        if now.largest_shares(now.ents[r.ent]).get(r.site, 1.0) > 0 and data.draw(st.booleans())
        else r
        for r in world.readings
    )
    memory = replace(world.memory, samples=replace(world.memory.samples, ents=known))
    facts = facts_of(replace(world, readings=lost, memory=memory), BELL)
    health = judge_sites(facts_of(world, BELL))  # verdicts depend on readings too; here they stay as they were
    for key, demand in before.items():
        if demand.present_per_second is not None:
            assert demand_of(facts, facts.ents[key], health).now_per_second >= demand.now_per_second


@given(worlds())
def test_what_is_unknown_is_said_and_holds_capacity(world: World) -> None:
    """Unless the blind hold is over, which takes half a day, what is not known lets nothing shrink."""
    for demand in demands(world).values():
        assert (demand.present_per_second is None) is (demand.blind is not None)
        if demand.blind is not None or demand.failing:
            assert demand.no_shrink is not None


@given(worlds())
def test_the_order_of_the_world_does_not_matter(world: World) -> None:
    """Whoever assembles the world may list things in any order, its ENTs' placements included."""
    turned = replace(
        world,
        sites=world.sites[::-1],
        ents=tuple(_turned(ent) for ent in world.ents[::-1]),
        windows=world.windows[::-1],
        forecasts=world.forecasts[::-1],
        readings=world.readings[::-1],
        replicas=world.replicas[::-1],
        routes=world.routes[::-1],
        memory=replace(
            world.memory,
            ents=world.memory.ents[::-1],
            samples=replace(world.memory.samples, ents=world.memory.samples.ents[::-1]),
        ),
    )
    one, other = demands(world), demands(turned)
    assert one.keys() == other.keys()
    for key, demand in one.items():
        assert replace(other[key], ent=demand.ent) == demand


def _turned(ent: Ent) -> Ent:
    return replace(ent, placements=ent.placements[::-1])


@given(worlds())
def test_what_is_remembered_does_not_change_the_same_instant(world: World) -> None:
    """Demand after the memory is written is demand before it: a crash between the two changes nothing."""
    after = replace(world, memory=plan(world, BELL).memory)
    one, other = demands(world), demands(after)
    for key, demand in one.items():
        assert other[key].ahead_per_second == demand.ahead_per_second
        assert other[key].no_shrink == demand.no_shrink
