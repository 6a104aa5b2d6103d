"""The keys that sign updates of DNS servers, read from Secrets again and again: rotation needs no restart."""

import binascii
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import dns.name
import dns.tsig

from controller.kube.errors import ApiError
from controller.kube.resources import ObjectKey
from controller.policy.edge import Tsig

READ_AGAIN_AFTER_SECONDS = 60.0
"""A rotated key is used within a minute, and at once when the server refuses the old one."""

SecretReader = Callable[[ObjectKey], Awaitable[Mapping[str, bytes]]]


class KeyTroubleError(Exception):
    """No key can be had, with what to change. Never quotes the Secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    key: dns.tsig.Key
    read_at: float


class TsigKeys:
    """Keys by what declares them. One whose Secret cannot be read any more stays in use."""

    def __init__(self, read_secret: SecretReader, monotonic: Callable[[], float]) -> None:
        self._read_secret = read_secret
        self._monotonic = monotonic
        self._held: dict[Tsig, _Held] = {}
        self._doubted: set[Tsig] = set()

    async def get(self, declared: Tsig) -> dns.tsig.Key:
        """Return the key.

        Raises:
            KeyTroubleError: its Secret was never read, or holds no key.
        """
        held = self._held.get(declared)
        now = self._monotonic()
        if held is not None and now - held.read_at < READ_AGAIN_AFTER_SECONDS and declared not in self._doubted:
            return held.key
        reference = declared.secret_ref
        try:
            data = await self._read_secret(ObjectKey(reference.namespace, reference.name))
        except ApiError as error:
            if held is not None:
                return held.key
            text = f"Secret {reference.namespace}/{reference.name} cannot be read: {error}"
            raise KeyTroubleError(text) from None
        key = _key(declared, data)
        self._held[declared] = _Held(key=key, read_at=now)
        self._doubted.discard(declared)
        return key

    def doubt(self, declared: Tsig) -> None:
        """Read its Secret again before its next use: the server did not know the key."""
        self._doubted.add(declared)


def _key(declared: Tsig, data: Mapping[str, bytes]) -> dns.tsig.Key:
    reference = declared.secret_ref
    where = f"Secret {reference.namespace}/{reference.name}"
    if reference.key not in data:
        raise KeyTroubleError(f"{where} has no key {reference.key}; it has {', '.join(sorted(data)) or 'none'}")
    try:
        secret = b64decode(data[reference.key].strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not secret:
        raise KeyTroubleError(f"{where}: {reference.key} is not base64; put the secret that tsig-keygen printed there")
    return dns.tsig.Key(dns.name.from_text(declared.key_name), secret, dns.name.from_text(declared.algorithm))
