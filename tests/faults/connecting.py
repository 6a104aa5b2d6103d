"""A browser's connections: several addresses raced as RFC 8305 says, and HTTP/1.1 on what connected."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Connection:
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def close(self) -> None:
        """Close it at once."""
        self.writer.transport.abort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    keeps: bool
    """Whether the connection may carry another request."""


async def connect(addresses: Sequence[str], port: int, delay_seconds: float, tried: list[str]) -> Connection | None:
    """Return the first connection that stands; None: all were refused. `tried` grows with every address asked.

    The next address is asked as soon as the one before was refused, and when it has not answered within the delay.
    """
    racing: set[asyncio.Task[Connection]] = set()
    try:
        for address in addresses:
            tried.append(address)
            racing.add(asyncio.create_task(_open(address, port)))
            if (won := await _first(racing, delay_seconds)) is not None:
                return won
        while racing:
            if (won := await _first(racing, None)) is not None:
                return won
        return None
    finally:
        for task in racing:
            task.add_done_callback(_forget)
            task.cancel()


async def _open(address: str, port: int) -> Connection:
    return Connection(*await asyncio.open_connection(address, port))


async def _first(racing: set[asyncio.Task[Connection]], seconds: float | None) -> Connection | None:
    """Return what stands within so many seconds, at the first end if it is a refusal; forget those that ended."""
    done, _ = await asyncio.wait(racing, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    racing -= done
    standing = [task.result() for task in done if task.exception() is None]
    for spare in standing[1:]:
        spare.close()
    return standing[0] if standing else None


def _forget(task: asyncio.Task[Connection]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def ask(connection: Connection, headers: Mapping[str, str]) -> Answer:
    """Ask for the first page and return the head of the answer, its body read.

    Raises:
        EOFError: the connection was closed before the answer was whole.
    """
    lines = ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    connection.writer.write("\r\n".join(lines).encode())
    head = (await connection.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.split("\r\n")
    version, status = first.split(" ", 2)[:2]
    found = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest if line)}
    length = found.get("content-length")
    keeps = version == "HTTP/1.1" and length is not None and found.get("connection", "").lower() != "close"
    if length is not None:
        await connection.reader.readexactly(int(length))
    else:
        await connection.reader.read()
    return Answer(status=int(status), headers=found, keeps=keeps)
