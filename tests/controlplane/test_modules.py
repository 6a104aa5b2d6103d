"""What is built, and that a cached build is used only for the very same sources, flags and Go."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.controlplane.modules import KUBERNETES, MODULES, GoModule
from tests.controlplane.toolchain import Toolchain, parse_version

GO = Toolchain(Path("/usr/bin/go"), (1, 26, 8))


@pytest.fixture
def module(tmp_path: Path) -> GoModule:
    """Gives a small module like the one of Kubernetes."""
    (tmp_path / "go.mod").write_text("module m\n\ngo 1.26.0\n\nrequire (\n\tk8s.io/kubernetes v1.37.2 // indirect\n)\n")
    (tmp_path / "go.sum").write_text("sums\n")
    return dataclasses.replace(KUBERNETES, folder=tmp_path)


def test_the_key_changes_with_everything_that_changes_the_result(module: GoModule) -> None:
    """Versions, sums, programs and the Go version are all in the name of the cached build."""
    names = {module.cache_name(GO)}
    names.add(module.cache_name(Toolchain(GO.go, (1, 27, 3))))
    names.add(dataclasses.replace(module, programs={"kubectl": "k8s.io/kubernetes/cmd/kubectl"}).cache_name(GO))
    (module.folder / "go.sum").write_text("other sums\n")
    names.add(module.cache_name(GO))
    (module.folder / "go.mod").write_text((module.folder / "go.mod").read_text().replace("1.37.2", "1.37.3"))
    names.add(module.cache_name(GO))
    assert len(names) == 5


def test_the_key_does_not_depend_on_where_the_checkout_is(module: GoModule, tmp_path: Path) -> None:
    """Two checkouts of the same commit share one build."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("go.mod", "go.sum"):
        (elsewhere / name).write_bytes((module.folder / name).read_bytes())
    assert dataclasses.replace(module, folder=elsewhere).cache_name(GO) == module.cache_name(GO)


def test_the_binaries_are_stamped_with_the_release(module: GoModule) -> None:
    """Without the stamps, clients are told v0.0.0-master."""
    stamps = module.flags()[-1]
    assert "version.gitVersion=v1.37.2" in stamps
    assert "version.gitMajor=1" in stamps
    assert "version.gitMinor=37" in stamps


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_the_committed_modules_say_which_go_they_need(module: GoModule) -> None:
    """Every committed go.mod can be read, and asks for a Go that exists."""
    assert (1, 20) < module.wanted_go < (1, 28)
    for package in module.programs.values():
        assert package in (module.folder / "go.mod").read_text()


def test_versions_compare_as_numbers() -> None:
    """1.9 is older than 1.26."""
    assert parse_version("go version go1.26.8 linux/amd64") == (1, 26, 8)
    assert parse_version("go1.9.0") < parse_version("go1.26.0")
    with pytest.raises(ValueError, match="no version number"):
        parse_version("go version devel")
