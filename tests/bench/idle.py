"""What the controller costs when nothing happens: `python -m tests.bench.idle [WARM_UP_SECONDS MEASURED_SECONDS]`.

20 ENTs at 3 sites on real API servers, controllers, schedulers and played nodes. Cost by /proc, writes by the API
servers' audit logs.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.bench.fleets import Fleet, controlling, measuring_prometheus, set_up, writes
from tests.bench.measures import Between, between, read
from tests.controlplane import ControlPlane, SiteSpec

ENTS = 20
WARM_UP_SECONDS, MEASURED_SECONDS = 300.0, 600.0
MOST_BYTES = 150e6
MOST_CORE = 0.05
MOST_P99_SECONDS = 0.3


def measure(folder: Path, *, warm_up_seconds: float, measured_seconds: float) -> tuple[Between, Counter[str]]:
    """Return what it cost and what was written, the Lease's renewals aside."""
    specs = [SiteSpec(name=name, audited=True, start_up_milliseconds=100) for name in "abc"]
    with ControlPlane(specs, run_folder=folder / "sites") as plane, measuring_prometheus(folder, ENTS) as prometheus:
        fleet = Fleet(sites=plane.sites, ents=ENTS)
        asyncio.run(set_up(fleet, prometheus, played=True))
        with controlling(folder, fleet.management.kubeconfig, prometheus) as bench:
            time.sleep(warm_up_seconds)
            before = read(bench.pid, bench.page("/metrics"))
            lines = {name: len(site.audit_log.read_text().splitlines()) for name, site in plane.sites.items()}
            time.sleep(measured_seconds)
            after = read(bench.pid, bench.page("/metrics"))
            written = Counter(
                f"{event['verb']} {event['objectRef']['resource']}/{event['objectRef'].get('subresource', '')}"
                for name, site in plane.sites.items()
                for event in writes(site, lines[name])
            )
    return between(before, after), written


def main() -> None:
    """Print the figures; exit 1 when a bar is missed."""
    warm_up, measured = map(float, sys.argv[1:3]) if len(sys.argv) > 2 else (WARM_UP_SECONDS, MEASURED_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        found, written = measure(Path(folder), warm_up_seconds=warm_up, measured_seconds=measured)
    renewals = written.pop("update leases/", 0)
    print(f"idle, {ENTS} ENTs at 3 sites, after {warm_up:.0f} s: {found}")
    print(f"writes: {renewals} renewals of the Lease, besides {dict(written) or 'none'}")
    met = found.resident_bytes <= MOST_BYTES and found.core_share <= MOST_CORE
    sys.exit(not (met and found.p99_seconds <= MOST_P99_SECONDS and not written))


if __name__ == "__main__":
    main()
