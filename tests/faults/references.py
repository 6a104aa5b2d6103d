"""Three tiny servers outside all sites: `python -m tests.faults.references ADDRESS PORT PORT PORT`.

An observer asks them whether it is the one that is cut off. In earnest: three addresses of different providers.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web

from tests.demo.references import present


async def serve(address: str, ports: list[int]) -> None:
    """Serve on all ports until cancelled."""
    application = web.Application()
    application.router.add_get("/", present)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    for port in ports:
        await web.TCPSite(runner, address, port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], [int(port) for port in sys.argv[2:]]))
