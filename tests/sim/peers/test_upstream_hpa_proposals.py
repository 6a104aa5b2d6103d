"""The rows of Kubernetes' `replica_calculator_test.go`. Its constants differ from production: they are in the file."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.sim.peers import hpa_proposals as proposals
from controller.sim.peers.hpa_pods import Patience, Phase, Pod, Sample, group, tally
from controller.sim.peers.hpa_proposals import NoProposal, Proposal, Proposed, Tolerance
from tests.sim.peers.upstream import Row, label, tables

TABLES = tables("kubernetes_replica_calculator")
NOW = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)
ZERO = datetime.min.replace(tzinfo=UTC)
"""Go's zero time, which the upstream fixtures leave in many places."""
PATIENCE = Patience(
    cpu_initialisation=timedelta(seconds=TABLES["constants"]["cpu_initialisation_seconds"]),
    initial_readiness=timedelta(seconds=TABLES["constants"]["initial_readiness_seconds"]),
)


def pods_of(row: Row) -> list[Pod]:
    """The pods of a row; what is left out is what the upstream fixture fills in."""
    return [
        Pod(
            name=str(i),
            phase=Phase(pod.get("phase", "Running")),
            deleting=pod.get("deleting", False),
            started_at=NOW - timedelta(seconds=pod["age_seconds"]) if "age_seconds" in pod else ZERO,
            ready=pod.get("ready", True),
            ready_changed_at=ZERO,
            request_milli=pod.get("request_milli") or 0,
        )
        for i, pod in enumerate(row["pods"])
    ]


def tolerance_of(row: Row) -> Tolerance:
    """The tolerance of a row, or the default."""
    return Tolerance(**row.get("tolerance", {"down": 0.1, "up": 0.1}))


def proposed(row: Row) -> Proposed:
    """What our arithmetic makes of a row."""
    pods, tolerance, current = pods_of(row), tolerance_of(row), row["current"]
    match row["kind"]:
        case "utilisation":
            if not row["samples"]:
                return NoProposal("unable to get metrics for resource cpu: no metrics returned")
            if any(pod.get("request_milli") is None for pod in row["pods"]):
                return NoProposal("missing request for cpu")
            samples = {str(s["pod"]): Sample(value_milli=s["milli"], at=ZERO, window=WINDOW) for s in row["samples"]}
            counted = tally(pods, samples, NOW, PATIENCE, of_cpu=True)
            return proposals.for_utilisation(
                counted, target_percent=row["target_percent"], current=current, tolerance=tolerance
            )
        case "pod-average":
            plain = {str(i): Sample(value_milli=v, at=NOW, window=WINDOW) for i, v in enumerate(row["levels"])}
            counted = tally(pods, plain, NOW, PATIENCE, of_cpu=False)
            return proposals.for_pod_average(
                counted, target_milli=row["target_milli"], current=current, tolerance=tolerance
            )
        case "value":
            return proposals.for_value(
                proposals.total(row["levels"]),
                target_milli=row["target_milli"],
                current=current,
                serving=sum(pod.is_serving for pod in pods),
                tolerance=tolerance,
            )
        case _:
            return proposals.for_average_value(
                proposals.total(row["levels"]), target_milli=row["target_milli"], created=current, tolerance=tolerance
            )


WINDOW = timedelta(minutes=1)


@pytest.mark.parametrize("row", TABLES["proposals"], ids=label)
def test_a_metric_proposes_what_upstream_proposes(row: Row) -> None:
    """Replicas and the usage shown are those of the upstream row, and it errs where upstream errs."""
    found = proposed(row)
    if "error" in row["expected"]:
        assert isinstance(found, NoProposal)
        assert found.why.startswith(row["expected"]["error"].split(":")[0])
    else:
        assert found == Proposal(replicas=row["expected"]["replicas"], usage=row["expected"]["usage"])


@pytest.mark.parametrize("row", TABLES["groups"], ids=label)
def test_pods_are_grouped_as_upstream_groups_them(row: Row) -> None:
    """Ready, not ready, missing and ignored pods are those of the upstream row."""

    def ago(seconds: float | None) -> datetime | None:
        return None if seconds is None else NOW - timedelta(seconds=seconds)

    pods = [
        Pod(
            name=pod["name"],
            phase=Phase(pod.get("phase", "Running")),
            deleting=pod.get("deleting", False),
            started_at=ago(pod.get("age_seconds")),
            ready=pod.get("ready"),
            ready_changed_at=ago(pod.get("ready_changed_age_seconds")),
        )
        for pod in row["pods"]
    ]
    samples = {
        name: Sample(
            value_milli=sample["milli"],
            at=ago(sample.get("age_seconds")) or ZERO,
            window=timedelta(seconds=sample.get("window_seconds", 0)),
        )
        for name, sample in row["samples"].items()
    }
    found = group(pods, samples, NOW, PATIENCE, of_cpu=row["of_cpu"])
    assert {
        "ready": found.ready_count,
        "unready": sorted(found.unready),
        "missing": sorted(found.missing),
        "ignored": sorted(found.ignored),
    } == row["expected"]


def test_no_row_was_lost() -> None:
    """All rows of the file that concern proposals and groups are here."""
    assert (len(TABLES["proposals"]), len(TABLES["groups"])) == (76, 14)
