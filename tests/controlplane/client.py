"""The few calls that starting a site needs, over one kubeconfig, with nothing but the standard library."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane.certificates import Client
from tests.controlplane.errors import PartsMissingError

CALL_SECONDS = 10.0  # a busy API server answers a small call in less, a hung one must not hold us


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said."""

    status: int
    text: str

    @property
    def ok(self) -> bool:
        """Says whether the call was carried out."""
        return http.client.OK <= self.status < http.client.MULTIPLE_CHOICES

    def json(self) -> Any:
        """Gives the body as data."""
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class ApiClient:
    """Calls one API server with the certificates of one kubeconfig."""

    server: str
    tls: ssl.SSLContext
    token: str | None = None

    @classmethod
    def from_kubeconfig(cls, path: Path) -> ApiClient:
        """Gives a client for a kubeconfig's current context: client certificate or token, inline or in files."""
        content = yaml.safe_load(path.read_text())
        contexts = {entry["name"]: entry["context"] for entry in content["contexts"]}
        context = contexts[content.get("current-context") or next(iter(contexts))]
        cluster = {entry["name"]: entry["cluster"] for entry in content["clusters"]}[context["cluster"]]
        user = {entry["name"]: entry["user"] for entry in content["users"]}[context["user"]]
        certificate, key = (_pem(user, f"client-{part}", path) for part in ("certificate", "key"))
        client = Client(certificate=certificate, key=key) if certificate and key else None
        token = user.get("token")
        if client is None and token is None:
            message = f"{path} has neither a client certificate nor a token (plugins that run a program are not used)"
            raise PartsMissingError(message)
        authority = _pem(cluster, "certificate-authority", path)
        return cls(cluster["server"], tls_context(authority, client), token)

    def call(self, method: str, path: str, body: object = None) -> Answer:
        """Makes one call on a connection of its own; OSError if nobody answers in time."""
        address = urllib.parse.urlsplit(self.server)
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=CALL_SECONDS, context=self.tls
        )
        patch = method == "PATCH"
        content_type = "application/merge-patch+json" if patch else "application/json"
        try:
            payload = None if body is None else json.dumps(body)
            headers = {"Content-Type": content_type}
            if self.token is not None:
                headers["Authorization"] = f"Bearer {self.token}"
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def says_ok(self, path: str) -> bool:
        """Says whether a health path answers that all is well; no answer means no."""
        try:
            return self.call("GET", path).ok
        except OSError:
            return False


def write_kubeconfig(path: Path, *, name: str, server: str, authority: bytes, client: Client) -> Path:
    """Writes a kubeconfig with everything inside it, readable by its owner alone."""

    def inline(pem: bytes) -> str:
        return base64.b64encode(pem).decode()

    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": inline(authority)}}],
        "users": [
            {
                "name": name,
                "user": {
                    "client-certificate-data": inline(client.certificate),
                    "client-key-data": inline(client.key),
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def tls_context(authority: bytes | None, client: Client | None) -> ssl.SSLContext:
    """Gives a context that trusts one authority, or the system's, and shows a client certificate if there is one."""
    context = ssl.create_default_context(cadata=None if authority is None else authority.decode())
    if client is not None:
        with tempfile.NamedTemporaryFile() as pair:  # the ssl module reads client certificates from files only
            pair.write(client.certificate + client.key)
            pair.flush()
            context.load_cert_chain(pair.name)
    return context


def _pem(entry: dict[str, Any], name: str, kubeconfig: Path) -> bytes | None:
    if inline := entry.get(f"{name}-data"):
        return base64.b64decode(inline)
    if file := entry.get(name):
        return Path(kubeconfig.parent, str(file)).read_bytes()  # relative paths are relative to the kubeconfig
    return None
