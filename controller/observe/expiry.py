"""When credentials end: the dates inside certificates and tokens, read without trusting anything else in them.

A credential that ends at 8:58 is known weeks before. What carries no date, such as a password or an old token, has no
end that anybody could know.
"""

import base64
import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from controller.observe.access import SiteAccess

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME, _GENERALIZED_TIME = 0xA0, 0x17, 0x18
"""Tags of DER, as far as the way to the dates meets them."""
_CENTURY_FROM = 50
"""UTCTime has two digits of the year: from 50 on they are of the last century (RFC 5280)."""


def credentials_end(access: SiteAccess) -> datetime | None:
    """Return when the first of the credentials for the site ends; None when none of them says."""
    return min(_ends(access), default=None)


def _ends(access: SiteAccess) -> Iterator[datetime]:
    credentials, metrics = access.credentials, access.metrics
    if credentials is not None:
        yield from certificates_end(credentials.client_certificate_pem)
        yield from certificates_end(credentials.ca_pem)
        yield from token_ends(credentials.token)
    if metrics is not None:
        yield from certificates_end(metrics.address.certificate_pem)
        yield from certificates_end(metrics.address.ca_pem)
        yield from token_ends(metrics.address.bearer_token)


def certificates_end(pem: str | None) -> Iterator[datetime]:
    """Yield until when each certificate of the text is valid; what cannot be read says nothing."""
    for found in _CERTIFICATE.findall(pem or ""):
        try:
            yield _not_after(ssl.PEM_cert_to_DER_cert(found))
        except (ValueError, IndexError):
            continue


class _Claims(msgspec.Struct):
    exp: float


def token_ends(token: str | None) -> Iterator[datetime]:
    """Yield when a JSON Web Token expires, such as that of a service account; other tokens say nothing."""
    parts = (token or "").split(".")
    if len(parts) != 3:
        return
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Claims)
        yield datetime.fromtimestamp(claims.exp, UTC)
    except (ValueError, OverflowError, OSError, msgspec.DecodeError):
        return


def _not_after(certificate: bytes) -> datetime:
    """Return the end of validity: Certificate → TBSCertificate → the fifth part, or the fourth of version 1."""
    _, whole, _ = _element(certificate)
    _, signed, _ = _element(whole)
    tag, _, rest = _element(signed)
    if tag == _VERSION:
        _, _, rest = _element(rest)  # the serial number
    for _ in range(2):  # the algorithm and the issuer
        _, _, rest = _element(rest)
    _, validity, _ = _element(rest)
    _, _, after = _element(validity)
    tag, text, _ = _element(after)
    return _instant(tag, text.decode("ascii"))


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Return tag and content of the first element, and what follows it."""
    tag, length, begin = der[0], der[1], 2
    if length & 0x80:
        size = length & 0x7F
        length, begin = int.from_bytes(der[2 : 2 + size]), 2 + size
    end = begin + length
    if end > len(der):
        raise ValueError("the element is longer than what is there")
    return tag, der[begin:end], der[end:]


def _instant(tag: int, text: str) -> datetime:
    if tag == _UTC_TIME:
        century = "19" if int(text[:2]) >= _CENTURY_FROM else "20"
        text = century + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no time where the end of validity should be")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
