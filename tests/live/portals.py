"""A small portal as Kubernetes objects, for tests that need pods."""

from __future__ import annotations

import json
from typing import Any

from tests.controlplane.clusters import Cluster
from tests.controlplane.nodes import START_UP_ANNOTATION

WARNINGS = "error,ignore:unclosed transport:ResourceWarning"
"""Whatever Python warns of is a failure, but for connections accepted in the moment in which a listener closes: asyncio
leaves them to the collector."""


def deployment(name: str, *, replicas: int, start_up_milliseconds: int | None = None, cpu: str = "100m") -> str:
    """Gives a Deployment as JSON; its pods take the given time to become Ready."""
    annotations = {} if start_up_milliseconds is None else {START_UP_ANNOTATION: str(start_up_milliseconds)}
    labels = {"app": name}
    container = {"name": "portal", "image": "portal", "resources": {"requests": {"cpu": cpu}}}
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels, "annotations": annotations},
                    "spec": {"containers": [container]},
                },
            },
        }
    )


def pods(site: Cluster, namespace: str, app: str) -> list[dict[str, Any]]:
    """Gives the pods of a portal."""
    listed = site.kubectl("get", "pods", f"--namespace={namespace}", f"--selector=app={app}", "--output=json")
    found: list[dict[str, Any]] = json.loads(listed)["items"]
    return found


def condition(item: dict[str, Any], kind: str) -> dict[str, str]:
    """Gives one condition of an object, empty if it has none of that kind."""
    conditions: list[dict[str, str]] = item.get("status", {}).get("conditions", [])
    return next((entry for entry in conditions if entry["type"] == kind), {})


def is_true(item: dict[str, Any], kind: str) -> bool:
    """Says whether an object has a condition with status True."""
    return condition(item, kind).get("status") == "True"
