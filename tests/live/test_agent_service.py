"""What manifests/base/service.yaml tells people to write into HAProxy, on a real HAProxy."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.actuate.haproxy_agent import AgentServer
from controller.actuate.haproxy_board import AgentBoard
from controller.runtime.clock import SystemClock
from tests.actuate.test_haproxy_board import weights
from tests.builders import EDGE, key
from tests.controlplane import PartsMissingError, haproxy_command
from tests.controlplane.ports import free_ports
from tests.live.test_actuate_haproxy import CONFIGURATION, HAProxy, weights_are

pytestmark = pytest.mark.live


def listen_section(local: int, *replicas: int) -> str:
    """The section of the manifest's comment, with these ports for its addresses."""
    text = (Path(__file__).parents[2] / "manifests/base/service.yaml").read_text("utf-8")
    (found,) = re.findall(r"^#   (listen sonnerie-agent\n(?:#       .*\n)+)", text, re.MULTILINE)
    section: str = found.replace("#   ", "").replace("127.0.0.1:9707", f"127.0.0.1:{local}")
    for address, port in zip(re.findall(r"192\.0\.2\.\d+:30707", section), replicas, strict=True):
        section = section.replace(address, f"127.0.0.1:{port}")
    return section


def configuration(folder: Path, haproxy: HAProxy, *replicas: int) -> str:
    """A configuration as the manifest advises, state kept over reloads included."""
    nobody = free_ports(2)
    text = CONFIGURATION.format(
        folder=folder, users=haproxy.users, statistics=haproxy.statistics, agent=haproxy.agent, a=nobody[0], b=nobody[1]
    )
    text = text.replace("global\n", f"global\n    server-state-file {folder}/state\n")
    text = text.replace("defaults\n", "defaults\n    load-server-state-from-file global\n")
    return text + listen_section(haproxy.agent, *replicas)


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """HAProxy with the configuration of the folder."""
    try:
        command = haproxy_command(fetch=False)
    except PartsMissingError as error:
        pytest.fail(str(error), pytrace=False)
    process = subprocess.Popen(
        [*command.argv, "-f", str(folder / "haproxy.cfg")], env={**os.environ, **command.environment}
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


async def test_haproxy_follows_the_lease_and_keeps_weights_over_a_restart(tmp_path: Path) -> None:
    """It asks whichever replica listens, keeps what it was told while none does, and reads it again from its state."""
    users, statistics, local, first, second = free_ports(5)
    haproxy = HAProxy(users=users, statistics=statistics, agent=local, folder=tmp_path)
    (tmp_path / "haproxy.cfg").write_text(configuration(tmp_path, haproxy, first, second))
    board = AgentBoard()
    one, two = (AgentServer(board, "127.0.0.1", port, now=SystemClock().now) for port in (first, second))
    with running(tmp_path):
        board.decide_weights(key(), EDGE, weights(a=30, b=70))
        await one.open()
        await haproxy.until(weights_are(a=30, b=70))
        await one.close()
        rows = await haproxy.until(lambda rows: rows["a"]["agent_status"] not in ("L7OK", "* L7OK"))
        assert weights_are(a=30, b=70)(rows)
        board.decide_weights(key(), EDGE, weights(a=60, b=40))
        await two.open()
        await haproxy.until(weights_are(a=60, b=40))
        (tmp_path / "state").write_text(await haproxy.order("show servers state"))
        await two.close()
    with running(tmp_path):
        await haproxy.until(weights_are(a=60, b=40))
