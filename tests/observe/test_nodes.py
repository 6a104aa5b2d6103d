"""Nodes that fall silent, and the pods that then do not count."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.observe.heartbeats import (
    LONGEST_GAP_SECONDS,
    SILENT_AFTER_SECONDS,
    Heartbeats,
    decode_renewal,
)
from controller.observe.nodes import Owner, ReadyPod, decode_pod

RENEW_EVERY_SECONDS = 10
LOOKS = 60


def looked(renewals: dict[str, list[bool]], gaps: dict[int, float]) -> list[frozenset[str]]:
    """Look once a second at nodes of which each renews, or does not, in each second; gaps are ages of the sight."""
    beats, found = Heartbeats(), []
    last = dict.fromkeys(renewals, "0")
    for second in range(LOOKS):
        for node, renews in renewals.items():
            if renews[second]:
                last[node] = str(second)
        found.append(beats.look(dict(last), at_seconds=second, proof_age_seconds=gaps.get(second, 0.0)))
    return found


def renewing(*, until: int = LOOKS) -> list[bool]:
    """A node that renews every ten seconds until then."""
    return [second % RENEW_EVERY_SECONDS == 0 and second < until for second in range(LOOKS)]


def test_a_node_that_stops_renewing_is_silent_after_fifteen_seconds() -> None:
    """And not before; the one that goes on never is."""
    silent = looked({"gone": renewing(until=25), "well": renewing()}, {})
    first = next(second for second, found in enumerate(silent) if found)
    assert silent[first] == {"gone"}
    assert first == 20 + SILENT_AFTER_SECONDS + 1
    assert all(found == {"gone"} for found in silent[first:])


def test_a_node_that_renews_again_is_heard_of_at_once() -> None:
    """Its pods count again with the first renewal."""
    pattern = renewing(until=1)
    pattern[40] = True
    silent = looked({"back": pattern, "well": renewing()}, {})
    assert silent[39] == {"back"}
    assert not silent[40]


def test_when_nobody_renews_nobody_is_silent() -> None:
    """Then the API server takes no writes, and nothing is known about nodes."""
    assert not any(looked({"one": renewing(until=5), "two": renewing(until=5)}, {}))
    assert not any(looked({"only": renewing(until=5)}, {}))


def test_what_we_do_not_see_is_not_silence() -> None:
    """While the watch is not proven alive nothing is counted, and afterwards counting begins anew."""
    gaps = dict.fromkeys(range(10, 40), LONGEST_GAP_SECONDS + 1)
    silent = looked({"quiet": renewing(until=1), "well": renewing()}, gaps)
    assert not any(silent[: 40 + int(SILENT_AFTER_SECONDS) - 1])
    assert silent[-1] == {"quiet"}


def test_a_process_that_was_stopped_has_not_heard_anybody_and_says_so_of_nobody() -> None:
    """After SIGSTOP all Leases look old."""
    beats = Heartbeats()
    beats.look({"one": "0", "two": "0"}, at_seconds=0, proof_age_seconds=0)
    assert beats.look({"one": "0", "two": "1"}, at_seconds=60, proof_age_seconds=0) == frozenset()


@given(
    renewals=st.dictionaries(st.sampled_from("abcd"), st.lists(st.booleans(), min_size=LOOKS, max_size=LOOKS)),
    gaps=st.dictionaries(st.integers(0, LOOKS - 1), st.floats(0, 30)),
)
def test_whoever_is_silent_has_not_renewed_for_so_long_and_somebody_has(
    renewals: dict[str, list[bool]], gaps: dict[int, float]
) -> None:
    """Whatever happens, silence is fifteen seen seconds without renewal, and never of all nodes."""
    for second, silent in enumerate(looked(renewals, gaps)):
        assert not silent or silent < set(renewals)
        for node in silent:
            window = range(second - int(SILENT_AFTER_SECONDS), second + 1)
            assert not any(renewals[node][each] for each in window)
            assert all(gaps.get(each, 0.0) <= LONGEST_GAP_SECONDS for each in window)


def pod(*, ready: str = "True", labels: dict[str, str] | None = None, **owner: Any) -> bytes:
    """A pod as the API server sends it."""
    metadata = {"namespace": "ents", "name": "p", "labels": labels or {}, "ownerReferences": [owner] if owner else []}
    status = {"conditions": [{"type": "Ready", "status": ready}], "phase": "Running"}
    return json.dumps({"metadata": metadata, "spec": {"nodeName": "n", "containers": []}, "status": status}).encode()


HASH = {"pod-template-hash": "5d4f"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            pod(kind="ReplicaSet", name="portal-5d4f", controller=True, labels=HASH),
            ReadyPod(Owner("ents", "Deployment", "portal"), "n"),
        ),
        (
            pod(kind="StatefulSet", name="portal", controller=True),
            ReadyPod(Owner("ents", "StatefulSet", "portal"), "n"),
        ),
        (pod(kind="ReplicaSet", name="portal-5d4f", controller=True, labels=HASH, ready="False"), None),
        (pod(kind="ReplicaSet", name="alone", controller=True, labels=HASH), None),
        (pod(kind="StatefulSet", name="portal", controller=False), None),
        (pod(kind="Job", name="portal", controller=True), None),
        (pod(), None),
        (b'{"metadata":{},"spec":{}}', None),
    ],
)
def test_whose_a_pod_is(body: bytes, expected: ReadyPod | None) -> None:
    """Ready pods of Deployments and StatefulSets are kept, by their controller; of the others nothing."""
    assert decode_pod(body) == expected


def test_a_renewal_is_compared_with_itself_alone() -> None:
    """The kubelet's own text, whatever clock it has; a Lease without one has never been renewed."""
    assert decode_renewal(b'{"spec":{"renewTime":"2026-11-25T05:00:00.000000Z"}}') == "2026-11-25T05:00:00.000000Z"
    assert decode_renewal(b"{}") == ""
