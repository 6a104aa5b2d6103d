"""What is served over HTTP: /healthz, /readyz, /metrics and /plan for machines, /explain for people."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import msgspec
from aiohttp import web

from controller.domain.memory import Samples
from controller.domain.plan import Plan
from controller.planning.explain import explain
from controller.runtime.settings import Address
from controller.wire.plan import Answer, write_plan_line

LAST = "last"
"""The id of the plan that is shown: nobody asked with one."""

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Where the answers come from."""

    loop_age_seconds: Callable[[], float]
    evidence_age_seconds: Callable[[], float]
    stale_after_seconds: float
    """A loop that has not come round for so long hangs, or evidence that is so old: the process should be started
    anew."""
    why_not_ready: Callable[[], str | None]
    metrics: Callable[[], bytes]
    last_plan: Callable[[], Plan | None]


def application(pages: Pages) -> web.Application:
    """Return the web application."""

    async def healthz(_request: web.Request) -> web.Response:
        age = pages.loop_age_seconds()
        if age > pages.stale_after_seconds:
            return web.Response(status=503, text=f"the loop last came round {age:.1f} s ago\n")
        evidence = pages.evidence_age_seconds()
        if evidence > pages.stale_after_seconds:
            return web.Response(status=503, text=f"the last evidence round was {evidence:.1f} s ago\n")
        return web.Response(text=f"ok, the loop came round {age:.1f} s ago, the last evidence {evidence:.1f} s ago\n")

    async def readyz(_request: web.Request) -> web.Response:
        why = pages.why_not_ready()
        return web.Response(status=503, text=f"{why}\n") if why else web.Response(text="ok\n")

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=pages.metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def plan(_request: web.Request) -> web.Response:
        last = pages.last_plan()
        if last is None:
            return web.Response(status=503, text="there is no plan yet\n")
        return web.Response(body=shown(last), content_type="application/json")

    async def explained(_request: web.Request) -> web.Response:
        last = pages.last_plan()
        if last is None:
            return web.Response(status=503, text="there is no plan yet\n")
        return web.Response(text=f"{explain(last)}\n")

    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/metrics", metrics),
            web.get("/plan", plan),
            web.get("/explain", explained),
        ]
    )
    return app


def shown(plan: Plan) -> bytes:
    """Return the plan as a line of the wire contract, laid out for people; samples, which explain nothing, left out."""
    kept = replace(plan, memory=replace(plan.memory, samples=Samples()))
    return msgspec.json.format(write_plan_line(Answer(id=LAST, plan=kept)), indent=2)


async def serve(pages: Pages, address: Address) -> web.AppRunner:
    """Listen and answer; the caller ends it with `cleanup`.

    Raises:
        OSError: the address cannot be had.
    """
    runner = web.AppRunner(application(pages), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, address.host, address.port).start()
    return runner
