"""Which kubeconfigs are used and which are refused."""

import base64
from typing import Any

import pytest
import yaml

from controller.kube.errors import KubeconfigError
from controller.kube.kubeconfig import read_kubeconfig

PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()


def kubeconfig(*, user: dict[str, Any] | None = None, **cluster: Any) -> bytes:
    """A kubeconfig with one context."""
    document = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {
                "name": "c",
                "cluster": {"server": "https://api.example.org", "certificate-authority-data": PEM} | cluster,
            }
        ],
        "users": [{"name": "u", "user": {"token": "planted-secret"} if user is None else user}],
    }
    return yaml.safe_dump(document).encode()


def test_a_token_and_a_ca_are_enough() -> None:
    """The common kubeconfig of a service account is used as it is."""
    found = read_kubeconfig(kubeconfig(), where="Secret s")
    assert (found.server, found.token) == ("https://api.example.org", "planted-secret")
    assert found.ca_pem == "-----BEGIN CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("user", "named"),
    [
        ({"exec": {"command": "sh"}}, "user.exec"),
        ({"auth-provider": {"name": "oidc"}}, "user.auth-provider"),
        ({"tokenFile": "/etc/passwd"}, "user.tokenFile"),
        ({"client-certificate": "/etc/passwd"}, "user.client-certificate"),
        ({"client-key": "/etc/passwd"}, "user.client-key"),
        ({"username": "u", "password": "p"}, "user.password"),
    ],
)
def test_what_runs_programs_or_reads_files_is_refused(user: dict[str, Any], named: str) -> None:
    """A kubeconfig from a Secret may not make us run or read anything; the message says what to use instead."""
    with pytest.raises(KubeconfigError, match=rf"Secret s: {named} is refused.*; "):
        read_kubeconfig(kubeconfig(user=user), where="Secret s")


@pytest.mark.parametrize(
    ("cluster", "named"),
    [
        ({"certificate-authority": "/etc/passwd"}, "cluster.certificate-authority"),
        ({"insecure-skip-tls-verify": True}, "cluster.insecure-skip-tls-verify"),
        ({"server": "http://api.example.org"}, "cluster.server"),
        ({"certificate-authority-data": "%%%"}, "certificate-authority-data"),
    ],
)
def test_unverified_transport_is_refused(cluster: dict[str, Any], named: str) -> None:
    """The server is always verified, and a token never travels in the clear."""
    with pytest.raises(KubeconfigError, match=named):
        read_kubeconfig(kubeconfig(**cluster), where="Secret s")


@pytest.mark.parametrize("content", [b"", b"[]", b"a: b", b"token: planted-secret\n  x: ]", b"\xff\xfe\x00"])
def test_anything_else_is_refused_without_quoting_it(content: bytes) -> None:
    """What is not a kubeconfig may still be a credential: it is never quoted."""
    with pytest.raises(KubeconfigError, match="Secret s") as refused:
        read_kubeconfig(content, where="Secret s")
    assert "planted-secret" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        kubeconfig(user="planted-secret"),  # type: ignore[arg-type]
        kubeconfig(user=["planted-secret"]),  # type: ignore[arg-type]
        kubeconfig(user={"token": ["planted-secret"]}),
        kubeconfig(user={"token": "planted-secret\nX-Injected: 1"}),
        kubeconfig(user={"client-key-data": {"planted-secret": 1}}),
        kubeconfig(server="https://[planted-secret"),
        b"token: !!int planted-secret",
        b"[" * 5000,
    ],
)
def test_whatever_is_malformed_is_refused_without_quoting_it(content: bytes) -> None:
    """One site's bad Secret crashes nothing."""
    with pytest.raises(KubeconfigError, match="Secret s") as refused:
        read_kubeconfig(content, where="Secret s")
    assert "planted-secret" not in str(refused.value)


def test_credentials_are_not_shown() -> None:
    """Credentials that end up in a log line show the server only."""
    assert repr(read_kubeconfig(kubeconfig(), where="s")) == "Credentials(server='https://api.example.org')"
