"""The rules of the election, without a server."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from controller.kube.lease import LeaseTiming, Record, Renew, Take, Wait, judge, micro_time


def record(holder: str) -> Record:
    """A record that expires 15 s after its last change."""
    return Record(holder=holder, duration_seconds=15, transitions=0, version="1", acquired=None, document={})


@pytest.mark.parametrize(
    ("holder", "unchanged_seconds", "expected"),
    [
        ("me", 0.0, Renew()),
        ("me", 100.0, Renew()),
        ("", 0.0, Take()),
        ("other", 0.0, Wait(holder="other")),
        ("other", 14.9, Wait(holder="other")),
        ("other", 15.0, Take()),
    ],
)
def test_what_a_record_allows(holder: str, unchanged_seconds: float, expected: Renew | Take | Wait) -> None:
    """Ours is renewed, a free or expired one is taken, another's is waited for."""
    assert judge(record(holder), identity="me", unchanged_seconds=unchanged_seconds) == expected


@pytest.mark.parametrize(
    "timing",
    [
        {"duration_seconds": 10.0, "renew_deadline_seconds": 10.0},
        {"renew_deadline_seconds": 2.0, "retry_seconds": 2.0},
        {"retry_seconds": 1.0, "call_deadline_seconds": 1.5},
        {"call_deadline_seconds": 0.0},
    ],
)
def test_durations_must_fall(timing: dict[str, float]) -> None:
    """A holder that outlived its lease, or a call that outlived its retry, would make two leaders."""
    with pytest.raises(ValueError, match="must fall"):
        LeaseTiming(**timing)


def test_micro_time_is_utc_with_six_digits() -> None:
    """The wall clock is written in UTC, also where the microseconds are zero and the zone is not UTC."""
    paris = timezone(timedelta(hours=2))
    assert micro_time(datetime(2026, 9, 1, 9, 0, tzinfo=paris)) == "2026-09-01T07:00:00.000000Z"
    assert micro_time(datetime(2026, 9, 1, 9, 0, 0, 7, tzinfo=UTC)) == "2026-09-01T09:00:00.000007Z"
