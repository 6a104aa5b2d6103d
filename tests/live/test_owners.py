"""Who may write replicas and floors: beside a real HPA, KEDA's objects, GitOps, quotas and admission policies."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import yaml

from controller.actuate.floor import FloorWriter
from controller.actuate.giving_back import FINALIZER, give_back, hold, let_go
from controller.actuate.outcome import Done, LookAgainAt, Outcome, Refused
from controller.actuate.proofs import Prover
from controller.actuate.rivals import Rivals
from controller.actuate.scale import Scaler
from controller.domain.fleet import Ent, ReplicaOwner
from controller.domain.names import ActionId, EntKey, SiteName
from controller.domain.plan import Because, ConditionStatus, SetFloor, SetReplicas
from controller.domain.reasons import Reason
from controller.kube.autoscalers import FLOOR_ANNOTATION, PAUSED, Autoscaler, FloorNote, decode_hpa
from controller.kube.client import Cluster as ApiServer
from controller.kube.informer import Surroundings
from controller.kube.kubeconfig import read_kubeconfig
from controller.kube.resources import DEPLOYMENTS, ObjectKey, Resource
from controller.observe.autoscalers import AutoscalerSight
from controller.observe.workloads import decode_workload
from controller.runtime.clock import SystemClock
from tests.builders import WORKLOAD, a_placement, an_ent
from tests.controlplane.clusters import Cluster
from tests.controlplane.fleet import Fleet
from tests.controlplane.waiting import wait_until
from tests.live.portals import deployment
from tests.live.test_kube_informer import connect, until

pytestmark = pytest.mark.live

CLOCK = SystemClock()
A = SiteName("a")
BECAUSE = Because(reason=Reason.SCHEDULE, text="a bell")
HPA_SECONDS = 60.0
CONFLICTS = 5
"""How often somebody may write in between before it is no accident."""
"""The controller looks every 15 s."""
CONFLICT_SECONDS = 30.0
"""For other writers to let us in between."""
POLICY_SECONDS = 30.0
"""Until an admission policy is in force everywhere in the API server."""


@pytest.fixture(scope="module")
def site(control_plane: Fleet) -> Cluster:
    """Site a, with KEDA's definitions; nobody plays KEDA."""
    found = control_plane.sites["a"]
    found.install_crds("keda")
    return found


@dataclass
class Place:
    """A portal of one replica, and what writes it."""

    site: Cluster
    api: ApiServer
    ent: Ent
    sight: AutoscalerSight
    scaler: Scaler
    floors: FloorWriter
    prover: Prover
    rivals: Rivals

    @property
    def namespace(self) -> str:
        """Where everything lives."""
        return self.ent.key.namespace

    def kubectl(self, *arguments: str, given: object = None) -> str:
        """Run kubectl in the namespace."""
        text = None if given is None else given if isinstance(given, str) else json.dumps(given)
        return self.site.kubectl(*arguments, f"--namespace={self.namespace}", input=text)

    def apply(self, thing: object, *flags: str) -> None:
        """Apply a manifest."""
        self.kubectl("apply", "--filename=-", *flags, given=thing)

    def get(self, kind: str, name: str = "portal") -> dict[str, Any]:
        """Return an object."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "--output=json"))
        return found

    @property
    def replicas(self) -> int:
        """How many the Deployment wants."""
        return int(self.get("deployment")["spec"]["replicas"])

    async def bound(self) -> None:
        """Wait until the watch shows an autoscaler that may be written."""
        await until(lambda: self.binding().autoscaler is not None, "the autoscaler is seen")

    def binding(self) -> Any:
        """What the owner may write."""
        return self.sight.binding(self.ent.owner, self.ent.key, WORKLOAD)

    async def scale(self, was: int, count: int) -> Outcome:
        """Write the count; while the Deployment's own controller is writing, look again as a cycle does."""
        action = SetReplicas(
            id=ActionId("replicas"), ent=self.ent.key, site=A, target=WORKLOAD, was=was, replicas=count, because=BECAUSE
        )
        return await _but_for_conflicts(lambda: self.scaler.set_replicas(action))

    async def floor(self, was: int, count: int) -> Outcome:
        """Write the floor; while the HPA's controller is writing, look again as a cycle does."""
        action = SetFloor(
            id=ActionId("floor"), ent=self.ent.key, site=A, target=WORKLOAD, was=was, replicas=count, because=BECAUSE
        )
        return await _but_for_conflicts(lambda: self.floors.set_floor(action))

    async def proven(self) -> tuple[ConditionStatus, Reason, str]:
        """Prove what is due and return the condition."""
        async with asyncio.timeout(CONFLICT_SECONDS):
            while True:
                await self.prover.prove([self.ent])
                condition = self.prover.condition(self.ent)
                if "the object has been modified" not in condition.because.text:
                    return condition.status, condition.because.reason, condition.because.text
                await asyncio.sleep(0.1)


