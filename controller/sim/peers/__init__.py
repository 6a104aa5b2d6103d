"""The peers, as their sources define them: what ours is measured against on the same mornings.

Pure algorithms (`hpa*`, `keda*`, …) stand apart from the controllers that feed them from what is seen. Nothing of
Sonnerie's planner is used here. docs/peers.md states source, version and tuning of each.
"""

from collections.abc import Callable, Mapping

from controller.sim.controller import Controller, Known
from controller.sim.peers.aws_scaler import aws_predictive
from controller.sim.peers.failover_controllers import k8gb, karmada
from controller.sim.peers.hpa_scalers import hpa_cpu, hpa_requests, hpa_tuned
from controller.sim.peers.keda_scaler import keda_default, keda_strict
from controller.sim.peers.knative_scaler import knative_kpa
from controller.sim.peers.phpa_scaler import phpa
from controller.sim.peers.static_peak import StaticPeak
from controller.sim.peers.zalando_scaler import zalando_plain, zalando_tolerance

PEERS: Mapping[str, Callable[[Known], Controller]] = {
    "static-peak": StaticPeak,
    "hpa-cpu": hpa_cpu,
    "hpa-requests": hpa_requests,
    "hpa-tuned": hpa_tuned,
    "keda": keda_default,
    "keda-strict": keda_strict,
    "zalando": zalando_plain,
    "zalando-tolerance": zalando_tolerance,
    "aws-predictive": aws_predictive,
    "phpa": phpa,
    "knative": knative_kpa,
    "k8gb": k8gb,
    "karmada": karmada,
}
"""By the name under which `sonnerie simulate --controllers` knows them."""

__all__ = ["PEERS"]
