"""Commands that ask the cluster, beside a running controller on two real sites; and what it records."""

import gzip
import json
import signal
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.live.test_run import Morning, morning, running, soon

__all__ = ["morning"]
pytestmark = pytest.mark.live


def sonnerie(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    command = [sys.executable, "-m", "controller", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=90)


def asked(morning: Morning, command: str, *arguments: object) -> Any:
    """Run the command with the kubeconfig of the management cluster and read its JSON."""
    flags = ("--json", "--kubeconfig", morning.home.kubeconfig, "--namespace", morning.namespace)
    done = sonnerie(command, *flags, *arguments)
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout)


def test_the_commands_tell_what_the_controller_does(morning: Morning) -> None:
    """Status, explanation, preflight and `kubectl get`, while it runs and after it has ended."""
    with running(morning, "only") as controller:
        soon(lambda: morning.status().get("readyReplicas", 0) >= 4, "Ready replicas in the status")
        nord = f"{morning.namespace}/nord"

        status = asked(morning, "status")
        (ent,) = (each for each in status["ents"] if each["name"] == nord)
        assert status["leader"]["identity"].startswith("only_")
        assert (ent["ready_replicas"], ent["wanted_replicas"]) == (4, 4)
        assert ent["serving"] == f"{morning.names['away']} 100 %"
        assert {morning.names["home"], morning.names["away"]} <= {site["name"] for site in status["sites"]}

        told = sonnerie("explain", nord, "--controller", f"http://127.0.0.1:{controller.listen}")
        assert told.returncode == 0, told.stderr
        assert f"replicas at {morning.names['away']} = 2 replicas" in told.stdout
        unknown = sonnerie("explain", "no/such", "--controller", f"http://127.0.0.1:{controller.listen}")
        assert (unknown.returncode, nord in unknown.stderr) == (1, True)

        wide = morning.kubectl("get", "ent", "nord", "--output=wide")
        assert "AllWell" not in wide
        for column in ("WELL", "PRESCALED", "RESERVE", "SERVING", "NEXT BELL", "METRICS", "FLOOR", "SUMMARY"):
            assert column in wide

        found = asked(morning, "preflight")
        by_check = {(c["check"], c["subject"]): c for c in found["checks"]}
        assert by_check["controller", f"{morning.namespace}/sonnerie"]["state"] == "ok"
        assert by_check["credentials", morning.names["away"]]["state"] == "ok"
        assert by_check["floors", f"{nord} at {morning.names['away']}"]["text"] == "2 → 2 would be accepted"
        assert by_check["calendar", nord]["state"] == "warning"
        assert controller.terminate() == 0

    ended = asked(morning, "preflight")
    (nobody,) = (check for check in ended["checks"] if check["check"] == "controller")
    assert (nobody["state"], nobody["text"], ended["holds"]) == ("failed", "nobody leads", False)
    cluster = sonnerie("explain", nord, "--kubeconfig", morning.home.kubeconfig, "--namespace", morning.namespace)
    assert cluster.returncode == 3
    assert "Traceback" not in cluster.stderr


def test_a_preflight_names_what_will_not_hold(morning: Morning) -> None:
    """A quota without room, a workload that is not there, a Secret that is none: each with what to do."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}}}
    morning.away.kubectl("apply", "--filename=-", f"--namespace={morning.namespace}", input=yaml.safe_dump(quota))
    soon(
        lambda: morning.away.kubectl(
            "get", "quota", "few", f"--namespace={morning.namespace}", "--output=jsonpath={.status.hard.pods}"
        ),
        "the quota",
    )
    nord = f"{morning.namespace}/nord"
    before = asked(morning, "preflight")
    (found,) = (
        c for c in before["checks"] if c["check"] == "quota" and c["subject"] == f"{nord} at {morning.names['away']}"
    )
    assert found["state"] == "failed"
    assert "ResourceQuota few has room for" in found["text"]

    morning.kubectl("delete", "deployment", "portal")
    secret = {"data": {"kubeconfig": "cGxhbnRlZC1zZWNyZXQ="}}
    morning.kubectl("patch", "secret", "away", "--type=merge", f"--patch={json.dumps(secret)}")
    flags = ("--kubeconfig", morning.home.kubeconfig, "--namespace", morning.namespace)
    done = sonnerie("preflight", *flags)
    assert done.returncode == 1
    assert f"FAILED floors      {nord} at {morning.names['home']}" in done.stdout
    assert f"FAILED credentials {morning.names['away']}" in done.stdout
    assert "planted-secret" not in done.stdout + done.stderr
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "look"))]
    advised = [line for line in done.stdout.splitlines() if line.lstrip().startswith("→")]
    assert len(failed) == len(advised)


def test_what_is_recorded_is_replayed_after_a_kill_and_holds_no_secret(morning: Morning, tmp_path: Path) -> None:
    """`run --record`, kill -9 in the middle, `replay`: bit for bit, and no credential in it."""
    folder = tmp_path / "recording"
    with running(morning, "only", f"--record={folder}") as controller:
        soon(lambda: morning.replicas(morning.away) >= 2, "the minimum at the other site")
        soon(lambda: folder.is_dir() and len(lines(folder)) >= 3, "three decisions")
        controller.process.send_signal(signal.SIGKILL)
        controller.process.wait(10)
    done = sonnerie("replay", folder, "--json")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert told["decisions"] >= 3
    assert (told["different"], told["first_difference"]) == (0, None)
    kubeconfig = yaml.safe_load(Path(morning.away.kubeconfig).read_text())
    text = "\n".join(lines(folder))
    user = kubeconfig["users"][0]["user"]
    planted = [value for value in user.values() if isinstance(value, str) and len(value) > 20]
    assert planted
    assert not [secret for secret in planted if secret in text]
    assert "BEGIN" not in text


def lines(folder: Path) -> list[str]:
    """The whole lines of a recording that is being written, without our own reader."""
    found: list[str] = []
    for path in sorted(folder.iterdir()):
        unpacker = zlib.decompressobj(wbits=31)
        found += unpacker.decompress(path.read_bytes()).decode().splitlines()
    return found


def test_an_ordinary_tool_reads_a_recording_that_was_ended(morning: Morning, tmp_path: Path) -> None:
    """`zcat` is enough to look into one."""
    folder = tmp_path / "recording"
    with running(morning, "only", f"--record={folder}", "--dry-run", "--once") as controller:
        assert controller.process.wait(60) == 0, controller.log.read_text()
    (path,) = folder.iterdir()
    with gzip.open(path, "rt") as stream:
        (line,) = stream
    decision = json.loads(line)
    assert decision["schema"] == "sonnerie.dev/recording/v1"
    assert decision["world"]["schema"] == "sonnerie.dev/world/v1"
    assert decision["plan"]["schema"] == "sonnerie.dev/plan/v1"