async def _but_for_conflicts(write: Callable[[], Awaitable[Outcome]]) -> Outcome:
    async with asyncio.timeout(CONFLICT_SECONDS):
        while True:
            outcome = await write()
            if not (isinstance(outcome, LookAgainAt) and "the object has been modified" in outcome.why):
                return outcome
            await asyncio.sleep(0.1)


@asynccontextmanager
async def a_place(site: Cluster, api: ApiServer, namespace: str, owner: ReplicaOwner) -> AsyncIterator[Place]:
    """A portal whose replicas somebody owns."""
    made = deployment("portal", replicas=1, start_up_milliseconds=0)
    await asyncio.to_thread(site.kubectl, "apply", f"--namespace={namespace}", "--filename=-", input=made)
    await asyncio.to_thread(
        site.kubectl, "rollout", "status", "deployment/portal", "--timeout=60s", f"--namespace={namespace}"
    )
    key = EntKey(namespace, "nord")
    ent = replace(an_ent(sites=("a",)), key=key, owner=owner, placements=(a_placement("a", home=True, most=8),))
    sight = AutoscalerSight(api, Surroundings(now=CLOCK.now, monotonic=CLOCK.monotonic, random=random.random))
    watching = asyncio.create_task(sight.run())
    clusters, rivals = {A: api}, Rivals()

    def binding(_site: SiteName, owner: ReplicaOwner, ent: EntKey, target: Any) -> Any:
        return sight.binding(owner, ent, target)

    yield Place(
        site,
        api,
        ent,
        sight,
        Scaler(lambda: clusters, binding, rivals, CLOCK.now),
        FloorWriter(lambda: clusters, binding, lambda _ent: owner, lambda _ent: True, rivals, CLOCK.now),
        Prover(lambda: clusters, binding, CLOCK.now),
        rivals,
    )
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


@pytest.fixture
async def api(site: Cluster) -> AsyncIterator[ApiServer]:
    """Access to the site."""
    found = connect(site)
    yield found
    await found.close()


@pytest.fixture
async def scaled(site: Cluster, api: ApiServer, namespace: str) -> AsyncIterator[Place]:
    """A portal whose replicas are ours."""
    async with a_place(site, api, namespace, ReplicaOwner.SCALE) as found:
        await until(lambda: found.sight.known, "autoscalers are listed")
        yield found


@pytest.fixture
async def floored(site: Cluster, api: ApiServer, namespace: str) -> AsyncIterator[Place]:
    """A portal whose replicas an HPA owns."""
    async with a_place(site, api, namespace, ReplicaOwner.HPA_FLOOR) as found:
        await asyncio.to_thread(found.apply, hpa())
        await found.bound()
        yield found


@pytest.fixture
async def by_keda(site: Cluster, api: ApiServer, namespace: str) -> AsyncIterator[Place]:
    """A portal whose replicas KEDA owns."""
    async with a_place(site, api, namespace, ReplicaOwner.KEDA_FLOOR) as found:
        await asyncio.to_thread(found.apply, scaled_object())
        await found.bound()
        yield found


def hpa(**spec: Any) -> dict[str, Any]:
    """An HPA as people write it."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "portal"}
    usage = {"type": "Utilization", "averageUtilization": 70}
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": usage}}]
    body = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 6, "metrics": metrics} | spec
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "portal"},
        "spec": body,
    }


def scaled_object(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A ScaledObject as people write it, without a floor."""
    trigger = {"type": "cron", "metadata": {"timezone": "Europe/Paris", "start": "0 8 * * *", "end": "0 9 * * *"}}
    meta = {"name": "portal", "annotations": annotations or {}}
    body = {"scaleTargetRef": {"name": "portal"}, "triggers": [trigger], "maxReplicaCount": 6} | spec
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": meta, "spec": body}


