"""A fleet with one instance per site: three real API servers that share nothing, one process at each.

Every process has the account of its own cluster, as the overlay one-site grants it, and at the other sites an account
that reads reports and can do nothing else.
"""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.controlplane.clusters import Cluster
from tests.controlplane.ports import free_ports
from tests.live.doors import Door, Meter
from tests.live.portals import WARNINGS, deployment
from tests.policy.objects import an_object

ROOT = Path(__file__).parents[2]
SYSTEM = "sonnerie-system"
QUICK_LEASE = {
    "SONNERIE_LEASE_DURATION_SECONDS": "4",
    "SONNERIE_LEASE_RENEW_DEADLINE_SECONDS": "3",
    "SONNERIE_LEASE_RETRY_SECONDS": "0.5",
    "SONNERIE_LEASE_CALL_DEADLINE_SECONDS": "0.45",
}


@dataclass
class Instance:
    """One process of ours, at a site or outside all."""

    process: subprocess.Popen[str]
    log: Path
    listen: int = 0

    def page(self, path: str) -> str | None:
        """Return a page's text; None if it is not there."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.listen}{path}", timeout=5) as answer:
                text: str = answer.read().decode()
                return text
        except OSError:
            return None

    def lines(self) -> list[dict[str, Any]]:
        """Return the log."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait(10)


@dataclass
class Fleet:
    """Sites by letter, each with its cluster, its public address, and an instance that runs there."""

    clusters: Mapping[str, Cluster]
    namespace: str
    folder: Path
    doors: dict[str, Door] = field(default_factory=dict)
    references: list[Door] = field(default_factory=list)
    meters: dict[str, Meter] = field(default_factory=dict)
    """The Prometheus of each site, which only its own instance asks."""
    instances: dict[str, Instance] = field(default_factory=dict)

    def name(self, letter: str) -> str:
        """Return the name of the Site."""
        return f"{self.namespace}-{letter}"

    def weights(self, letter: str) -> dict[str, int]:
        """Return the weights of the route at a site, by letter."""
        path = "--output=jsonpath={.spec.rules[0].backendRefs}"
        refs = self.clusters[letter].kubectl("get", "httproute", "portal", f"--namespace={self.namespace}", path)
        return {ref["name"].removeprefix("at-"): ref["weight"] for ref in json.loads(refs)}

    def verdict(self, at: str, of: str) -> str:
        """Return what the instance at one site holds of another."""
        return self.clusters[at].kubectl("get", "site", self.name(of), "--output=jsonpath={.status.verdict}")

    def served(self, at: str) -> bool:
        """Tell whether the instance at a site knows who serves the ENT, and finds nothing wanting."""
        found = self.clusters[at].kubectl(
            "get", "regionalent", "nord", f"--namespace={self.namespace}", "--output=json"
        )
        status = json.loads(found).get("status", {})
        held = {each["type"]: each["status"] for each in status.get("conditions", ())}
        return bool(status.get("serving")) and held["Ready"] == held["ReserveReady"] == "True"

    def report(self, at: str, observer: str) -> dict[str, Any]:
        """Return a report as it lies at a site; empty when there is none."""
        found = self.clusters[at].kubectl("get", "sitereport", observer, "--ignore-not-found", "--output=json")
        status: dict[str, Any] = json.loads(found).get("status", {}) if found else {}
        return status

    # ------------------------------------------------------------------------------------------------- setting up

    def declare(self, ent: Mapping[str, Any]) -> None:
        """Say the same everywhere: all sites, one ENT with a route at every site, and who may read whose report."""
        for letter, cluster in self.clusters.items():
            cluster.kubectl("apply", "--filename=-", input=self._objects(ent, letter))

    def _objects(self, ent: Mapping[str, Any], here: str) -> str:
        objects: list[dict[str, Any]] = []
        for letter in self.clusters:
            reference = {"namespace": SYSTEM, "name": self.name(letter), "key": "kubeconfig"}
            spec = {"provider": "Example", "cluster": {"kubeconfigSecretRef": reference}}
            spec |= {"probes": {"publicAddresses": [self.doors[letter].url]}}
            if letter in self.meters:
                queries = [{"signal": signal, "query": signal} for signal in sorted(self.meters[letter].values)]
                spec |= {"prometheus": {"url": self.meters[letter].url, "queries": queries}}
            objects.append(an_object("Site", spec, name=self.name(letter)))
            if letter != here:
                objects.append(self._reader_secret(letter))
        declared = an_object("RegionalENT", dict(ent), name="nord")
        declared["metadata"]["namespace"] = self.namespace
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*objects, declared]})

    def _reader_secret(self, letter: str) -> dict[str, Any]:
        content = kubeconfig(self.clusters[letter], "sonnerie-reader")
        meta = {"name": self.name(letter), "namespace": SYSTEM}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"kubeconfig": content}}

    def edges(self) -> list[dict[str, Any]]:
        """Return an HTTPRoute at every site, each with all sites as backends."""
        backends = [{"site": self.name(letter), "name": f"at-{letter}"} for letter in self.clusters]
        return [
            {
                "name": f"front-{letter}",
                "kind": "HTTPRoute",
                "httpRoute": {"name": "portal", "atSite": self.name(letter), "backends": backends},
            }
            for letter in self.clusters
        ]

    # ----------------------------------------------------------------------------------------------------- running

    @contextmanager
    def running(self, letters: str, *flags: str) -> Iterator[None]:
        """Run an instance at each of the sites."""
        with ExitStack() as stack:
            for letter in letters:
                self.start(letter, *flags)
                stack.callback(self._kill, letter)
            yield

    def _kill(self, letter: str) -> None:
        self.instances[letter].kill()

    @contextmanager
    def witnessed(self, name: str = "witness") -> Iterator[Instance]:
        """Run a witness outside all sites, with what `witness/at-each-site` grants it."""
        folder = self.folder / name
        folder.mkdir()
        for letter, cluster in self.clusters.items():
            (folder / self.name(letter)).write_text(kubeconfig(cluster, "sonnerie-witness"))
        (listen,) = free_ports(1)
        references = [f"--reference={door.url}" for door in self.references]
        where = [f"--name={name}", f"--sites={folder}", f"--listen=127.0.0.1:{listen}"]
        found = launch(["probe", *where, *references], self.folder / f"{name}.log", listen=listen)
        try:
            yield found
        finally:
            found.kill()

    def start(self, letter: str, *flags: str) -> Instance:
        """Run the instance of a site."""
        agent, listen = free_ports(2)
        account = self.folder / f"{letter}.kubeconfig"
        if not account.exists():
            account.write_text(kubeconfig(self.clusters[letter], "sonnerie"))
        arguments = [
            "run",
            f"--site={self.name(letter)}",
            f"--kubeconfig={account}",
            f"--lease-namespace={SYSTEM}",
            f"--identity={letter}",
            f"--agent-address=127.0.0.1:{agent}",
            f"--listen=127.0.0.1:{listen}",
            *(f"--reference={door.url}" for door in self.references),
            *flags,
        ]
        found = self.instances[letter] = launch(arguments, self.folder / f"{letter}.log", listen=listen)
        return found


