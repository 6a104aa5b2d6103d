"""`sonnerie run` beside a real HPA, an HTTPRoute and a DNSEndpoint, with exactly the rights of the manifests."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from controller.actuate.giving_back import FINALIZER
from controller.kube.autoscalers import FLOOR_ANNOTATION
from tests.controlplane.clusters import Cluster
from tests.controlplane.errors import KubectlError
from tests.controlplane.fleet import Fleet
from tests.live.portals import deployment
from tests.live.test_edges import http_route
from tests.live.test_manifests import ROOT, as_account
from tests.live.test_owners import hpa
from tests.live.test_run import Door, Morning, Running, running, soon
from tests.policy.objects import an_object

pytestmark = pytest.mark.live

CYCLE_SECONDS = 5.0
PROVEN_SECONDS = 60.0


@dataclass
class Floored:
    """An ENT whose replicas an HPA owns, behind an HTTPRoute and a DNS name, and the controller's account."""

    site: Cluster
    namespace: str
    morning: Morning

    def kubectl(self, *arguments: str, given: object = None) -> str:
        """Run kubectl in the ENT's namespace, as administrator."""
        text = None if given is None else json.dumps(given)
        return self.site.kubectl(*arguments, f"--namespace={self.namespace}", input=text)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Return an object, empty when it is not there."""
        try:
            found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "--output=json"))
        except KubectlError:
            return {}
        return found

    @property
    def floor(self) -> int:
        """The floor as it stands."""
        return int(self.get("hpa", "portal")["spec"]["minReplicas"])

    @property
    def noted(self) -> bool:
        """Whether our note is on the HPA."""
        return FLOOR_ANNOTATION in self.get("hpa", "portal")["metadata"].get("annotations", {})

    def condition(self, kind: str) -> tuple[str, str, str]:
        """Status, reason and message of a condition of the ENT."""
        found = self.get("ent", "nord").get("status", {}).get("conditions", [])
        return next(((c["status"], c["reason"], c["message"]) for c in found if c["type"] == kind), ("", "", ""))

    def weights(self) -> dict[str, int]:
        """Weights of the rule that is ours."""
        refs = self.get("httproute", "portal")["spec"]["rules"][1]["backendRefs"]
        return {ref["name"]: ref["weight"] for ref in refs}

    def answers(self) -> list[str]:
        """What the name resolves to."""
        endpoints = self.get("dnsendpoint", "nord").get("spec", {}).get("endpoints", [])
        return [target for endpoint in endpoints for target in endpoint["targets"]]


def far_from_midnight() -> str:
    """A time zone in which a window of the day is in force for hours to come."""
    zones = ("Europe/Paris", "Pacific/Tahiti")
    return next(zone for zone in zones if 1 <= datetime.now(ZoneInfo(zone)).hour <= 21)


@pytest.fixture
def floored(control_plane: Fleet, namespace: str, tmp_path: Path) -> Iterator[Floored]:
    """Everything declared at one site, which holds the policies too."""
    site = control_plane.sites["a"]
    site.install_crds("gateway-api", "external-dns", "keda")
    overlay = str(ROOT / "manifests/overlays/all-sites")
    site.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", overlay)
    references = [Door(), Door(), Door()]
    account = tmp_path / "account"
    account.write_text(as_account(site))
    home = cast("Any", SimpleNamespace(kubeconfig=account))
    morning = Morning(home, home, "sonnerie-system", {}, references, tmp_path)
    found = Floored(site, namespace, morning)
    found.kubectl("apply", "--filename=-", given=json.loads(deployment("portal", replicas=1, start_up_milliseconds=0)))
    found.kubectl("apply", "--filename=-", given=hpa())
    found.kubectl("apply", "--filename=-", given=http_route(namespace, a=1, b=3, c=0))
    site.kubectl("apply", "--filename=-", input=json.dumps(an_object("Site", {"provider": "x"}, name=namespace)))
    found.kubectl("apply", "--filename=-", given=all_day())
    found.kubectl("apply", "--filename=-", given=an_ent(namespace))
    yield found
    site.kubectl("delete", "site", namespace, "--wait=false")
    if found.get("ent", "nord"):
        found.kubectl("patch", "ent", "nord", "--type=merge", '--patch={"metadata":{"finalizers":null}}')
    for door in references:
        door.close()


def all_day() -> dict[str, Any]:
    """A schedule of which a window is in force at any hour of any day."""
    window = {"name": "day", "start": "00:00", "end": "23:59", "demand": {"connectionsPerSecond": "5"}}
    types = ["SchoolDay", "Wednesday", "Saturday", "Sunday", "FirstDayBack", "LastDayBefore"]
    return an_object("SchoolSchedule", {"days": [{"types": types, "windows": [window]}]}, name="all-day")


def an_ent(site: str) -> dict[str, Any]:
    """An ENT with a floor and two edges."""
    backends = [{"site": site, "name": "at-a"}]
    targets = [{"site": site, "target": "192.0.2.1"}]
    route = {"name": "portal", "rule": "users", "atSite": site, "backends": backends}
    endpoint = {"name": "nord", "dnsName": "nord.ent.example.org", "targets": targets}
    spec = {
        "region": "FR-HDF",
        "territory": "zone-b",
        "timeZone": far_from_midnight(),
        "scheduleRefs": ["all-day"],
        "demandSignals": [{"name": "requests", "signal": "requests", "capacityPerReplica": "10"}],
        "placements": [{"site": site, "target": {"name": "portal"}, "min": 3, "max": 9, "home": True}],
        "replicas": {"owner": "HPAFloor"},
        "edges": [
            {"name": "gateway", "kind": "HTTPRoute", "httpRoute": route},
            {"name": "dns", "kind": "DNSEndpoint", "dnsEndpoint": endpoint},
        ],
    }
    return an_object("RegionalENT", spec, name="nord")


def cycles(controller: Running) -> float:
    """When the last planning cycle ended."""
    found = re.search(r"^sonnerie_last_cycle_timestamp_seconds (\S+)", controller.page("/metrics") or "", re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def test_a_floor_is_written_proven_kept_and_given_back(floored: Floored) -> None:
    """From the first cycle to the deletion of the ENT, over a kill -9, with the rights of the manifests alone."""
    with running(floored.morning, "one") as one:
        soon(lambda: floored.floor == 3, "the floor is written")
        assert FINALIZER in floored.get("ent", "nord")["metadata"]["finalizers"], "before the first floor"
        soon(lambda: floored.condition("FloorWritable")[0] == "True", "the proof", PROVEN_SECONDS)
        assert floored.condition("RivalWriter")[0] == "False"
        assert floored.weights() == {"at-a": 1, "at-b": 3, "at-c": 0, "canary": 0}, (
            "one site has all of one site's traffic"
        )
        soon(lambda: floored.answers() == ["192.0.2.1"], "the answer")
        soon(lambda: floored.get("deployment", "portal")["status"].get("readyReplicas") == 3, "the HPA follows")
        one.process.kill()
        one.process.wait(10)
    with running(floored.morning, "two") as two:
        soon(lambda: "sonnerie_leader 1.0" in (two.page("/metrics") or ""), "the successor leads")
        floored.kubectl("delete", "ent", "nord", "--wait=false")
        deleted_at = time.time()
        soon(lambda: cycles(two) > deleted_at + 2 * CYCLE_SECONDS, "two cycles later")
        assert (floored.floor, floored.noted) == (3, True), "the window is in force"
        assert floored.get("ent", "nord"), "held by its finalizer"
        floored.kubectl("delete", "schoolschedule", "all-day")
        soon(lambda: not floored.get("ent", "nord"), "the ENT goes when its window has ended")
        assert (floored.floor, floored.noted) == (1, False)
        assert two.terminate() == 0
        for controller in (one, two):
            assert not [line for line in controller.lines() if line["event"] == "crashed"]
            assert "forbidden" not in controller.log.read_text().lower()


def test_an_owner_that_cannot_be_is_told_and_mended(floored: Floored) -> None:
    """Scale beside an HPA is refused and says why; with another owner the floor is ours, and goes back with it."""
    owner = '--patch={"spec":{"replicas":{"owner":"%s"}}}'
    floored.kubectl("patch", "ent", "nord", "--type=merge", owner % "Scale")
    with running(floored.morning, "one"):
        soon(lambda: floored.condition("FloorWritable")[0] == "False", "the refusal", PROVEN_SECONDS)
        status = floored.condition("FloorWritable")
        assert status[1] == "AutoscalerPresent"
        assert "set spec.replicas.owner to HPAFloor" in status[2]
        floored.kubectl("patch", "ent", "nord", "--type=merge", owner % "HPAFloor")
        soon(lambda: (floored.floor, floored.noted) == (3, True), "the floor is ours")
        soon(lambda: floored.condition("FloorWritable")[0] == "True", "the proof", PROVEN_SECONDS)
        floored.kubectl("patch", "ent", "nord", "--type=merge", owner % "Scale")
        soon(lambda: (floored.floor, floored.noted) == (1, False), "the floor is given back")
        soon(lambda: FINALIZER not in floored.get("ent", "nord")["metadata"].get("finalizers", []), "no finalizer")
