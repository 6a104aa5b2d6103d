"""Where a Prometheus is and what it is shown: token, password, certificates, tenant. Nothing of it is ever printed."""

import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry


class TlsError(Exception):
    """Certificates that cannot be used; the text names no content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusAddress:
    """Where the Prometheus is and what to show it. Its text shows no credential."""

    url: str
    bearer_token: str | None = None
    username: str | None = None
    password: str | None = None
    ca_pem: str | None = None
    """What the server's certificate must be signed by; None: a public authority."""
    certificate_pem: str | None = None
    key_pem: str | None = None
    tenant: tuple[str, str] | None = None
    """A header and its value, for servers that hold the data of several."""

    def __repr__(self) -> str:
        return f"PrometheusAddress(url={self.url!r})"

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of every question."""
        headers = {"Authorization": f"Bearer {self.bearer_token}"} if self.bearer_token else {}
        return headers | ({self.tenant[0]: self.tenant[1]} if self.tenant else {})

    @property
    def basic_auth(self) -> tuple[str, str] | None:
        """Return name and password, where they are asked for."""
        return (self.username, self.password) if self.username and self.password else None


def tls_context(address: PrometheusAddress) -> ssl.SSLContext | None:
    """Return how connections are protected, where the address has certificates of its own; None where it has none.

    Own authorities stand alone: who names them does not trust the public ones besides.

    Raises:
        TlsError: a certificate or the key cannot be used.
    """
    if address.ca_pem is None and address.certificate_pem is None:
        return None
    what = "the Secret of caSecretRef is not a PEM of certificates"
    try:
        context = ssl.create_default_context(cadata=address.ca_pem)
        if address.certificate_pem is not None and address.key_pem is not None:
            what = "certificate and key cannot be used together"
            _load_own(context, address.certificate_pem, address.key_pem)
    except (OSError, ValueError):  # ssl.SSLError among them
        raise TlsError(what) from None
    return context


def _load_own(context: ssl.SSLContext, certificate_pem: str, key_pem: str) -> None:
    # ssl loads certificates from files only: they exist for the time of this call, readable by us alone.
    with tempfile.TemporaryDirectory(prefix="sonnerie-") as folder:
        certificate, key = Path(folder, "crt"), Path(folder, "key")
        for path, text in ((certificate, certificate_pem), (key, key_pem)):
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        # An encrypted key must not ask for its password on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")


class OwnTls(HTTPAdapter):
    """Connections with certificates of one's own; `requests` would add the public authorities to them."""

    def __init__(self, context: ssl.SSLContext, retry: Retry) -> None:
        self._context = context
        super().__init__(max_retries=retry)

    def build_connection_pool_key_attributes(
        self,
        request: PreparedRequest,
        verify: Any,  # noqa: ANN401 - as requests calls it
        cert: Any = None,  # noqa: ANN401 - as requests calls it
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return where to connect, and our context in the place of everything that requests would choose."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ANN401 - as requests calls it
        """Leave the context as it is: it verifies."""
