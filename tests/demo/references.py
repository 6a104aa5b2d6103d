"""Three tiny servers outside all sites: `python -m tests.demo.references PORT PORT PORT`.

An observer asks them whether it is the one that is cut off. In earnest: three addresses of different providers.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web


async def present(_request: web.Request) -> web.Response:
    """Answer."""
    return web.Response(text="présent\n")


async def serve(ports: list[int]) -> None:
    """Serve on all ports until cancelled."""
    application = web.Application()
    application.router.add_get("/", present)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    for port in ports:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve([int(port) for port in sys.argv[1:]]))
