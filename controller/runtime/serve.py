"""What is served over HTTP: /healthz, /readyz, /metrics and /plan for machines, /explain for people."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from aiohttp import web

from controller.domain.plan import Plan
from controller.planning.explain import explain
from controller.runtime.settings import Address

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
        body = msgspec.json.format(msgspec.json.encode(shown(last)), indent=2)
        return web.Response(body=body, content_type="application/json")

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


def shown(plan: Plan) -> dict[str, object]:
    """Return the plan as JSON: actions named by their kind, samples left out."""
    return {
        "next_look_at": plan.next_look_at,
        "actions": [{"kind": type(a).__name__, **msgspec.to_builtins(a)} for a in plan.actions],
        "withheld": [
            {
                "because": msgspec.to_builtins(w.because),
                "action": {"kind": type(w.action).__name__, **msgspec.to_builtins(w.action)},
            }
            for w in plan.withheld
        ],
        "conditions": msgspec.to_builtins(plan.conditions),
        "admission": msgspec.to_builtins(plan.admission),
        "memory": {"sites": msgspec.to_builtins(plan.memory.sites), "ents": msgspec.to_builtins(plan.memory.ents)},
        "explanation": msgspec.to_builtins(tuple(plan.explanation)),
    }


async def serve(pages: Pages, address: Address) -> web.AppRunner:
    """Listen and answer; the caller ends it with `cleanup`.

    Raises:
        OSError: the address cannot be had.
    """
    runner = web.AppRunner(application(pages), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, address.host, address.port).start()
    return runner
