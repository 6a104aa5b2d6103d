"""HTTP answers to errors."""

import pytest

from controller.kube.errors import (
    DEFAULT_RETRY_AFTER_SECONDS,
    LONGEST_MESSAGE,
    LONGEST_RETRY_AFTER_SECONDS,
    ApiError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Throttled,
    Unavailable,
    from_answer,
)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, Gone),
        (422, Invalid),
        (429, Throttled),
        (500, Unavailable),
        (503, Unavailable),
        (599, Unavailable),
    ],
)
def test_every_status_has_a_meaning(status: int, kind: type[ApiError]) -> None:
    """Callers decide by the kind of error, never by numbers."""
    error = from_answer("a: GET /x", status, b'{"kind":"Status","message":"why"}', {})
    assert type(error) is kind
    assert str(error) == f"a: GET /x: HTTP {status}: why"


def test_a_web_page_as_answer_is_cut() -> None:
    """A proxy's HTML does not fill the log."""
    assert len(from_answer("a", 502, b"<html>" * 10_000, {}).message) == LONGEST_MESSAGE


DATE = "Wed, 25 Nov 2026 05:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "2"}, 2.0),
        (429, {}, DEFAULT_RETRY_AFTER_SECONDS),
        (429, {"Retry-After": "soon"}, DEFAULT_RETRY_AFTER_SECONDS),
        (429, {"Retry-After": "-3"}, 0.0),
        (429, {"Retry-After": "86400"}, LONGEST_RETRY_AFTER_SECONDS),
        (503, {"Retry-After": "5"}, 5.0),
        (429, {"Retry-After": "Wed, 25 Nov 2026 05:00:07 GMT", "Date": DATE}, 7.0),
        (429, {"Retry-After": "Wed, 25 Nov 2026 04:00:00 GMT", "Date": DATE}, 0.0),
        (429, {"Retry-After": "Wed, 25 Nov 2026 05:00:07 GMT"}, DEFAULT_RETRY_AFTER_SECONDS),
    ],
)
def test_how_long_a_throttling_server_is_left_alone(status: int, headers: dict[str, str], seconds: float) -> None:
    """Seconds or an instant, against the server's own clock; never for longer than we may be blind."""
    error = from_answer("x", status, b"", headers)
    assert isinstance(error, Throttled)
    assert error.retry_after_seconds == seconds


def test_a_503_that_names_no_time_is_no_throttling() -> None:
    """The backoff decides."""
    assert not isinstance(from_answer("x", 503, b"", {}), Throttled)
