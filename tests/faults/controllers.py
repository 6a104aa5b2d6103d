"""The controllers: one for all sites in a's cluster, or one at each site; processes as in production."""

from __future__ import annotations

from pathlib import Path

from tests.controlplane import faketime_library
from tests.demo.processes import python_module, wait_for
from tests.demo.story import LEASE_NAMESPACE, MANAGEMENT_SITE
from tests.faults.cast import AGENT_PORT, LISTEN_PORT, SHORT, SITES
from tests.faults.stage import Stage

ALL_SITES, ONE_SITE = "all-sites", "one-site"
TOPOLOGIES = (ALL_SITES, ONE_SITE)
QUICK_LEASE = {
    "SONNERIE_LEASE_DURATION_SECONDS": "4",
    "SONNERIE_LEASE_RENEW_DEADLINE_SECONDS": "3",
    "SONNERIE_LEASE_RETRY_SECONDS": "0.5",
    "SONNERIE_LEASE_CALL_DEADLINE_SECONDS": "0.45",
}
"""A controller that is started again need not wait 15 s for its own old Lease."""


def name(site: str) -> str:
    """Return how the controller of a site is called."""
    return f"controller-{site}"


def log(site: str) -> str:
    """Return the name of its log."""
    return f"controller-{site}.log"


def where(topology: str) -> tuple[str, ...]:
    """Return the sites at which controllers run."""
    return SITES if topology == ONE_SITE else (MANAGEMENT_SITE,)


def agents(stage: Stage, topology: str) -> dict[str, str]:
    """Return whom HAProxy may ask for weights, by site."""
    return {site: stage.address(site) for site in where(topology)}


def start(stage: Stage, site: str, topology: str, kubeconfig: Path, *, skew_seconds: float = 0.0) -> None:
    """Start the controller of a site; it need not be ready yet."""
    address = stage.address(site)
    arguments = [
        "run",
        f"--kubeconfig={kubeconfig}",
        f"--lease-namespace={LEASE_NAMESPACE}",
        f"--agent-address={address}:{AGENT_PORT}",
        f"--listen={address}:{LISTEN_PORT}",
        f"--identity={site}",
        *(f"--reference={reference}" for reference in stage.references),
        *([f"--site={site}"] if topology == ONE_SITE else []),
    ]
    stage.run(
        name(site),
        site,
        python_module("controller", *arguments),
        log=log(site),
        SONNERIE_PLAN_EVERY_SECONDS=str(SHORT.plan_every_seconds),
        SONNERIE_QUERY_EVERY_SECONDS=str(SHORT.query_every_seconds),
        SONNERIE_QUARANTINE_SECONDS=str(SHORT.quarantine_seconds),
        **QUICK_LEASE,
        **skewed(skew_seconds),
    )


def skewed(seconds: float) -> dict[str, str]:
    """Return the environment in which a process sees a clock that is wrong by so much; durations stay right."""
    if not seconds:
        return {}
    return {"LD_PRELOAD": str(faketime_library()), "FAKETIME": f"{seconds:+.1f}s", "DONT_FAKE_MONOTONIC": "1"}


def await_ready(stage: Stage, site: str) -> None:
    """Return when the controller of a site is ready to act."""
    wait_for(stage.troupe.children[name(site)], f"http://{stage.address(site)}:{LISTEN_PORT}/readyz")
