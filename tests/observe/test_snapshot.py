"""The world that is made of what was seen."""

from dataclasses import replace

from controller.domain.memory import Memory
from controller.domain.names import EntKey
from controller.observe.policies import Policies
from controller.observe.snapshot import Assembler, Seen
from controller.wire.validity import check_world
from tests.builders import BELL
from tests.policy.test_shipped import shipped


def seen(policies: Policies) -> Seen:
    """Nothing but what was declared."""
    return Seen(policies=policies, sites={}, rounds=(), routes=(), memory=Memory(), dry_run=False)


def test_an_ent_of_which_no_site_is_declared_is_not_planned_for() -> None:
    """Nothing in the world speaks of it, so that the world can be written, read and asked about again."""
    declared, lost = shipped(), shipped().ents[0]
    declared = replace(declared, ents=(replace(lost, placements=()), *declared.ents[1:]))
    world = Assembler().world(seen(Policies(declared=declared, sites={}, problems=(), generation=1)), BELL)
    check_world(world)
    assert lost.key not in {ent.key for ent in world.ents} | {window.ent for window in world.windows}
    assert len(world.ents) == len(declared.ents) - 1


def test_an_ent_that_is_going_takes_its_windows_with_it() -> None:
    """It is deleted and nothing is under way: the next world does not know it."""
    going = EntKey("portals", "hdf")
    policies = Policies(declared=shipped(), sites={}, problems=(), generation=1, deleting=frozenset({going}))
    night = BELL.replace(hour=1)
    world = Assembler().world(seen(policies), night)
    check_world(world)
    assert going not in {ent.key for ent in world.ents} | {window.ent for window in world.windows}
