"""The nodes of a cluster that kwok plays: created, watched until Ready, and left without heartbeat on purpose."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import Any

from tests.controlplane.client import ApiClient
from tests.controlplane.errors import ServerFailedError
from tests.controlplane.nodes import MANAGED_LABEL, node

NODES = "/api/v1/nodes"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
NOT_READY_TAINT = "node.kubernetes.io/not-ready"


@dataclass(frozen=True, slots=True)
class PlayedNodes:
    """The played nodes of one site."""

    client: ApiClient
    site: str

    def names(self, count: int) -> list[str]:
        """Gives the names of the site's nodes."""
        return [f"{self.site}-node-{number}" for number in range(count)]

    def create(self, count: int, *, pods: int, cpu: str) -> None:
        """Creates the nodes that are not there yet."""
        for name in self.names(count):
            answer = self.client.call("POST", NODES, node(name, zone=self.site, pods=pods, cpu=cpu))
            if not answer.ok and answer.status != http.client.CONFLICT:
                message = f"node {name} was refused: {answer.text}"
                raise ServerFailedError(message)

    def all_ready(self, count: int) -> bool:
        """Says whether every node is Ready and takes pods."""
        try:
            listed = self.client.call("GET", f"{NODES}?labelSelector={MANAGED_LABEL}")
        except OSError:
            return False
        items = listed.json()["items"] if listed.ok else []
        return len(items) >= count and all(takes_pods(item) for item in items)

    def forget_leases(self, count: int) -> None:
        """Deletes the nodes' leases, so that a new kwok need not wait for those of a killed one to run out."""
        for name in self.names(count):
            self.client.call("DELETE", f"{LEASES}/{name}")

    def stop_heartbeats(self, *names: str) -> None:
        """Makes nodes fall silent, as if their machines were gone; their pods are not played any more either."""
        self._label(None, names)

    def resume_heartbeats(self, *names: str) -> None:
        """Brings silent nodes back."""
        self._label("true", names)

    def _label(self, value: str | None, names: tuple[str, ...]) -> None:
        for name in names:
            answer = self.client.call("PATCH", f"{NODES}/{name}", {"metadata": {"labels": {MANAGED_LABEL: value}}})
            if not answer.ok:
                message = f"the heartbeat of node {name} could not be changed: {answer.text}"
                raise ServerFailedError(message)


def takes_pods(item: dict[str, Any]) -> bool:
    """Says whether a Node as listed is Ready and free of the taint that new nodes carry."""
    ready = any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in item["status"].get("conditions", [])
    )
    return ready and not any(taint["key"] == NOT_READY_TAINT for taint in item["spec"].get("taints", []))
