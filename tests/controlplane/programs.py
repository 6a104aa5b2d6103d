"""Where the servers come from: given ones, the cache, or a build with Go."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.controlplane.cache import cache_folder, publish
from tests.controlplane.compiling import compile_module
from tests.controlplane.definitions import definitions_name, fetch_definitions
from tests.controlplane.errors import PartsMissingError
from tests.controlplane.modules import KUBERNETES, KWOK, MODULES, GoModule
from tests.controlplane.toolchain import find_toolchain, installed_toolchain

GIVEN_CLUSTER = "SONNERIE_TEST_KUBECONFIG"
GIVEN_PROGRAMS = "KUBEBUILDER_ASSETS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """Where each program lies, and the folder of definitions with one subfolder per project."""

    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    kubectl: Path
    etcd: Path
    kwok: Path
    definitions: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitingTools:
    """The few programs that a cluster somebody else runs still needs from us."""

    kubectl: Path
    kwok: Path
    definitions: Path


def binaries(*, build: bool = True, environment: Mapping[str, str] | None = None) -> Binaries:
    """Gives every program, building what is nowhere to be found unless `build` is off; else says how to get it."""
    environment = os.environ if environment is None else environment
    programs: dict[str, Path] = {}
    for module in MODULES:
        folder = _folder(module, environment, build=build)
        programs |= {name.replace("-", "_"): folder / name for name in module.programs}
    return Binaries(definitions=_definitions(_store(environment), build=build), **programs)


def visiting_tools(*, build: bool = True, environment: Mapping[str, str] | None = None) -> VisitingTools:
    """Gives what a given or a kind cluster needs; kubectl may be the one on PATH, so that no server is built."""
    environment = os.environ if environment is None else environment
    on_path = shutil.which("kubectl", path=environment.get("PATH"))
    built = find_built(KUBERNETES, environment, _store(environment))
    if built is None and on_path is not None:
        kubectl = Path(on_path)
    else:
        kubectl = _folder(KUBERNETES, environment, build=build) / "kubectl"
    kwok = _folder(KWOK, environment, build=build) / "kwok"
    return VisitingTools(kubectl=kubectl, kwok=kwok, definitions=_definitions(_store(environment), build=build))


def find_built(module: GoModule, environment: Mapping[str, str], store: Path) -> Path | None:
    """Gives the folder that holds every program of a module: the given one, else the cache's; None if neither does.

    A module is taken whole: an API server of one release with controllers of another is a test of the mixture.
    """
    if given := environment.get(GIVEN_PROGRAMS):
        folder = Path(given).expanduser()
        if not missing_programs(module, folder):
            return folder
    toolchain = installed_toolchain()
    if toolchain is not None and (exact := store / module.cache_name(toolchain)).is_dir():
        return exact
    if toolchain is None or toolchain.version < module.wanted_go:
        # Without a fitting Go of our own, a build of the same sources by any Go is as good.
        return next(iter(sorted(store.glob(f"{module.name}-{module.source_key()}-go*"))), None)
    return None


def missing_programs(module: GoModule, folder: Path) -> list[str]:
    """Names the programs of a module that a folder does not have as executable files."""
    return [name for name in sorted(module.programs) if not os.access(folder / name, os.X_OK)]


def how_to_get(module: GoModule, environment: Mapping[str, str], store: Path) -> str:
    """Says what was looked for, where, and each way to get it."""
    wanted = ", ".join(sorted(module.programs))
    if given := environment.get(GIVEN_PROGRAMS):
        lacking = ", ".join(missing_programs(module, Path(given).expanduser()))
        assets = f"is {given}, which lacks {lacking} (a plain envtest folder has no controllers)"
    else:
        assets = "is not set"
    return (
        f"The test servers {wanted} are not there. Any one of these helps:\n"
        f"  {GIVEN_CLUSTER}: a kubeconfig, or several joined by '{os.pathsep}', of clusters that tests may write to.\n"
        f"  {GIVEN_PROGRAMS}: a folder with all of {wanted}; it {assets}.\n"
        f"  the cache: {store} has no {module.name}-{module.source_key()}-*; $SONNERIE_CACHE names another cache.\n"
        f"  a build: run `make setup` (python -m tests.controlplane.build); with Go "
        f"{'.'.join(map(str, module.wanted_go))} or newer it takes about ten minutes, once."
    )


def _store(environment: Mapping[str, str]) -> Path:
    return cache_folder(environment) / "controlplane"


def _folder(module: GoModule, environment: Mapping[str, str], *, build: bool) -> Path:
    store = _store(environment)
    folder = find_built(module, environment, store)
    if folder is not None:
        return folder
    if not build:
        raise PartsMissingError(how_to_get(module, environment, store))
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    toolchain = find_toolchain(module.wanted_go, store.parent)
    console.print(f"{module.name}: building {', '.join(module.programs)} with {toolchain.label}, once")
    return publish(
        store / module.cache_name(toolchain), lambda folder: compile_module(module, toolchain, folder, console)
    )


def _definitions(store: Path, *, build: bool) -> Path:
    target = store / definitions_name()
    if target.is_dir():
        return target
    if not build:
        message = (
            f"The definitions of Gateway API, ExternalDNS and KEDA are not in {target}.\n"
            "Run `make setup` (python -m tests.controlplane.build); it downloads three Go modules."
        )
        raise PartsMissingError(message)
    return fetch_definitions(target, store.parent)
