"""Prometheus and HAProxy: the ones on PATH, else Debian's packages unpacked into the cache, without root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.controlplane.cache import cache_folder, publish
from tests.controlplane.errors import PartsMissingError

# Debian puts servers where an ordinary account's PATH does not look.
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# No lock, no sandbox user: an ordinary account may look and download, it only may not install.
AS_ANYONE = ("-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root", "-q")


@dataclass(frozen=True, slots=True)
class Program:
    """How to run a program: its command line so far, and what its environment needs on top."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def prometheus_binary(*, fetch: bool = True) -> Path:
    """Gives the Prometheus server, fetching Debian's unless `fetch` is off; it needs no shared libraries."""
    return Path(_program("prometheus", "usr/bin/prometheus", fetch=fetch).argv[0])


def haproxy_command(*, fetch: bool = True) -> Program:
    """Gives HAProxy, fetching Debian's unless `fetch` is off."""
    return _program("haproxy", "usr/sbin/haproxy", fetch=fetch)


def nft_command(*, fetch: bool = True) -> Program:
    """Gives nft, which tells a network namespace what it loses, fetching Debian's unless `fetch` is off."""
    return _program("nftables", "usr/sbin/nft", fetch=fetch)


def knot_commands(*, fetch: bool = True) -> tuple[Program, Program]:
    """Gives the Knot DNS server and the program that controls it, fetching Debian's unless `fetch` is off."""
    server = _program("knot", "usr/sbin/knotd", fetch=fetch)
    control = Path(server.argv[0]).with_name("knotc")
    return server, Program((str(control),), server.environment)


def faketime_library(*, fetch: bool = True) -> Path:
    """Gives what shows a process another time when preloaded, fetching Debian's unless `fetch` is off."""
    inside = f"usr/lib/{os.uname().machine}-linux-gnu/faketime/libfaketime.so.1"
    return Path(_program("libfaketime", inside, fetch=fetch).argv[0])


def find_chromium() -> Path:
    """Gives the Chromium on PATH; only root can install its many libraries, so it is not fetched."""
    for name in BROWSERS:
        if found := _on_path(name):
            return found
    message = (
        f"None of {', '.join(BROWSERS)} is on PATH; pages are looked at with a headless browser.\n"
        "On Debian: apt-get update && apt-get install --no-install-recommends chromium"
    )
    raise PartsMissingError(message)


def _program(package: str, inside: str, *, fetch: bool) -> Program:
    name = Path(inside).name
    if found := _on_path(name):
        return Program((str(found),))
    target = cache_folder() / "debian" / f"{package}-{_release()}"
    if not target.is_dir():
        if not fetch:
            message = f"{name} is neither on PATH nor in {target}. Run `make setup`, or install {name}."
            raise PartsMissingError(message)
        publish(target, lambda folder: _unpack(package, inside, folder))
    return _unpacked(target, inside)


def _on_path(name: str) -> Path | None:
    path = os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS])
    found = shutil.which(name, path=path)
    return None if found is None else Path(found)


def _release() -> str:
    """Names the release and architecture, such as bookworm-x86_64: what runs on one may not run on another."""
    try:
        found = re.search(r"^VERSION_CODENAME=(\S+)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return f"{found.group(1) if found else 'unknown'}-{os.uname().machine}"


def _unpacked(root: Path, inside: str) -> Program:
    program = root / inside
    libraries = sorted({str(library.parent) for library in root.rglob("lib*.so*")})
    return Program((str(program),), {"LD_LIBRARY_PATH": os.pathsep.join(libraries)} if libraries else {})


def _unpack(package: str, inside: str, folder: Path) -> None:
    """Downloads a package and the libraries that this machine lacks, and unpacks them into a folder."""
    if not all(shutil.which(tool) for tool in ("apt-get", "dpkg-deb")):
        raise PartsMissingError(_how_to_get(package, "this machine has no apt-get and dpkg-deb"))
    downloads = folder / ".downloads"
    downloads.mkdir()
    complaint = ""
    for options in (lambda: AS_ANYONE, _private_lists):
        complaint = _download(package, downloads, options)
        if not complaint:
            break
    if complaint:
        raise PartsMissingError(_how_to_get(package, complaint))
    for archive in sorted(downloads.glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
    shutil.rmtree(downloads)
    _expect_libraries(package, _unpacked(folder, inside))


def _download(package: str, folder: Path, options: Callable[[], Sequence[str]]) -> str:
    """Downloads a package with the libraries it lacks; gives apt's complaint, or nothing if it worked."""
    try:
        chosen = options()
        plan = _apt(chosen, "--simulate", "--no-install-recommends", "install", package)
        # Its scripts' and pages' packages are not needed to run the server.
        lacking = re.findall(r"^Inst (lib(?!js-)\S+)", plan, re.MULTILINE)
        _apt(chosen, "download", package, *lacking, cwd=folder)
    except subprocess.CalledProcessError as error:
        return str(error.stderr).strip()
    return ""


def _private_lists() -> Sequence[str]:
    """Gives options for package lists of our own, just brought up to date: the machine's are missing or too old."""
    state, cache = cache_folder() / "debian" / "lists", cache_folder() / "debian" / "packages"
    for folder in (state / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    options = (*AS_ANYONE, "-o", f"Dir::State::lists={state}", "-o", f"Dir::Cache={cache}")
    _apt(options, "update")
    return options


def _apt(options: Sequence[str], *arguments: str, cwd: Path | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", *options, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True, text=True).stdout


def _expect_libraries(package: str, program: Program) -> None:
    answer = subprocess.run(
        ["ldd", *program.argv], env={**os.environ, **program.environment}, capture_output=True, text=True
    )
    if lacking := re.findall(r"(\S+) => not found", answer.stdout):
        raise PartsMissingError(_how_to_get(package, f"Debian's package needs {', '.join(lacking)}"))


def _how_to_get(package: str, why: str) -> str:
    return (
        f"{package} is not on PATH, and Debian's package could not be unpacked into the cache: {why}\n"
        f"Either install {package} with your system's package manager, or on Debian run `apt-get update` as root "
        "and then `make setup` again."
    )
