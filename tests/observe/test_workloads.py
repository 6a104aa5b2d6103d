"""Workloads to replica states."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from controller.domain.fleet import ReplicaOwner, Target
from controller.domain.names import EntKey, SiteName
from controller.kube.autoscalers import Autoscaler
from controller.kube.binding import Binding, bind
from controller.kube.resources import ObjectKey
from controller.observe.workloads import (
    AutoscalerView,
    Ceilings,
    ReplicaTracker,
    Workload,
    WorkloadView,
    decode_workload,
)
from tests.builders import BELL, an_ent
from tests.kube.test_autoscalers import an_hpa


def deployment(**spec: Any) -> bytes:
    """A Deployment as the API server sends it, with much that is not kept."""
    return json.dumps(
        {
            "metadata": {"name": "portal", "labels": {"x": "y"}, "managedFields": [{}]},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [{"image": "one"}]}}} | spec,
            "status": {"replicas": 3, "readyReplicas": 2, "conditions": []},
        }
    ).encode()


def test_six_fields_are_kept() -> None:
    """Wanted, Ready and the identity of the template; absent counts are zero Ready and one wanted."""
    found = decode_workload(deployment())
    assert (found.wanted, found.ready) == (3, 2)
    bare = decode_workload(b'{"spec":{"template":{}},"status":{}}')
    assert (bare.wanted, bare.ready) == (1, 0)


def test_scaling_is_no_rollout_and_a_new_image_is() -> None:
    """The revision follows the template alone."""
    before = decode_workload(deployment())
    scaled = decode_workload(deployment(replicas=9))
    rolled = decode_workload(deployment(template={"spec": {"containers": [{"image": "two"}]}}))
    assert before.revision == scaled.revision
    assert before.revision != rolled.revision


@dataclass
class Autoscalers:
    """A site's autoscalers, all of them of the one workload."""

    found: list[Autoscaler] = field(default_factory=list)
    seen_at: datetime | None = BELL

    def alive_at(self, owner: ReplicaOwner) -> datetime | None:
        """Return the last proof."""
        return self.seen_at

    def binding(self, owner: ReplicaOwner, ent: EntKey, target: Target) -> Binding:
        """Bind by the rule."""
        return bind(owner, ent, target, self.found)


@dataclass
class View:
    """A site whose one workload can be set."""

    workload: Workload | None
    alive_at: datetime | None = BELL
    autoscalers: AutoscalerView = field(default_factory=Autoscalers)

    def find(self, target: Target, key: ObjectKey) -> Workload | None:
        """Return the one workload."""
        assert (target.name, key) == ("portal", ObjectKey("ents", "portal"))
        return self.workload


READY = Workload(wanted=3, ready=3, revision="one")


def test_pending_since_survives_until_all_are_ready() -> None:
    """How long replicas have been missing is counted from the first sight of it, and ends with the last one Ready."""
    tracker, view = ReplicaTracker(), View(READY)
    ents = (an_ent(sites=("a",)),)

    def pending_since(workload: Workload, seconds: int) -> datetime | None:
        view.workload = workload
        return tracker.states(ents, {SiteName("a"): view}, BELL + timedelta(seconds=seconds))[0].pending_since

    assert pending_since(READY, 0) is None
    assert pending_since(replace(READY, wanted=5), 5) == BELL + timedelta(seconds=5)
    assert pending_since(replace(READY, wanted=5, ready=4), 10) == BELL + timedelta(seconds=5)
    assert pending_since(replace(READY, wanted=5, ready=5), 15) is None


def test_the_first_revision_has_no_beginning() -> None:
    """Only a change that was seen can be a suspected rollout."""
    tracker, view = ReplicaTracker(), View(READY)
    ents = (an_ent(sites=("a",)),)
    assert tracker.states(ents, {SiteName("a"): view}, BELL)[0].revision_since is None
    view.workload = replace(READY, revision="two")
    assert tracker.states(ents, {SiteName("a"): view}, BELL)[0].revision_since == BELL


def test_what_was_never_seen_is_not_there_and_what_was_seen_grows_old() -> None:
    """A site that cannot be watched has no state, or an old one: never zero replicas."""
    tracker = ReplicaTracker()
    ents = (an_ent(sites=("a", "b")),)
    views: dict[SiteName, WorkloadView] = {
        SiteName("a"): View(READY, alive_at=BELL - timedelta(hours=1)),
        SiteName("b"): View(None, alive_at=None),
    }
    (state,) = tracker.states(ents, views, BELL)
    assert (state.site, state.ready, state.seen_at) == ("a", 3, BELL - timedelta(hours=1))


FLOORED = an_ent(sites=("a",), owner=ReplicaOwner.HPA_FLOOR)


def test_of_a_floor_the_floor_is_what_is_wanted() -> None:
    """Sonnerie owns the floor, so the floor is what it compares with; how many are Ready counts as ever."""
    view = View(replace(READY, wanted=9, ready=7), autoscalers=Autoscalers([an_hpa(minReplicas=5)]))
    (state,) = ReplicaTracker().states((FLOORED,), {SiteName("a"): view}, BELL)
    assert (state.wanted, state.ready, state.pending_since) == (5, 7, None)


def test_a_floor_is_as_old_as_the_older_of_two_sights() -> None:
    """Workload and autoscaler are watched apart; before the autoscalers are seen nothing is known of a floor."""
    seen = BELL - timedelta(minutes=1)
    view = View(READY, autoscalers=Autoscalers([an_hpa()], seen_at=seen))
    (state,) = ReplicaTracker().states((FLOORED,), {SiteName("a"): view}, BELL)
    assert state.seen_at == seen
    view = View(READY, autoscalers=Autoscalers([an_hpa()], seen_at=None))
    assert ReplicaTracker().states((FLOORED,), {SiteName("a"): view}, BELL) == ()


def test_without_an_autoscaler_the_count_is_what_there_is() -> None:
    """The refusal to write is told elsewhere; that replicas are Ready must not be forgotten over it."""
    (state,) = ReplicaTracker().states((FLOORED,), {SiteName("a"): View(READY)}, BELL)
    assert (state.wanted, state.ready) == (3, 3)


def test_a_ceiling_of_the_autoscaler_bounds_the_plan() -> None:
    """What `maxReplicas` does not allow is planned elsewhere; the ENT stays the same value while nothing changes."""
    ceilings, view = Ceilings(), View(READY, autoscalers=Autoscalers([an_hpa(maxReplicas=20)]))
    views: dict[SiteName, WorkloadView] = {SiteName("a"): view}
    (bounded,) = ceilings.applied([FLOORED], views)
    assert (bounded.placements[0].max_replicas, FLOORED.placements[0].max_replicas) == (20, 100)
    assert ceilings.applied([FLOORED], views)[0] is bounded
    assert ceilings.applied([an_ent()], views) == (an_ent(),)


def test_why_pods_are_refused_is_kept() -> None:
    """Kubernetes says it in a condition of the Deployment, and takes it away when it is over."""
    message = 'pods "portal-1" is forbidden: exceeded quota'
    body = json.loads(deployment())
    for status, kept in (("True", message), ("False", "")):
        body["status"]["conditions"] = [{"type": "ReplicaFailure", "status": status, "message": message}]
        assert decode_workload(json.dumps(body).encode()).refused == kept
