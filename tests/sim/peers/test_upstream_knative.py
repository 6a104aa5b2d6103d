"""The rows of Knative's `autoscaler_test.go` that end in a pod count."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.sim.peers import knative
from controller.sim.peers.knative import Averages, Decider, Panic
from tests.sim.peers.upstream import Row, label, tables

TABLES = tables("knative")
NOW = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)


def decider_of(row: Row, step: Row) -> Decider:
    """The decider of a step, with the constants of the upstream file."""
    spec, constants = row["spec"], TABLES["constants"]
    return Decider(
        target=step.get("target", spec["target"]),
        max_scale_up_rate=spec.get("max_scale_up_rate", constants["max_scale_up_rate"]),
        max_scale_down_rate=spec.get("max_scale_down_rate", constants["max_scale_down_rate"]),
        panic_threshold=spec.get("panic_threshold", constants["panic_threshold"]),
        stable_window=timedelta(seconds=spec.get("stable_window_seconds", constants["stable_window_seconds"])),
        activation_scale=spec.get("activation_scale", 1),
        reachable=spec.get("reachable", True),
    )


@pytest.mark.parametrize("row", TABLES["scale"], ids=label)
def test_pods_are_those_of_knative(row: Row) -> None:
    """Step by step, pods and panic are those of the upstream test."""
    panic = Panic()
    if "panicking_since" in row["spec"]:
        since = NOW + timedelta(seconds=row["spec"]["panicking_since"])
        panic = Panic(since=since, most=row["spec"]["most_in_panic"])
    for step in row["steps"]:
        found = knative.scaled(
            decider_of(row, step),
            panic,
            ready=step["ready"],
            stable=step["stable"],
            panicking=step["panic"],
            now=NOW + timedelta(seconds=step["at_seconds"]),
        )
        panic = found.panic
        assert found.pods == step["expected"]
        if "panic_since" in step:
            since = step["panic_since"]
            assert panic.since == (None if since is None else NOW + timedelta(seconds=since))


def test_a_new_autoscaler_begins_in_panic_when_pods_stand() -> None:
    """After a restart nothing shrinks before there is data."""
    assert Panic.at_start(2, NOW) == Panic(since=NOW, most=2)
    assert Panic.at_start(1, NOW).since is None


def test_an_average_reaches_from_the_first_to_the_last_value() -> None:
    """A partial window is averaged over what it has, ticks without a value in between count as zero, none is none."""
    averages = Averages()
    stable = timedelta(seconds=60)
    assert averages.over(stable, NOW) is None
    averages.record(NOW, 30.0, stable)
    averages.record(NOW + timedelta(seconds=4), 30.0, stable)
    assert averages.over(stable, NOW + timedelta(seconds=10)) == 20.0
    assert averages.over(timedelta(seconds=6), NOW + timedelta(seconds=9)) == 30.0
    assert averages.over(stable, NOW + timedelta(seconds=120)) is None


def test_no_row_was_lost() -> None:
    """All rows that end in a pod count are here, but those of `ScaleDownDelay`, which is 0 by default and not built."""
    assert len(TABLES["scale"]) == 28
