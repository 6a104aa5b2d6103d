"""Kubeconfigs as data: one server, its CA, one credential. Nothing that runs programs or reads files.

A kubeconfig from a Secret is written by somebody else; `exec` and `auth-provider` would run their programs here and
file paths would read our files, so they are refused with the field to change.
"""

import base64
import binascii
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from controller.kube.errors import KubeconfigError

_RUNS_PROGRAMS = ("exec", "auth-provider")
_READS_FILES = {
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
    "tokenFile": "token",
}


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one API server. Never printed: the text of it shows the server alone."""

    server: str
    ca_pem: str | None = None
    client_certificate_pem: str | None = None
    client_key_pem: str | None = None
    token: str | None = None
    tls_server_name: str | None = None
    proxy_url: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(server={self.server!r})"


class _Cluster(msgspec.Struct, rename="kebab", forbid_unknown_fields=False):
    server: str
    certificate_authority_data: str | None = None
    certificate_authority: str | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None


class _User(msgspec.Struct, rename="kebab"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None


class _Context(msgspec.Struct):
    cluster: str
    user: str = ""


class _Kubeconfig(msgspec.Struct, rename={"current_context": "current-context"}):
    current_context: str
    contexts: list[dict[str, Any]]
    clusters: list[dict[str, Any]]
    users: list[dict[str, Any]] = []


def read_kubeconfig(content: bytes, *, where: str) -> Credentials:
    """Return the credentials of the current context. `where` names the source for people.

    Raises:
        KubeconfigError: it is not a kubeconfig, or it is one that is not used.
    """
    try:
        return _read(content, where)
    except KubeconfigError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever somebody wrote; the text may quote a credential
        raise KubeconfigError(f"{where}: this is not a usable kubeconfig: {type(error).__name__}") from None


def _read(content: bytes, where: str) -> Credentials:
    document = _loaded(content, where)
    try:
        config = msgspec.convert(document, type=_Kubeconfig)
        context = msgspec.convert(_named(config.contexts, config.current_context, "contexts")["context"], type=_Context)
        cluster = msgspec.convert(_named(config.clusters, context.cluster, "clusters")["cluster"], type=_Cluster)
        declared = _named(config.users, context.user, "users").get("user") or {} if context.user else {}
        fields = msgspec.convert(declared, type=dict[str, Any])
        _refuse_what_runs_or_reads(fields, cluster, where)
        user = msgspec.convert(fields, type=_User)
    except (msgspec.ValidationError, KeyError, ValueError) as error:
        raise KubeconfigError(f"{where}: this is not a usable kubeconfig: {error}") from None
    _refuse_plain_transport(cluster, where)
    return Credentials(
        server=cluster.server.rstrip("/"),
        ca_pem=_decoded(cluster.certificate_authority_data, "certificate-authority-data", where),
        client_certificate_pem=_decoded(user.client_certificate_data, "client-certificate-data", where),
        client_key_pem=_decoded(user.client_key_data, "client-key-data", where),
        token=_header(user.token, where),
        tls_server_name=cluster.tls_server_name,
        proxy_url=cluster.proxy_url,
    )


def _loaded(content: bytes, where: str) -> object:
    try:
        return yaml.safe_load(content)
    except Exception:  # noqa: BLE001 - YAML's errors, a number that is none: they quote what may be a credential
        raise KubeconfigError(f"{where}: this is not a usable kubeconfig: it is not YAML") from None


def _header(token: str | None, where: str) -> str | None:
    if token is not None and not is_token(token):
        raise KubeconfigError(f"{where}: user.token is not a token: it holds what an HTTP header cannot")
    return token


def is_token(text: str) -> bool:
    """Tell whether the text can stand in an HTTP header as a bearer token; errors would quote it otherwise."""
    return text.isascii() and text.isprintable() and " " not in text


def _named(entries: list[dict[str, Any]], name: str, field: str) -> dict[str, Any]:
    for entry in entries:
        if entry.get("name") == name:
            return entry
    raise ValueError(f"{field} has no entry named {name!r}")


def _refuse_what_runs_or_reads(user: dict[str, Any], cluster: _Cluster, where: str) -> None:
    for field in _RUNS_PROGRAMS:
        if field in user:
            raise KubeconfigError(
                f"{where}: user.{field} is refused, it would run a program here; "
                "use user.token of a service account, or a client certificate as data"
            )
    for field, instead in _READS_FILES.items():
        if field in user:
            raise KubeconfigError(f"{where}: user.{field} is refused, it points to a file; put it into user.{instead}")
    if "username" in user or "password" in user:
        raise KubeconfigError(f"{where}: user.password is refused, API servers no longer take it; use user.token")
    if cluster.certificate_authority:
        raise KubeconfigError(
            f"{where}: cluster.certificate-authority is refused, it points to a file; "
            "put it into cluster.certificate-authority-data"
        )


def _refuse_plain_transport(cluster: _Cluster, where: str) -> None:
    if cluster.insecure_skip_tls_verify:
        raise KubeconfigError(
            f"{where}: cluster.insecure-skip-tls-verify is refused; give cluster.certificate-authority-data"
        )
    parts = urlsplit(cluster.server)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname)):
        return
    raise KubeconfigError(f"{where}: cluster.server {cluster.server!r} is refused; it must begin with https://")


def _is_loopback(host: str | None) -> bool:
    try:
        return host is not None and ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _decoded(data: str | None, field: str, where: str) -> str | None:
    if data is None:
        return None
    try:
        return base64.b64decode(data, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, TypeError):
        raise KubeconfigError(f"{where}: {field} is not base64 of a PEM text") from None
