"""The small parts: ports, waiting, memory folders, kubeconfigs, and what is said when a tool is missing."""

from __future__ import annotations

import datetime
import os
import socket
from pathlib import Path

import pytest
import yaml

from tests.controlplane import debian, memory
from tests.controlplane.certificates import Authority
from tests.controlplane.client import ApiClient, write_kubeconfig
from tests.controlplane.errors import PartsMissingError
from tests.controlplane.given import given_clusters
from tests.controlplane.kind import missing_for_kind
from tests.controlplane.memory import MemoryFolder
from tests.controlplane.nodes import START_UP_ANNOTATION, stages
from tests.controlplane.ports import LOOPBACK, free_ports
from tests.controlplane.programs import VisitingTools
from tests.controlplane.sites import SiteSpec
from tests.controlplane.waiting import wait_until

NOW = datetime.datetime(2026, 11, 24, 8, 30, tzinfo=datetime.UTC)
NOWHERE = VisitingTools(**dict.fromkeys(VisitingTools.__slots__, Path("nowhere")))


def test_ports_are_distinct_and_outside_the_ephemeral_range() -> None:
    """A port of a killed site is not taken by somebody's outgoing connection."""
    ports = free_ports(20)
    assert len(set(ports)) == 20
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(port < low for port in ports)
    with socket.socket() as taken:
        taken.bind((LOOPBACK, ports[0]))


def test_waiting_gives_the_value_or_names_what_never_came() -> None:
    """The condition is looked at even when there is no time at all."""
    looks = iter([None, None, "ready"])
    assert wait_until(lambda: next(looks), 30, "the third look") == "ready"
    assert wait_until(lambda: "at once", 0, "a look") == "at once"
    with pytest.raises(TimeoutError, match="in vain for: the bell"):
        wait_until(lambda: False, 0, "the bell")


def test_an_orphaned_memory_folder_is_removed_and_one_in_use_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed does not keep the machine's memory."""
    monkeypatch.setattr(memory, "TMPFS", tmp_path / "none")
    orphan = tmp_path / "sonnerie-orphan"
    orphan.mkdir()
    (orphan / ".owner").touch()
    (tmp_path / "sonnerie-not-ours").mkdir()
    with MemoryFolder(1, tmp_path) as first, MemoryFolder(1, tmp_path) as second:
        assert first.path.is_dir()
        assert second.path.is_dir()
        assert not orphan.exists()
        assert (tmp_path / "sonnerie-not-ours").exists()
    assert not first.path.exists()


def test_a_kubeconfig_is_private_and_read_back(tmp_path: Path) -> None:
    """What is written is what a client needs, inside one file that only its owner reads."""
    authority = Authority("test", NOW)
    path = write_kubeconfig(
        tmp_path / "admin.yaml",
        name="a",
        server="https://127.0.0.1:1",
        authority=authority.pem,
        client=authority.client("admin", "system:masters"),
    )
    assert path.stat().st_mode & 0o077 == 0
    assert ApiClient.from_kubeconfig(path).server == "https://127.0.0.1:1"
    content = yaml.safe_load(path.read_text())
    content["users"][0]["user"] = {"exec": {"command": "login"}}
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(PartsMissingError, match="neither a client certificate nor a token"):
        ApiClient.from_kubeconfig(path)


def test_the_stages_of_kwok_know_the_annotation_and_the_default() -> None:
    """Its three stages are ours alone."""
    documents = list(yaml.safe_load_all(stages(1234)))
    assert [document["metadata"]["name"] for document in documents] == ["node-ready", "pod-ready", "pod-delete"]
    expression = documents[1]["spec"]["delay"]["durationFrom"]["jq"]["expression"]
    assert START_UP_ANNOTATION in expression
    assert "1234" in expression


def test_kind_says_all_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sentence says how to get the thing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    docker, kind = missing_for_kind()
    assert "install Docker Engine" in docker
    assert "go install" in kind

    _script(tmp_path / "docker", "echo 'Cannot connect to the daemon' >&2; exit 1")
    _script(tmp_path / "kind", "exit 0")
    (sentence,) = missing_for_kind()
    assert "Cannot connect to the daemon" in sentence
    assert "start it" in sentence

    _script(tmp_path / "docker", "echo 28.2.2")
    assert missing_for_kind() == []


def test_given_clusters_must_be_enough_and_exist(tmp_path: Path) -> None:
    """Three sites on one API server would not be three sites."""
    kubeconfig = tmp_path / "config"
    specs = [SiteSpec(name="a"), SiteSpec(name="b")]
    with pytest.raises(PartsMissingError, match="not a file"):
        given_clusters(specs, str(kubeconfig), tools=NOWHERE, folder=tmp_path)
    kubeconfig.touch()
    with pytest.raises(PartsMissingError, match=r"gives 1 cluster.* tests use 2"):
        given_clusters(specs, str(kubeconfig), tools=NOWHERE, folder=tmp_path)
    both = os.pathsep.join([str(kubeconfig)] * 2)
    clusters = given_clusters(specs, both, tools=NOWHERE, folder=tmp_path)
    assert [cluster.name for cluster in clusters] == ["a", "b"]
    with pytest.raises(PartsMissingError, match="cannot be killed"):
        clusters[0].kill()


def test_a_server_on_the_path_is_taken_and_a_missing_one_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is downloaded when the machine has its own, or when fetching is off."""
    monkeypatch.setattr(debian, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SONNERIE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(PartsMissingError, match="make setup"):
        debian.prometheus_binary(fetch=False)
    with pytest.raises(PartsMissingError, match="no apt-get"):
        debian.haproxy_command()
    with pytest.raises(PartsMissingError, match="chromium"):
        debian.find_chromium()
    _script(tmp_path / "haproxy", "exit 0")
    assert debian.haproxy_command(fetch=False) == debian.Program((str(tmp_path / "haproxy"),))


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