async def test_a_real_hpa_follows_the_floor(floored: Place) -> None:
    """The floor is what counts, also when the HPA has no metrics at all; the count itself stays the HPA's."""
    assert await floored.floor(1, 4) == Done()
    assert floored.get("hpa")["spec"]["minReplicas"] == 4
    await asyncio.to_thread(wait_until, lambda: floored.replicas == 4, HPA_SECONDS, "the HPA raises to the floor")
    assert await floored.floor(1, 4) == Done(), "what is there is done"
    assert isinstance(await floored.floor(2, 5), LookAgainAt), "the plan knew another floor"


async def test_a_floor_is_never_above_the_maximum(floored: Place) -> None:
    """It stops there, and whoever can raise the maximum is told."""
    outcome = await floored.floor(1, 9)
    assert floored.get("hpa")["spec"]["minReplicas"] == 6
    assert isinstance(outcome, Refused)
    assert "raise maxReplicas" in outcome.why


async def given_back(api: ApiServer, noted: Autoscaler) -> Outcome:
    """Give back as the controller does: somebody who wrote meanwhile, an HPA's own controller, is looked at again."""
    outcome: Outcome = Done()
    for _ in range(CONFLICTS):
        outcome = await give_back(api, noted, CLOCK.now)
        if not isinstance(outcome, LookAgainAt):
            break
    return outcome


async def test_what_stood_before_is_given_back(floored: Place) -> None:
    """The first floor is noted, later ones do not change the note, and a value of somebody's own is left alone."""
    for was, count in ((1, 4), (4, 5)):
        assert await floored.floor(was, count) == Done()
    note = json.loads(floored.get("hpa")["metadata"]["annotations"][FLOOR_ANNOTATION])
    assert note == {"ent": str(floored.ent.key), "before": 1, "wrote": 5}
    await until(lambda: bool(floored.sight.noted(floored.ent.key)), "the note is seen")
    (noted,) = floored.sight.noted(floored.ent.key)
    for _ in range(2):
        assert await given_back(floored.api, noted) == Done()
        found = floored.get("hpa")
        assert (found["spec"]["minReplicas"], FLOOR_ANNOTATION in found["metadata"]["annotations"]) == (1, False)
    assert await floored.floor(1, 4) == Done()
    floored.kubectl("patch", "hpa", "portal", "--type=merge", '--patch={"spec":{"minReplicas":3}}')
    assert await given_back(floored.api, noted) == Done()
    assert floored.get("hpa")["spec"]["minReplicas"] == 3


async def test_a_workload_with_an_autoscaler_is_not_scaled(scaled: Place) -> None:
    """An HPA that comes later is noticed, and both the write and the condition say what to do."""
    assert await scaled.scale(1, 2) == Done()
    assert (await scaled.proven())[0] is ConditionStatus.TRUE
    scaled.apply(hpa())
    await until(lambda: scaled.binding().obstacle is not None, "the HPA is seen")
    outcome = await scaled.scale(2, 3)
    assert isinstance(outcome, Refused)
    assert "set spec.replicas.owner to HPAFloor" in outcome.why
    assert scaled.replicas == 2
    status, reason, text = await scaled.proven()
    assert (status, reason) == (ConditionStatus.FALSE, Reason.AUTOSCALER_PRESENT)
    assert outcome.why in text


async def test_kedas_floor_is_written_on_the_scaled_object(by_keda: Place) -> None:
    """Never on KEDA's own HPA; a floor that was not there is taken away again."""
    own = hpa()
    meta = by_keda.get("scaledobject")["metadata"]
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "portal", "uid": meta["uid"]}
    own["metadata"] = {"name": "keda-hpa-portal", "ownerReferences": [owner | {"controller": True}]}
    by_keda.apply(own)
    assert (await by_keda.proven())[0] is ConditionStatus.TRUE
    assert await by_keda.floor(0, 4) == Done()
    assert by_keda.get("scaledobject")["spec"]["minReplicaCount"] == 4
    assert by_keda.get("hpa", "keda-hpa-portal")["spec"]["minReplicas"] == 1
    await until(lambda: bool(by_keda.sight.noted(by_keda.ent.key)), "the note is seen")
    (noted,) = by_keda.sight.noted(by_keda.ent.key)
    assert noted.note == FloorNote(ent=str(by_keda.ent.key), before=None, wrote=4)
    assert await give_back(by_keda.api, noted, CLOCK.now) == Done()
    assert "minReplicaCount" not in by_keda.get("scaledobject")["spec"]


