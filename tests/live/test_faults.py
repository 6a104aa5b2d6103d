"""The fault harness, briefly: four real sites, users, and one of the sites burns."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 280


@pytest.mark.live
@pytest.mark.timeout(MOST_SECONDS + 20)
def test_a_site_that_burns_is_left_and_measured(tmp_path: Path) -> None:
    """`make faults` builds a world, burns a site, measures, and leaves nothing behind."""
    command = [sys.executable, "-m", "tests.faults", "--topology=all-sites", "--only=site-killed", "--brief"]
    ended = subprocess.run(
        [*command, f"--folder={tmp_path}"],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
    )
    assert ended.returncode in (0, 1), ended.stdout + ended.stderr
    found = json.loads((tmp_path / "summary.json").read_text())["faults"]["site-killed"]
    assert found["decided_seconds"] is not None
    assert found["requests_total"] > 100
    assert found["failed_site_seconds"] < found["requests_total"]
    assert found["empty_answers"] == 0
    assert not list(tmp_path.rglob("*.pid"))
