"""`python -m tests.faults [--only 'site-killed*'] [--runs N]`: what goes wrong, on real parts, measured.

Exit codes: 0 all bars are met, 1 a bar is missed, 2 no fault of that name, 3 it could not be shown, 130 interrupted.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatch
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.controlplane import (
    KubectlError,
    PartsMissingError,
    ServerFailedError,
    binaries,
    faketime_library,
    haproxy_command,
    knot_commands,
    nft_command,
    prometheus_binary,
)
from tests.controlplane.processes import sweep
from tests.demo.processes import ROOT
from tests.faults import controllers
from tests.faults.figures import details, figures
from tests.faults.network import go_inside
from tests.faults.report import write_report
from tests.faults.running import await_calm, play
from tests.faults.series import series
from tests.faults.simulated import as_json, script, simulate
from tests.faults.summary import RESULTS, SIMULATED, Run, keep, keep_simulated, read_results, result
from tests.faults.table import FAULTS, Fault
from tests.faults.world import World

FOLDER = ROOT / "build" / "faults"
BRIEF_SECONDS = 14.0
EXIT_MISSED, EXIT_UNKNOWN, EXIT_NOT_SHOWN, EXIT_INTERRUPTED = 1, 2, 3, 130


def main() -> int:
    """Run it all; whatever happens, nothing of it is left."""
    options = _options()
    console = Console()
    if options.list:
        for fault in FAULTS:
            console.print(f"{fault.name:32} {fault.seconds:4.0f} s  {fault.title}", highlight=False, soft_wrap=True)
        return 0
    if options.report:
        write_report(options.folder)
        return 0
    chosen = choose(options.only, options.topology)
    if options.brief:
        chosen = tuple(replace(fault, lasts=BRIEF_SECONDS, watch=0.0) for fault in chosen)
    if not chosen:
        console.print(f"No fault is called {options.only!r} here; `--list` names all.", markup=False)
        return EXIT_UNKNOWN
    if options.simulate:
        _simulate(chosen, options.folder, console)
        return 0
    try:
        return _measure_inside(chosen, options, console)
    except KeyboardInterrupt:
        console.print("Interrupted: everything has been ended.")
        return EXIT_INTERRUPTED
    except (PartsMissingError, ServerFailedError, KubectlError, TimeoutError, OSError) as error:
        console.print(f"The faults could not be shown: {error}", markup=False, soft_wrap=True)
        return EXIT_NOT_SHOWN


def _measure_inside(chosen: Sequence[Fault], options: argparse.Namespace, console: Console) -> int:
    """Measure in a network namespace of our own, where one can be had."""
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    for part in (binaries, haproxy_command, prometheus_binary, nft_command, faketime_library, knot_commands):
        part()  # fetched here: there is no way out from inside
    code = go_inside("tests.faults")
    if code is not None:
        return code
    with _alone(options.folder.resolve(), fresh=not options.only):
        return _measure(chosen, options, console)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Example: python -m tests.faults --only 'site-killed*' --runs 30"
    )
    parser.add_argument("--only", default="", metavar="PATTERNS", help="names of faults, with *, several by commas")
    parser.add_argument("--runs", type=int, default=1, help="how often each is played")
    parser.add_argument("--topology", choices=controllers.TOPOLOGIES, default=controllers.ALL_SITES)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where everything is written")
    parser.add_argument("--brief", action="store_true", help="only until the site is left: a smoke test")
    parser.add_argument("--simulate", action="store_true", help="play the chosen faults in the simulator instead")
    parser.add_argument("--list", action="store_true", help="name all faults and end")
    parser.add_argument("--report", action="store_true", help="write the report of what was measured before")
    return parser.parse_args()


def choose(patterns: str, topology: str) -> tuple[Fault, ...]:
    """Return the faults that are meant and can be in this topology, those of one edge together."""
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()] or ["*"]
    found = [
        fault for fault in FAULTS
        if topology in fault.topologies and any(fnmatch(fault.name, pattern) for pattern in wanted)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda fault: fault.edge != "haproxy"))


def _measure(chosen: Sequence[Fault], options: argparse.Namespace, console: Console) -> int:
    folder = options.folder.resolve()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        for edge, faults in groupby(chosen, key=lambda fault: fault.edge):
            with World(folder / edge, options.topology, edge, progress.console.print) as world:
                for fault in faults:
                    _measure_one(world, fault, options, progress)
    write_report(folder)
    results = [one for one in read_results(folder) if any(one["name"] == fault.name for fault in chosen)]
    console.print(f"Summary: {folder / 'summary.json'}\nReport:  {folder / 'report.html'}", soft_wrap=True)
    return 0 if all(one["met"] for one in results) else EXIT_MISSED


def _measure_one(world: World, fault: Fault, options: argparse.Namespace, progress: Progress) -> None:
    runs, folder = options.runs, options.folder.resolve()
    task = progress.add_task(fault.name, total=float(runs))
    measured: list[Run] = []
    for run in range(runs):

        def show(what: str, share: float, run: int = run) -> None:
            progress.update(task, completed=run + share, description=f"{fault.name} {run + 1}/{runs}: {what}")

        show("beginning", 0.0)
        world.begin()
        await_calm(world)
        trace = play(world, fault, run, show)
        measured.append(Run(figures=figures(trace), details=details(trace), load=os.getloadavg()[0]))
        keep(folder, result(fault, world.topology, measured, series(trace)))
    found = next(one for one in read_results(folder) if one["name"] == fault.name)
    progress.update(task, completed=float(runs), description=fault.name)
    mark, style = ("met   ", "green") if found["met"] else ("MISSED", "bold red")
    said = ", ".join(
        f"{key} {found[key]}" for key in ("decided_seconds", "moved_95_percent_seconds", "failed_site_seconds")
    )
    progress.console.print(f"[{style}]{mark}[/] {fault.name}: {said}", highlight=False, soft_wrap=True)
    for complaint in found["missed"]:
        progress.console.print(f"         {complaint}", highlight=False, markup=False, soft_wrap=True)


def _simulate(chosen: Sequence[Fault], folder: Path, console: Console) -> None:
    """Play the faults in the simulator, beside the defaults of k8gb and Karmada; the same script is played once."""
    played: dict[str, list[dict[str, Any]]] = {}
    for fault in chosen:
        words = script(fault)
        if not words:
            continue
        console.print(f"simulating {fault.name} …")
        if words not in played:
            played[words] = as_json(simulate(fault) or [])
        keep_simulated(folder, fault.name, played[words])
    write_report(folder)


@contextmanager
def _alone(folder: Path, *, fresh: bool) -> Iterator[None]:
    """Hold the folder for us alone; without what earlier runs found if all is measured anew."""
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"faults are being shown in {folder} already"
            raise BlockingIOError(message) from None
        sweep(folder)
        for part in folder.iterdir():
            if part.is_dir() and part.name not in ((SIMULATED,) if fresh else (SIMULATED, RESULTS)):
                shutil.rmtree(part)
        yield


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
