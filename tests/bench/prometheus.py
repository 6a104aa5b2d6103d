"""A stand-in for the sites' Prometheus servers: `python -m tests.bench.prometheus PORT ENTS`.

It answers every instant query with one slightly moving sample per ENT, so that what is measured is the controller's
work. It runs as a process of its own: its cost is nobody's figure.
"""

from __future__ import annotations

import sys
import time

from aiohttp import web

NAMESPACE = "portals"
AROUND_PER_SECOND = 3.0
NOISE_PER_SECOND = 0.05
"""Never the same twice, as no rate is, and no reason to act."""


def ent_name(number: int) -> str:
    """Return what the ENT of this number is called in all benches."""
    return f"ent-{number:04}"


def answering(ents: int) -> web.Application:
    """Return the application for so many ENTs."""

    async def query(_request: web.Request) -> web.Response:
        now = time.time()
        result = [
            {
                "metric": {"namespace": NAMESPACE, "ent": ent_name(number)},
                "value": [now, f"{AROUND_PER_SECOND + NOISE_PER_SECOND * ((now * 7 + number) % 1):.6f}"],
            }
            for number in range(ents)
        ]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}})

    async def present(_request: web.Request) -> web.Response:
        return web.Response(text="present\n")

    async def history(_request: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": []}})

    application = web.Application()
    for path, handler in (("/api/v1/query", query), ("/api/v1/query_range", history)):
        application.router.add_route("*", path, handler)
    application.router.add_get("/", present)
    return application


if __name__ == "__main__":
    web.run_app(
        answering(int(sys.argv[2])), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=lambda *_: None
    )
