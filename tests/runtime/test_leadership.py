"""Terms begin with what the predecessor wrote last, and only while the Lease is held."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, cast

import pytest

from controller.actuate.haproxy_agent import AgentServer
from controller.actuate.haproxy_board import AgentBoard
from controller.kube.client import Cluster
from controller.kube.lease import Elector
from controller.observe.policies import CustomObject
from controller.runtime.leadership import Leadership
from tests.builders import BELL
from tests.runtime.test_journal import Log


class Election:
    """Holds as told."""

    identity = "me"
    holding = True


class Stage:
    """A leadership whose statuses are read when told, with what may happen meanwhile."""

    def __init__(self) -> None:
        self.election = Election()
        self.agent = AgentServer(AgentBoard(), "127.0.0.1", 0, now=lambda: BELL)
        self.rereads = 0
        self.meanwhile: Callable[[], None] = lambda: None
        self.leadership = Leadership(
            cast("Elector", self.election),
            cast("Cluster", None),
            AgentBoard(),
            self.agent,
            self._reread,
            Log().journal,
        )

    async def _reread(self) -> Iterable[CustomObject]:
        self.rereads += 1
        self.meanwhile()
        return ()

    def lose(self) -> None:
        """Lose the Lease, as the elector tells it."""
        self.election.holding = False
        self.leadership.lost()

    def lose_and_regain(self) -> None:
        """Somebody else may have held it in between."""
        self.lose()
        self.election.holding = True


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A holder without a term."""
    found = Stage()
    yield found
    await found.leadership.close()


async def test_a_term_begins_once_and_ends_with_the_lease(stage: Stage) -> None:
    """The agent listens for as long."""
    assert await stage.leadership.begin() is not None
    assert await stage.leadership.begin() is None
    assert (stage.rereads, stage.agent.address is not None) == (1, True)
    stage.lose()
    await asyncio.sleep(0)
    assert (stage.leadership.term, stage.agent.address) == (None, None)


@pytest.mark.parametrize("happens", [Stage.lose, Stage.lose_and_regain])
async def test_a_lease_lost_while_the_term_begins_begins_none(stage: Stage, happens: Callable[[Stage], None]) -> None:
    """What was read may be old by now: nothing is opened, and the next term reads again."""
    stage.meanwhile = lambda: happens(stage)
    assert await stage.leadership.begin() is None
    assert (stage.leadership.term, stage.agent.address) == (None, None)
    stage.election.holding, stage.meanwhile = True, lambda: None
    assert await stage.leadership.begin() is not None
    assert stage.rereads == 2


@pytest.mark.parametrize("happens", [Stage.lose, Stage.lose_and_regain])
async def test_a_lease_lost_while_the_agent_opens_closes_it(
    stage: Stage, happens: Callable[[Stage], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port is given back."""
    opened = stage.agent.open

    async def opening(*_: Any) -> None:
        await opened()
        happens(stage)

    monkeypatch.setattr(stage.agent, "open", opening)
    assert await stage.leadership.begin() is None
    assert (stage.leadership.term, stage.agent.address) == (None, None)
