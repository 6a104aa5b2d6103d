"""Nothing of a control plane outlives the process that started it, however that process ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane, SiteSpec
from tests.controlplane.errors import KubectlError, ServerFailedError
from tests.controlplane.played import takes_pods
from tests.controlplane.ports import LOOPBACK, free_ports
from tests.controlplane.programs import Binaries
from tests.controlplane.sites import Site
from tests.controlplane.waiting import wait_until

pytestmark = pytest.mark.live

REPOSITORY = Path(__file__).parents[2]
COMPONENTS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}
GONE_SECONDS = 20.0  # the kernel kills at once; the interpreter may take its time to end


def running(pids: list[int]) -> list[int]:
    """Gives those of some processes that still run; one that ended but was not reaped yet does not."""
    return [pid for pid in pids if _state(pid) not in {"", "Z"}]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_leaving_the_block_ends_everything(programs: Binaries, tmp_path: Path) -> None:
    """Processes, data and pid files are gone, and nothing can start again by mistake."""
    with ControlPlane([SiteSpec(name="x", nodes=1)], run_folder=tmp_path, programs=programs) as plane:
        pids = plane.sites["x"].pids
        assert set(pids) == COMPONENTS
        assert running(list(pids.values())) == list(pids.values())
        assert plane.data_folder.is_dir()
    assert running(list(pids.values())) == []
    assert not plane.data_folder.exists()
    assert list(tmp_path.rglob("*.pid")) == []
    with pytest.raises(ServerFailedError, match="was ended"):
        plane.sites["x"].start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_signal_leaves_no_process_behind(number: signal.Signals, programs: Binaries, tmp_path: Path) -> None:
    """Ctrl-C, a polite end and a hard one: in each case the servers are gone too."""
    assert programs.kwok.exists()  # built by `make setup`, never within this test's time limit
    command = [sys.executable, "-m", "tests.live.holding", str(tmp_path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as holder:
        assert holder.stdout is not None
        held = json.loads(holder.stdout.readline())
        assert running(held["pids"]) == held["pids"]
        holder.send_signal(number)
    wait_until(lambda: not running(held["pids"]), GONE_SECONDS, f"all of {held['pids']} are gone after {number.name}")
    if number is signal.SIGINT:
        assert not Path(held["data"]).exists()
        assert list(tmp_path.rglob("*.pid")) == []
    # What a sudden end left on disk is swept by the next start, for the next start's own folder.
    with ControlPlane([], run_folder=tmp_path, programs=programs):
        assert not Path(held["data"]).exists()
        assert list(tmp_path.rglob("*.pid")) == []


def test_one_component_can_be_lost_and_brought_back(programs: Binaries, tmp_path: Path) -> None:
    """`start()` brings back what was lost and leaves the rest alone."""
    with ControlPlane([SiteSpec(name="x", nodes=1)], run_folder=tmp_path, programs=programs) as plane:
        site = plane.sites["x"]
        before = site.pids
        site.kill_component("kube-apiserver")
        assert not site.alive
        assert set(site.pids) == COMPONENTS - {"kube-apiserver"}
        with pytest.raises(KubectlError):
            site.kubectl("get", "nodes", "--request-timeout=5s")

        site.start()
        assert {name for name, pid in site.pids.items() if pid != before[name]} == {"kube-apiserver"}
        with pytest.raises(ValueError, match="a site has no 'kubelet'"):
            site.kill_component("kubelet")


@pytest.mark.parametrize("position", [0, 2, 4], ids=["etcd", "api-server", "scheduler"])
def test_a_port_taken_at_the_last_moment_is_given_up(
    position: int, programs: Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may bind a port between our look and the server's; the first start then takes others."""
    ports = free_ports(10)
    hands = iter([ports[:5], ports[5:]])
    monkeypatch.setattr("tests.controlplane.sites.free_ports", lambda _: next(hands))
    with socket.socket() as somebody:
        somebody.bind((LOOPBACK, ports[position]))
        somebody.listen()
        with ControlPlane([SiteSpec(name="x", nodes=1)], run_folder=tmp_path, programs=programs) as plane:
            assert plane.sites["x"].alive
            assert plane.sites["x"].server.endswith(f":{ports[7]}")


def test_a_node_without_heartbeat_stops_being_ready(programs: Binaries, tmp_path: Path) -> None:
    """Half a site can be gone: its nodes fall silent and the cluster notices."""
    spec = SiteSpec(name="x", nodes=2, node_grace_seconds=8)
    with ControlPlane([spec], run_folder=tmp_path, programs=programs) as plane:
        site = plane.sites["x"]
        site.nodes.stop_heartbeats("x-node-1")
        wait_until(lambda: ready_nodes(site) == ["x-node-0"], 60, "only x-node-0 is Ready")
        site.nodes.resume_heartbeats("x-node-1")
        wait_until(lambda: ready_nodes(site) == ["x-node-0", "x-node-1"], 60, "both nodes are Ready again")


def ready_nodes(site: Site) -> list[str]:
    """Names the nodes that are Ready and take pods."""
    listed = json.loads(site.kubectl("get", "nodes", "--output=json"))["items"]
    return sorted(item["metadata"]["name"] for item in listed if takes_pods(item))
