"""Real clusters for tests: three sites on demand, and a fresh namespace for every test."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.controlplane.clusters import Cluster
from tests.controlplane.errors import KubectlError, PartsMissingError
from tests.controlplane.fleet import Fleet, open_fleet
from tests.controlplane.programs import Binaries, binaries
from tests.controlplane.sites import SiteSpec
from tests.controlplane.waiting import wait_until

SITES = tuple(SiteSpec(name=name) for name in ("a", "b", "c"))
ACCOUNT_SECONDS = 30.0  # pods need their namespace's ServiceAccount, which a controller makes
NAME_LENGTH = 40  # of at most 63, so that names made from the namespace still fit

MakeNamespace = Callable[[Cluster], str]


@pytest.fixture(scope="session")
def programs() -> Binaries:
    """Gives the servers' binaries; fails, saying how to get them, when they are not there. It never builds."""
    try:
        return binaries(build=False)
    except PartsMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Gives the sites a, b and c, each started when a test first asks for it, all ended with the session."""
    try:
        fleet = open_fleet(SITES, run_folder=tmp_path_factory.mktemp("control-plane"))
    except PartsMissingError as error:
        pytest.fail(str(error), pytrace=False)
    with fleet:
        yield fleet


@pytest.fixture
def make_namespace(request: pytest.FixtureRequest) -> Iterator[MakeNamespace]:
    """Gives a function that makes a fresh namespace on a site; it is deleted after the test."""
    made: list[tuple[Cluster, str]] = []

    def make(site: Cluster) -> str:
        slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:NAME_LENGTH].strip("-")
        name = f"{slug}-{secrets.token_hex(3)}"
        site.kubectl("create", "namespace", name)
        made.append((site, name))
        wait_until(lambda: _has_account(site, name), ACCOUNT_SECONDS, f"the ServiceAccount of {name}")
        return name

    yield make
    for site, name in made:
        if site.alive:
            site.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


@pytest.fixture
def namespace(control_plane: Fleet, make_namespace: MakeNamespace) -> str:
    """Gives a fresh namespace on site a."""
    return make_namespace(control_plane.sites["a"])


def _has_account(site: Cluster, namespace: str) -> bool:
    try:
        site.kubectl("get", "serviceaccount", "default", f"--namespace={namespace}")
    except KubectlError:
        return False
    return True
