"""Our HPA beside the real one: the same metric series, phase by phase, and the same path of replica counts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.sim.peers import hpa
from controller.sim.peers import hpa_proposals as proposals
from controller.sim.peers.hpa import Autoscaler, Remembered
from controller.sim.peers.hpa_behavior import DEFAULT_DOWN, Behavior, Policy, PolicyKind, Rules
from controller.sim.peers.hpa_proposals import NoProposal
from tests.controlplane.client import ApiClient
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import open_fleet
from tests.controlplane.sites import SiteSpec
from tests.controlplane.waiting import wait_until
from tests.live.external_metrics import ExternalMetrics
from tests.live.portals import deployment

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

SYNC_SECONDS = 1
PHASE_SYNCS = 14  # more than any path below takes, with its rate limits
REGISTERED_SECONDS = 60.0
PHASE_SECONDS = 90.0  # for 14 syncs of a second on a busy machine
TARGET = 10.0  # per replica
START = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)
LOOK_SECONDS = 0.05  # twenty looks a sync: no count is missed


@dataclass(frozen=True, kw_only=True)
class Case:
    """One HPA and the values it is given, one per phase; None is a metric without a series."""

    name: str
    behavior: Behavior | None
    values: tuple[float | None, ...]
    minimum: int = 2
    maximum: int = 40

    def spec(self) -> dict[str, Any]:
        """The real object's spec."""
        metric = {"metric": {"name": self.name}, "target": {"type": "AverageValue", "averageValue": str(int(TARGET))}}
        spec: dict[str, Any] = {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.name},
            "minReplicas": self.minimum,
            "maxReplicas": self.maximum,
            "metrics": [{"type": "External", "external": metric}],
        }
        if self.behavior is not None:
            spec["behavior"] = {"scaleUp": as_spec(self.behavior.up), "scaleDown": as_spec(self.behavior.down)}
        return spec


def as_spec(rules: Rules) -> dict[str, Any]:
    """Rules as the API takes them."""
    policies = [{"type": str(p.kind), "value": p.value, "periodSeconds": p.period_seconds} for p in rules.policies]
    spec: dict[str, Any] = {
        "stabilizationWindowSeconds": rules.stabilization_seconds,
        "selectPolicy": str(rules.select),
        "policies": policies,
    }
    return spec if rules.tolerance is None else {**spec, "tolerance": str(rules.tolerance)}


LIMITED = Behavior(
    up=Rules(policies=(Policy(kind=PolicyKind.PODS, value=5, period_seconds=4),), tolerance=0.0),
    down=Rules(policies=(Policy(kind=PolicyKind.PERCENT, value=50, period_seconds=3),), stabilization_seconds=3),
)
TUNED = Behavior(
    up=Rules(policies=(Policy(kind=PolicyKind.PERCENT, value=900, period_seconds=15),), tolerance=0.0),
    down=DEFAULT_DOWN,
)
CASES = (
    Case(name="plain", behavior=None, values=(20.0, 21.9, 300.0, None, 0.0, 1000.0)),
    Case(name="limited", behavior=LIMITED, values=(20.0, 21.0, 150.0, None, 40.0, 39.0)),
    Case(name="tuned", behavior=TUNED, values=(20.0, 20.4, 390.0, None, 10.0, 1000.0)),
)


def ours(case: Case) -> list[int]:
    """The path of our HPA, synced once a second, with pods that are there at once."""
    autoscaler = Autoscaler(min_replicas=case.minimum, max_replicas=case.maximum, behavior=case.behavior)
    remembered, current, now, path = Remembered(), case.minimum, START, [case.minimum]
    for value in case.values:
        for _ in range(PHASE_SYNCS):
            now += timedelta(seconds=SYNC_SECONDS)
            proposal = (
                NoProposal("no metrics returned from external metrics API")
                if value is None
                else proposals.for_average_value(
                    round(value * 1000),
                    target_milli=round(TARGET * 1000),
                    created=current,
                    tolerance=autoscaler.tolerance,
                )
            )
            current, remembered = hpa.synced(autoscaler, remembered, [proposal], current=current, now=now)
            if current != path[-1]:
                path.append(current)
    return path


@dataclass
class Watching:
    """Looks at the replicas of some Deployments until it is told to end, and keeps their paths."""

    client: ApiClient
    namespace: str
    paths: dict[str, list[int]] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Look again and again."""
        while not self.ended.wait(LOOK_SECONDS):
            answer = self.client.call("GET", f"/apis/apps/v1/namespaces/{self.namespace}/deployments")
            for item in answer.json()["items"]:
                path = self.paths.setdefault(item["metadata"]["name"], [])
                count = item["spec"]["replicas"]
                if not path or path[-1] != count:
                    path.append(count)


@dataclass
class Synced:
    """Says whether every HPA has synced often enough and long enough since the phase began.

    Between minimum and maximum an HPA asks for its metric at every sync; an update of its own status may make one more.
    """

    metrics: ExternalMetrics
    since: float = field(default_factory=time.monotonic)

    def __call__(self) -> bool:
        """Look."""
        if time.monotonic() - self.since < PHASE_SYNCS * SYNC_SECONDS:
            return False
        return all(self.metrics.asked(case.name) >= PHASE_SYNCS for case in CASES)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of its own, whose HPA controller syncs every second."""
    spec = SiteSpec(name="oracle", hpa_sync_seconds=SYNC_SECONDS)
    with open_fleet((spec,), run_folder=tmp_path_factory.mktemp("oracle")) as fleet:
        yield fleet.sites["oracle"]


def test_the_real_controller_takes_the_same_path(oracle: Cluster) -> None:
    """Tolerance, missing series, limits, rates and windows lead the real HPA and ours through the same counts."""
    namespace = "default"
    with ExternalMetrics() as metrics:
        oracle.kubectl("apply", "--filename=-", input=metrics.manifests())
        client = ApiClient.from_kubeconfig(oracle.kubeconfig)
        probe = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/plain"
        wait_until(lambda: client.says_ok(probe), REGISTERED_SECONDS, "the metrics API answers through the API server")
        metrics.set(**{case.name: case.values[0] for case in CASES})
        for case in CASES:
            manifest = deployment(case.name, replicas=case.minimum, start_up_milliseconds=0, cpu="10m")
            oracle.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=manifest)
        wait_until(lambda: standing(client, namespace), PHASE_SECONDS, "the first pods stand")
        watching = Watching(client, namespace)
        thread = threading.Thread(target=watching.look, daemon=True)
        thread.start()
        for case in CASES:
            scaler = {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": case.name},
                "spec": case.spec(),
            }
            oracle.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=json.dumps(scaler))
        for phase in range(len(CASES[0].values)):
            metrics.set(**{case.name: case.values[phase] for case in CASES})
            wait_until(Synced(metrics), PHASE_SECONDS, f"every HPA has synced {PHASE_SYNCS} times in phase {phase}")
        watching.ended.set()
        thread.join()
    assert watching.paths == {case.name: ours(case) for case in CASES}


def standing(client: ApiClient, namespace: str) -> bool:
    """Says whether every Deployment counts as many pods as it wants."""
    items = client.call("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments").json()["items"]
    return len(items) == len(CASES) and all(
        item["status"].get("replicas") == item["spec"]["replicas"] for item in items
    )
