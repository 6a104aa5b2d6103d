"""The keys and certificates of one site: an authority, a server, a front proxy and one client per component."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 30  # longer than any test run; the files are thrown away with it
CLOCK_SKEW = datetime.timedelta(minutes=5)
SERVICE_ACCOUNT_KEY_BITS = 2048  # the least the API server signs tokens with

# Private to this machine and thrown away after the run, so the quickest kind of key will do.
PrivateKey = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client certificate with its key, as PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority in memory; what it issues is signed and forgotten."""

    def __init__(self, name: str, now: datetime.datetime) -> None:
        self._now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.BasicConstraints(ca=True, path_length=0)
        builder = self._builder(self._name, self._key).add_extension(usage, critical=True)
        self._certificate = builder.sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        """Gives the authority's own certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def client(self, user: str, *groups: str) -> Client:
        """Issues a certificate that Kubernetes reads as this user in these groups."""
        names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, user)])
        return self._issue(subject, ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def server(self, *addresses: str) -> Client:
        """Issues a server certificate for names and IP addresses."""
        alternatives = x509.SubjectAlternativeName([_general_name(address) for address in addresses])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, addresses[0])])
        return self._issue(subject, ExtendedKeyUsageOID.SERVER_AUTH, alternatives)

    def _issue(
        self, subject: x509.Name, usage: x509.ObjectIdentifier, names: x509.SubjectAlternativeName | None
    ) -> Client:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(subject, key).add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Client(certificate=certificate.public_bytes(serialization.Encoding.PEM), key=_key_pem(key))

    def _builder(self, subject: x509.Name, key: PrivateKey) -> x509.CertificateBuilder:
        authority = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - CLOCK_SKEW)
            .not_valid_after(self._now + datetime.timedelta(days=VALID_DAYS))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
        )


def service_account_key() -> bytes:
    """Gives a new RSA key as PEM: the API server signs ServiceAccount tokens with it."""
    return _key_pem(rsa.generate_private_key(public_exponent=65537, key_size=SERVICE_ACCOUNT_KEY_BITS))


def write_private(path: Path, content: bytes) -> Path:
    """Writes a file that only its owner can read, and gives it."""
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _key_pem(key: PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
