"""When credentials end, as certificates and tokens themselves say."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.names import SiteName
from controller.kube.kubeconfig import Credentials
from controller.observe.access import MetricsAccess, SiteAccess
from controller.observe.expiry import certificates_end, credentials_end, token_ends
from controller.observe.prometheus_address import PrometheusAddress
from controller.observe.readings import LabelNames
from tests.builders import BELL
from tests.controlplane.certificates import VALID_DAYS, Authority


def a_token(claims: object) -> str:
    """A JSON Web Token with these claims, signed by nobody."""
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + ".x"


@pytest.mark.parametrize("year", [2026, 2049, 2050, 2099])
def test_the_end_of_a_certificate_is_what_the_library_says(year: int) -> None:
    """Also beyond 2050, where the form of the date changes."""
    authority = Authority("a", datetime(year, 3, 1, 12, 30, 59, tzinfo=UTC))
    pem = authority.pem.decode() + authority.client("me").certificate.decode()
    ends = [cert.not_valid_after_utc for cert in x509.load_pem_x509_certificates(pem.encode())]
    assert list(certificates_end(pem)) == ends
    assert len(ends) == 2


@given(st.binary(max_size=80), st.integers(0, 300), st.integers(0, 255))
def test_nothing_that_is_no_certificate_is_a_date_or_an_error(noise: bytes, at: int, byte: int) -> None:
    """Somebody else wrote the Secret: what cannot be read says nothing."""
    pem = Authority("a", BELL).pem.decode()
    body = bytearray(base64.b64decode("".join(pem.splitlines()[1:-1])))
    body[at % len(body)] = byte
    for content in (noise, bytes(body), bytes(body[:at])):
        text = base64.encodebytes(content).decode()
        for end in certificates_end(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"):
            assert end.tzinfo is UTC


@pytest.mark.parametrize(
    ("token", "ends"),
    [
        (a_token({"exp": BELL.timestamp()}), [BELL]),
        (a_token({"iss": "kubernetes/serviceaccount"}), []),
        (a_token({"exp": "tomorrow"}), []),
        (a_token({"exp": 1e300}), []),
        (a_token(["exp"]), []),
        ("planted-secret", []),
        ("a.b.c", []),
        ("a.é.c", []),
        (None, []),
    ],
)
def test_a_token_that_says_when_it_expires_is_believed(token: str | None, ends: list[datetime]) -> None:
    """Other tokens have no end that anybody could know."""
    assert list(token_ends(token)) == ends


def test_the_first_end_of_all_credentials_counts() -> None:
    """A site is lost to us when any one of them has ended."""
    authority = Authority("a", BELL)
    client = authority.client("me")
    soon = BELL + timedelta(days=2)

    def access(**credentials: Any) -> SiteAccess:
        address = PrometheusAddress(url="https://p", bearer_token=a_token({"exp": soon.timestamp()}))
        metrics = MetricsAccess(address=address, queries=(), labels=LabelNames(namespace="namespace", ent="ent"))
        return SiteAccess(
            site=SiteName("a"), credentials=Credentials(server="https://a", **credentials), metrics=metrics, public=()
        )

    assert credentials_end(access(client_certificate_pem=client.certificate.decode())) == soon
    short = access(token=a_token({"exp": (soon - timedelta(days=1)).timestamp()}))
    assert credentials_end(short) == soon - timedelta(days=1)
    alone = SiteAccess(site=SiteName("a"), credentials=None, metrics=None, public=())
    assert credentials_end(alone) is None
    assert VALID_DAYS > 2
