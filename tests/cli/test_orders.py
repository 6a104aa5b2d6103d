"""Orders of people: what a drain would leave short, and how the commands refuse."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.cli.weighing import left_short
from controller.domain.fleet import Order
from controller.domain.names import SiteName
from controller.policy.declared import Declared, declare
from controller.policy.load import load
from tests.cli.test_preflight import FLEET
from tests.typed import sonnerie

NIGHT = datetime(2021, 4, 6, 3, 0, tzinfo=UTC)
SOUTH = SiteName("south")


@pytest.fixture(scope="module")
def fleet() -> Declared:
    """Three portals at three sites, two sites each."""
    return declare(item.resource for item in load(FLEET))


def order(hours: float) -> Order:
    """A drain that lasts so long from the night on."""
    return Order(until=NIGHT + timedelta(hours=hours), reason="new switches", by="night shift")


def test_a_drain_into_the_bell_leaves_no_reserve(fleet: Declared) -> None:
    """Every portal has two sites: without one of them the other must not be lost, and that is said of each portal."""
    short = left_short(fleet, SOUTH, order(12), (), NIGHT)
    assert short
    assert {line.split(":")[0] for line in short} >= {str(ent.key) for ent in fleet.ents}
    assert all("ReserveReady" in line or "Ready" in line or "Limited" in line for line in short)


def test_a_drain_that_ends_before_the_bell_leaves_all(fleet: Declared) -> None:
    """At night a site may be worked on."""
    assert left_short(fleet, SOUTH, order(0.4), (), NIGHT) == ()


def test_what_is_short_anyway_is_not_the_drain_s_fault(fleet: Declared) -> None:
    """A fleet that is too small is told of by preflight; the drain answers for what it adds."""
    small = replace(fleet, sites=tuple(replace(site, quota_replicas=2) for site in fleet.sites))
    assert len(left_short(small, SOUTH, order(12), (), NIGHT)) <= len(left_short(fleet, SOUTH, order(12), (), NIGHT))


@pytest.mark.parametrize("command", ["drain", "undrain", "freeze", "unfreeze"])
def test_help_has_an_example(command: str) -> None:
    """Help shows how it is typed."""
    assert "Example: sonnerie" in sonnerie(command, "--help").stdout


@pytest.mark.parametrize("length", ["soon", "0s", "200h"])
def test_a_length_that_cannot_be_is_refused(length: str, tmp_path: Path) -> None:
    """Before any cluster is asked."""
    done = sonnerie("drain", "a", "--for", length, "--reason", "r", "--kubeconfig", tmp_path / "none")
    assert done.returncode == 2, done.stderr
    assert f"--for {length}" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_cluster_it_says_so(tmp_path: Path) -> None:
    """Exit code 3, a sentence."""
    done = sonnerie("freeze", "--for", "1h", "--reason", "exams", "--kubeconfig", tmp_path / "none")
    assert done.returncode == 3
    assert "no such file" in done.stderr
