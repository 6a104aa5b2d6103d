"""One `Cluster` per API server: raw bytes in and out, every call with a deadline, errors by what they mean.

Built on `kubernetes.aio` for authentication and transport (in-cluster tokens are re-read every minute by its hook).
Its typed models are not used: decoding 10 000 Deployments with them takes 170 times as long as with msgspec.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from aiohttp import ClientError, ClientResponse, ClientTimeout
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.incluster_config import load_incluster_config

from controller.kube.errors import ApiError, KubeconfigError, Unavailable, from_answer
from controller.kube.kubeconfig import Credentials

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"

Body = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""An object, or the operations of a JSON Patch."""

CALL_DEADLINE_SECONDS = 5.0
"""For calls on one object; the API server's own budget for such calls is far below."""

CONNECT_DEADLINE_SECONDS = 2.0
"""TCP and TLS across France take under 0.1 s; longer means that nobody is there."""

GOODBYE_SECONDS = 0.1
"""A TLS connection that was broken off is closed by the event loop once the other side has said goodbye; nobody tells
us when. A loop that ends before that leaves sockets open."""

LONGEST_LINE_BYTES = 8 * 2**20
"""A watch line holds one object; etcd refuses objects above 1.5 MiB, JSON may double that."""


class Cluster:
    """Access to one API server. `name` is for messages."""

    def __init__(self, api: ApiClient, *, name: str) -> None:
        self._api = api
        self.name = name

    @classmethod
    def connect(cls, credentials: Credentials, *, name: str) -> Self:
        """Return access with these credentials; nothing is sent yet.

        Raises:
            KubeconfigError: the certificates cannot be loaded.
        """
        return cls(_authenticated(credentials, name), name=name)

    async def renew(self, credentials: Credentials) -> None:
        """Go on with other credentials; streams that are open break and are resumed by whoever reads them.

        Raises:
            KubeconfigError: the certificates cannot be loaded; the old credentials stay.
        """
        old, self._api = self._api, _authenticated(credentials, self.name)
        await old.close()  # type: ignore[no-untyped-call]

    @classmethod
    def in_cluster(cls, *, name: str) -> Self:
        """Return access to the cluster that this process runs in.

        Raises:
            KubeconfigError: the process does not run in a cluster.
        """
        configuration = Configuration(retries=None)
        try:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except ConfigException as error:
            raise KubeconfigError(
                f"{name}: no kubeconfig given and not inside a cluster ({error}); pass --kubeconfig FILE"
            ) from None
        return cls(_api_client(configuration), name=name)

    async def close(self) -> None:
        """End all connections."""
        await self._api.close()  # type: ignore[no-untyped-call]
        await asyncio.sleep(GOODBYE_SECONDS)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content_type: str = JSON,
        deadline_seconds: float = CALL_DEADLINE_SECONDS,
    ) -> bytes:
        """Return the body of a successful answer, all of it within the deadline.

        Raises:
            ApiError: the server refused, or did not answer in time.
        """
        limits = ClientTimeout(total=deadline_seconds, connect=CONNECT_DEADLINE_SECONDS)
        async with self._answer(method, path, query, body, content_type, limits) as answer:
            return await answer.read()

    async def probe(self, path: str, *, deadline_seconds: float) -> int:
        """Return the HTTP status of a GET, whatever it is.

        Raises:
            TimeoutError: no answer before the deadline.
            ClientError, OSError: there was no connection.
        """
        limits = ClientTimeout(total=deadline_seconds)
        async with (
            asyncio.timeout(deadline_seconds),
            await self._send("GET", path, None, None, JSON, limits) as answer,
        ):
            return answer.status

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str], silence_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a stream of lines; entering it means that the server has accepted it.

        Raises:
            ApiError: the server refused, the connection broke, or nothing came for `silence_seconds`.
        """
        limits = ClientTimeout(total=None, connect=CONNECT_DEADLINE_SECONDS, sock_read=silence_seconds)
        async with self._answer("GET", path, query, None, JSON, limits) as answer:
            yield _lines(answer)

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Body | None,
        content_type: str,
        limits: ClientTimeout,
    ) -> AsyncIterator[ClientResponse]:
        where, api = f"{self.name}: {method} {path}", self._api
        try:
            async with await self._send(method, path, query, body, content_type, limits) as answer:
                if answer.status >= 400:
                    raise from_answer(where, answer.status, self._without_token(await answer.read()), answer.headers)
                yield answer
        except TimeoutError:
            raise Unavailable.unanswered(where, "no answer before the deadline") from None
        except (ClientError, OSError) as error:
            raise Unavailable.unanswered(where, f"{type(error).__name__}: {error}") from None
        except (RuntimeError, AssertionError):
            # aiohttp says "Session is closed", and where it tries a kept connection again it asserts that it is not.
            if api is self._api:
                raise
            raise Unavailable.unanswered(where, "the credentials were renewed meanwhile") from None

    def _without_token(self, body: bytes) -> bytes:
        """Return an answer that can be told: some servers quote the token that they refuse."""
        for value in self._api.configuration.api_key.values():
            token = value.removeprefix("Bearer ").encode()
            body = body.replace(token, b"(token)") if token else body
        return body

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Body | None,
        content_type: str,
        limits: ClientTimeout,
    ) -> ClientResponse:
        parts = await self._api.param_serialize(
            method=method,
            resource_path=path,
            header_params={"Accept": JSON, "Content-Type": content_type},
            auth_settings=["BearerToken"],
        )
        _, url, headers, _, _ = parts
        if query:
            url = f"{url}?{urlencode(query)}"
        answer = await self._api.call_api(method, url, headers, _plain(body), None, limits)
        response: ClientResponse = answer.response
        return response


def _plain(body: Body | None) -> dict[str, Any] | list[Mapping[str, Any]] | None:
    if not body:
        return None
    return dict(body) if isinstance(body, Mapping) else list(body)


async def _lines(answer: ClientResponse) -> AsyncIterator[bytes]:
    pending = bytearray()
    async for chunk in answer.content.iter_any():
        pending += chunk
        if b"\n" in chunk:
            *whole, rest = bytes(pending).split(b"\n")
            pending = bytearray(rest)
            for line in whole:
                yield line
        if len(pending) > LONGEST_LINE_BYTES:
            raise ApiError.unanswered("watch", f"a line is longer than {LONGEST_LINE_BYTES} bytes")


def _authenticated(credentials: Credentials, name: str) -> ApiClient:
    # ssl loads client certificates from files only: they exist for the time of this call, readable by us alone.
    with tempfile.TemporaryDirectory(prefix="sonnerie-") as folder:
        configuration = Configuration(host=credentials.server, ca_cert_data=credentials.ca_pem, retries=None)
        configuration.proxy = credentials.proxy_url
        configuration.tls_server_name = credentials.tls_server_name
        if credentials.token:
            configuration.api_key["BearerToken"] = f"Bearer {credentials.token}"
        if credentials.client_certificate_pem and credentials.client_key_pem:
            configuration.cert_file = _written(Path(folder, "crt"), credentials.client_certificate_pem)
            configuration.key_file = _written(Path(folder, "key"), credentials.client_key_pem)
        try:
            return _api_client(configuration)
        except OSError as error:  # ssl.SSLError among them; its text names no key material
            raise KubeconfigError(f"{name}: the certificates cannot be used: {error}") from None
        except Exception as error:  # noqa: BLE001 - such as an empty certificate; the text may quote what was given
            raise KubeconfigError(f"{name}: the credentials cannot be used: {type(error).__name__}") from None


def _api_client(configuration: Configuration) -> ApiClient:
    api = ApiClient(configuration)
    api.user_agent = "sonnerie"
    return api


def _written(path: Path, text: str) -> str:
    path.touch(mode=0o600)
    path.write_text(text, encoding="ascii")
    return str(path)
