"""Holds one site until it is told to end: what a test interrupts, as Ctrl-C interrupts a demo.

`python -m tests.live.holding FOLDER` prints one JSON line with process ids and the data folder, then waits.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from tests.controlplane import ControlPlane, SiteSpec


def main() -> None:
    """Starts the site, says what runs, and waits for a signal."""
    # A shell that starts us in the background has Ctrl-C ignored, and Python would leave it so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with ControlPlane([SiteSpec(name="held", nodes=1)], run_folder=Path(sys.argv[1])) as plane:
        pids = list(plane.sites["held"].pids.values())
        print(json.dumps({"pids": pids, "data": str(plane.data_folder)}), flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
