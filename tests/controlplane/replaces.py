"""Keeps the replace lines of kubernetes/go.mod as the release's own go.mod has them.

Kubernetes replaces its staging modules by folders; whoever depends on it must replace each again, by the version
that was published from that folder. `python -m tests.controlplane.replaces --check` or `--write`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from tests.controlplane.cache import cache_folder
from tests.controlplane.compiling import go_environment
from tests.controlplane.errors import PartsMissingError
from tests.controlplane.modules import KUBERNETES, kubernetes_version
from tests.controlplane.toolchain import find_toolchain

BLOCK = re.compile(r"^replace \(\n(?:\t.*\n)*\)\n", re.MULTILINE)
STAGED = re.compile(r"^\s*(k8s\.io/\S+) => \./staging/src/\S+$", re.MULTILINE)


def staging_version(release: str) -> str:
    """Gives the version under which a release's staging modules are published: v0.37.2 for v1.37.2."""
    return re.sub(r"^v1\.", "v0.", release)


def replace_block(release: str, release_go_mod: str) -> str:
    """Gives the replace block for a release, from the text of its own go.mod."""
    staged = STAGED.findall(release_go_mod)
    if not staged:
        message = f"the go.mod of Kubernetes {release} replaces nothing by ./staging: its layout has changed"
        raise ValueError(message)
    version = staging_version(release)
    lines = "".join(f"\t{module} => {module} {version}\n" for module in sorted(staged))
    return f"replace (\n{lines})\n"


def with_block(go_mod: str, block: str) -> str:
    """Gives a go.mod's text with its one replace block exchanged, or appended if it has none."""
    if BLOCK.search(go_mod):
        return BLOCK.sub(lambda _: block, go_mod, count=1)
    return f"{go_mod.rstrip()}\n\n{block}"


def release_go_mod(release: str) -> str:
    """Downloads a release's own go.mod, checked against go.sum."""
    toolchain = find_toolchain(KUBERNETES.wanted_go, cache_folder())
    answer = subprocess.run(
        [toolchain.go, "mod", "download", "-json", f"k8s.io/kubernetes@{release}"],
        cwd=KUBERNETES.folder,
        env=go_environment(toolchain),
        capture_output=True,
        text=True,
    )
    found = json.loads(answer.stdout or "{}")
    if "GoMod" not in found:
        message = f"The go.mod of Kubernetes {release} could not be had: {found.get('Error') or answer.stderr}"
        raise PartsMissingError(message)
    return Path(found["GoMod"]).read_text()


def main(arguments: list[str] | None = None) -> int:
    """Checks or writes; 1 if the committed lines are not the release's."""
    parser = argparse.ArgumentParser(description="The replace lines of tests/controlplane/kubernetes/go.mod.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="fail if they are not those of the release")
    action.add_argument("--write", action="store_true", help="write them")
    chosen = parser.parse_args(arguments)
    go_mod = KUBERNETES.folder / "go.mod"
    release = kubernetes_version(go_mod)
    present = go_mod.read_text()
    wanted = with_block(present, replace_block(release, release_go_mod(release)))
    if chosen.write:
        go_mod.write_text(wanted)
        print(f"{go_mod}: replaces as Kubernetes {release} has them; now run `go mod tidy` there")
        return 0
    if present != wanted:
        print(f"{go_mod}: the replace lines are not those of Kubernetes {release}; run with --write", file=sys.stderr)
        return 1
    print(f"{go_mod}: replaces as Kubernetes {release} has them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
