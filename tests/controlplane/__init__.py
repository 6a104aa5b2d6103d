"""Real Kubernetes control planes, Prometheus and HAProxy for tests and demos, started and ended by us."""

from tests.controlplane.clusters import Cluster, OutsideControlPlane
from tests.controlplane.debian import (
    Program,
    faketime_library,
    find_chromium,
    haproxy_command,
    knot_commands,
    nft_command,
    prometheus_binary,
)
from tests.controlplane.errors import KubectlError, PartsMissingError, ServerFailedError
from tests.controlplane.plane import ControlPlane
from tests.controlplane.programs import Binaries, binaries
from tests.controlplane.sites import Site, SiteSpec
from tests.controlplane.waiting import wait_until

__all__ = [
    "Binaries",
    "Cluster",
    "ControlPlane",
    "KubectlError",
    "OutsideControlPlane",
    "PartsMissingError",
    "Program",
    "ServerFailedError",
    "Site",
    "SiteSpec",
    "binaries",
    "faketime_library",
    "find_chromium",
    "haproxy_command",
    "knot_commands",
    "nft_command",
    "prometheus_binary",
    "wait_until",
]
