"""A TCP proxy whose connections can be made to suffer. What it carries, TLS included, it does not look at."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Self
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 65536
LOOK_SECONDS = 0.02
"""How often a connection that is held up looks whether it may go on."""


class TcpProxy:
    """Carries connections to one address. All that goes wrong is switched on and off while it runs.

    `frozen`: accepted, and nothing is carried either way, on old connections neither: a half-open network.
    `refusing`: nobody listens, as when the process behind is gone; old connections live on until `cut`.
    `bytes_per_second`: how fast each connection is from the server to us; None: as fast as it can.
    """

    def __init__(self, target: str, *, port: int = 0) -> None:
        address = urlsplit(target if "//" in target else f"//{target}")
        assert address.hostname
        assert address.port
        self._target = (address.hostname, address.port)
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.frozen = False
        self.bytes_per_second: float | None = None
        self.accepted = 0
        """Connections since the start."""

    @property
    def address(self) -> str:
        """Gives HOST:PORT, the same over `refuse` and `listen`."""
        return f"{LOOPBACK}:{self._port}"

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def listen(self) -> None:
        """Accepts connections."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, LOOPBACK, self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Refuses new connections."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def cut(self) -> None:
        """Breaks every connection off with a reset, as a dying machine's neighbour does."""
        for writer in list(self._connections):
            raw = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self._connections.add(writer)
        beyond: asyncio.StreamWriter | None = None
        try:
            await self._thaw()
            there, beyond = await asyncio.open_connection(*self._target)
            self._connections.add(beyond)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, beyond, slowly=False))
                group.create_task(self._carry(there, writer, slowly=True))
        except (OSError, ExceptionGroup):
            pass
        finally:
            self._tasks.discard(task)
            for each in (writer, beyond):
                if each is not None:
                    self._connections.discard(each)
                    each.close()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, slowly: bool) -> None:
        while chunk := await source.read(CHUNK_BYTES):
            await self._thaw()
            if slowly and self.bytes_per_second is not None:
                await asyncio.sleep(len(chunk) / self.bytes_per_second)
            sink.write(chunk)
            await sink.drain()
        with contextlib.suppress(OSError):
            sink.write_eof() if sink.can_write_eof() else sink.close()

    async def _thaw(self) -> None:
        while self.frozen:  # noqa: ASYNC110  the switch is a plain attribute, so that any thread may flip it
            await asyncio.sleep(LOOK_SECONDS)
