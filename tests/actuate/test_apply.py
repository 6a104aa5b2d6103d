"""Order and outcomes of a plan's actions."""

import asyncio
from datetime import timedelta

import pytest

from controller.actuate.apply import apply_plan
from controller.actuate.outcome import Done, HeldBack, LookAgainAt, Outcome, Refused
from controller.domain.memory import Memory
from controller.domain.names import ActionId, SiteName
from controller.domain.plan import Action, Because, Plan, SetReplicas
from controller.domain.reasons import Reason
from tests.builders import BELL, WORKLOAD, key

BECAUSE = Because(reason=Reason.SCHEDULE, text="a bell")
AGAIN = LookAgainAt(at=BELL, why="changed meanwhile")


def an_action(name: str, *after: str) -> SetReplicas:
    """An action of which only name and order matter."""
    return SetReplicas(
        id=ActionId(name),
        ent=key(),
        site=SiteName("a"),
        target=WORKLOAD,
        was=1,
        replicas=2,
        because=BECAUSE,
        after=tuple(ActionId(each) for each in after),
    )


def a_plan(*actions: Action) -> Plan:
    """A plan of these actions."""
    return Plan(actions=actions, memory=Memory(), next_look_at=BELL + timedelta(seconds=5))


class Actuator:
    """Remembers the order in which actions began; each ends as told."""

    def __init__(self, **ends: Outcome) -> None:
        self.began: list[str] = []
        self._ends = ends

    async def act(self, action: Action) -> Outcome:
        """Do nothing for a moment."""
        self.began.append(action.id)
        await asyncio.sleep(0)
        return self._ends.get(action.id, Done())


async def test_an_action_begins_after_those_it_names() -> None:
    """Grow the receiver, then move the weight, then shrink the source."""
    actuator = Actuator()
    outcomes = await apply_plan(
        a_plan(an_action("grow"), an_action("move", "grow"), an_action("shrink", "move")), actuator
    )
    assert actuator.began == ["grow", "move", "shrink"]
    assert set(outcomes.values()) == {Done()}


@pytest.mark.parametrize("end", [AGAIN, Refused(why="forbidden")])
async def test_what_is_not_done_holds_back_all_that_comes_after(end: Outcome) -> None:
    """A receiver that did not grow gets no weight, and the source keeps its replicas; others are not concerned."""
    actuator = Actuator(grow=end)
    plan = a_plan(an_action("grow"), an_action("move", "grow"), an_action("shrink", "move"), an_action("other"))
    outcomes = await apply_plan(plan, actuator)
    assert actuator.began == ["grow", "other"]
    assert outcomes[ActionId("grow")] == end
    assert outcomes[ActionId("move")] == HeldBack(after=ActionId("grow"))
    assert outcomes[ActionId("shrink")] == HeldBack(after=ActionId("move"))
    assert outcomes[ActionId("other")] == Done()


async def test_what_waits_for_something_withheld_is_held_back() -> None:
    """An action named in `after` that is not in the plan was not done."""
    outcomes = await apply_plan(a_plan(an_action("move", "grow")), Actuator())
    assert outcomes[ActionId("move")] == HeldBack(after=ActionId("grow"))


async def test_a_hanging_action_delays_only_its_own_followers() -> None:
    """A site that hangs is waited for by nobody else."""
    let_go = asyncio.Event()
    done = asyncio.Event()

    class Hanging(Actuator):
        async def act(self, action: Action) -> Outcome:
            if action.id == "hangs":
                await let_go.wait()
            outcome = await super().act(action)
            if action.id == "other":
                done.set()
            return outcome

    applying = asyncio.create_task(
        apply_plan(a_plan(an_action("hangs"), an_action("waits", "hangs"), an_action("other")), actuator := Hanging())
    )
    async with asyncio.timeout(5):
        await done.wait()
        assert actuator.began == ["other"]
        let_go.set()
        await applying
    assert actuator.began == ["other", "hangs", "waits"]


async def test_a_bug_in_one_action_cuts_no_other_short() -> None:
    """Whatever one action raises, the others are done and its followers are held back."""

    class Broken(Actuator):
        async def act(self, action: Action) -> Outcome:
            if action.id == "grow":
                raise RuntimeError("a bug")
            await asyncio.sleep(0.01)
            return await super().act(action)

    plan = a_plan(an_action("grow"), an_action("move", "grow"), an_action("other"))
    outcomes = await apply_plan(plan, Broken())
    assert outcomes[ActionId("grow")] == LookAgainAt(at=plan.next_look_at, why="RuntimeError: a bug")
    assert outcomes[ActionId("move")] == HeldBack(after=ActionId("grow"))
    assert outcomes[ActionId("other")] == Done()
