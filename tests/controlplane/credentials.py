"""Everything a site's servers need to trust each other, written once and kept when the site is killed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from tests.controlplane.certificates import Authority, Client, service_account_key, write_private
from tests.controlplane.client import ApiClient, tls_context, write_kubeconfig
from tests.controlplane.components import Files
from tests.controlplane.ports import LOOPBACK

SERVICE_ADDRESS = "10.96.0.1"  # the first address of the service range: `kubernetes.default`

# kubeconfig → user and groups, as Kubernetes' own roles know them
USERS: Mapping[str, tuple[str, ...]] = {
    "admin": ("admin", "system:masters"),
    # With one identity for all its controllers it needs every right; ServiceAccounts of its own would be slower.
    "controller-manager": ("system:kube-controller-manager", "system:masters"),
    "scheduler": ("system:kube-scheduler",),
    "kwok": ("system:kwok", "system:masters"),
}


class Credentials:
    """One site's authority and what it issued."""

    def __init__(self, name: str, files: Files, address: str = LOOPBACK) -> None:
        self._name = name
        self._files = files
        now = datetime.datetime.now(datetime.UTC)
        self._authority = Authority(f"sonnerie-{name}", now)
        front_proxy = Authority(f"sonnerie-{name}-front-proxy", now)
        self._clients = {kubeconfig: self._authority.client(*user) for kubeconfig, user in USERS.items()}
        names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
        self._write_pair("server", self._authority.server(*names, *{LOOPBACK, address}, SERVICE_ADDRESS))
        self._write_pair("front-proxy", front_proxy.client("front-proxy"))
        write_private(files.pki / "ca.crt", self._authority.pem)
        write_private(files.pki / "front-proxy-ca.crt", front_proxy.pem)
        write_private(files.pki / "service-account.key", service_account_key())

    def write_kubeconfigs(self, server: str) -> None:
        """Writes one kubeconfig per user, for the server at this address."""
        for kubeconfig, client in self._clients.items():
            path = self._files.kubeconfigs / f"{kubeconfig}.yaml"
            write_kubeconfig(path, name=self._name, server=server, authority=self._authority.pem, client=client)

    def admin_client(self, server: str) -> ApiClient:
        """Gives a client with all rights for a server of this site."""
        return ApiClient(server, tls_context(self._authority.pem, self._clients["admin"]))

    def _write_pair(self, name: str, pair: Client) -> None:
        write_private(self._files.pki / f"{name}.crt", pair.certificate)
        write_private(self._files.pki / f"{name}.key", pair.key)
