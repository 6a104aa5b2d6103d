"""Executing a plan: each action after those it names, everything else at the same time.

A site that hangs delays its own actions only. An action that is not done holds back those that come after it; nothing
is tried twice, the next cycle looks again.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from controller.actuate.outcome import Done, HeldBack, LookAgainAt, Outcome
from controller.domain.names import ActionId
from controller.domain.plan import Action, Plan


class Actuator(Protocol):
    """Does one action once."""

    async def act(self, action: Action) -> Outcome:
        """Return how it went; never raises for what the other side answers."""
        ...


async def apply_plan(plan: Plan, actuator: Actuator) -> Mapping[ActionId, Outcome]:
    """Do the actions and return how each went, in the order of the plan.

    An action counts as coming after another only if that one stands earlier in the plan; after anything else (withheld,
    later, unknown) it is held back.
    """
    running: dict[ActionId, asyncio.Task[Outcome]] = {}
    async with asyncio.TaskGroup() as group:
        for action in plan.actions:
            waits_for = {before: running.get(before) for before in action.after}
            running[action.id] = group.create_task(_in_turn(action, waits_for, actuator, plan))
    return {action_id: task.result() for action_id, task in running.items()}


async def _in_turn(
    action: Action, waits_for: Mapping[ActionId, asyncio.Task[Outcome] | None], actuator: Actuator, plan: Plan
) -> Outcome:
    for before, task in waits_for.items():
        if task is None or not isinstance(await task, Done):
            return HeldBack(after=before)
    try:
        return await actuator.act(action)
    except Exception as error:  # noqa: BLE001 - a bug in one action must not cut short an evacuation
        return LookAgainAt(at=plan.next_look_at, why=f"{type(error).__name__}: {error}")
