"""Running `go build` so that a person sees it move, and writing down what it cost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from rich.console import Console

from tests.controlplane.errors import PartsMissingError
from tests.controlplane.modules import GoModule
from tests.controlplane.toolchain import Toolchain

RECORD = "build.json"
SAMPLE_SECONDS = 0.5  # a link step lasts several seconds, so its peak is not missed
LINE_SECONDS = 30.0  # without a terminal there is no moving line, and a build of ten silent minutes looks hung
LOG_LINES_SHOWN = 25
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """What one build cost. `packages_compiled` tells a cold build from one that Go's own cache shortened."""

    module: str
    go: str
    seconds: float
    peak_rss_megabytes: int
    packages_compiled: int


def go_environment(toolchain: Toolchain) -> dict[str, str]:
    """Gives the environment in which module versions are exactly the committed ones and no C compiler is needed."""
    pinned = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}
    path = f"{toolchain.go.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, **pinned, "PATH": path}


def compile_module(module: GoModule, toolchain: Toolchain, folder: Path, console: Console) -> None:
    """Builds every program of a module into a folder and records the cost there; raises with the end of the log."""
    # One program may be called otherwise than its package; several are named by theirs, compiled once.
    output = f"{folder}{os.sep}" if len(module.programs) > 1 else str(folder / next(iter(module.programs)))
    command = [str(toolchain.go), "build", "-v", *module.flags(), "-o", output, *module.programs.values()]
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=module.folder,
        env=go_environment(toolchain),
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        last_lines, compiled, peak = _watch(process, module.name, console)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)  # its compilers too
        process.wait()
        raise
    if process.returncode != 0:
        message = f"`{' '.join(command)}` in {module.folder} ended with {process.returncode}:\n" + "".join(last_lines)
        raise PartsMissingError(message)
    record = BuildRecord(
        module=module.name,
        go=toolchain.label,
        seconds=round(time.monotonic() - began, 1),
        peak_rss_megabytes=round(peak / MEGABYTE),
        packages_compiled=compiled,
    )
    (folder / RECORD).write_text(json.dumps(asdict(record), indent=2) + "\n")
    console.print(describe(record))


def describe(record: BuildRecord) -> str:
    """Says in one line what a build cost."""
    return (
        f"{record.module}: built in {record.seconds:.0f} s with {record.go}, "
        f"{record.packages_compiled} packages compiled, at most {record.peak_rss_megabytes} MB of memory"
    )


def _watch(process: subprocess.Popen[str], name: str, console: Console) -> tuple[deque[str], int, int]:
    assert process.stderr is not None
    lines: deque[str] = deque(maxlen=LOG_LINES_SHOWN)
    count = [0]
    reader = threading.Thread(target=_read, args=(process.stderr, lines, count), daemon=True)
    reader.start()
    began = last_line = time.monotonic()
    peak = 0
    with process.stderr, console.status("") as status:
        while process.poll() is None:
            peak = max(peak, _group_rss(process.pid))
            latest = lines[-1].strip() if lines else "downloading modules"
            now = time.monotonic()
            progress = f"building {name}: {now - began:.0f} s, {count[0]} packages, {latest}"
            status.update(progress)
            if not console.is_terminal and now - last_line >= LINE_SECONDS:
                console.print(progress, markup=False)
                last_line = now
            time.sleep(SAMPLE_SECONDS)
        reader.join()
    return lines, count[0], peak


def _read(stream: IO[str], lines: deque[str], count: list[int]) -> None:
    for line in stream:
        lines.append(line)
        if not line.startswith("go: "):  # `go: downloading …`; everything else -v prints is a compiled package
            count[0] += 1


def _group_rss(group: int) -> int:
    """Sums the resident memory of a process group in bytes."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended between the listing and the reading
        if int(fields[2]) == group:
            total += int(fields[21]) * PAGE_BYTES
    return total
