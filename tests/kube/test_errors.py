"""HTTP answers to errors."""

import pytest

from controller.kube.errors import (
    DEFAULT_RETRY_AFTER_SECONDS,
    LONGEST_MESSAGE,
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


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("soon", DEFAULT_RETRY_AFTER_SECONDS), ("-3", 0.0)])
def test_throttled_says_when_to_come_back(header: str, seconds: float) -> None:
    """`Retry-After` is honoured, whatever it holds."""
    error = from_answer("a: GET /x", 429, b"", {"Retry-After": header})
    assert isinstance(error, Throttled)
    assert error.retry_after_seconds == seconds


def test_a_web_page_as_answer_is_cut() -> None:
    """A proxy's HTML does not fill the log."""
    assert len(from_answer("a", 502, b"<html>" * 10_000, {}).message) == LONGEST_MESSAGE
