"""Orders on a real API server: written, refused, taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.live.test_crds import ROOT
from tests.policy.objects import an_object
from tests.typed import sonnerie

pytestmark = pytest.mark.live


@pytest.fixture
def site(control_plane: Fleet, namespace: str) -> Iterator[tuple[Cluster, str]]:
    """Site a, which declares one Site, called as the namespace."""
    cluster = control_plane.sites["a"]
    cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--kustomize={ROOT}/manifests/crd")
    for kind in ("sites", "regionalents", "schoolcalendars", "schoolschedules", "schoolevents"):
        cluster.kubectl("get", kind, "--all-namespaces")  # kubectl waits while new kinds cannot be stored yet
    made = an_object("Site", {"provider": "Example"}, name=namespace)
    cluster.kubectl("apply", "--filename=-", input=json.dumps(made))
    yield cluster, namespace
    cluster.kubectl("delete", "site", namespace, "--wait=false")
    cluster.kubectl("delete", "schoolevent", "freeze-by-hand", "--ignore-not-found")


def spec_of(cluster: Cluster, kind: str, name: str) -> dict[str, object]:
    """What the API server has."""
    found: dict[str, object] = json.loads(cluster.kubectl("get", kind, name, "--output=json"))["spec"]
    return found


def test_a_drain_is_ordered_and_taken_back(site: tuple[Cluster, str]) -> None:
    """Who, why and until when stand in the Site; a dry run writes nothing."""
    cluster, name = site
    flags = ("--kubeconfig", cluster.kubeconfig)
    tried = sonnerie("drain", name, "--for", "2h", "--reason", "new switches", "--by", "me", "--dry-run", *flags)
    assert tried.returncode == 0, tried.stderr
    assert "drain" not in spec_of(cluster, "site", name)
    done = sonnerie("drain", name, "--for", "2h", "--reason", "new switches", "--by", "me", "--json", *flags)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["site"], told["refused"], told["short"]) == (name, False, [])
    order = {key: told[key] for key in ("until", "givenAt")} | {"reason": "new switches", "by": "me"}
    assert spec_of(cluster, "site", name)["drain"] == order
    assert sonnerie("undrain", name, "--by", "you", *flags).returncode == 0
    ended = spec_of(cluster, "site", name)["drain"]
    assert isinstance(ended, dict)
    assert (ended["by"], ended["reason"], ended["until"]) == ("you", "taken back", ended["givenAt"])
    nobody = sonnerie("undrain", "none-such", *flags)
    assert (nobody.returncode, "there is no Site none-such" in nobody.stderr) == (1, True)


def test_a_freeze_is_ordered_and_taken_back(site: tuple[Cluster, str]) -> None:
    """It is an event like any other, and there is one at most."""
    cluster, _ = site
    flags = ("--kubeconfig", cluster.kubeconfig)
    for reason in ("exams", "more exams"):
        done = sonnerie("freeze", "--for", "90m", "--reason", reason, "--by", "me", *flags)
        assert done.returncode == 0, done.stderr
        frozen = spec_of(cluster, "schoolevent", "freeze-by-hand")["freeze"]
        assert isinstance(frozen, dict)
        assert (frozen["reason"], frozen["by"]) == (reason, "me")
    assert sonnerie("unfreeze", "--by", "you", *flags).returncode == 0
    ended = spec_of(cluster, "schoolevent", "freeze-by-hand")["freeze"]
    assert isinstance(ended, dict)
    assert (ended["by"], ended["until"]) == ("you", ended["givenAt"])
