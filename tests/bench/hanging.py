"""What one hanging site costs the others: `python -m tests.bench.hanging [SECONDS]`.

20 ENTs at 3 real sites. For a while everything is well; then the API server of one site accepts connections and never
answers. Compared are the evidence rounds per minute, the planning cycles, and how old the sight of the other two sites
gets: all of it has to stay within a tenth.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.fleets import Bench, Fleet, controlling, measuring_prometheus, set_up
from tests.bench.measures import between, read
from tests.controlplane import ControlPlane, SiteSpec

ENTS = 20
SETTLING_SECONDS, MEASURED_SECONDS = 30.0, 60.0
LOOK_SECONDS = 0.5
WITHIN = 0.1
ROUNDS = re.compile(r"^sonnerie_evidence_round_duration_seconds_count (\S+)$", re.MULTILINE)
SEEN_AGE = re.compile(r'^sonnerie_replicas_seen_age_seconds\{ent="[^"]*",site="(\w+)"\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How the other sites fare."""

    rounds_per_minute: float
    cycles_per_minute: float
    cycle_p99_seconds: float
    oldest_sight_seconds: float
    """Of the replicas at the other sites, as planned with; sessions prove life every eight seconds."""


def pace(bench: Bench, seconds: float) -> Pace:
    """Look for so long."""
    first = bench.page("/metrics")
    before, rounds, began = read(bench.pid, first), _rounds(first), time.monotonic()
    oldest = 0.0
    while time.monotonic() - began < seconds:
        ages = [float(age) for site, age in SEEN_AGE.findall(bench.page("/metrics")) if site != "c"]
        oldest = max(oldest, *ages)
        time.sleep(LOOK_SECONDS)
    last = bench.page("/metrics")
    found = between(before, read(bench.pid, last))
    return Pace(
        rounds_per_minute=(_rounds(last) - rounds) / found.seconds * 60,
        cycles_per_minute=found.cycles / found.seconds * 60,
        cycle_p99_seconds=found.p99_seconds,
        oldest_sight_seconds=oldest,
    )


def _rounds(metrics: str) -> float:
    found = ROUNDS.search(metrics)
    assert found
    return float(found[1])


def main() -> None:
    """Print both paces; exit 1 when the others suffer."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else MEASURED_SECONDS
    specs = [SiteSpec(name=name, start_up_milliseconds=100) for name in "abc"]
    with (
        tempfile.TemporaryDirectory() as name,
        ControlPlane(specs, run_folder=Path(name, "sites")) as plane,
        measuring_prometheus(Path(name), ENTS) as prometheus,
    ):
        fleet = Fleet(sites=plane.sites, ents=ENTS)
        asyncio.run(set_up(fleet, prometheus, played=True))
        with controlling(Path(name), fleet.management.kubeconfig, prometheus) as bench:
            time.sleep(SETTLING_SECONDS)
            well = pace(bench, seconds)
            print(f"all well:   {well}", flush=True)
            plane.sites["c"].hang()
            hanging = pace(bench, seconds)
            print(f"c hangs:    {hanging}", flush=True)
            plane.sites["c"].go_on()
    fewer = 1 - hanging.rounds_per_minute / well.rounds_per_minute
    print(f"evidence rounds per minute: {fewer:+.1%} fewer (bar {WITHIN:.0%})")
    sys.exit(fewer > WITHIN or hanging.cycles_per_minute < well.cycles_per_minute * (1 - WITHIN))


if __name__ == "__main__":
    main()