async def test_a_paused_scaled_object_is_left_alone(by_keda: Place) -> None:
    """Somebody told KEDA to keep its hands off; ours stay off too, and it is said half a day before the bell."""
    by_keda.apply(scaled_object({PAUSED: "true"}))
    await until(lambda: by_keda.binding().obstacle is not None, "the pause is seen")
    assert isinstance(await by_keda.floor(0, 4), Refused)
    assert (await by_keda.proven())[:2] == (ConditionStatus.FALSE, Reason.AUTOSCALER_PAUSED)
    assert "minReplicaCount" not in by_keda.get("scaledobject")["spec"]


async def test_a_script_that_plays_gitops_is_named_and_yielded_to(floored: Place) -> None:
    """It applies its manifest again and again; the third time we stop, name it and write no more."""
    flags = ("--server-side", "--force-conflicts", "--field-manager=argocd-controller")
    outcome: Outcome = Done()
    for number in range(3):
        assert await floored.floor(1, 4) == Done(), f"revert {number}"
        floored.apply(hpa(), *flags)
        assert floored.get("hpa")["spec"]["minReplicas"] == 1
    outcome = await floored.floor(1, 4)
    assert isinstance(outcome, Refused)
    assert outcome.why.startswith("argocd-controller keeps changing minReplicas of HorizontalPodAutoscaler portal at a")
    assert floored.get("hpa")["spec"]["minReplicas"] == 1
    assert floored.ent.key in floored.rivals.found(CLOCK.now())


async def test_a_manifest_without_the_field_is_no_rival(floored: Place) -> None:
    """What docs/gitops.md asks for: GitOps applies everything but the floor, and both live in peace."""
    manifest = hpa()
    del manifest["spec"]["minReplicas"]
    assert await floored.floor(1, 4) == Done()
    for was, count in ((4, 5), (5, 3), (3, 4), (4, 2)):
        floored.apply(manifest, "--server-side", "--force-conflicts", "--field-manager=argocd-controller")
        assert await floored.floor(was, count) == Done()
        assert floored.get("hpa")["spec"]["minReplicas"] == count
    assert floored.rivals.found(CLOCK.now()) == {}


async def test_a_rival_of_the_count_is_named(scaled: Place) -> None:
    """The same for replicas that are ours: `kubectl apply` of a Deployment that says how many."""
    manifest = deployment("portal", replicas=1, start_up_milliseconds=0)
    for _ in range(3):
        assert await scaled.scale(1, 4) == Done()
        scaled.apply(manifest, "--server-side", "--force-conflicts", "--field-manager=flux")
    outcome = await scaled.scale(1, 4)
    assert isinstance(outcome, Refused)
    assert outcome.why.startswith("flux keeps changing Deployment portal at a back (last from 4 to 1)")


def admission_policy(namespace: str, resource: str, group: str, expression: str) -> list[dict[str, Any]]:
    """A policy that refuses in one namespace."""
    name = f"{namespace}-most"[-60:].strip("-")
    match = {
        "resourceRules": [
            {"apiGroups": [group], "apiVersions": ["*"], "resources": [resource], "operations": ["UPDATE"]}
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
    }
    version = "admissionregistration.k8s.io/v1"
    return [
        {
            "apiVersion": version,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": match,
                "validations": [{"expression": expression, "message": "at most five portals, says finance"}],
            },
        },
        {
            "apiVersion": version,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]


async def refused_by_policy(place: Place, policy: list[dict[str, Any]]) -> tuple[ConditionStatus, Reason, str]:
    """Install the policy, wait until it is in force, and return what the proof says."""
    place.site.kubectl("apply", "--filename=-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": policy}))
    try:
        async with asyncio.timeout(POLICY_SECONDS):
            while True:
                place.prover = Prover(place.prover._clusters, place.prover._bindings, CLOCK.now)  # nothing proven yet
                found = await place.proven()
                if found[0] is ConditionStatus.FALSE:
                    return found
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError("the policy does not come into force") from None


def remove(place: Place, policy: list[dict[str, Any]]) -> None:
    """Take the policy away."""
    for each in policy:
        place.site.kubectl("delete", each["kind"], each["metadata"]["name"])


