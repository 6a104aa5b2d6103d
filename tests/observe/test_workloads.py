"""Workloads to replica states."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from controller.domain.fleet import Target
from controller.domain.names import SiteName
from controller.kube.resources import ObjectKey
from controller.observe.workloads import ReplicaTracker, Workload, decode_workload
from tests.builders import BELL, an_ent


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
class View:
    """A site whose one workload can be set."""

    workload: Workload | None
    alive_at: datetime | None = BELL

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
    views = {SiteName("a"): View(READY, alive_at=BELL - timedelta(hours=1)), SiteName("b"): View(None, alive_at=None)}
    (state,) = tracker.states(ents, views, BELL)
    assert (state.site, state.ready, state.seen_at) == ("a", 3, BELL - timedelta(hours=1))
