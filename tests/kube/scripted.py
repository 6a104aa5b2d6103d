"""A server that misbehaves on demand, for what no real API server does when asked: no Kubernetes is imitated."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from controller.kube.client import Cluster
from controller.kube.kubeconfig import Credentials

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Cluster]:
    """Give access to a server that answers everything so."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(app)
    await server.start_server()
    cluster = Cluster.connect(Credentials(server=str(server.make_url("")).rstrip("/")), name="scripted")
    try:
        yield cluster
    finally:
        await cluster.close()
        await server.close()


def page(*names: str, version: str = "1", more: str = "") -> web.Response:
    """A list answer with objects of these names."""
    items = [{"metadata": {"name": name, "namespace": "n", "resourceVersion": version}} for name in names]
    return web.json_response({"metadata": {"resourceVersion": version, "continue": more}, "items": items})


def line(kind: str, name: str, version: str) -> bytes:
    """One watch event."""
    event: dict[str, Any] = {
        "type": kind,
        "object": {"metadata": {"name": name, "namespace": "n", "resourceVersion": version}},
    }
    return json.dumps(event).encode() + b"\n"


async def stream(request: web.Request, *lines: bytes, then_silence_seconds: float = 0.0) -> web.StreamResponse:
    """A watch answer: the lines, then silence for so long, then a clean end."""
    response = web.StreamResponse()
    await response.prepare(request)
    for each in lines:
        await response.write(each)
    await asyncio.sleep(then_silence_seconds)
    return response
