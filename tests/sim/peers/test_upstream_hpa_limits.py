"""The rows of Kubernetes' `horizontal_test.go` on stabilization, rate limits and their events.

That file sets `scaleUpLimitFactor` to 8 before any test; the row that meets it says so.
"""

from datetime import UTC, datetime, timedelta

import pytest

from controller.sim.peers import hpa_behavior as behaviors
from controller.sim.peers.hpa_behavior import (
    DEFAULT_DOWN,
    DEFAULT_UP,
    Behavior,
    Events,
    Policy,
    PolicyKind,
    Recommendation,
    Rules,
    ScaleEvent,
    Select,
)
from tests.sim.peers.upstream import Row, label, tables

TABLES = tables("kubernetes_horizontal")
NOW = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)


def rules_of(told: Row | None, default: Rules) -> Rules:
    """The rules of a row, with the API server's defaults where it says nothing."""
    if told is None:
        return default
    policies = tuple(
        Policy(kind=PolicyKind(kind), value=value, period_seconds=period)
        for kind, value, period in told.get("policies", [])
    )
    return Rules(
        policies=policies or default.policies,
        select=Select(told.get("select", default.select)),
        stabilization_seconds=told.get("stabilization_seconds", default.stabilization_seconds),
        tolerance=told.get("tolerance", default.tolerance),
    )


def events_of(told: list[list[int]]) -> tuple[ScaleEvent, ...]:
    """Events as pairs of change and age."""
    return tuple(ScaleEvent(change, NOW - timedelta(seconds=age)) for change, age in told)


def recommendations_of(told: list[list[int]]) -> tuple[Recommendation, ...]:
    """Recommendations as pairs of replicas and age."""
    return tuple(Recommendation(replicas, NOW - timedelta(seconds=age)) for replicas, age in told)


@pytest.mark.parametrize("row", TABLES["convert"], ids=label)
def test_limits_without_behavior_are_upstreams(row: Row) -> None:
    """Without `behavior`, minimum, maximum and the growth of one sync are those of the upstream row."""
    factor = TABLES["constants"]["scale_up_limit_factor"]
    found = behaviors.without_behavior(
        current=row["current"], desired=row["desired"], least=row["min"], most=row["max"], factor=factor
    )
    assert (found.replicas, found.reason) == (row["expected"]["replicas"], row["expected"]["reason"])


@pytest.mark.parametrize("row", TABLES["scaling_rules"], ids=label)
def test_rates_are_upstreams(row: Row) -> None:
    """With `behavior`, policies, selection and past events limit as in the upstream row."""
    behavior = Behavior(up=rules_of(row["up"], DEFAULT_UP), down=rules_of(row["down"], DEFAULT_DOWN))
    events = Events(up=events_of(row["up_events"]), down=events_of(row["down_events"]))
    found = behaviors.with_behavior(
        behavior,
        events,
        current=row["current"],
        desired=row["desired"],
        least=row["min"],
        most=row["max"],
        now=NOW,
    )
    assert (found.replicas, found.reason) == (row["expected"]["replicas"], row["expected"]["reason"])


@pytest.mark.parametrize("row", TABLES["limits"], ids=label)
def test_the_least_policy_wins_where_asked(row: Row) -> None:
    """With `selectPolicy: Min` the limit is that of the upstream row."""
    rules = rules_of(row["rules"], DEFAULT_UP)
    limit = behaviors.up_limit if row["direction"] == "up" else behaviors.down_limit
    assert limit(rules, Events(), row["current"], NOW) == row["expected"]


@pytest.mark.parametrize("row", TABLES["store_events"], ids=label)
def test_events_are_stored_as_upstream_stores_them(row: Row) -> None:
    """An event takes the slot of one that no policy looks at any more; without `behavior` none is stored."""
    before = events_of(row["before"])
    changed = behaviors.changed_since(before, NOW - timedelta(seconds=60))
    assert changed == row["expected"]["changed_in_60_seconds"]
    after = before
    if row["rules"] is not None:
        after = behaviors.stored(before, rules_of(row["rules"], DEFAULT_UP), row["change"], NOW)
    assert [[e.change, e.outdated] for e in after] == row["expected"]["after"]


@pytest.mark.parametrize("row", TABLES["stabilise"], ids=label)
def test_the_largest_recommendation_of_five_minutes_wins(row: Row) -> None:
    """Without `behavior`, stabilization and its log are those of the upstream row."""
    found, log = behaviors.stabilised(recommendations_of(row["recommendations"]), row["desired"], NOW)
    assert (found, len(log)) == (row["expected"]["replicas"], row["expected"]["entries"])


@pytest.mark.parametrize("row", TABLES["stabilise_behavior"], ids=label)
def test_both_windows_stabilise_as_upstream(row: Row) -> None:
    """With `behavior`, both windows and the log are those of the upstream row."""
    behavior = Behavior(
        up=Rules(policies=(), stabilization_seconds=row["up_seconds"]),
        down=Rules(policies=(), stabilization_seconds=row["down_seconds"]),
    )
    log = recommendations_of(row["recommendations"])
    found, after = behaviors.stabilised_by(log, behavior, current=row["current"], desired=row["desired"], now=NOW)
    assert found == row["expected"]["replicas"]
    if row["expected"]["log"] is not None:
        assert [r.replicas for r in after] == row["expected"]["log"]


def test_no_row_was_lost() -> None:
    """All rows of the file that concern limits are here."""
    names = ("convert", "scaling_rules", "limits", "store_events", "stabilise", "stabilise_behavior")
    assert [len(TABLES[name]) for name in names] == [5, 40, 2, 8, 5, 11]
