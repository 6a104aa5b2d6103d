"""The client model: what resolvers remember, which address is tried when, what a DNS answer says."""

import asyncio
import random
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.asking import question, read_answer
from tests.faults.clients import NEGATIVE_TTL_SECONDS, Memory
from tests.faults.connecting import ask, connect

ADDRESSES = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
DELAY_SECONDS = 0.05


def test_an_answer_is_kept_for_its_ttl_and_not_longer() -> None:
    """A resolver asks again exactly when the TTL is over, however often its users ask."""
    memory = Memory(random.Random(1))
    memory.learn("ent", ADDRESSES, 30.0, now=100.0)
    assert sorted(memory.recall("ent", 129.9) or ()) == sorted(ADDRESSES)
    assert memory.recall("ent", 130.0) is None


def test_no_answer_is_remembered_for_a_moment() -> None:
    """A name that nobody could tell is not asked for by every user at once."""
    memory = Memory(random.Random(1))
    assert memory.learn("ent", (), 0.0, now=0.0) == ()
    assert memory.recall("ent", NEGATIVE_TTL_SECONDS - 0.1) == ()
    assert memory.recall("ent", NEGATIVE_TTL_SECONDS) is None


@given(seed=st.integers(), addresses=st.sets(st.sampled_from(ADDRESSES), min_size=1))
def test_every_client_gets_all_addresses_in_some_order(seed: int, addresses: set[str]) -> None:
    """Rotation changes the order of an answer, never what is in it."""
    memory = Memory(random.Random(seed))
    assert set(memory.learn("ent", tuple(addresses), 30.0, now=0.0)) == addresses
    assert set(memory.recall("ent", 1.0) or ()) == addresses


async def test_a_refused_address_costs_no_time_and_the_next_one_serves() -> None:
    """Who is refused tries the next address at once."""
    server = await asyncio.start_server(_hello, "127.0.0.2", 0)
    port = server.sockets[0].getsockname()[1]
    tried: list[str] = []
    async with server:
        found = await connect(("127.0.0.3", "127.0.0.2"), port, 60.0, tried)
        assert found is not None
        answer = await ask(found, {"Host": "ent.test"})
        found.close()
    assert (tried, answer.status, answer.keeps) == (["127.0.0.3", "127.0.0.2"], 200, True)


async def test_all_refused_is_no_connection() -> None:
    """A user whom every address refuses knows at once."""
    tried: list[str] = []
    assert await connect(("127.0.0.3", "127.0.0.4"), 1, DELAY_SECONDS, tried) is None
    assert tried == ["127.0.0.3", "127.0.0.4"]


async def _hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    await writer.drain()
    writer.close()


def _answer(number: int, code: int, addresses: tuple[str, ...], ttls: tuple[int, ...]) -> bytes:
    asked = question(number, "ent.test")[12:]
    records = b"".join(
        struct.pack("!HHHIH", 0xC00C, 1, 1, ttl, 4) + bytes(int(part) for part in address.split("."))
        for address, ttl in zip(addresses, ttls, strict=True)
    )
    return struct.pack("!6H", number, 0x8400 | code, 1, len(addresses), 0, 0) + asked + records


def test_an_answer_gives_its_addresses_and_the_least_ttl() -> None:
    """What a server says is read as it was meant, compressed names included."""
    assert read_answer(7, _answer(7, 0, ADDRESSES[:2], (30, 20))) == (ADDRESSES[:2], 20.0)


@pytest.mark.parametrize(("code", "found"), [(0, ((), 0.0)), (3, ((), 0.0)), (2, None), (5, None)])
def test_an_empty_answer_is_not_a_refusal(code: int, found: object) -> None:
    """NOERROR without addresses and NXDOMAIN are empty answers; SERVFAIL and REFUSED send to the next server."""
    assert read_answer(7, _answer(7, code, (), ())) == found


@given(st.binary(max_size=80))
def test_rubbish_is_never_an_answer(rubbish: bytes) -> None:
    """Whatever arrives is an answer to our question, or a ValueError that sends to the next server."""
    try:
        found = read_answer(7, rubbish)
    except ValueError:
        return
    assert rubbish[:2] == b"\x00\x07"
    assert found is None or all(a <= b or a >= b for a, b in pairwise(found[0]))
