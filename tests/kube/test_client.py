"""Calls that do not end as they should."""

import asyncio

import pytest
from aiohttp import web

from controller.kube.client import Cluster
from controller.kube.errors import Conflict, Forbidden, KubeconfigError, Unavailable
from controller.kube.kubeconfig import Credentials
from controller.kube.resources import DEPLOYMENTS, ObjectKey
from tests.kube.scripted import serving, stream


async def test_every_call_has_a_deadline() -> None:
    """A server that accepts and never answers costs the deadline and no more."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(answer) as cluster:
        with pytest.raises(Unavailable, match="no answer before the deadline"):
            await cluster.call("GET", "/x", deadline_seconds=0.1)


async def test_nobody_there_is_unavailable() -> None:
    """A refused connection says nothing about the outcome."""
    cluster = Cluster.connect(Credentials(server="http://127.0.0.1:1"), name="nowhere")
    with pytest.raises(Unavailable, match="nowhere: GET /x"):
        await cluster.call("GET", "/x")
    await cluster.close()


async def test_errors_say_what_was_asked_and_never_with_what_credentials() -> None:
    """The message names method and path; the token stays out of it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer planted-secret"
        return web.json_response({"message": "was changed meanwhile"}, status=409)

    async with serving(answer) as cluster:
        await cluster.renew(Credentials(server=cluster._api.configuration.host, token="planted-secret"))
        with pytest.raises(Conflict) as refused:
            await cluster.call("PUT", "/x", body={"a": 1})
    assert str(refused.value) == "scripted: PUT /x: HTTP 409: was changed meanwhile"


async def test_any_answer_is_an_answer_to_a_probe() -> None:
    """A probe asks whether somebody is there; 401 says yes."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=401)

    async with serving(answer) as cluster:
        assert await cluster.probe("/readyz", deadline_seconds=1.0) == 401


def test_a_broken_certificate_is_a_kubeconfig_error() -> None:
    """What the Secret holds is the Secret's error, not a crash."""
    credentials = Credentials(server="https://x", client_certificate_pem="nonsense", client_key_pem="planted-secret")
    with pytest.raises(KubeconfigError, match="certificates cannot be used") as refused:
        Cluster.connect(credentials, name="x")
    assert "planted-secret" not in str(refused.value)


def test_paths_are_built_from_kinds_and_names() -> None:
    """Names are escaped: an object cannot name its way into another path."""
    key = ObjectKey("ns", "a/b")
    assert DEPLOYMENTS.path() == "/apis/apps/v1/deployments"
    assert DEPLOYMENTS.path(namespace="ns") == "/apis/apps/v1/namespaces/ns/deployments"
    assert DEPLOYMENTS.path(key, subresource="scale") == "/apis/apps/v1/namespaces/ns/deployments/a%2Fb/scale"


async def test_a_token_that_is_quoted_back_is_not_told() -> None:
    """Some servers and proxies repeat what they refuse."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"message": f"no: {request.headers['Authorization']}"}, status=401)

    async with serving(answer) as cluster:
        await cluster.renew(Credentials(server=cluster._api.configuration.host, token="planted-secret"))
        with pytest.raises(Forbidden, match=r"no: Bearer \(token\)$"):
            await cluster.call("GET", "/x")


async def test_a_stream_whose_credentials_are_renewed_ends_like_a_broken_one() -> None:
    """Whoever reads it resumes it; a rotation is no crash."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await stream(request, b"{}\n", then_silence_seconds=30)

    async def read(cluster: Cluster) -> None:
        async with cluster.stream("/x", query={}, silence_seconds=5) as lines:
            async for _ in lines:
                await cluster.renew(Credentials(server=cluster._api.configuration.host, token="another"))

    async with serving(answer) as cluster:
        with pytest.raises(Unavailable):
            await read(cluster)


async def test_a_question_whose_credentials_are_renewed_meanwhile_ends_like_a_broken_one() -> None:
    """Also on a kept connection, which aiohttp would try again on a session that is closed."""
    questions, second = 0, asyncio.Event()

    async def answer(_request: web.Request) -> web.StreamResponse:
        nonlocal questions
        questions += 1
        if questions > 1:
            second.set()
            await asyncio.sleep(30)
        return web.json_response({})

    async with serving(answer) as cluster:
        await cluster.call("GET", "/x")
        waiting = asyncio.ensure_future(cluster.call("GET", "/x"))
        async with asyncio.timeout(5):
            await second.wait()
        await cluster.renew(Credentials(server=cluster._api.configuration.host, token="another"))
        with pytest.raises(Unavailable):
            await waiting
