"""A real HAProxy while it is reloaded, and while our agent is slow or dead."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from controller.actuate.haproxy_agent import AgentServer
from controller.actuate.haproxy_board import AgentBoard
from controller.runtime.clock import SystemClock
from tests.actuate.test_haproxy_board import weights
from tests.builders import EDGE, key
from tests.controlplane import PartsMissingError, haproxy_command
from tests.controlplane.ports import free_ports
from tests.live.test_actuate_haproxy import CONFIGURATION, HAProxy, portals, weights_are

pytestmark = pytest.mark.live

__all__ = ["portals"]

REMEMBERING = CONFIGURATION.replace("global\n", "global\n    server-state-file {folder}/state\n", 1).replace(
    "defaults\n", "defaults\n    load-server-state-from-file global\n", 1
)
"""As the comment in manifests/base/service.yaml says."""


GAVE_UP = ("L4TOUT", "L7TOUT")
"""What HAProxy's statistics say of an agent that did not answer in time."""


class Reloadable:
    """An HAProxy that can be reloaded as systemd does it: a new process takes over the sockets of the old one."""

    def __init__(self, folder: Path, ports: dict[str, int]) -> None:
        try:
            self._command = haproxy_command(fetch=False)
        except PartsMissingError as error:
            pytest.fail(str(error), pytrace=False)
        users, statistics, agent = free_ports(3)
        self._configuration = folder / "haproxy.cfg"
        text = REMEMBERING.format(folder=folder, users=users, statistics=statistics, agent=agent, **ports)
        self._configuration.write_text(text)
        (folder / "state").touch()
        self.view = HAProxy(users=users, statistics=statistics, agent=agent, folder=folder)
        self.process = self._started()

    def _started(self, *flags: str) -> subprocess.Popen[bytes]:
        argv = [*self._command.argv, "-f", str(self._configuration), *flags]
        return subprocess.Popen(argv, env={**os.environ, **self._command.environment})

    async def reload(self) -> None:
        """Write the state, start the new process, wait until the old one is gone."""
        state = await self.view.order("show servers state")
        (self.view.folder / "state").write_text(state)
        old, self.process = self.process, self._started("-sf", str(self.process.pid))
        await asyncio.to_thread(old.wait, 15)


@pytest.fixture
def haproxy(portals: dict[str, int], tmp_path: Path) -> Iterator[Reloadable]:
    """A real HAProxy in front of two portals."""
    found = Reloadable(tmp_path, portals)
    yield found
    found.process.terminate()
    found.process.wait(10)


@pytest.fixture
async def board() -> AgentBoard:
    """Weights and a cap that are decided."""
    found = AgentBoard()
    found.decide_weights(key(), EDGE, weights(a=30, b=70))
    found.decide_cap(key(), EDGE, weights(a=1)[0].site, 7)
    return found


@pytest.fixture
async def agent(haproxy: Reloadable, board: AgentBoard) -> AsyncIterator[AgentServer]:
    """An agent that answers."""
    found = AgentServer(board, "127.0.0.1", haproxy.view.agent, now=SystemClock().now)
    await found.open()
    yield found
    await found.close()


async def test_a_reload_keeps_weights_though_the_controller_is_dead(haproxy: Reloadable, agent: AgentServer) -> None:
    """With the state file the new process begins where the old one was, without asking anybody."""
    await haproxy.view.until(weights_are(a=30, b=70))
    await agent.close()
    await haproxy.reload()
    rows = await haproxy.view.until(weights_are(a=30, b=70))
    assert all(row["status"].startswith("UP") for row in rows.values())
    assert await haproxy.view.count(10) == {"a": 3, "b": 7}


async def test_a_reload_loses_the_cap_until_the_agent_says_it_again(haproxy: Reloadable, agent: AgentServer) -> None:
    """HAProxy's state file holds no `maxconn`: it is back with the first question, and so are later decisions."""
    await haproxy.view.until(lambda rows: rows["a"]["slim"] == "7" and rows["b"]["weight"] == "70")
    await haproxy.reload()
    rows = await haproxy.view.until(lambda rows: rows["a"]["slim"] == "7")
    assert (rows["a"]["weight"], rows["b"]["weight"]) == ("30", "70")
    await agent.close()
    await haproxy.reload()
    rows = await haproxy.view.until(weights_are(a=30, b=70))
    assert rows["a"]["slim"] == "", "why docs/edges.md asks for a maxconn in the server line too"


async def test_a_drain_stays_over_a_reload(haproxy: Reloadable, agent: AgentServer, board: AgentBoard) -> None:
    """A site that was given no traffic gets none from a new process either."""
    board.decide_weights(key(), EDGE, weights(a=100, b=0))
    await haproxy.view.until(weights_are(a=100, b=0))
    await agent.close()
    await haproxy.reload()
    await haproxy.view.until(weights_are(a=100, b=0))
    assert await haproxy.view.count(20) == {"a": 20, "b": 0}


async def test_an_agent_that_hangs_changes_nothing(haproxy: Reloadable, agent: AgentServer) -> None:
    """It accepts and never answers: HAProxy times out, keeps the weights, and holds nobody to be down."""
    await haproxy.view.until(weights_are(a=30, b=70))
    await agent.close()
    asked = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        asked.set()
        await reader.read()  # until HAProxy gives up
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", haproxy.view.agent)
    await asyncio.wait_for(asked.wait(), 10)
    rows = await haproxy.view.until(lambda rows: all(row["agent_status"] in GAVE_UP for row in rows.values()))
    server.close()
    assert {name: row["weight"] for name, row in rows.items()} == {"a": "30", "b": "70"}
    assert all(row["status"].startswith("UP") for row in rows.values())
    assert await haproxy.view.count(10) == {"a": 3, "b": 7}


async def test_a_slow_agent_is_believed(haproxy: Reloadable, board: AgentBoard) -> None:
    """An answer that comes late, but within HAProxy's patience, counts like any other."""

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = (await reader.readline()).decode()
        await asyncio.sleep(0.1)  # half of HAProxy's patience here, which is its interval
        writer.write(f"{board.answer(question, asker='h', now=SystemClock().now())}\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(late, "127.0.0.1", haproxy.view.agent)
    await haproxy.view.until(weights_are(a=30, b=70))
    server.close()
