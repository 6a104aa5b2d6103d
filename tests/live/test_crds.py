"""The CRDs on a real API server: accepted, structural, and refusing with the field named what the models refuse."""

import json
import re
from pathlib import Path

import pytest
import yaml

from controller.policy.kinds import BY_NAME, KINDS
from tests.controlplane.clusters import Cluster
from tests.controlplane.errors import KubectlError
from tests.controlplane.fleet import Fleet
from tests.policy.bad_objects import BAD_OBJECTS, Bad
from tests.policy.objects import ALL_KINDS, Object, a_schedule, a_site, an_ent, changed

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(control_plane: Fleet) -> Cluster:
    """A site with our CRDs."""
    found = control_plane.sites["a"]
    found.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", str(ROOT / "manifests/crd"))
    names = [f"crd/{kind.plural}.sonnerie.dev" for kind in KINDS]
    found.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
    return found


def apply(site: Cluster, data: Object, namespace: str, *options: str) -> str:
    """Apply an object as a person would, with unknown fields refused."""
    arguments = ["apply", "--validate=strict", "--filename=-", *options]
    if BY_NAME[str(data["kind"])].scope == "Namespaced":
        arguments.append(f"--namespace={namespace}")
    return site.kubectl(*arguments, input=yaml.safe_dump(data))


def names_field(message: str, field: str) -> bool:
    """Tell whether the message blames the field, or for a list one of its items."""
    return re.search(rf"(?<![\w.]){re.escape(field)}(\[\d+\])?[:\"]", message) is not None


def test_the_crds_are_structural(site: Cluster) -> None:
    """The API server prunes, defaults and validates only what it fully understands."""
    for kind in KINDS:
        found = json.loads(site.kubectl("get", "crd", f"{kind.plural}.sonnerie.dev", "--output=json"))
        conditions = {c["type"]: c["status"] for c in found["status"]["conditions"]}
        assert conditions["Established"] == "True"
        assert conditions["NamesAccepted"] == "True"
        assert conditions.get("NonStructuralSchema", "False") == "False"


@pytest.mark.parametrize("data", [make() for make in ALL_KINDS], ids=lambda data: str(data["kind"]))
def test_a_good_object_is_taken(site: Cluster, namespace: str, data: Object) -> None:
    """What the models take, the API server takes."""
    apply(site, data, namespace, "--dry-run=server")


@pytest.mark.parametrize("bad", [bad for bad in BAD_OBJECTS if not bad.only_here], ids=str)
def test_a_bad_object_is_refused_with_the_field_named(site: Cluster, bad: Bad) -> None:
    """What the models refuse, the API server refuses, and blames the same field."""
    with pytest.raises(KubectlError) as refused:
        apply(site, bad.data, "default", "--dry-run=server")

    assert names_field(str(refused.value), bad.field), str(refused.value)


def test_the_shipped_policies_are_taken(site: Cluster, namespace: str) -> None:
    """What we ship to be copied can be applied."""
    for path in sorted((ROOT / "policies").rglob("*.yaml")):
        for data in yaml.safe_load_all(path.read_text("utf-8")):
            if data.get("kind", "Namespace") == "Namespace":  # scenarios have no kind: no cluster knows them
                continue
            data["metadata"].pop("namespace", None)  # that it is made too, test_manifests shows
            apply(site, json.loads(json.dumps(data, default=str)), namespace, "--dry-run=server")


def test_defaults_are_filled_in_as_documented(site: Cluster, namespace: str) -> None:
    """A reader of the object sees the limits that are in force."""
    data = an_ent()
    del data["spec"]["shifting"], data["spec"]["slo"]
    apply(site, data, namespace)
    spec = json.loads(site.kubectl("get", "ent", "hdf", f"--namespace={namespace}", "--output=json"))["spec"]
    assert spec["slo"] == {"errorPermille": 10, "latencyMilliseconds": 1000}
    assert spec["shifting"]["failbackHold"] == "15m"
    assert spec["placements"][0]["target"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "portal"}


def test_an_explicit_null_means_absent(site: Cluster, namespace: str) -> None:
    """The API server and the models agree on what `pause: null` says."""
    data = changed(an_ent(), ("spec", "pause"), None)
    apply(site, data, namespace)
    spec = json.loads(site.kubectl("get", "ent", "hdf", f"--namespace={namespace}", "--output=json"))["spec"]
    assert "pause" not in spec


def test_get_ent_tells_the_morning_at_a_glance(site: Cluster, namespace: str) -> None:
    """Whoever is on call reads one line per ENT; status is written through its own subresource."""
    apply(site, an_ent(), namespace)
    status = {
        "observedGeneration": 1,
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "AllWell", "lastTransitionTime": "2026-09-01T06:00:00Z"},
            {"type": "Prescaled", "status": "True", "reason": "Schedule", "lastTransitionTime": "2026-09-01T06:00:00Z"},
        ],
        "readyReplicas": 40,
        "wantedReplicas": 42,
        "serving": "gra 60 % sbg 40 %",
        "nextBell": "Tue 08:00 first-bell",
        "memory": {"version": 1, "moves": [{"anything": "goes"}]},
    }
    patch = json.dumps({"status": status})
    arguments = ("ent", "hdf", f"--namespace={namespace}")
    site.kubectl("patch", *arguments, "--subresource=status", "--type=merge", f"--patch={patch}")
    header, line = site.kubectl("get", *arguments).splitlines()
    assert header.split()[:4] == ["NAME", "REGION", "WELL", "PRESCALED"]
    for shown in ("FR-HDF", "True", "40", "42", "gra 60 % sbg 40 %", "Tue 08:00 first-bell"):
        assert shown in line
    found = json.loads(site.kubectl("get", *arguments, "--output=json"))
    assert found["status"]["memory"] == status["memory"]
    assert found["metadata"]["generation"] == 1


def test_the_category_lists_everything(site: Cluster, namespace: str) -> None:
    """`kubectl get sonnerie` shows all that is ours."""
    apply(site, a_site("of-the-category"), namespace)
    apply(site, a_schedule(), namespace)
    try:
        listed = site.kubectl("get", "sonnerie", f"--namespace={namespace}", "--output=name")
        assert "site.sonnerie.dev/of-the-category" in listed
        assert "schoolschedule.sonnerie.dev/college" in listed
    finally:
        site.kubectl("delete", "site", "of-the-category", "--wait=false")