async def test_a_policy_that_refuses_is_known_before_the_bell(scaled: Place) -> None:
    """Two replicas would pass; the dry run asks for the maximum, and the policy's own words are told."""
    policy = admission_policy(scaled.namespace, "deployments/scale", "apps", "object.spec.replicas <= 5")
    try:
        status, reason, text = await refused_by_policy(scaled, policy)
        assert (status, reason) == (ConditionStatus.FALSE, Reason.WRITE_REFUSED)
        assert "at most five portals, says finance" in text
        outcome = await scaled.scale(1, 8)
        assert isinstance(outcome, Refused)
        assert "at most five portals, says finance" in outcome.why
        assert scaled.replicas == 1, "a dry run leaves nothing behind"
        assert await scaled.scale(1, 5) == Done()
    finally:
        remove(scaled, policy)


async def test_a_policy_on_autoscalers_is_known_before_the_bell(floored: Place) -> None:
    """The floor's dry run passes the same admission as the floor."""
    resource, expression = "horizontalpodautoscalers", "object.spec.minReplicas <= 5"
    policy = admission_policy(floored.namespace, resource, "autoscaling", expression)
    try:
        status, reason, text = await refused_by_policy(floored, policy)
        assert (status, reason) == (ConditionStatus.FALSE, Reason.WRITE_REFUSED)
        assert "at most five portals, says finance" in text
        found = floored.get("hpa")
        assert (found["spec"]["minReplicas"], FLOOR_ANNOTATION in found["metadata"].get("annotations", {})) == (
            1,
            False,
        )
    finally:
        remove(floored, policy)


@pytest.mark.parametrize("owner", [ReplicaOwner.SCALE, ReplicaOwner.HPA_FLOOR])
async def test_credentials_that_do_not_suffice_are_known_before_the_bell(
    site: Cluster, api: ApiServer, namespace: str, owner: ReplicaOwner
) -> None:
    """An account that may look and not write: the condition names what it may not do."""
    rules = ["--verb=get,list,watch", "--resource=deployments,deployments/scale,horizontalpodautoscalers"]
    site.kubectl("create", "clusterrole", namespace, *rules)
    account = f"--serviceaccount={namespace}:default"
    site.kubectl("create", "clusterrolebinding", namespace, f"--clusterrole={namespace}", account)
    config = yaml.safe_load(site.kubectl("config", "view", "--raw", "--minify", "--output=yaml"))
    token = site.kubectl("create", "token", "default", f"--namespace={namespace}").strip()
    config["users"][0]["user"] = {"token": token}
    weak = ApiServer.connect(read_kubeconfig(yaml.safe_dump(config).encode(), where="test"), name="site a")
    try:
        async with a_place(site, api, namespace, owner) as place:
            if owner is ReplicaOwner.HPA_FLOOR:
                place.apply(hpa())
                await place.bound()
            await until(lambda: place.sight.known, "autoscalers are listed")
            place.prover = Prover(lambda: {A: weak}, place.prover._bindings, CLOCK.now)
            status, reason, text = await place.proven()
    finally:
        await weak.close()
        site.kubectl("delete", "clusterrole,clusterrolebinding", namespace)
    assert (status, reason) == (ConditionStatus.FALSE, Reason.NOT_PERMITTED)
    assert "cannot update resource" in text or "cannot patch resource" in text


QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "2"}}}
LIMITS = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "small"},
    "spec": {"limits": [{"type": "Container", "max": {"cpu": "50m"}, "default": {"cpu": "50m"}}]},
}


@pytest.mark.parametrize(
    ("bound", "words"),
    [(QUOTA, "exceeded quota: few"), (LIMITS, "must be less than or equal to cpu limit")],
    ids=["quota", "limits"],
)
async def test_pods_that_the_cluster_refuses_are_told(scaled: Place, bound: dict[str, Any], words: str) -> None:
    """The count is written and no pod comes: why is said in the cluster's own words, and over when it is over."""
    scaled.apply(bound)
    assert await scaled.scale(1, 4) == Done()

    def refused() -> str:
        body = json.dumps(scaled.get("deployment")).encode()
        return decode_workload(body).refused

    await asyncio.to_thread(wait_until, lambda: words in refused(), 30.0, "the refusal is told")
    scaled.kubectl("delete", bound["kind"], bound["metadata"]["name"])
    assert isinstance(await scaled.scale(4, 1), Done)
    await asyncio.to_thread(wait_until, lambda: not refused(), 30.0, "it is over")


