"""The command lines of one site's five servers, and why each flag is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.nodes import MANAGED_LABEL
from tests.controlplane.ports import LOOPBACK
from tests.controlplane.programs import Binaries

ETCD = "etcd"
API_SERVER = "kube-apiserver"
CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"
KWOK = "kwok"

# Inside the cluster only; nothing routes them.
SERVICE_RANGE = "10.96.0.0/16"
POD_RANGE = "10.128.0.0/10"

CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "horizontal-pod-autoscaler-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "resourcequota-controller",
    "disruption-controller",
    "endpointslice-controller",
    "clusterrole-aggregation-controller",  # our manifests add to `view` and `edit`
    "node-lifecycle-controller",  # takes the not-ready taint off new nodes, and marks nodes without heartbeat
    "taint-eviction-controller",  # pods of a node that stays away are deleted
)

# Several times the defaults: a burst of a few hundred pods is what these tests are about.
REQUESTS_PER_SECOND = "200"
REQUEST_BURST = "400"

# Soft limits for the garbage collector, about twice what each was seen to need.
MEMORY_LIMITS = {
    ETCD: "256MiB",
    API_SERVER: "768MiB",
    CONTROLLER_MANAGER: "256MiB",
    SCHEDULER: "192MiB",
    KWOK: "192MiB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where one site's servers listen, the same for as long as it exists."""

    address: str = LOOPBACK
    etcd: int
    etcd_peer: int
    api_server: int
    controller_manager: int
    scheduler: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where one site keeps what its servers read and write."""

    pki: Path
    kubeconfigs: Path
    stages: Path
    data: Path
    audit_log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How quickly a site's controllers notice things."""

    node_grace_seconds: int
    hpa_sync_seconds: int


def etcd(programs: Binaries, ports: Ports, files: Files) -> list[str]:
    """Gives etcd's command line: one member, no fsync, as the data is thrown away."""
    client, peer = f"http://{ports.address}:{ports.etcd}", f"http://{ports.address}:{ports.etcd_peer}"
    return [
        str(programs.etcd),
        "--name=only",
        f"--data-dir={files.data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=only={peer}",
        "--unsafe-no-fsync",
        "--max-wals=1",
        "--max-snapshots=1",
        "--log-level=warn",
    ]


AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    verbs: [create, update, patch, delete, deletecollection]
  - level: None
"""  # who wrote what; reading is not counted


def auditing(files: Files) -> list[str]:
    """Gives what makes an API server log every write."""
    policy = files.audit_log.with_suffix(".policy.yaml")
    policy.write_text(AUDIT_POLICY)
    return [f"--audit-policy-file={policy}", f"--audit-log-path={files.audit_log}", "--audit-log-mode=blocking"]


def api_server(programs: Binaries, ports: Ports, files: Files) -> list[str]:
    """Gives the API server's command line: RBAC, ServiceAccount tokens and an aggregation layer that works."""
    pki = files.pki
    return [
        str(programs.kube_apiserver),
        f"--etcd-servers=http://{ports.address}:{ports.etcd}",
        f"--secure-port={ports.api_server}",
        f"--bind-address={ports.address}",
        f"--advertise-address={ports.address}",
        f"--tls-cert-file={pki / 'server.crt'}",
        f"--tls-private-key-file={pki / 'server.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--service-account-signing-key-file={pki / 'service-account.key'}",
        f"--service-account-key-file={pki / 'service-account.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=RBAC",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--endpoint-reconciler-type=none",  # Endpoints refuse loopback addresses
        f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki / 'front-proxy.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy.key'}",
        "--event-ttl=10m",
        "--profiling=false",
        "--shutdown-delay-duration=0s",
    ]


def controller_manager(programs: Binaries, ports: Ports, files: Files, pace: Pace) -> list[str]:
    """Gives the controller manager's command line: the controllers that a portal's life needs, no others."""
    kubeconfig = files.kubeconfigs / "controller-manager.yaml"
    return [
        str(programs.kube_controller_manager),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={ports.address}",
        f"--secure-port={ports.controller_manager}",
        f"--tls-cert-file={files.pki / 'server.crt'}",
        f"--tls-private-key-file={files.pki / 'server.key'}",
        f"--controllers={','.join(CONTROLLERS)}",
        f"--service-account-private-key-file={files.pki / 'service-account.key'}",
        f"--root-ca-file={files.pki / 'ca.crt'}",
        f"--node-monitor-grace-period={pace.node_grace_seconds}s",
        "--node-monitor-period=1s",
        f"--horizontal-pod-autoscaler-sync-period={pace.hpa_sync_seconds}s",
        f"--kube-api-qps={REQUESTS_PER_SECOND}",
        f"--kube-api-burst={REQUEST_BURST}",
        "--leader-elect=false",
        "--profiling=false",
    ]


def scheduler(programs: Binaries, ports: Ports, files: Files) -> list[str]:
    """Gives the scheduler's command line; without it pods of Deployments are never bound."""
    kubeconfig = files.kubeconfigs / "scheduler.yaml"
    return [
        str(programs.kube_scheduler),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={ports.address}",
        f"--secure-port={ports.scheduler}",
        f"--tls-cert-file={files.pki / 'server.crt'}",
        f"--tls-private-key-file={files.pki / 'server.key'}",
        f"--kube-api-qps={REQUESTS_PER_SECOND}",
        f"--kube-api-burst={REQUEST_BURST}",
        "--leader-elect=false",
        "--profiling=false",
    ]


def kwok(program: Path, kubeconfig: Path, stages: Path, lease_seconds: int) -> list[str]:
    """Gives kwok's command line: it plays only nodes with our label, by our stages alone."""
    return [
        str(program),
        f"--kubeconfig={kubeconfig}",
        f"--config={stages}",
        f"--manage-nodes-with-label-selector={MANAGED_LABEL}=true",
        f"--node-lease-duration-seconds={lease_seconds}",
        f"--cidr={POD_RANGE}",
    ]
