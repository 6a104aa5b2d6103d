"""The rows of KEDA's own tests, and its cron rule on the transcripts that made it known."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from controller.sim.peers import keda
from controller.sim.peers.keda import Activity, Fallback, FallbackBehavior, ScaledObject, TriggerError
from controller.sim.peers.keda_cron import CronError, parse
from tests.sim.peers.upstream import Row, label, tables

TABLES = tables("keda")
NOW = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize("row", TABLES["prometheus"], ids=label)
def test_an_answer_counts_for_what_upstream_says(row: Row) -> None:
    """Nothing, NaN and infinity are 0 by default and an error when told so; several series are always an error."""
    found = keda.prometheus_value(row["status"], row["body"], ignore_null_values=row["ignore_null_values"])
    if row["expected"].get("error"):
        assert isinstance(found, TriggerError)
    else:
        assert found == row["expected"]["value"]


@pytest.mark.parametrize("row", TABLES["executor"], ids=label)
def test_the_operators_own_steps_are_upstreams(row: Row) -> None:
    """From and to zero, idle and minimum, the operator sets what the upstream test expects."""
    found = keda.requested(
        ScaledObject(**row["scaled_object"]),
        Activity(active=row["active"], failed=row["failed"]),
        current=row["current"],
        last_active=None,
        created=NOW - timedelta(hours=1),
        now=NOW,
    )
    assert found.replicas == row["expected"]["replicas"]
    if "last_active_is_now" in row["expected"]:
        assert (found.last_active == NOW) is row["expected"]["last_active_is_now"]


@pytest.mark.parametrize("row", TABLES["fallback"], ids=label)
def test_a_failing_trigger_is_replaced_as_upstream_does(row: Row) -> None:
    """Failures are counted, and beyond the threshold the fallback stands in, as in the upstream test."""
    told = row["fallback"]
    fallback = None if told is None else Fallback(**{**told, "behavior": FallbackBehavior(told["behavior"])})
    value = TriggerError("some error") if row["value"] is None else row["value"]
    found = keda.with_fallback(value, fallback, failures=row["failures"], target=row["target"], current=row["current"])
    expected = row["expected"]
    if "error" in expected:
        assert found.value == TriggerError(expected["error"])
    else:
        assert found.value == expected["value"]
    assert found.failures == expected.get("failures", found.failures)
    assert found.falls_back is expected.get("falls_back", found.falls_back)


CRON_TABLE = [
    # start, end, sampled from, sampled to (Europe/Paris), active intervals within them (half-open)
    (
        "30 6 * * 1-5",
        "10 22 * * *",
        ("2023-06-08T00:00", "2023-06-13T00:00"),
        [
            ("2023-06-08T06:30", "2023-06-08T22:10"),
            ("2023-06-09T06:30", "2023-06-11T22:10"),
            ("2023-06-12T06:30", "2023-06-12T22:10"),
        ],
    ),
    ("* * * * 1-5", "* * * * 6", ("2024-06-13T00:00", "2024-06-17T00:00"), [("2024-06-14T23:59", "2024-06-15T23:59")]),
    (
        "30 2 * * *",
        "0 8 * * *",
        ("2021-03-27T00:00", "2021-03-28T12:00"),
        [("2021-03-27T02:30", "2021-03-28T08:00")],
    ),
    ("0 0 18 12 *", "0 0 3 1 *", ("2021-12-17T00:00", "2022-01-04T00:00"), [("2021-12-18T00:00", "2022-01-03T00:00")]),
]
"""keda#4677, keda#5882, a start in the gap of the clock change, and a window across the year."""


def _instants(of: tuple[str, str]) -> tuple[datetime, datetime]:
    begin, end = (datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC) for text in of)
    return begin, end


@pytest.mark.parametrize(("start", "end", "sampled", "active"), CRON_TABLE, ids=lambda value: str(value)[:24])
def test_cron_is_active_when_keda_says_so(
    start: str, end: str, sampled: tuple[str, str], active: list[tuple[str, str]]
) -> None:
    """A cron trigger is active exactly where next(end) <= next(start), surprises included."""
    starts, ends = parse(start, PARIS), parse(end, PARIS)
    begin, until = _instants(sampled)
    intervals = [_instants(of) for of in active]
    edges = [edge for interval in intervals for edge in interval]
    step = timedelta(minutes=37)
    instants = [begin + step * i for i in range(int((until - begin) / step))]
    instants += [edge + timedelta(seconds=s) for edge in edges for s in (-1, 0, 1)]
    for at in instants:
        expected = any(first <= at < last for first, last in intervals)
        assert keda.cron_is_active(starts, ends, at) is expected, at


def test_in_autumn_the_second_half_past_two_starts() -> None:
    """Where 02:30 comes twice, the window stands from its second coming."""
    start, end = parse("30 2 * * *", PARIS), parse("0 8 * * *", PARIS)
    first_comes = datetime(2021, 10, 31, 0, 30, tzinfo=UTC)
    second_comes = first_comes + timedelta(hours=1)
    assert not keda.cron_is_active(start, end, second_comes - timedelta(seconds=1))
    assert keda.cron_is_active(start, end, second_comes)


def test_a_school_cron_knows_no_holiday() -> None:
    """`30 7 * * 1-5` is active on Easter Monday 2021: cron has no calendar."""
    start, end = parse("30 7 * * 1-5", PARIS), parse("0 18 * * *", PARIS)
    assert keda.cron_is_active(start, end, datetime(2021, 4, 5, 8, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["* * * *", "60 * * * *", "* * * * mon-xyz", "5-1 * * * *", "*/0 * * * *", "a * * * *"]
)
def test_what_cron_cannot_say_is_refused(text: str) -> None:
    """A field too few, out of range, out of order or without meaning is an error."""
    with pytest.raises(CronError):
        parse(text, PARIS)


def test_no_row_was_lost() -> None:
    """All rows of the three files that end in a value or a replica count are here."""
    assert [len(TABLES[name]) for name in ("prometheus", "executor", "fallback")] == [15, 11, 14]