async def test_a_disruption_budget_hinders_neither_growth_nor_shrinking(scaled: Place) -> None:
    """Scaling is no eviction: a budget that allows none is kept, and both directions work."""
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "all"},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "portal"}}},
    }
    scaled.apply(budget)
    for was, count in ((1, 3), (3, 2)):
        assert await scaled.scale(was, count) == Done()
        key = ObjectKey(scaled.namespace, "portal")

        async def ready(key: ObjectKey = key) -> int:
            return decode_workload(await scaled.api.call("GET", DEPLOYMENTS.path(key))).ready

        async with asyncio.timeout(30):
            while await ready() != count:  # noqa: ASYNC110 - the API server's answer is what is waited for
                await asyncio.sleep(0.1)


MAPS = Resource("v1", "ConfigMap", "configmaps")
"""Stands in for the ENT: any object can carry a finalizer."""

CALLS = 9
"""Requests of one life: the finalizer, two floors, giving back and letting go, each read before it is written."""


class KilledError(BaseException):
    """The process is gone."""


class Dying:
    """An API server to which one request is the last: sent, or about to be sent."""

    def __init__(self, api: ApiServer, *, last: int, sent: bool) -> None:
        self._api = api
        self._left = last
        self._sent = sent
        self.name = api.name

    async def call(self, *arguments: Any, **more: Any) -> bytes:
        """Pass the request on, unless we die before it or right after it."""
        self._left -= 1
        if self._left < 0 and not self._sent:
            raise KilledError
        answer = await self._api.call(*arguments, **more)
        if self._left < 0:
            raise KilledError
        return answer


async def a_life(place: Place, api: Any, uid: str) -> None:
    """Hold the ENT, raise the floor twice, give it back, let the ENT go."""
    binding = place.prover._bindings
    writer = FloorWriter(
        lambda: {A: api}, binding, lambda _ent: place.ent.owner, lambda _ent: True, Rivals(), CLOCK.now
    )
    ent = ObjectKey(place.namespace, "nord")
    await hold(api, MAPS, ent, uid=uid, now=CLOCK.now)
    for was, count in ((1, 4), (4, 5)):
        action = SetFloor(
            id=ActionId("floor"), ent=place.ent.key, site=A, target=WORKLOAD, was=was, replicas=count, because=BECAUSE
        )
        await writer.set_floor(action)
    await settle(place, api)


async def settle(place: Place, api: Any) -> None:
    """What a successor does when the ENT is to go: give back what is noted, then let go."""
    bound = place.binding().autoscaler
    assert await give_back(api, bound, CLOCK.now) == Done()
    assert await let_go(api, MAPS, ObjectKey(place.namespace, "nord"), CLOCK.now) == Done()


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("last", range(CALLS))
async def test_killed_at_any_request_the_floor_is_given_back(floored: Place, last: int, sent: bool) -> None:  # noqa: FBT001
    """Note, floor and finalizer always say the same, and a successor ends where an uninterrupted life ends."""
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nord"}}
    floored.apply(made)
    uid = floored.get("configmap", "nord")["metadata"]["uid"]
    with pytest.raises(KilledError):
        await a_life(floored, Dying(floored.api, last=last, sent=sent), uid)
    found = decode_hpa(json.dumps(floored.get("hpa")).encode())
    held = FINALIZER in floored.get("configmap", "nord")["metadata"].get("finalizers", [])
    if found.note is None:
        assert found.floor == 1
    else:
        assert (found.note.before, found.note.wrote, held) == (1, found.floor, True)
    await settle(floored, floored.api)
    after = decode_hpa(json.dumps(floored.get("hpa")).encode())
    assert (after.floor, after.note) == (1, None)
    assert "finalizers" not in floored.get("configmap", "nord")["metadata"]


async def test_a_whole_life_takes_so_many_requests(floored: Place) -> None:
    """Otherwise the test above would not kill at each of them; what it dies of beyond is nothing."""
    floored.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nord"}})
    uid = floored.get("configmap", "nord")["metadata"]["uid"]
    dying = Dying(floored.api, last=CALLS, sent=True)
    await a_life(floored, dying, uid)
    assert dying._left == 0
