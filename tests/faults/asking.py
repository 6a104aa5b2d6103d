"""The one DNS question that resolvers ask, over real UDP (RFC 1035): the IPv4 addresses of a name."""

from __future__ import annotations

import asyncio
import random
import socket
import struct

TYPE_A, CLASS_IN = 1, 1
NOERROR, NXDOMAIN = 0, 3
SERVER_SECONDS = 0.8
"""How long a server is waited for before the next one is asked; BIND begins with that."""

Found = tuple[tuple[str, ...], float]
"""Addresses and TTL."""


class _Waiting(asyncio.DatagramProtocol):
    def __init__(self, answer: asyncio.Future[bytes]) -> None:
        self._answer = answer

    def datagram_received(self, data: bytes, addr: tuple[str | None, int]) -> None:
        """Take the first."""
        del addr
        if not self._answer.done():
            self._answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        """Fail at once: nobody listens there."""
        if not self._answer.done():
            self._answer.set_exception(exc)


async def addresses_of(server: str, name: str, port: int = 53) -> Found | None:
    """Ask a server; None: it did not answer, or refused."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()
    try:
        transport, _ = await loop.create_datagram_endpoint(lambda: _Waiting(answer), remote_addr=(server, port))
    except OSError:
        return None
    number = random.randrange(1 << 16)
    try:
        transport.sendto(question(number, name))
        return read_answer(number, await asyncio.wait_for(answer, SERVER_SECONDS))
    except (TimeoutError, OSError, ValueError):
        return None
    finally:
        transport.close()


def question(number: int, name: str) -> bytes:
    """Return a query for the IPv4 addresses of a name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    return struct.pack("!6H", number, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", TYPE_A, CLASS_IN)


def read_answer(number: int, message: bytes) -> Found | None:
    """Return addresses and the least TTL; no addresses for a name that has none; None for a refusal.

    Raises:
        ValueError: it is no answer to our question.
    """
    if len(message) < 12:
        raise ValueError("shorter than a header")
    got, flags, questions, answers = struct.unpack("!4H", message[:8])
    if got != number or not flags & 0x8000:
        raise ValueError("an answer to another question")
    if flags & 0xF not in (NOERROR, NXDOMAIN):
        return None
    at = 12
    for _ in range(questions):
        at = _after_name(message, at) + 4
    addresses: list[str] = []
    ttls: list[int] = []
    for _ in range(answers):
        at = _after_name(message, at)
        if at + 10 > len(message):
            raise ValueError("cut short")
        kind, _, ttl, length = struct.unpack("!2HIH", message[at : at + 10])
        at += 10
        if kind == TYPE_A and length == 4:
            addresses.append(socket.inet_ntoa(message[at : at + 4]))
            ttls.append(ttl)
        at += length
    return tuple(addresses), float(min(ttls, default=0))


def _after_name(message: bytes, at: int) -> int:
    while at < len(message):
        length = message[at]
        if length >= 0xC0:
            return at + 2
        at += 1 + length
        if not length:
            return at
    raise ValueError("a name without end")
