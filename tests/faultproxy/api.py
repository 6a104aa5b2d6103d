"""An HTTP proxy in front of a real API server, whose script decides what happens to each request.

It speaks plain HTTP on loopback to the controller and TLS with an administrator's certificate to the server, so it can
read and change what passes. Answers are streamed: a watch stays a watch.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, assert_never

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

from tests.controlplane.client import ApiClient
from tests.faultproxy.tcp import LOOPBACK

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "keep-alive", "host"}
WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request, as the script sees it."""

    number: int
    """From 1 on, in the order of arrival."""
    method: str
    path: str
    query: Mapping[str, str]
    body: bytes

    @property
    def writes(self) -> bool:
        """Says whether it changes something."""
        return self.method in WRITES

    @property
    def watches(self) -> bool:
        """Says whether it is a watch."""
        return "watch" in self.query

    @property
    def of_lease(self) -> bool:
        """Says whether it is about a Lease."""
        return "/leases" in self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Carry it. `before` and `after` run before the server sees it and before the answer goes back."""

    before: Callable[[], Awaitable[None]] | None = None
    after: Callable[[], Awaitable[None]] | None = None
    without_bookmarks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answer in the server's place."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b'{"kind":"Status","message":"said by the proxy"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Carry so many bytes of the answer, then break the connection."""

    after_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Carry it so many seconds late."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Swallow:
    """Take it and never answer."""


Fault = Pass | Reply | Cut | Wait | Swallow
Script = Callable[[Seen], Fault]


def carry(_seen: Seen) -> Fault:
    """Let everything pass."""
    return Pass()


class ApiProxy:
    """Stands before one API server; `script` can be replaced while it runs."""

    def __init__(self, kubeconfig: Path, *, script: Script = carry, keep: bool = True) -> None:
        upstream = ApiClient.from_kubeconfig(kubeconfig)
        self._server, self._tls = upstream.server, upstream.tls
        self.script = script
        self._keep = keep
        self.seen: list[Seen] = []
        """All requests so far, if they are kept."""
        self._numbers = itertools.count(1)
        self._open: set[asyncio.Task[object]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """Gives the address for a kubeconfig: plain HTTP, which is allowed on loopback."""
        return f"http://{LOOPBACK}:{self.port}"

    def kubeconfig(self, path: Path) -> Path:
        """Writes a kubeconfig that leads through here."""
        path.write_text(
            f'{{"apiVersion": "v1", "kind": "Config", "current-context": "proxy", "contexts": [{{"name": "proxy", '
            f'"context": {{"cluster": "proxy"}}}}], "clusters": [{{"name": "proxy", "cluster": '
            f'{{"server": "{self.url}"}}}}]}}'
        )
        return path

    async def __aenter__(self) -> Self:
        connector = TCPConnector(ssl=self._tls, limit=0)
        self._session = ClientSession(connector=connector, timeout=ClientTimeout(total=None), auto_decompress=True)
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.break_streams()
        await self._runner.cleanup()
        await self._session.close()

    def break_streams(self) -> None:
        """Breaks every request that is under way, watches among them."""
        for task in list(self._open):
            task.cancel()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(
            number=next(self._numbers),
            method=request.method,
            path=request.path,
            query=dict(request.query),
            body=await request.read(),
        )
        if self._keep:
            self.seen.append(seen)
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            return await self._do(self.script(seen), seen, request)
        except (ClientError, OSError, TimeoutError):
            _abort(request)
            return web.Response()  # to nobody
        finally:
            self._open.discard(task)

    async def _do(self, fault: Fault, seen: Seen, request: web.Request) -> web.StreamResponse:
        match fault:
            case Reply(status=status, headers=headers, body=body):
                return web.Response(status=status, body=body, headers={"Content-Type": "application/json", **headers})
            case Swallow():
                await asyncio.Event().wait()
                raise AssertionError
            case Wait(seconds=seconds):
                await asyncio.sleep(seconds)
                return await self._carry(Pass(), seen, request)
            case Cut(after_bytes=most):
                return await self._carry(Pass(), seen, request, most=most)
            case Pass():
                return await self._carry(fault, seen, request)
            case _:
                assert_never(fault)

    async def _carry(
        self, how: Pass, seen: Seen, request: web.Request, *, most: int | None = None
    ) -> web.StreamResponse:
        if how.before is not None:
            await how.before()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        headers.pop("Authorization", None)  # the certificate speaks
        url = f"{self._server}{request.path_qs}"
        async with self._session.request(seen.method, url, data=seen.body or None, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            out = web.StreamResponse(status=answer.status, headers=kept)
            if how.after is not None:
                whole = await answer.read()
                await how.after()
                return web.Response(status=answer.status, body=whole, headers=kept)
            await out.prepare(request)
            carried = 0
            async for chunk in _chunks(answer.content.iter_any(), without_bookmarks=how.without_bookmarks):
                piece = chunk if most is None else chunk[: max(0, most - carried)]
                carried += len(piece)
                await out.write(piece)
                if most is not None and carried >= most:
                    _abort(request)
                    break
            with contextlib.suppress(ConnectionError):
                await out.write_eof()
            return out


async def _chunks(source: AsyncIterable[bytes], *, without_bookmarks: bool) -> AsyncIterator[bytes]:
    pending = b""
    async for chunk in source:
        if not without_bookmarks:
            yield chunk
            continue
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            if b'"type":"BOOKMARK"' not in line:
                yield line + b"\n"
    if pending:
        yield pending


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
