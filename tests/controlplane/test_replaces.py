"""The replace lines of kubernetes/go.mod, made from a release's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.controlplane import replaces
from tests.controlplane.modules import KUBERNETES, kubernetes_version

RELEASE = """\
module k8s.io/kubernetes

replace (
\tk8s.io/client-go => ./staging/src/k8s.io/client-go
\tk8s.io/api => ./staging/src/k8s.io/api
\texample.org/fork => example.org/other v1.2.3
)
"""
OURS = """\
module ours

require k8s.io/kubernetes v1.37.2

replace (
\tk8s.io/api => k8s.io/api v0.36.0
)

tool k8s.io/kubernetes/cmd/kubectl
"""


def test_every_staged_module_is_replaced_by_its_published_version() -> None:
    """Only staging folders are rewritten: a fork is the release's own business."""
    assert replaces.replace_block("v1.37.2", RELEASE) == (
        "replace (\n\tk8s.io/api => k8s.io/api v0.37.2\n\tk8s.io/client-go => k8s.io/client-go v0.37.2\n)\n"
    )
    with pytest.raises(ValueError, match="layout has changed"):
        replaces.replace_block("v1.37.2", "module k8s.io/kubernetes\n")


def test_only_the_block_is_exchanged() -> None:
    """What stands around the block stays, and a second time changes nothing."""
    block = replaces.replace_block("v1.37.2", RELEASE)
    written = replaces.with_block(OURS, block)
    assert written == OURS.replace("replace (\n\tk8s.io/api => k8s.io/api v0.36.0\n)\n", block)
    assert replaces.with_block(written, block) == written
    assert replaces.with_block("module ours\n", block) == f"module ours\n\n{block}"


def test_check_fails_on_lines_that_are_not_the_releases(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make verify` says what to run; the committed file is not touched by a check."""
    before = (KUBERNETES.folder / "go.mod").read_text()
    monkeypatch.setattr(replaces, "release_go_mod", lambda _: RELEASE)
    assert replaces.main(["--check"]) == 1
    assert "--write" in capsys.readouterr().err
    assert (KUBERNETES.folder / "go.mod").read_text() == before


def test_write_then_check_is_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is what is checked."""
    (tmp_path / "go.mod").write_text(OURS.replace("require k8s.io", "require (\n\tk8s.io"))
    monkeypatch.setattr(replaces, "KUBERNETES", type(KUBERNETES)(name="k", programs={}, folder=tmp_path))
    monkeypatch.setattr(replaces, "release_go_mod", lambda _: RELEASE)
    assert kubernetes_version(tmp_path / "go.mod") == "v1.37.2"
    assert replaces.main(["--check"]) == 1
    assert replaces.main(["--write"]) == 0
    assert replaces.main(["--check"]) == 0
