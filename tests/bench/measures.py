"""What the kernel and the controller's own metrics say of a process."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

BUCKET = re.compile(r'^sonnerie_cycle_duration_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
KIBIBYTE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A process at one instant."""

    at_seconds: float
    cpu_seconds: float
    resident_bytes: int
    peak_bytes: int
    cycles: dict[float, float]
    """Cumulated counts by upper bound in seconds."""


def read(pid: int, metrics: str) -> Reading:
    """Gives the reading of now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    memory = Path(f"/proc/{pid}/status").read_text()
    return Reading(
        at_seconds=time.monotonic(),
        cpu_seconds=(int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND,
        resident_bytes=_kibibytes(memory, "VmRSS") * KIBIBYTE,
        peak_bytes=_kibibytes(memory, "VmHWM") * KIBIBYTE,
        cycles={float(bound): float(count) for bound, count in BUCKET.findall(metrics)},
    )


def _kibibytes(memory: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", memory, re.MULTILINE)
    assert found
    return int(found[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """What happened between two readings."""

    seconds: float
    core_share: float
    cycles: int
    p99_seconds: float
    """Of the planning cycles, straight within a bucket of the histogram; infinite beyond the last bucket."""
    resident_bytes: int
    peak_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.core_share:.2%} of a core, {self.resident_bytes / 1e6:.0f} MB resident "
            f"(peak {self.peak_bytes / 1e6:.0f} MB), cycle p99 {self.p99_seconds * 1000:.0f} ms "
            f"({self.cycles} cycles in {self.seconds:.0f} s)"
        )


def between(before: Reading, after: Reading) -> Between:
    """Gives the difference."""
    seconds = after.at_seconds - before.at_seconds
    counts = {bound: count - before.cycles.get(bound, 0.0) for bound, count in after.cycles.items()}
    return Between(
        seconds=seconds,
        core_share=(after.cpu_seconds - before.cpu_seconds) / seconds,
        cycles=round(counts.get(float("inf"), 0.0)),
        p99_seconds=percentile(counts, 0.99),
        resident_bytes=after.resident_bytes,
        peak_bytes=after.peak_bytes,
    )


def percentile(counts: dict[float, float], share: float) -> float:
    """Gives the percentile of cumulated counts by upper bound, as PromQL's `histogram_quantile` does.

    Raises:
        ValueError: there is nothing to take it of.
    """
    total = counts.get(float("inf"), 0.0)
    if not total:
        raise ValueError("there was no cycle")
    rank, bound_below, below = share * total, 0.0, 0.0
    for bound in sorted(counts):
        if counts[bound] >= rank:
            if bound == float("inf"):
                return bound
            inside = (rank - below) / (counts[bound] - below) if counts[bound] > below else 1.0
            return bound_below + inside * (bound - bound_below)
        bound_below, below = bound, counts[bound]
    raise AssertionError(counts)
