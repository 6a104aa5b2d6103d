"""Which Go modules the servers come from, how each is built, and the key under which the result is kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.toolchain import Toolchain, Version, parse_version

HERE = Path(__file__).parent

# Two packages at a time: the compiler and the linker of the largest ones take more than a GiB each.
PARALLEL_PACKAGES = "2"
STRIPPED = "-s -w"  # no symbol tables: a third of the size, and nobody debugs these binaries


@dataclass(frozen=True, slots=True, kw_only=True)
class GoModule:
    """One module folder with its own go.sum, and the programs it builds."""

    name: str
    programs: Mapping[str, str]  # file name → package
    folder: Path

    @property
    def wanted_go(self) -> Version:
        """Gives the least Go version that the module's go.mod asks for."""
        return wanted_go(self.folder / "go.mod")

    def flags(self) -> tuple[str, ...]:
        """Gives the flags of `go build`, all of them a part of the cache key."""
        return ("-trimpath", "-p", PARALLEL_PACKAGES, "-ldflags", " ".join([STRIPPED, *self._stamps()]))

    def _stamps(self) -> list[str]:
        # Without them the version reads v0.0.0-master and clients refuse to believe the API level.
        if self.name != "kubernetes":
            return []
        version = kubernetes_version(self.folder / "go.mod")
        major, minor, _ = version.removeprefix("v").split(".")
        package = "k8s.io/component-base/version"
        values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
        return [f"-X {package}.{name}={value}" for name, value in values.items()]

    def source_key(self) -> str:
        """Identifies what is built: go.mod, go.sum and flags."""
        digest = hashlib.sha256()
        for part in ((self.folder / "go.mod").read_bytes(), (self.folder / "go.sum").read_bytes()):
            digest.update(hashlib.sha256(part).digest())
        digest.update("\0".join([*self.flags(), *sorted(self.programs.values())]).encode())
        return digest.hexdigest()[:16]  # 64 bits tell the few builds of one cache apart

    def cache_name(self, toolchain: Toolchain) -> str:
        """Names the folder of the finished build: what, and by which Go."""
        return f"{self.name}-{self.source_key()}-{toolchain.label}"


def kubernetes_version(go_mod: Path) -> str:
    """Reads the Kubernetes release, such as v1.37.2, from the module that builds it."""
    return _find(go_mod, r"^\tk8s\.io/kubernetes (v\S+)")


def wanted_go(go_mod: Path) -> Version:
    """Reads the least Go version that a go.mod asks for."""
    return parse_version(_find(go_mod, r"^go (\S+)$"))


def _find(path: Path, pattern: str) -> str:
    found = re.search(pattern, path.read_text(), re.MULTILINE)
    if found is None:
        message = f"{path} has no line like {pattern!r}"
        raise ValueError(message)
    return found.group(1)


KUBERNETES = GoModule(
    name="kubernetes",
    programs={
        name: f"k8s.io/kubernetes/cmd/{name}"
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
    },
    folder=HERE / "kubernetes",
)
ETCD = GoModule(name="etcd", programs={"etcd": "go.etcd.io/etcd/server/v3"}, folder=HERE / "etcd")
KWOK = GoModule(name="kwok", programs={"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, folder=HERE / "kwok")

MODULES = (KUBERNETES, ETCD, KWOK)
