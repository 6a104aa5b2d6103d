"""How long real sites take to start, to be killed and to return: `python -m tests.bench.sites`."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.controlplane import ControlPlane, SiteSpec

KIBIBYTES_PER_MEBIBYTE = 1024


def timed(act: Callable[[], object]) -> float:
    """Return how many seconds the act took."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


def resident_mebibytes(pid: int) -> float:
    """Return the resident memory of a process, as the kernel tells it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return kibibytes / KIBIBYTES_PER_MEBIBYTE


def main() -> None:
    """Print one line per figure."""
    began = time.monotonic()
    with ControlPlane([SiteSpec(name=name) for name in "abc"]) as plane:
        print(f"three sites up: {time.monotonic() - began:.1f} s")
        site = plane.sites["b"]
        memory = sum(resident_mebibytes(pid) for pid in site.pids.values())
        print(f"one site, resident memory: {memory:.0f} MiB")
        print(f"kill a site: {timed(site.kill):.2f} s")
        print(f"bring it back: {timed(site.start):.1f} s")


if __name__ == "__main__":
    main()
