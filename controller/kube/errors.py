# ruff: noqa: N818 - named for what happened, as Kubernetes names its reasons
"""What can go wrong at an API server.

ApiError
├── NotFound      404             the object or the kind is not there
├── Conflict      409             somebody wrote meanwhile, or it exists already: look again
├── Gone          410             the resourceVersion or the list position is too old: list again
├── Invalid       400, 405, 415, 422   the request itself is refused until it changes
├── Forbidden     401, 403        the credentials do not allow it
├── Throttled     429, or 503 with Retry-After   come back after `retry_after_seconds`
└── Unavailable   5xx, no answer  nothing is known about the outcome
KubeconfigError                   the credentials cannot be used
"""

import contextlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Self

import msgspec

DEFAULT_RETRY_AFTER_SECONDS = 1.0
"""What a throttling server means when it names no time."""

LONGEST_RETRY_AFTER_SECONDS = 60.0
"""No server's wish makes us blind for longer: API servers ask for seconds, only broken proxies for hours."""

LONGEST_MESSAGE = 500
"""Server messages are cut here: a proxy may answer with a whole web page."""


class KubeconfigError(Exception):
    """A kubeconfig that is not used, with the field to change."""


class ApiError(Exception):
    """A call to an API server that did not succeed. `where` is the method and path, without credentials."""

    def __init__(self, where: str, message: str, *, status: int | None = None) -> None:
        self.where = where
        self.message = message
        self.status = status
        super().__init__(f"{where}: {f'HTTP {status}: ' if status else ''}{message}")

    @classmethod
    def unanswered(cls, where: str, message: str) -> Self:
        """Return the error of a call that got no HTTP answer."""
        return cls(where, message)


class NotFound(ApiError):
    """The object or its kind is not there."""


class Conflict(ApiError):
    """Somebody else wrote meanwhile, or the object exists already."""


class Gone(ApiError):
    """The resourceVersion or the list position is too old."""


class Invalid(ApiError):
    """The request is refused until it changes."""


class Forbidden(ApiError):
    """The credentials do not allow it."""


class Unavailable(ApiError):
    """Nothing is known about the outcome."""


class Throttled(ApiError):
    """The server asks for patience."""

    def __init__(self, where: str, message: str, *, status: int, retry_after_seconds: float) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(where, message, status=status)


_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    405: Invalid,
    409: Conflict,
    410: Gone,
    415: Invalid,
    422: Invalid,
}


class _Status(msgspec.Struct):
    message: str = ""


def from_answer(where: str, status: int, body: bytes, headers: Mapping[str, str]) -> ApiError:
    """Return the error that an HTTP answer of 400 or more means."""
    message = message_of(body)
    if status == 429 or (status == 503 and "Retry-After" in headers):
        return Throttled(where, message, status=status, retry_after_seconds=_retry_after(headers))
    return _BY_STATUS.get(status, Unavailable)(where, message, status=status)


def message_of(body: bytes) -> str:
    """Return the message of a `Status` object, or the beginning of whatever else was answered."""
    text = ""
    with contextlib.suppress(msgspec.MsgspecError):
        text = msgspec.json.decode(body, type=_Status).message
    return (text or body.decode("utf-8", "replace").strip() or "no message")[:LONGEST_MESSAGE]


def _retry_after(headers: Mapping[str, str]) -> float:
    text = headers.get("Retry-After", "")
    with contextlib.suppress(ValueError):
        return min(max(0.0, float(text)), LONGEST_RETRY_AFTER_SECONDS)
    with contextlib.suppress(ValueError):  # an instant: read against the server's own clock, whatever ours says
        seconds = (parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))).total_seconds()
        return min(max(0.0, seconds), LONGEST_RETRY_AFTER_SECONDS)
    return DEFAULT_RETRY_AFTER_SECONDS
