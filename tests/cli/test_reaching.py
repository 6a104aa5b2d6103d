"""How commands reach the running controller through the API server."""

from pathlib import Path

import pytest
from aiohttp import web

from controller.cli.reaching import Reach, connected, last_plan, plan_at
from controller.kube.errors import ApiError, KubeconfigError
from tests.kube.scripted import serving
from tests.observe.answers import answering

LEASE = {"spec": {"holderIdentity": "sonnerie-7d9-x2_0badcafe", "renewTime": "2026-09-01T07:00:00.000000Z"}}


async def test_the_leading_pod_is_asked_and_the_service_only_if_it_does_not_answer() -> None:
    """A follower plans too, but what is in force is what the leader says."""
    asked: list[str] = []
    gone = False

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path.endswith("/leases/sonnerie"):
            return web.json_response(LEASE)
        if gone and "/pods/" in request.path:
            return web.json_response({"message": "no endpoints"}, status=503)
        return web.Response(body=b"{}")

    async with serving(answer) as cluster:
        assert await last_plan(cluster, "here") == b"{}"
        assert asked[-1] == "/api/v1/namespaces/here/pods/http:sonnerie-7d9-x2:8080/proxy/plan"
        gone = True
        assert await last_plan(cluster, "here") == b"{}"
        assert asked[-1] == "/api/v1/namespaces/here/services/http:sonnerie:http/proxy/plan"


async def test_nobody_there_is_one_error() -> None:
    """Neither pod nor service."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"message": "no such service"}, status=404)

    async with serving(answer) as cluster:
        with pytest.raises(ApiError, match="no such service"):
            await last_plan(cluster, "here")


def test_a_controller_can_be_asked_directly() -> None:
    """On a laptop, through a port-forward."""
    with answering(200, b'{"a": 1}') as url:
        assert plan_at(url) == b'{"a": 1}'


async def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Nobody looks for another one instead."""
    reach = Reach(kubeconfig=tmp_path / "nothing", context=None, namespace="here")
    with pytest.raises(KubeconfigError, match="nothing: no such file"):
        async with connected(reach):
            raise AssertionError("not reached")
