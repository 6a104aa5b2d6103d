"""`build/faults/summary.json`: the same keys for every fault, the worst of all runs, and whether the bars are met."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.cast import ENTS, TRAFFIC, shortened
from tests.faults.figures import Details, Figures
from tests.faults.table import FAULTS, Bars, Fault

SCHEMA_VERSION = 1
SUMS = ("requests_total", "requests_failed")
PERCENTILE = 0.99
RESULTS, SIMULATED = "results", "simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one fault."""

    figures: Figures
    details: Details
    load: float
    """The machine's, over the last minute when the run ended: 2.0 keeps both cores busy."""


def combined(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the figures of all runs: requests added up, of everything else the 99th percentile (nearest rank).

    A figure that some run lacks although others have it counts as missing: a run that never decided is no success.
    """
    found: dict[str, Any] = {}
    for name in (field.name for field in fields(Figures)):
        values = [getattr(run.figures, name) for run in runs]
        if name in SUMS:
            found[name] = sum(values)
        elif any(value is None for value in values):
            found[name] = None
        else:
            found[name] = nearest_rank(values, PERCENTILE)
    return found


def nearest_rank(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def missed(bars: Bars, figures: Mapping[str, Any], effect: float | None) -> list[str]:
    """Say which bars are not met; a figure that is missing misses its bar."""
    total = figures["requests_total"]
    told = {**figures, "effect_seconds": effect, "failed_share": figures["requests_failed"] / total if total else None}
    complaints = []
    for field in fields(bars):
        bar, value = getattr(bars, field.name), told[field.name]
        if bar is not None and (value is None or value > bar):
            complaints.append(f"{field.name}: {value if value is not None else 'not measured'}, must be ≤ {bar}")
    return complaints


def result(fault: Fault, topology: str, runs: Sequence[Run], series: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that is kept of a fault; `series` is that of the last run."""
    figures = combined(runs)
    effects = [run.details.effect_seconds for run in runs if run.details.effect_seconds is not None]
    effect = max(effects) if effects else None
    complaints = missed(fault.bars, figures, effect)
    return {
        "name": fault.name,
        **figures,
        "title": fault.title,
        "edge": fault.edge,
        "topology": topology,
        "sick": list(fault.sick),
        "runs": len(runs),
        "effect_seconds": effect,
        "met": not complaints,
        "missed": complaints,
        "shortened": fault.shortened or None,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "load_average": max(run.load for run in runs),
        "each_run": [{**asdict(run.figures), **asdict(run.details)} for run in runs],
        "series": dict(series),
    }


def keep(folder: Path, found: Mapping[str, Any]) -> None:
    """Keep the result of a fault, and bring the summary up to date."""
    results = folder / RESULTS
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{found['name']}.json").write_text(json.dumps(found, ensure_ascii=False))
    (folder / "summary.json").write_text(json.dumps(summary(folder), ensure_ascii=False, indent=2) + "\n")


def keep_simulated(folder: Path, name: str, found: Sequence[Mapping[str, Any]]) -> None:
    """Keep what the simulator says of a fault."""
    kept = folder / SIMULATED
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"{name}.json").write_text(json.dumps(list(found)))
    (folder / "summary.json").write_text(json.dumps(summary(folder), ensure_ascii=False, indent=2) + "\n")


def read_simulated(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return what the simulator says, by fault, in the order of the table."""
    paths = [(fault.name, folder / SIMULATED / f"{fault.name}.json") for fault in FAULTS]
    return {name: json.loads(path.read_text()) for name, path in paths if path.exists()}


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Return what was kept, in the order of the table."""
    order = {fault.name: number for number, fault in enumerate(FAULTS)}
    found = [json.loads(path.read_text()) for path in sorted((folder / RESULTS).glob("*.json"))]
    return sorted(found, key=lambda one: (order.get(one["name"], len(order)), one["name"]))


def summary(folder: Path) -> dict[str, Any]:
    """Return what outside programs read."""
    faults = {
        one["name"]: {k: v for k, v in one.items() if k not in ("name", "series")} for one in read_results(folder)
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "cores": os.cpu_count(),
        "requests_per_second": TRAFFIC.requests_per_second * len(ENTS),
        "clients": asdict(TRAFFIC),
        "shortened_settings": shortened(),
        "faults": faults,
        "simulated": read_simulated(folder),
    }
