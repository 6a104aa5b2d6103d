"""The controller, as a process of its own: started as in production, and asked how it is through what it serves."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

from tests.controlplane.processes import Child
from tests.demo import records
from tests.demo.processes import get_text, python_module, wait_for
from tests.demo.recording import ControllerFacts
from tests.demo.stage import Stage
from tests.demo.story import LEASE_NAMESPACE

CYCLE_BUCKET = re.compile(r'^sonnerie_cycle_duration_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)
PEAK_MEMORY = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
NAME = "controller"


def start_controller(stage: Stage, folder: Path, kubeconfig: Path) -> Child:
    """Start it and return when it is ready to act."""
    troupe, ports, short = stage.troupe, stage.ports, stage.story.shortened
    arguments = [
        "run",
        f"--kubeconfig={kubeconfig}",
        f"--lease-namespace={LEASE_NAMESPACE}",
        f"--agent-address=127.0.0.1:{ports.edge.agent}",
        f"--listen=127.0.0.1:{ports.listen}",
        "--identity=demo",
        *(f"--reference={address}" for address in stage.references),
    ]
    child = troupe.add(
        NAME,
        python_module("controller", *arguments),
        log=str(folder / records.CONTROLLER_LOG),
        SONNERIE_PLAN_EVERY_SECONDS=str(short.plan_every_seconds),
        SONNERIE_QUERY_EVERY_SECONDS=str(short.query_every_seconds),
        SONNERIE_QUARANTINE_SECONDS=str(short.quarantine_seconds),
    )
    wait_for(child, f"http://127.0.0.1:{ports.listen}/readyz")
    return child


def ask_controller(stage: Stage) -> ControllerFacts:
    """Return how long its planning cycles took and how much memory it used at most."""
    child = stage.troupe.children[NAME]
    status = Path(f"/proc/{child.pid}/status")
    peak = PEAK_MEMORY.search(status.read_text()) if child.pid is not None and status.exists() else None
    figures = get_text(f"http://127.0.0.1:{stage.ports.listen}/metrics")
    return ControllerFacts(
        cycle_p99_milliseconds=cycle_p99_milliseconds(figures) if figures else None,
        rss_megabytes=round(int(peak.group(1)) * 1024 / 1e6, 1) if peak else None,
    )


def facts_as_json(facts: ControllerFacts) -> dict[str, float | None]:
    """Return the facts as they are recorded."""
    return asdict(facts)


def cycle_p99_milliseconds(figures: str) -> float | None:
    """Read the 99th percentile of the cycle's duration from its histogram, straight within a bucket, as PromQL does.

    None when there was no cycle, or when the percentile lies beyond the last finite bucket.
    """
    buckets = [(float(bound), float(count)) for bound, count in CYCLE_BUCKET.findall(figures)]
    if not buckets or not buckets[-1][1]:
        return None
    rank = 0.99 * buckets[-1][1]
    below_bound, below = 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            if bound == float("inf"):
                return None
            inside = (rank - below) / (count - below) if count > below else 1.0
            return round((below_bound + inside * (bound - below_bound)) * 1000, 1)
        below_bound, below = bound, count
    return None
