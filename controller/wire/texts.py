"""Instants, durations, keys and numbers as they stand in JSON, and back."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isfinite

from controller.domain.names import EntKey
from controller.wire.errors import WireError

INSTANT_PATTERN = r"^2[01][0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
"""From the year 2000 to 2199: any duration of the contract can be added or taken away."""
NAME_PATTERN = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
"""A name of Kubernetes: a DNS subdomain."""
KEY_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
REMEMBERED_TEXTS = 65536
"""Instants and keys are read and written once and then known: a world says the same few thousands again and again."""

_instant_text = re.compile(INSTANT_PATTERN)
_key_text = re.compile(KEY_PATTERN)


@lru_cache(maxsize=REMEMBERED_TEXTS)
def read_instant(text: str) -> datetime:
    """Return the instant.

    Raises:
        WireError: it is not RFC 3339 in UTC with `Z`.
    """
    if _instant_text.fullmatch(text) is None:
        raise WireError("", f"{text[:40]!r} is not an instant; write RFC 3339 in UTC, such as 2026-09-01T07:00:00Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise WireError("", f"{text!r} is not an instant: {error}") from None


@lru_cache(maxsize=REMEMBERED_TEXTS)
def write_instant(instant: datetime) -> str:
    """Return RFC 3339 in UTC with `Z`, with microseconds where there are any.

    Raises:
        WireError: the instant has no time zone.
    """
    if instant.tzinfo is None:
        raise WireError("", f"{instant.isoformat()} has no time zone")
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=REMEMBERED_TEXTS)
def read_key(text: str) -> EntKey:
    """Return the ENT's key.

    Raises:
        WireError: it is not `namespace/name`.
    """
    if _key_text.fullmatch(text) is None:
        raise WireError("", f"{text[:80]!r} is not an ENT; write namespace/name, small letters, digits, hyphens")
    return EntKey.parse(text)


@lru_cache(maxsize=REMEMBERED_TEXTS)
def write_key(key: EntKey) -> str:
    """Return `namespace/name`."""
    return str(key)


def finite(value: float) -> float:
    """Return the number as a float.

    Raises:
        WireError: it is NaN or infinite, which JSON cannot say.
    """
    number = float(value)
    if not isfinite(number):
        raise WireError("", f"{number} is not a number of JSON")
    return number


def finite_each(values: Iterable[float]) -> list[float]:
    """Return numbers as floats; a curve of hundreds is looked at as a whole, and one by one only when it must be.

    Raises:
        WireError: one of them is NaN or infinite.
    """
    numbers = list(map(float, values))
    if not isfinite(sum(numbers)):
        for index, number in enumerate(numbers):
            if not isfinite(number):
                raise WireError(f"[{index}]", f"{number} is not a number of JSON")
    return numbers


def read_object(text: str) -> EntKey | str:
    """Return the ENT or site that is meant: only an ENT has a slash in its name."""
    return read_key(text) if "/" in text else text


def read_duration(seconds: float) -> timedelta:
    """Return the duration, to the microsecond."""
    return timedelta(seconds=seconds)


def write_duration(value: timedelta) -> float:
    """Return seconds, whole where they are."""
    seconds = value.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds
