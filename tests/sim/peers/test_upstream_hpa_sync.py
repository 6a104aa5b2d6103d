"""The rows of Kubernetes' `horizontal_test.go` that run a whole reconciliation."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controller.sim.peers import hpa
from controller.sim.peers import hpa_proposals as proposals
from controller.sim.peers.hpa import Autoscaler, Remembered
from controller.sim.peers.hpa_behavior import DEFAULT_DOWN, DEFAULT_UP, Behavior
from controller.sim.peers.hpa_pods import Patience, Phase, Pod, Sample, tally
from controller.sim.peers.hpa_proposals import NoProposal, Proposed, Tolerance
from tests.sim.peers.test_upstream_hpa_limits import recommendations_of, rules_of
from tests.sim.peers.upstream import Row, label, tables

TABLES = tables("kubernetes_horizontal")
NOW = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)
ZERO = datetime.min.replace(tzinfo=UTC)
PATIENCE = Patience(
    cpu_initialisation=timedelta(seconds=TABLES["constants"]["cpu_initialisation_seconds"]),
    initial_readiness=timedelta(seconds=TABLES["constants"]["initial_readiness_seconds"]),
)
WINDOW = timedelta(minutes=1)


def pods_of(row: Row) -> list[Pod]:
    """The pods of a row; they became Ready when they started, as in the upstream fixture."""
    pods = []
    for i, told in enumerate(row["pods"]):
        started = NOW - timedelta(seconds=told["age_seconds"]) if "age_seconds" in told else ZERO
        pods.append(
            Pod(
                name=str(i),
                phase=Phase(told.get("phase", "Running")),
                deleting=told.get("deleting", False),
                started_at=started,
                ready=told.get("ready", True),
                ready_changed_at=started,
                request_milli=told["request_milli"],
            )
        )
    return pods


def halved(pods: list[Pod], samples: Mapping[str, Sample]) -> tuple[list[Pod], dict[str, Sample]]:
    """One of two alike containers of each pod."""
    return (
        [replace(pod, request_milli=pod.request_milli // 2) for pod in pods],
        {name: replace(s, value_milli=s.value_milli // 2) for name, s in samples.items()},
    )


def proposed(metric: Row, row: Row, tolerance: Tolerance) -> Proposed:
    """What one metric of a row proposes."""
    if metric.get("error"):
        return NoProposal("the metric cannot be had")
    pods, spec = pods_of(row), row["spec"]
    samples = {str(i): Sample(value_milli=v, at=NOW, window=WINDOW) for i, v in enumerate(row["levels"])}
    usage = proposals.total(row["levels"])
    if "utilisation_percent" in metric:
        if not samples:
            return NoProposal("no metrics returned from resource metrics API")
        if metric["type"] == "ContainerResource":
            pods, samples = halved(pods, samples)
        counted = tally(pods, samples, NOW, PATIENCE, of_cpu=True)
        return proposals.for_utilisation(
            counted, target_percent=metric["utilisation_percent"], current=spec, tolerance=tolerance
        )
    if metric["type"] in {"Pods", "Resource"}:
        counted = tally(pods, samples, NOW, PATIENCE, of_cpu=False)
        target = metric["average_value_milli"]
        return proposals.for_pod_average(counted, target_milli=target, current=spec, tolerance=tolerance)
    if metric["type"] == "Object":
        usage = row["levels"][0]
    if "average_value_milli" in metric:
        target = metric["average_value_milli"]
        return proposals.for_average_value(usage, target_milli=target, created=row["status"], tolerance=tolerance)
    serving = sum(pod.is_serving for pod in pods)
    target = metric["value_milli"]
    return proposals.for_value(usage, target_milli=target, current=spec, serving=serving, tolerance=tolerance)


@pytest.mark.parametrize("row", TABLES["controller"], ids=label)
def test_a_sync_ends_where_upstreams_ends(row: Row) -> None:
    """From pods and metrics to replicas, one reconciliation ends with the count of the upstream row."""
    behavior = None
    if row["up"] is not None or row["down"] is not None:
        behavior = Behavior(up=rules_of(row["up"], DEFAULT_UP), down=rules_of(row["down"], DEFAULT_DOWN))
    if behavior is not None and not row.get("configurable_tolerance", True):
        up, down = replace(behavior.up, tolerance=None), replace(behavior.down, tolerance=None)
        behavior = Behavior(up=up, down=down)
    autoscaler = Autoscaler(
        min_replicas=row["min"],
        max_replicas=row["max"],
        behavior=behavior,
        scaled_to_zero=row.get("scaled_to_zero", False),
        has_shared_metric=any(metric["type"] in {"Object", "External"} for metric in row["metrics"]),
        scale_up_limit_factor=TABLES["constants"]["scale_up_limit_factor"],
    )
    log = None if row["recommendations"] is None else recommendations_of(row["recommendations"])
    found, _ = hpa.synced(
        autoscaler,
        Remembered(recommendations=log),
        [proposed(metric, row, autoscaler.tolerance) for metric in row["metrics"]],
        current=row["spec"],
        now=NOW,
    )
    assert found == row["expected"]["replicas"]


def test_no_row_was_lost() -> None:
    """All rows of the file that end in a replica count are here."""
    assert len(TABLES["controller"]) == 88
