"""The agent's TCP manners."""

import asyncio

import pytest

from controller.actuate.haproxy_agent import AgentServer
from tests.actuate.test_haproxy_board import a_board
from tests.builders import BELL


async def ask(address: tuple[str, int] | None, question: bytes) -> bytes:
    """Ask as HAProxy does; an empty answer is a closed connection."""
    assert address is not None
    reader, writer = await asyncio.open_connection(*address)
    writer.write(question)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


@pytest.fixture
def agent() -> AgentServer:
    """An agent that does not listen yet."""
    return AgentServer(a_board(a=75), "127.0.0.1", 0, now=lambda: BELL)


async def test_only_an_open_agent_answers(agent: AgentServer) -> None:
    """Before and after its term the connection is refused."""
    assert agent.address is None
    await agent.open()
    address = agent.address
    assert await ask(address, b"ents/nord/a\n") == b"up 75%\n"
    await agent.close()
    with pytest.raises(ConnectionRefusedError):
        await ask(address, b"ents/nord/a\n")


@pytest.mark.parametrize("question", [b"ents/nord/z\n", b"GET / HTTP/1.1\r\n\r\n", b"\xff\xfe\n", b"x" * 2000 + b"\n"])
async def test_nonsense_is_closed_without_a_word(agent: AgentServer, question: bytes) -> None:
    """HAProxy takes an answer it cannot parse for an error; silence leaves it as it is."""
    await agent.open()
    assert await ask(agent.address, question) == b""
    assert await ask(agent.address, b"ents/nord/a\n") == b"up 75%\n"
    await agent.close()


async def test_who_does_not_hold_the_lease_says_nothing() -> None:
    """Whoever has lost it is silent at that instant, not when somebody has closed the port."""
    holding = True
    agent = AgentServer(a_board(a=75), "127.0.0.1", 0, now=lambda: BELL, holding=lambda: holding)
    await agent.open()
    assert await ask(agent.address, b"ents/nord/a\n") == b"up 75%\n"
    holding = False
    assert await ask(agent.address, b"ents/nord/a\n") == b""
    await agent.close()


async def test_opening_twice_is_opening_once(agent: AgentServer) -> None:
    """A term that begins again finds its port free."""
    await agent.open()
    before = agent.address
    await agent.open()
    assert agent.address == before
    await agent.close()
    await agent.close()
