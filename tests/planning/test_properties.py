"""What holds in every world, however absurd."""

from dataclasses import replace

from hypothesis import assume, given, settings

from controller.domain.plan import Action, Plan, SetAdmission, SetDnsTargets, SetFloor, SetReplicas, SetWeights
from controller.domain.readings import Stale
from controller.domain.world import Route, World
from controller.planning.explain import explain
from controller.planning.invariants import violations, withhold_unsafe
from controller.planning.planner import plan
from tests.builders import BELL, REQUESTS
from tests.strategies import worlds


@given(worlds())
def test_every_world_admits_a_plan_that_breaks_no_rule(world: World) -> None:
    """Also with floors above quotas, no site healthy and nothing ever seen there is a plan, and it is safe."""
    found = plan(world, BELL)
    assert violations(world, found, BELL) == ()
    assert found.next_look_at > BELL
    assert explain(found)


@given(worlds())
def test_same_world_same_plan(world: World) -> None:
    """The plan is a function of the world and the instant alone."""
    assert plan(world, BELL) == plan(world, BELL)


@given(worlds())
def test_order_of_the_world_does_not_matter(world: World) -> None:
    """Whoever assembles the world may list things in any order."""
    turned = replace(
        world,
        sites=world.sites[::-1],
        ents=world.ents[::-1],
        windows=world.windows[::-1],
        readings=world.readings[::-1],
        replicas=world.replicas[::-1],
        routes=world.routes[::-1],
    )
    assert plan(turned, BELL).actions == plan(world, BELL).actions


@given(worlds())
def test_the_plan_after_the_applied_plan_is_empty(world: World) -> None:
    """Applying a plan leaves nothing to do at the same instant, but for a source whose traffic has left by it.

    Readings are those of before: a stale one counts where traffic is, so worlds with stale demand are left out.
    """
    assume(not any(isinstance(r.reading, Stale) for r in world.readings if r.signal == REQUESTS))
    first = plan(world, BELL)
    moved = any(isinstance(action, SetWeights | SetDnsTargets) for action in first.actions)
    after = applied(world, first, len(first.actions))
    second = plan(after, BELL)
    assert all(moved and shrinks(action) for action in second.actions)
    assert plan(applied(after, second, len(second.actions)), BELL).actions == ()


@given(worlds())
@settings(max_examples=10)
def test_a_crash_between_any_two_actions_comes_to_the_same_end(world: World) -> None:
    """Killed after any action, with the restraints written before, the next plan completes the work."""
    first = plan(world, BELL)
    whole = applied(world, first, len(first.actions))
    for done in range(len(first.actions)):
        broken_off = applied(world, first, done)
        second = plan(broken_off, BELL)
        assert violations(broken_off, second, BELL) == ()
        finished = applied(broken_off, second, len(second.actions))
        assert finished.replicas == whole.replicas


@given(worlds())
def test_weights_are_whole_and_never_all_zero(world: World) -> None:
    """Weights of one ENT at one edge sum to 100."""
    for action in plan(world, BELL).actions:
        if isinstance(action, SetWeights):
            assert sum(w.weight for w in action.weights) == 100


def test_the_gate_withholds_what_breaks_a_rule() -> None:
    """An action that breaks a rule is withheld, with the rule's name, and so are those that wait for it."""
    from tests.builders import a_world

    world = a_world(demand={("nord", "a"): None})
    blind = plan(a_world(), BELL)
    found = violations(world, blind, BELL)
    assert {v.rule for v in found} == {"fresh"}
    safe = withhold_unsafe(blind, found, world)
    assert safe.actions == ()
    assert violations(world, safe, BELL) == ()


def shrinks(action: Action) -> bool:
    return isinstance(action, SetReplicas | SetFloor) and action.replicas < action.was


def applied(world: World, decided: Plan, count: int) -> World:
    """Write the memory, then carry out the first `count` actions."""
    states = {(s.ent, s.site): s for s in world.replicas}
    routes = {(r.ent, r.edge, r.site): r for r in world.routes}
    for action in decided.actions[:count]:
        match action:
            case SetReplicas(ent=ent, site=site, replicas=n) | SetFloor(ent=ent, site=site, replicas=n):
                states[(ent, site)] = replace(states[(ent, site)], wanted=n)
            case SetWeights(ent=ent, edge=edge, weights=weights):
                for w in weights:
                    route = routes.get((ent, edge, w.site), Route(ent=ent, edge=edge, site=w.site, weight=0))
                    routes[(ent, edge, w.site)] = replace(route, weight=w.weight)
            case SetAdmission(ent=ent, edge=edge, site=site, max_concurrent=cap):
                route = routes.get((ent, edge, site), Route(ent=ent, edge=edge, site=site, weight=0))
                routes[(ent, edge, site)] = replace(route, max_concurrent=cap)
            case SetDnsTargets(ent=ent, edge=edge, targets=targets):
                routes = {k: r for k, r in routes.items() if k[:2] != (ent, edge)}
                routes |= {(ent, edge, site): Route(ent=ent, edge=edge, site=site, weight=1) for site in targets}
    return replace(world, replicas=tuple(states.values()), routes=tuple(routes.values()), memory=decided.memory)
