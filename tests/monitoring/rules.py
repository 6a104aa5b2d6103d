"""The rules as they stand in the manifest, and promtool, which comes with the Prometheus of the tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane import prometheus_binary

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "manifests/monitoring"
RUNBOOKS = ROOT / "docs/runbooks"

Rule = dict[str, Any]


def groups() -> list[dict[str, Any]]:
    """Return the groups of rules."""
    document = yaml.safe_load((MONITORING / "prometheus-rule.yaml").read_text("utf-8"))
    found: list[dict[str, Any]] = document["spec"]["groups"]
    return found


def rules() -> list[Rule]:
    """Return every alert."""
    return [rule for group in groups() for rule in group["rules"]]


def promtool(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run promtool in the folder, in which `rules.json` holds the rules; JSON is YAML."""
    (folder / "rules.json").write_text(json.dumps({"groups": groups()}))
    program = prometheus_binary(fetch=False).with_name("promtool")
    return subprocess.run([str(program), *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
