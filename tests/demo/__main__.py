"""`python -m tests.demo`: start everything, play the story, measure it, report.

Exit codes: 0 all bars are met, 1 a bar is missed, 3 it could not be shown, 130 interrupted.
"""

from __future__ import annotations

import argparse
import fcntl
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

from rich.console import Console

from tests.controlplane import (
    ControlPlane,
    KubectlError,
    PartsMissingError,
    ServerFailedError,
    SiteSpec,
    wait_until,
)
from tests.controlplane.processes import sweep
from tests.demo import objects
from tests.demo.figures.bars import Judged, judge
from tests.demo.figures.summary import summarise, write_summary
from tests.demo.live import Live
from tests.demo.operator import start_controller
from tests.demo.processes import ROOT
from tests.demo.recording import read_recording
from tests.demo.report import write_report
from tests.demo.script import Director
from tests.demo.stage import Stage, take_ports
from tests.demo.story import MANAGEMENT_SITE, NAMESPACE, TIME_ZONE, Story
from tests.demo.view import view_of

FOLDER = ROOT / "build" / "demo"
ROLLOUT_SECONDS = 60
FIRST_PLAN_SECONDS = 60.0
WEIGHT_SUM = 100
EXIT_MISSED, EXIT_NOT_SHOWN, EXIT_INTERRUPTED = 1, 3, 130
NODE_GRACE_SECONDS = 120
"""A site that is away for half a minute finds its nodes as it left them."""


def main() -> int:
    """Run it all; whatever happens, nothing of it is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", type=Path, metavar="FOLDER", help="play nothing, measure what was recorded there")
    options = parser.parse_args()
    console, story = Console(), Story()
    if options.measure:
        return _measure(story, options.measure.resolve(), console)
    # Said for SIGINT too: a shell that starts us in the background has it ignored, and Python would leave it so.
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    try:
        with _alone(FOLDER):
            _play(story, FOLDER, console)
            return _measure(story, FOLDER, console)
    except KeyboardInterrupt:
        console.print("Interrupted: everything has been ended.")
        return EXIT_INTERRUPTED
    except (PartsMissingError, ServerFailedError, KubectlError, TimeoutError, BlockingIOError) as error:
        console.print(f"The demo could not be shown: {error}", markup=False, soft_wrap=True)
        return EXIT_NOT_SHOWN


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder for us alone, empty: another demo in it would lose its ground."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another demo is being shown in {folder}"
            raise BlockingIOError(message) from None
        if folder.exists():
            sweep(folder)
            shutil.rmtree(folder)
        folder.mkdir()
        yield


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _play(story: Story, folder: Path, console: Console) -> None:
    began = time.monotonic()
    console.print(f"Starting {len(story.sites)} sites, each with its own Kubernetes API server and Prometheus …")
    specs = [
        SiteSpec(
            name=site.name,
            start_up_milliseconds=story.workload.start_up_milliseconds,
            node_grace_seconds=NODE_GRACE_SECONDS,
        )
        for site in story.sites
    ]
    with ExitStack() as stack:
        plane = stack.enter_context(ControlPlane(specs, run_folder=folder / "sites"))
        plane.in_parallel(lambda site: site.kubectl("apply", "-f", "-", input=_workloads(story, site.name)))
        ready = {site.name: ("--kubeconfig", plane.sites[site.name].kubeconfig) for site in story.sites}
        stage = stack.enter_context(Stage(story, folder, take_ports(story), ready))
        _declare(story, plane, stage)
        plane.in_parallel(
            lambda site: site.kubectl(
                "wait", f"--namespace={NAMESPACE}", "--for=condition=Available", "deployments", "--all",
                f"--timeout={ROLLOUT_SECONDS}s",
            )
        )  # fmt: skip
        console.print("Starting the controller …")
        start_controller(stage, folder, plane.sites[MANAGEMENT_SITE].kubeconfig)
        wait_until(lambda: _weights_in_force(story, stage), FIRST_PLAN_SECONDS, "the first weights are in force")
        console.print(f"Everything stands after {time.monotonic() - began:.0f} s. The story begins.")
        live = Live(story, folder)
        with view_of(live, lambda: stage.weights_now, console) as view:
            Director(story, stage, plane, folder, view.show).play()


def _workloads(story: Story, site: str) -> str:
    return objects.as_list(objects.workloads(story, site))


def _declare(story: Story, plane: ControlPlane, stage: Stage) -> None:
    management = plane.sites[MANAGEMENT_SITE]
    crds = str(ROOT / "manifests" / "crd")
    management.kubectl("apply", "--server-side", f"--kustomize={crds}")
    names = management.kubectl("get", f"--kustomize={crds}", "--output=name").split()
    management.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
    addresses = {
        site.name: objects.Addresses(
            canary=stage.canary(site.name),
            prometheus=stage.prometheus_url(site.name),
            kubeconfig=plane.sites[site.name].kubeconfig,
        )
        for site in story.sites
    }
    today = datetime.now(UTC).astimezone(ZoneInfo(TIME_ZONE)).date()
    management.kubectl("apply", "--filename=-", input=objects.as_list(objects.fleet(story, addresses, today)))


def _weights_in_force(story: Story, stage: Stage) -> bool:
    """Tell whether HAProxy has the controller's weights: before its first plan every site has 100."""
    stage.troupe.expect_alive()
    now = stage.weights_now
    return bool(now) and all(sum(now.get((ent.name, s), 0) for s in ent.sites) == WEIGHT_SUM for ent in story.ents)


def _measure(story: Story, folder: Path, console: Console) -> int:
    recording = read_recording(folder, story)
    summary = summarise(recording)
    judged = judge(summary, story)
    write_summary(folder / "summary.json", summary)
    write_report(folder / "report.html", recording, summary, judged)
    _print_summary(judged, folder, console)
    return 0 if all(one.met for one in judged) else EXIT_MISSED


def _print_summary(judged: tuple[Judged, ...], folder: Path, console: Console) -> None:
    for one in judged:
        mark, style = ("met   ", "green") if one.met else ("MISSED", "bold red")
        console.print(f"  [{style}]{mark}[/] {one}", highlight=False, soft_wrap=True)
    console.print(f"Summary: {folder / 'summary.json'}\nReport:  {folder / 'report.html'}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
