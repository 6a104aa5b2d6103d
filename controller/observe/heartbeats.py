"""Which nodes have fallen silent, by their Leases: half a minute before Kubernetes itself says so.

A kubelet renews its node's Lease every ten seconds. Kubernetes waits 40 to 50 seconds for it before it holds a node's
pods to be unready; until then a Deployment counts them as Ready though their machines may be gone.

How long a node has been silent is counted by our own clock, and only while the watch of the Leases is proven alive:
clocks of nodes are never compared with ours, and a gap in what we see is not silence of theirs. When *no* node renews,
nobody is silent: then it is the API server that takes no writes, as Kubernetes judges too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

SILENT_AFTER_SECONDS = 15.0
"""One renewal missed by half its time. Sooner, a busy kubelet would count as gone."""

LONGEST_GAP_SECONDS = 10.0
"""Between two looks or two proofs of life of the watch; beyond, counting begins anew. Sessions prove life every 8 s."""


class _Spec(msgspec.Struct, rename="camel"):
    renew_time: str = ""


class _Lease(msgspec.Struct):
    spec: _Spec = msgspec.field(default_factory=_Spec)


_LEASES = msgspec.json.Decoder(_Lease)


def decode_renewal(body: bytes) -> str:
    """Return when the node's Lease was renewed, as its kubelet wrote it: to be compared with itself alone."""
    return _LEASES.decode(body).spec.renew_time


@dataclass(slots=True)
class _Heard:
    renewal: str
    silent_seconds: float = 0.0


class Heartbeats:
    """Counts how long each node of one site has not been heard of."""

    def __init__(self) -> None:
        self._nodes: dict[str, _Heard] = {}
        self._looked_at_seconds: float | None = None

    def look(self, renewals: Mapping[str, str], *, at_seconds: float, proof_age_seconds: float) -> frozenset[str]:
        """Return the nodes that are silent, given the last renewals, our clock and how old the sight of them is."""
        before, self._looked_at_seconds = self._looked_at_seconds, at_seconds
        passed = 0.0 if before is None else at_seconds - before
        unseen = passed > LONGEST_GAP_SECONDS or proof_age_seconds > LONGEST_GAP_SECONDS
        found: dict[str, _Heard] = {}
        for node, renewal in renewals.items():
            heard = self._nodes.get(node)
            if heard is None or unseen or heard.renewal != renewal:
                found[node] = _Heard(renewal)
            else:
                found[node] = _Heard(renewal, heard.silent_seconds + passed)
        self._nodes = found
        silent = frozenset(node for node, heard in found.items() if heard.silent_seconds > SILENT_AFTER_SECONDS)
        return silent if len(silent) < len(found) else frozenset()
