"""Nodes of finite capacity, played by kwok: what a node is, and how long its pods take to start."""

from __future__ import annotations

from typing import Any

import yaml

START_UP_ANNOTATION = "sonnerie.dev/start-up-milliseconds"
MANAGED_LABEL = "sonnerie.dev/kwok"  # a node without it is one that kwok has let go: no heartbeats, no pods played

# Pods do not become Ready in lockstep in reality; up to a tenth on top keeps the order of tests honest.
JITTER_FACTOR = 1.1
MEMORY_PER_NODE = "256Gi"  # never the bound: capacity is said in pods and CPU


def node(name: str, *, zone: str, pods: int, cpu: str) -> dict[str, Any]:
    """Gives a Node with finite capacity that kwok will play."""
    size = {"cpu": cpu, "memory": MEMORY_PER_NODE, "pods": str(pods)}
    labels = {
        MANAGED_LABEL: "true",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": zone,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": size, "allocatable": size},
    }


def stages(start_up_milliseconds: int) -> str:
    """Gives kwok's whole configuration: a node gets ready, a pod gets ready after its delay, a pod goes."""
    return yaml.safe_dump_all(
        [
            _stage("node-ready", "Node", _NOT_READY, statusTemplate=_NODE_READY),
            _stage(
                "pod-ready",
                "Pod",
                [{"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}, _PENDING, *_NOT_READY],
                delay={
                    "durationFrom": _milliseconds(start_up_milliseconds, 1),
                    "jitterDurationFrom": _milliseconds(start_up_milliseconds, JITTER_FACTOR),
                },
                statusTemplate=_POD_READY,
            ),
            _stage("pod-delete", "Pod", [{"key": ".metadata.deletionTimestamp", "operator": "Exists"}], delete=True),
        ],
        sort_keys=False,
    )


def _stage(name: str, kind: str, selector: list[Any], *, delay: Any = None, **next_state: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": selector},
            **({"delay": delay} if delay else {}),
            "next": next_state,
        },
    }


def _milliseconds(otherwise: int, factor: float) -> dict[str, Any]:
    # An annotation that is no number must not stop the pod: it counts as absent.
    given = f'(.metadata.annotations["{START_UP_ANNOTATION}"] // "" | tonumber? // {otherwise})'
    return {"jq": {"expression": f'({given} * {factor} | ceil | tostring) + "ms"'}}


_NOT_READY = [
    {
        "key": '.status.conditions.[] | select( .type == "Ready" ) | .status',
        "operator": "NotIn",
        "values": ["True"],
    }
]
_PENDING = {"key": ".status.phase", "operator": "In", "values": ["Pending"]}

_NODE_READY = """\
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}
addresses:
- address: {{ .metadata.name | Quote }}
  type: Hostname
nodeInfo:
  architecture: amd64
  bootID: ""
  containerRuntimeVersion: kwok
  kernelVersion: kwok
  kubeProxyVersion: kwok
  kubeletVersion: kwok
  machineID: ""
  operatingSystem: linux
  osImage: ""
  systemUUID: ""
phase: Running
"""

_POD_READY = """\
{{ $now := Now }}
conditions:
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: Initialized
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: ContainersReady
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: Ready
{{ range .spec.readinessGates }}
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: {{ .conditionType | Quote }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  imageID: ""
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  started: true
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
{{ $podIPs := PodIPsWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
{{ with $podIPs }}
podIP: {{ index . 0 | Quote }}
podIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
phase: Running
startTime: {{ $now | Quote }}
"""  # noqa: E501  kwok's own line
