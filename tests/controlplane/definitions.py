"""The custom resource definitions of the projects Sonnerie works with: upstream's YAML, out of their Go modules."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.controlplane.cache import publish
from tests.controlplane.compiling import go_environment
from tests.controlplane.errors import PartsMissingError
from tests.controlplane.modules import HERE, wanted_go
from tests.controlplane.toolchain import Toolchain, find_toolchain

FOLDER = HERE / "crds"

# project → (module, where its definitions lie)
PROJECTS: Mapping[str, tuple[str, str]] = {
    "gateway-api": ("sigs.k8s.io/gateway-api", "config/crd/standard"),
    "external-dns": ("sigs.k8s.io/external-dns", "config/crd/standard"),
    "keda": ("github.com/kedacore/keda/v2", "config/crd/bases"),
}


def definitions_name() -> str:
    """Names the cache folder: go.mod and go.sum say it all, the Go version does not matter."""
    text = (FOLDER / "go.mod").read_bytes() + b"\0" + (FOLDER / "go.sum").read_bytes()
    return f"crds-{hashlib.sha256(text).hexdigest()[:16]}"


def fetch_definitions(target: Path, cache: Path) -> Path:
    """Publishes one folder of YAML per project, by a Go as new as go.mod asks for; the checksums of go.sum hold."""
    toolchain = find_toolchain(wanted_go(FOLDER / "go.mod"), cache)
    return publish(target, lambda folder: _copy(toolchain, folder))


def _copy(toolchain: Toolchain, folder: Path) -> None:
    answer = subprocess.run(
        [toolchain.go, "mod", "download", "-json"],
        cwd=FOLDER,
        env=go_environment(toolchain),
        capture_output=True,
        text=True,
    )
    modules = {module["Path"]: module for module in _documents(answer.stdout)}
    for project, (path, inside) in PROJECTS.items():
        module = modules.get(path, {})
        if "Dir" not in module:
            reason = module.get("Error") or answer.stderr.strip() or "go.mod does not require it"
            message = f"The definitions of {project} could not be had from the Go module {path}: {reason}"
            raise PartsMissingError(message)
        (folder / project).mkdir()
        for source in sorted((Path(module["Dir"]) / inside).glob("*.yaml")):
            if "\nkind: CustomResourceDefinition\n" in source.read_text():
                shutil.copyfile(source, folder / project / source.name)


def _documents(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    rest = text.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        yield document
        rest = rest[end:].lstrip()
