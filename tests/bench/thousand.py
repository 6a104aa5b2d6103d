"""1,000 ENTs at 3 sites, 3,000 Deployments on real API servers: `python -m tests.bench.thousand [ENTS SECONDS]`.

API servers and etcd are real; Deployments are said to be Ready by us, once, so that the machine need not play 6,000
pods beside what is measured. Statuses of all ENTs are written in the first cycles, which are not counted in the p99.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.fleets import Fleet, controlling, measuring_prometheus, set_up
from tests.bench.measures import between, read
from tests.controlplane import ControlPlane, SiteSpec

ENTS = 1000
SETTLING_SECONDS, MEASURED_SECONDS = 60.0, 180.0
MOST_BYTES = 400e6
MOST_P99_SECONDS = 2.0
MOST_START_SECONDS = 15.0


def main() -> None:
    """Print the figures; exit 1 when a bar is missed."""
    ents, measured = (int(sys.argv[1]), float(sys.argv[2])) if len(sys.argv) > 2 else (ENTS, MEASURED_SECONDS)
    specs = [SiteSpec(name=name, nodes=2) for name in "abc"]
    with (
        tempfile.TemporaryDirectory() as name,
        ControlPlane(specs, run_folder=Path(name, "sites")) as plane,
        measuring_prometheus(Path(name), ents) as prometheus,
    ):
        fleet = Fleet(sites=plane.sites, ents=ents)
        for site in plane.sites.values():
            for component in ("kube-controller-manager", "kube-scheduler"):
                site.kill_component(component)
        began = time.monotonic()
        asyncio.run(set_up(fleet, prometheus, played=False))
        print(f"{ents} ENTs at 3 sites made in {time.monotonic() - began:.0f} s", flush=True)
        began = time.monotonic()
        with controlling(Path(name), fleet.management.kubeconfig, prometheus) as bench:
            first = time.monotonic() - began
            print(f"start to first plan: {first:.1f} s (bar {MOST_START_SECONDS:.0f} s)", flush=True)
            time.sleep(SETTLING_SECONDS)
            before = read(bench.pid, bench.page("/metrics"))
            time.sleep(measured)
            found = between(before, read(bench.pid, bench.page("/metrics")))
            print(f"then: {found} (bars {MOST_P99_SECONDS:.0f} s, {MOST_BYTES / 1e6:.0f} MB)")
    met = first <= MOST_START_SECONDS and found.peak_bytes <= MOST_BYTES and found.p99_seconds <= MOST_P99_SECONDS
    sys.exit(not met)


if __name__ == "__main__":
    main()
