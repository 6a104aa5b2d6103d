"""A real HAProxy asks our agent for weights."""

import asyncio
import csv
import io
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from controller.actuate.haproxy_agent import AgentServer
from controller.actuate.haproxy_board import AgentBoard
from controller.runtime.clock import SystemClock
from tests.actuate.test_haproxy_board import weights
from tests.builders import EDGE, key
from tests.controlplane import PartsMissingError, haproxy_command
from tests.controlplane.ports import free_ports

pytestmark = pytest.mark.live

DEADLINE_SECONDS = 15.0

CONFIGURATION = """\
global
    stats socket {folder}/admin.sock mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend users
    bind 127.0.0.1:{users}
    default_backend portal
frontend statistics
    bind 127.0.0.1:{statistics}
    stats enable
    stats uri /
backend portal
    balance roundrobin
    default-server check inter 200ms agent-check agent-inter 200ms agent-addr 127.0.0.1 agent-port {agent} weight 100
    server a 127.0.0.1:{a} agent-send "ents/nord/a\\n"
    server b 127.0.0.1:{b} agent-send "ents/nord/b\\n"
"""

Row = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class HAProxy:
    """A running HAProxy."""

    users: int
    statistics: int
    agent: int
    folder: Path

    async def rows(self) -> dict[str, Row]:
        """Return the statistics of the servers by name."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.statistics}/;csv") as answer,
        ):
            text = await answer.text()
        rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
        return {row["svname"]: row for row in rows if row["pxname"] == "portal" and row["svname"] in ("a", "b")}

    async def until(self, condition: Callable[[dict[str, Row]], bool]) -> dict[str, Row]:
        """Wait until the statistics say so, and return them."""
        rows: dict[str, Row] = {}
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while True:
                    try:
                        rows = await self.rows()
                    except aiohttp.ClientError:  # it is still starting
                        rows = {}
                    if rows and condition(rows):
                        return rows
                    await asyncio.sleep(0.05)
        except TimeoutError:
            shown = {name: (row["weight"], row["status"], row["slim"]) for name, row in rows.items()}
            raise AssertionError(f"HAProxy stays at {shown}") from None

    async def count(self, requests: int) -> dict[str, int]:
        """Send requests and count who answers."""
        answers = {"a": 0, "b": 0}
        async with aiohttp.ClientSession() as session:
            for _ in range(requests):
                async with session.get(f"http://127.0.0.1:{self.users}/") as answer:
                    answers[await answer.text()] += 1
        return answers

    async def order(self, command: str) -> str:
        """Give an operator's order through the admin socket."""
        reader, writer = await asyncio.open_unix_connection(str(self.folder / "admin.sock"))
        writer.write(f"{command}\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.decode()


@pytest.fixture
async def portals() -> AsyncIterator[dict[str, int]]:
    """Two portals that answer with their name."""
    servers = []
    for name in ("a", "b"):

        async def answer(_request: web.Request, name: str = name) -> web.Response:
            return web.Response(text=name)

        app = web.Application()
        app.router.add_get("/", answer)
        app.router.add_route("OPTIONS", "/", answer)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
    yield {name: int(server.port or 0) for name, server in zip(("a", "b"), servers, strict=True)}
    for server in servers:
        await server.close()


@pytest.fixture
def haproxy(portals: dict[str, int], tmp_path: Path) -> Iterator[HAProxy]:
    """A real HAProxy in front of them."""
    try:
        command = haproxy_command(fetch=False)
    except PartsMissingError as error:
        pytest.fail(str(error), pytrace=False)
    users, statistics, agent = free_ports(3)
    configuration = tmp_path / "haproxy.cfg"
    text = CONFIGURATION.format(folder=tmp_path, users=users, statistics=statistics, agent=agent, **portals)
    configuration.write_text(text)
    process = subprocess.Popen([*command.argv, "-f", str(configuration)], env={**os.environ, **command.environment})
    yield HAProxy(users=users, statistics=statistics, agent=agent, folder=tmp_path)
    process.terminate()
    process.wait(10)


@pytest.fixture
async def board(haproxy: HAProxy) -> AsyncIterator[AgentBoard]:
    """The board of an agent that listens."""
    found = AgentBoard()
    agent = AgentServer(found, "127.0.0.1", haproxy.agent, now=SystemClock().now)
    await agent.open()
    yield found
    await agent.close()


def weights_are(**expected: int) -> Callable[[dict[str, Row]], bool]:
    """The statistics show these weights."""
    return lambda rows: {name: int(row["weight"]) for name, row in rows.items()} == expected


async def test_weights_follow_exactly(haproxy: HAProxy, board: AgentBoard) -> None:
    """Percents of `weight 100` are the weights, and requests follow them."""
    board.decide_weights(key(), EDGE, weights(a=75, b=25))
    await haproxy.until(weights_are(a=75, b=25))
    assert await haproxy.count(100) == {"a": 75, "b": 25}
    assert {r.site: r.weight for r in board.routes(SystemClock().now())} == {"a": 75, "b": 25}


async def test_weight_zero_gets_nothing_and_its_health_stays_visible(haproxy: HAProxy, board: AgentBoard) -> None:
    """No new requests, while HAProxy goes on checking the server and says what it sees."""
    board.decide_weights(key(), EDGE, weights(a=100, b=0))
    rows = await haproxy.until(weights_are(a=100, b=0))
    assert await haproxy.count(50) == {"a": 50, "b": 0}
    assert rows["b"]["check_status"] == "L4OK"
    assert rows["b"]["status"] == "UP"


async def test_weights_stay_when_the_agent_is_gone(haproxy: HAProxy) -> None:
    """A controller that dies leaves the weights it said; HAProxy takes the refused connection for no answer."""
    board = AgentBoard()
    agent = AgentServer(board, "127.0.0.1", haproxy.agent, now=SystemClock().now)
    board.decide_weights(key(), EDGE, weights(a=30, b=70))
    await agent.open()
    await haproxy.until(weights_are(a=30, b=70))
    await agent.close()
    rows = await haproxy.until(lambda rows: rows["a"].get("agent_status") not in ("L7OK", "* L7OK"))
    assert {name: row["weight"] for name, row in rows.items()} == {"a": "30", "b": "70"}
    assert all(row["status"].startswith("UP") for row in rows.values())
    assert await haproxy.count(10) == {"a": 3, "b": 7}


async def test_what_is_not_decided_leaves_haproxy_as_it_is(haproxy: HAProxy, board: AgentBoard) -> None:
    """Before the first plan every server keeps the weight of its line and stays up, however often HAProxy asks."""
    board.decide_weights(key("other"), EDGE, weights(a=1))
    rows = await haproxy.until(lambda rows: all(row["agent_status"] == "L7RSP" for row in rows.values()))
    assert all("empty response" in row["last_agt"] for row in rows.values())
    for _ in range(10):
        rows = await haproxy.rows()
        assert all(row["status"].startswith("UP") and row["weight"] == "100" for row in rows.values())
        await asyncio.sleep(0.1)


async def test_an_operators_drain_is_not_undone(haproxy: HAProxy, board: AgentBoard) -> None:
    """Whoever drains a server at HAProxy keeps it drained: the agent speaks of weight, not of administration."""
    board.decide_weights(key(), EDGE, weights(a=50, b=50))
    await haproxy.until(weights_are(a=50, b=50))
    await haproxy.order("set server portal/b state drain")
    board.decide_weights(key(), EDGE, weights(a=40, b=60))
    await haproxy.until(lambda rows: rows["a"]["weight"] == "40")
    rows = await haproxy.until(lambda rows: rows["b"]["status"].startswith("DRAIN"))
    assert rows["b"]["status"].startswith("DRAIN")
    assert await haproxy.count(20) == {"a": 20, "b": 0}


async def test_a_concurrency_cap_is_taken_over(haproxy: HAProxy, board: AgentBoard) -> None:
    """`maxconn` from the agent is the server's limit, and stays when the controller dies."""
    board.decide_weights(key(), EDGE, weights(a=50, b=50))
    board.decide_cap(key(), EDGE, weights(a=1)[0].site, 7)
    rows = await haproxy.until(lambda rows: rows["a"]["slim"] == "7")
    assert rows["b"]["slim"] == ""