def launch(arguments: list[str], log: Path, *, listen: int = 0) -> Instance:
    """Run a command of ours as a process; its log goes on where it was, and warnings are errors."""
    with log.open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "controller", *arguments],
            stdout=errors,
            stderr=errors,
            text=True,
            env={**os.environ, **QUICK_LEASE, "PYTHONWARNINGS": WARNINGS},
        )
    return Instance(process, log, listen)


def kubeconfig(cluster: Cluster, account: str) -> str:
    """Return a kubeconfig with a token of the account."""
    admin = json.loads(cluster.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json"))[
        "clusters"
    ][0]["cluster"]
    token = cluster.kubectl("create", "token", account, f"--namespace={SYSTEM}").strip()
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "site", "cluster": admin}],
            "users": [{"name": account, "user": {"token": token}}],
            "contexts": [{"name": "site", "context": {"cluster": "site", "user": account}}],
            "current-context": "site",
        }
    )


def portal_route(letters: str, home: str) -> str:
    """An HTTPRoute with a backend for every site, all users at home."""
    refs = [{"name": f"at-{letter}", "port": 443, "weight": 100 if letter == home else 0} for letter in letters]
    return json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "portal"},
            "spec": {"parentRefs": [{"name": "public"}], "rules": [{"backendRefs": refs}]},
        }
    )


def prepare(cluster: Cluster, namespace: str, letters: str, home: str, *, replicas: int) -> None:
    """Install everything at one site: our kinds and rights, the Gateway API, a portal and its route."""
    cluster.install_crds("gateway-api")
    for folder in ("overlays/one-site", "site-access/readonly", "witness/at-each-site"):
        path = f"--kustomize={ROOT}/manifests/{folder}"
        cluster.kubectl("apply", "--server-side", "--force-conflicts", path)
    cluster.kubectl("delete", "deployment", "sonnerie", f"--namespace={SYSTEM}", "--wait=false")  # we run it ourselves
    cluster.kubectl("create", "namespace", namespace)
    for made in (deployment("portal", replicas=replicas, start_up_milliseconds=0), portal_route(letters, home)):
        cluster.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=made)


def take_back(cluster: Cluster) -> None:
    """Take back the rights that the one-site topology grants: other tests ask for all that there are."""
    for kind in ("clusterrole", "clusterrolebinding"):
        names = ("sonnerie-reports", "sonnerie-reader", "sonnerie-witness")
        cluster.kubectl("delete", kind, *names, "--ignore-not-found")
