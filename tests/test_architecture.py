"""Layers, purity and names: the architecture of the design, enforced."""

import ast
import dataclasses
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import controller.domain

ROOT = Path(__file__).parent.parent
CORE = ("controller/domain", "controller/planning")
SOURCES = sorted(ROOT.glob("controller/**/*.py"))
ALLOWED_IN_CORE = {"numpy", "highspy", "controller"}
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
MOST_LINES = 400
"""The hard stop of the style sheet; 80 to 300 is the aim."""


def test_import_contracts_hold() -> None:
    """Imports point downwards, siblings are strangers, the core does no I/O."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [p for p in SOURCES if p.is_relative_to(ROOT / "controller")], ids=str)
def test_modules_are_named_by_idea_and_fit_the_eye(path: Path) -> None:
    """No utils, helpers, common or manager; no module over the hard stop."""
    assert path.stem not in BANNED_NAMES
    assert len(path.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if any(str(p.relative_to(ROOT)).startswith(c) for c in CORE)], ids=str
)
def test_core_imports_only_the_standard_library_and_arithmetic(path: Path) -> None:
    """numpy and highspy for arithmetic, nothing else from outside the standard library."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for name in names:
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names or top in ALLOWED_IN_CORE, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_only_the_clock_module_reads_the_clock(path: Path) -> None:
    """`now` is an argument; one module reads the clock, so that time can be faked above it."""
    if path == ROOT / "controller/runtime/clock.py":
        return
    banned = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time"), ("time", "monotonic")}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) not in banned, f"{path.name}:{node.lineno} reads the clock"


def test_domain_values_are_frozen() -> None:
    """A value that can be changed in place is not a snapshot."""
    for info in pkgutil.iter_modules(controller.domain.__path__, "controller.domain."):
        for name, found in vars(importlib.import_module(info.name)).items():
            if isinstance(found, type) and dataclasses.is_dataclass(found):
                assert found.__dataclass_params__.frozen, f"{info.name}.{name}"  # type: ignore[attr-defined]


def test_the_contracts_can_fail(tmp_path: Path) -> None:
    """The import contracts report a core that reads the clock: a check that cannot fail is no check."""
    package = tmp_path / "controller"
    above = ("observe", "actuate", "recording", "sim", "runtime")
    for folder in ("", "domain", "planning", "kube", "policy", "wire", "preview", *above):
        (package / folder).mkdir(exist_ok=True)
        (package / folder / "__init__.py").write_text("")
    (package / "cli.py").write_text("")
    (package / "planning" / "late.py").write_text("import time\nfrom controller.kube import x\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (package / "kube" / "x.py").write_text("")
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache", "--no-logo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode != 0
    assert "controller.planning.late" in done.stdout
