"""`summary.json`: nested, versioned, `null` with `why` where something was not measured."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from tests.demo.figures.failback import failback
from tests.demo.figures.loss import site_loss
from tests.demo.figures.measured import Figure, NotMeasured
from tests.demo.figures.outage import metrics_outage
from tests.demo.figures.prescale import prescale
from tests.demo.figures.service import requests
from tests.demo.recording import ControllerFacts, Recording

SCHEMA_VERSION = 1


def summarise(recording: Recording) -> dict[str, Any]:
    """Measure everything."""
    return {
        "schema_version": SCHEMA_VERSION,
        "prescale": group_of(prescale(recording)),
        "metrics_outage": group_of(metrics_outage(recording)),
        "site_loss": group_of(site_loss(recording)),
        "failback": group_of(failback(recording)),
        "requests": group_of(requests(recording)),
        "controller": _controller(recording.controller),
        "shortened": asdict(recording.story.shortened),
    }


def group_of(figures: Any) -> dict[str, Any]:
    """Return a group of figures; what was not measured is null, and `why` says why, by key."""
    values: dict[str, Figure] = {field.name: getattr(figures, field.name) for field in fields(figures)}
    group: dict[str, Any] = {key: None if isinstance(v, NotMeasured) else v for key, v in values.items()}
    why = {key: value.why for key, value in values.items() if isinstance(value, NotMeasured)}
    return group | ({"why": why} if why else {})


def _controller(facts: ControllerFacts) -> dict[str, Any]:
    group = asdict(facts)
    why = {key: "the controller's process could not be asked" for key, value in group.items() if value is None}
    return group | ({"why": why} if why else {})


def write_summary(path: Path, summary: dict[str, Any]) -> None:
    """Write it for programs and for people."""
    path.write_text(json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
