"""The order in which the servers are looked for, and what a person is told when they are nowhere."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tests.controlplane import compiling, definitions, programs
from tests.controlplane.compiling import compile_module
from tests.controlplane.definitions import definitions_name, fetch_definitions
from tests.controlplane.errors import PartsMissingError
from tests.controlplane.fleet import open_fleet
from tests.controlplane.modules import ETCD, KUBERNETES, KWOK, MODULES, wanted_go
from tests.controlplane.programs import VisitingTools, binaries, find_built, how_to_get, visiting_tools
from tests.controlplane.sites import SiteSpec
from tests.controlplane.toolchain import Toolchain, Version

GO = Toolchain(Path("/usr/bin/go"), (1, 26, 8))


@pytest.fixture(autouse=True)
def a_go_of_known_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the installed Go the same on every machine."""
    monkeypatch.setattr(programs, "installed_toolchain", lambda: GO)


def put(folder: Path, *names: str) -> Path:
    """Makes executable files with these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch(mode=0o755)
    return folder


def test_a_given_folder_wins_over_the_cache(tmp_path: Path) -> None:
    """KUBEBUILDER_ASSETS comes first, the cache second."""
    store = tmp_path / "store"
    cached = put(store / KUBERNETES.cache_name(GO), *KUBERNETES.programs)
    assert find_built(KUBERNETES, {}, store) == cached
    given = put(tmp_path / "given", *KUBERNETES.programs)
    assert find_built(KUBERNETES, {"KUBEBUILDER_ASSETS": str(given)}, store) == given


def test_a_module_is_never_taken_by_halves(tmp_path: Path) -> None:
    """A plain envtest folder gives its etcd; its API server is not run with another release's controllers."""
    given = put(tmp_path / "given", "etcd", "kube-apiserver", "kubectl")
    environment = {"KUBEBUILDER_ASSETS": str(given)}
    assert find_built(ETCD, environment, tmp_path / "store") == given
    assert find_built(KUBERNETES, environment, tmp_path / "store") is None


def test_a_build_by_another_go_counts_only_without_a_fitting_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Go at hand its own build is made; without, what is there of the same sources is good enough."""
    other = put(tmp_path / f"etcd-{ETCD.source_key()}-go1.27.3", "etcd")
    assert find_built(ETCD, {}, tmp_path) is None
    monkeypatch.setattr(programs, "installed_toolchain", lambda: None)
    assert find_built(ETCD, {}, tmp_path) == other
    monkeypatch.setattr(programs, "installed_toolchain", lambda: Toolchain(GO.go, (1, 19)))
    assert find_built(ETCD, {}, tmp_path) == other


def test_the_error_names_every_way_to_get_the_servers(tmp_path: Path) -> None:
    """Whoever reads it knows what was looked for, where, and what to type."""
    given = put(tmp_path / "given", "etcd", "kube-apiserver", "kubectl")
    told = how_to_get(KUBERNETES, {"KUBEBUILDER_ASSETS": str(given)}, tmp_path / "store")
    for word in ("SONNERIE_TEST_KUBECONFIG", "KUBEBUILDER_ASSETS", str(tmp_path / "store"), "make setup", "Go 1.26"):
        assert word in told
    assert f"it is {given}, which lacks kube-controller-manager, kube-scheduler" in told
    assert "it is not set" in how_to_get(KUBERNETES, {}, tmp_path)


def test_nothing_is_built_when_building_is_off(tmp_path: Path) -> None:
    """A test run fails with the way out instead of compiling for ten minutes."""
    environment = {"SONNERIE_CACHE": str(tmp_path)}
    with pytest.raises(PartsMissingError, match="make setup"):
        binaries(build=False, environment=environment)
    for module in MODULES:
        put(tmp_path / "controlplane" / module.cache_name(GO), *module.programs)
    with pytest.raises(PartsMissingError, match="definitions of Gateway API"):
        binaries(build=False, environment=environment)


def test_a_foreign_cluster_needs_no_server_of_ours(tmp_path: Path) -> None:
    """With kubectl on PATH, only kwok and the definitions are asked of the cache."""
    environment = {"SONNERIE_CACHE": str(tmp_path), "PATH": str(put(tmp_path / "bin", "kubectl"))}
    store = tmp_path / "controlplane"
    with pytest.raises(PartsMissingError, match="The test servers kwok are not there"):
        visiting_tools(build=False, environment=environment)
    kwok = put(store / KWOK.cache_name(GO), "kwok")
    (store / definitions_name()).mkdir()
    assert visiting_tools(build=False, environment=environment) == VisitingTools(
        kubectl=tmp_path / "bin" / "kubectl", kwok=kwok / "kwok", definitions=store / definitions_name()
    )


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({}, "make setup"),
        ({"SONNERIE_TEST_CLUSTERS": "minikube"}, "it can be 'kind'"),
        ({"SONNERIE_TEST_KUBECONFIG": "/nowhere/config"}, "make setup"),
    ],
)
def test_what_is_missing_is_said_before_any_test_runs(
    environment: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    """The choice of clusters comes from the environment alone, and a wrong word is not taken for a wish."""
    environment = {**environment, "SONNERIE_CACHE": str(tmp_path), "PATH": ""}
    with pytest.raises(PartsMissingError, match=complaint):
        open_fleet([SiteSpec(name="a")], run_folder=tmp_path, environment=environment)


def test_definitions_are_fetched_by_a_go_as_new_as_their_own_module_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may ask for a newer Go than the servers do, and GOTOOLCHAIN=local would refuse an older one."""
    asked: list[Version] = []

    def find(wanted: Version, cache: Path) -> Toolchain:
        asked.append(wanted)
        raise PartsMissingError(str(cache))

    monkeypatch.setattr(definitions, "find_toolchain", find)
    with pytest.raises(PartsMissingError, match="cache"):
        fetch_definitions(tmp_path / "target", tmp_path / "cache")
    assert asked == [wanted_go(definitions.FOLDER / "go.mod")]


@pytest.mark.parametrize("terminal", [False, True], ids=["in a log", "on a terminal"])
def test_a_long_build_is_heard_of_without_a_terminal(
    terminal: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A log of continuous integration gets a whole line now and then; a terminal has its moving line."""
    monkeypatch.setattr(compiling, "LINE_SECONDS", 0.2)
    monkeypatch.setattr(compiling, "SAMPLE_SECONDS", 0.1)
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho one >&2; echo two >&2; sleep 1\n")
    go.chmod(0o755)
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, highlight=False, soft_wrap=True)
    (tmp_path / "made").mkdir()
    compile_module(ETCD, Toolchain(go, (1, 26, 8)), tmp_path / "made", console)
    lines = [line for line in text.getvalue().splitlines() if line.startswith("building etcd: ")]
    assert len(lines) == 0 if terminal else 2 <= len(lines) <= 6
    assert all(line.endswith(" s, 2 packages, two") for line in lines)
