"""The control plane itself: what every other live test relies on."""

from __future__ import annotations

import datetime
import json
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.controlplane.client import ApiClient
from tests.controlplane.errors import KubectlError
from tests.controlplane.fleet import Fleet
from tests.controlplane.nodes import JITTER_FACTOR
from tests.controlplane.waiting import wait_until
from tests.live.conftest import MakeNamespace
from tests.live.portals import condition, deployment, is_true, pods

pytestmark = pytest.mark.live

READY_SECONDS = 60.0  # generous beside any start-up delay used here: the machine may be busy
SECOND = datetime.timedelta(seconds=1)


def since(item: dict[str, object], kind: str) -> datetime.datetime:
    """Gives when a condition last changed, as the cluster wrote it down: in whole seconds."""
    return datetime.datetime.fromisoformat(condition(item, kind)["lastTransitionTime"])


def test_a_pod_gets_ready_after_the_delay_of_its_annotation(control_plane: Fleet, namespace: str) -> None:
    """The start-up delay of a portal is what its pods say it is."""
    site = control_plane.sites["a"]
    delay = 5 * SECOND
    manifest = deployment("portal", replicas=2, start_up_milliseconds=round(delay / SECOND * 1000))
    site.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=manifest)

    def all_ready() -> bool:
        found = pods(site, namespace, "portal")
        return len(found) == 2 and all(is_true(pod, "Ready") for pod in found)

    wait_until(all_ready, READY_SECONDS, "both pods are Ready")

    for pod in pods(site, namespace, "portal"):
        took = since(pod, "Ready") - since(pod, "PodScheduled")
        # Both instants are cut to whole seconds, and a busy machine may add some.
        assert delay - SECOND <= took <= delay * JITTER_FACTOR + 5 * SECOND


def test_a_pod_without_room_stays_pending_and_says_why(control_plane: Fleet, namespace: str) -> None:
    """Quota is real: what does not fit on the nodes waits, refused by the scheduler."""
    site = control_plane.sites["a"]
    # Two nodes of 32 CPU: one such pod fits on each.
    manifest = deployment("large", replicas=3, start_up_milliseconds=0, cpu="20")
    site.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=manifest)

    def settled() -> bool:
        found = pods(site, namespace, "large")
        refused = [pod for pod in found if condition(pod, "PodScheduled").get("status") == "False"]
        return len(refused) == 1 and sum(is_true(pod, "Ready") for pod in found) == 2

    wait_until(settled, READY_SECONDS, "two pods are Ready and one is refused by the scheduler")

    (pending,) = (pod for pod in pods(site, namespace, "large") if not is_true(pod, "Ready"))
    assert pending["status"]["phase"] == "Pending"
    assert condition(pending, "PodScheduled")["reason"] == "Unschedulable"


def test_a_killed_site_answers_nobody_and_returns_with_its_objects(
    control_plane: Fleet, make_namespace: MakeNamespace
) -> None:
    """The loss of a site is felt there alone, and its return brings back what it knew, at the same address."""
    site, other = control_plane.sites["b"], control_plane.sites["a"]
    namespace = make_namespace(site)
    address = site.server
    site.kubectl("create", "configmap", "kept", "--from-literal=bell=08:30", f"--namespace={namespace}")

    site.kill()
    assert not site.alive
    with pytest.raises(KubectlError):
        site.kubectl("get", "namespaces", "--request-timeout=5s")
    assert other.alive

    site.start()
    assert site.server == address
    kept = site.kubectl("get", "configmap", "kept", f"--namespace={namespace}", "--output=json")
    assert json.loads(kept)["data"] == {"bell": "08:30"}

    # And it works again, not only remembers.
    manifest = deployment("after", replicas=1, start_up_milliseconds=0)
    site.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=manifest)
    wait_until(
        lambda: [is_true(pod, "Ready") for pod in pods(site, namespace, "after")] == [True],
        READY_SECONDS,
        "a pod is Ready after the return",
    )


def test_upstreams_definitions_are_accepted(control_plane: Fleet, namespace: str) -> None:
    """The kinds of Gateway API, ExternalDNS and KEDA can be used."""
    site = control_plane.sites["a"]
    site.install_crds("gateway-api", "external-dns", "keda")
    for kind in ("httproutes.gateway.networking.k8s.io", "dnsendpoints.externaldns.k8s.io", "scaledobjects.keda.sh"):
        assert json.loads(site.kubectl("get", kind, f"--namespace={namespace}", "--output=json"))["items"] == []


def test_a_service_account_token_is_accepted_and_bounded_by_rbac(
    control_plane: Fleet, namespace: str, tmp_path: Path
) -> None:
    """Tokens are real, and so is what they may not do."""
    site = control_plane.sites["a"]
    token = site.kubectl("create", "token", "default", f"--namespace={namespace}").strip()
    content = json.loads(site.kubectl("config", "view", "--raw", "--output=json"))
    for entry in content["users"]:
        entry["user"] = {"token": token}  # beside a certificate the token would not count
    kubeconfig = tmp_path / "token.yaml"
    kubeconfig.write_text(json.dumps(content))
    client = ApiClient.from_kubeconfig(kubeconfig)

    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    who = client.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    assert who.json()["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"
    assert client.call("GET", f"/api/v1/namespaces/{namespace}/secrets").status == HTTPStatus.FORBIDDEN
