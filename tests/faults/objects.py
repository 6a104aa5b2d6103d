"""What is declared at the sites: the demo's objects for four sites, with failure domains and errors of every kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tests.controlplane import Site
from tests.demo import objects
from tests.demo.objects import Addresses, Object, as_list, workloads
from tests.demo.processes import ROOT
from tests.demo.prometheus import queries
from tests.demo.story import LEASE_NAMESPACE, Story
from tests.faults import dns
from tests.faults.cast import DOMAINS

__all__ = ["Addresses", "Object", "account", "as_list", "bell", "fleet", "install", "workloads"]

WRITER, READER = "sonnerie", "sonnerie-reader"
KUBECONFIG_KEY = "kubeconfig"


def install(site: Site, topology: str) -> None:
    """Install our kinds, and the rights of the topology, as a platform team would."""
    folder = ROOT / "manifests" / "overlays" / topology
    site.kubectl("apply", "--server-side", "--force-conflicts", f"--kustomize={folder}")
    reading = ROOT / "manifests" / "site-access" / "readonly"
    site.kubectl("apply", "--server-side", "--force-conflicts", f"--kustomize={reading}")
    site.kubectl("delete", "deployment", "sonnerie", f"--namespace={LEASE_NAMESPACE}", "--wait=false")  # ours to run
    crds = ROOT / "manifests" / "crd"
    names = site.kubectl("get", f"--kustomize={crds}", "--output=name").split()
    site.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)


def account(site: Site, name: str, path: Path) -> Path:
    """Write a kubeconfig with a token of an account, and return where."""
    if not path.exists():
        token = site.kubectl("create", "token", name, f"--namespace={LEASE_NAMESPACE}", "--duration=12h").strip()
        view = site.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json")
        cluster = json.loads(view)["clusters"][0]["cluster"]
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "site", "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": "site", "context": {"cluster": "site", "user": name}}],
            "current-context": "site",
        }
        path.write_text(json.dumps(content))
    return path


def fleet(
    story: Story,
    addresses: Mapping[str, Addresses],
    today: date,
    here: str,
    answers: Mapping[str, str] | None = None,
) -> list[Object]:
    """Return what is declared in the cluster of a site: sites, how to reach the others, calendar, ENTs; no bell.

    `answers` are the addresses of the sites, where their own DNS servers are the only edges.
    """
    declared = [one for one in objects.fleet(story, addresses, today) if one["kind"] != "Secret"]
    for one in declared:
        if one["kind"] == "Site":
            _complete(story, one["metadata"]["name"], one["spec"], here)
        if one["kind"] == "RegionalENT" and answers is not None:
            one["spec"]["edges"] = [_dns_edge(one["metadata"]["name"], at, answers) for at in sorted(answers)]
    secrets = [_secret(site, addresses[site].kubeconfig) for site in sorted(addresses) if site != here]
    return [*declared[:2], *secrets, *declared[2:]]


def bell(story: Story, at_seconds: float, factor: float) -> Object:
    """Return the schedule with a bell that brings so many times the usual users."""
    schedule: Object = objects.schedule(story, at_seconds)
    share = schedule["spec"]["days"][0]["bells"][0]["demand"]["shareOfAccounts"]
    share["pupilsPermille"] = round(share["pupilsPermille"] * factor)
    return schedule


def _dns_edge(ent: str, at: str, answers: Mapping[str, str]) -> Object:
    """Return the edge at one site: its own server's answers, held in its own cluster."""
    return {
        "name": dns.edge_name(at),
        "kind": "DNSEndpoint",
        "dnsEndpoint": {
            "name": f"{ent}-{at}",
            "atSite": at,
            "dnsName": f"{ent}.{dns.DOMAIN}",
            "recordTtl": f"{dns.TTL_SECONDS}s",
            "targets": [{"site": site, "target": address} for site, address in sorted(answers.items())],
        },
    }


def _secret(site: str, kubeconfig: Path) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"site-{site}", "namespace": LEASE_NAMESPACE},
        "stringData": {KUBECONFIG_KEY: kubeconfig.read_text()},
    }


def _complete(story: Story, site: str, spec: dict[str, Any], here: str) -> None:
    if site in DOMAINS:
        spec["failureDomains"] = [{"name": DOMAINS[site], "kind": "serving"}]
    spec.pop("cluster", None)
    if site != here:
        reference = {"namespace": LEASE_NAMESPACE, "name": f"site-{site}", "key": KUBECONFIG_KEY}
        spec["cluster"] = {"kubeconfigSecretRef": reference}
    window = f"{story.shortened.query_window_seconds}s"
    failed = f'sum by (namespace, ent) (rate(portal_requests_total{{code=~"5.."}}[{window}]))'
    arrived = f"sum by (namespace, ent) (rate(portal_requests_total[{window}]))"
    errors = {"signal": "errors", "query": f"{failed} / clamp_min({arrived}, 1)"}
    spec["prometheus"]["queries"] = [errors if q["signal"] == "errors" else q for q in queries(story)]
