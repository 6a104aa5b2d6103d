"""The page for whom nobody can serve: a real HAProxy with the very file that is given to people, and no controller."""

import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from tests.controlplane import PartsMissingError, haproxy_command
from tests.controlplane.ports import free_ports
from tests.controlplane.waiting import wait_until

pytestmark = pytest.mark.live

FILES = Path(__file__).parents[2] / "manifests/haproxy"
HOST = "hdf.ent.example.org"
PLACES = 4
"""What the portal behind it takes at once."""
VISITORS = 34
PAUSE_SECONDS = range(30, 90)
DEADLINE_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a visitor gets."""

    status: int
    text: str
    retry_after: str
    kind: str


class Portal(BaseHTTPRequestHandler):
    """Answers checks, and visitors only when the door opens."""

    door = Event()

    def do_GET(self) -> None:
        """Wait, then answer."""
        if self.path != "/canary":
            type(self).door.wait(30)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[int]:
    """The port of an HAProxy with the example file: our addresses in place of the example's, nothing else changed."""
    try:
        command = haproxy_command(fetch=False)
    except PartsMissingError as error:
        pytest.fail(str(error), pytrace=False)
    Portal.door = Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    Thread(target=server.serve_forever, daemon=True).start()
    users, agent, nobody = free_ports(3)
    text = (FILES / "haproxy.cfg").read_text()
    for old, new in (
        ("bind :80", f"bind 127.0.0.1:{users}"),
        ("192.0.2.10:80", f"127.0.0.1:{server.server_port}"),
        ("192.0.2.20:80", f"127.0.0.1:{nobody}"),
        ("maxconn 2000", f"maxconn {PLACES}"),
        ("9707", str(agent)),
        ("/etc/haproxy/busy.html", str(FILES / "busy.html")),
        ("/var/lib/haproxy/servers.state", str(tmp_path / "servers.state")),
        ("192.0.2.5:30707", f"127.0.0.1:{nobody}"),
        ("192.0.2.6:30707", f"127.0.0.1:{nobody}"),
    ):
        assert old in text
        text = text.replace(old, new)
    configuration = tmp_path / "haproxy.cfg"
    configuration.write_text(text)
    process = subprocess.Popen([*command.argv, "-f", str(configuration)], env={**os.environ, **command.environment})
    wait_until(lambda: visited(users, "/canary").status == 200, DEADLINE_SECONDS, "HAProxy")
    yield users
    Portal.door.set()
    process.terminate()
    process.wait(10)
    server.shutdown()
    server.server_close()


def visited(port: int, path: str = "/") -> Page:
    """Visit the portal as a browser does; status 0: nobody listens yet."""
    try:
        with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers={"Host": HOST}), timeout=30) as answer:
            return Page(status=answer.status, text=answer.read().decode(), retry_after="", kind="")
    except HTTPError as error:
        head = error.headers
        return Page(
            status=error.code,
            text=error.read().decode(),
            retry_after=head["Retry-After"] or "",
            kind=head["Content-Type"] or "",
        )
    except URLError:
        return Page(status=0, text="", retry_after="", kind="")


def test_who_cannot_be_served_is_told_when_to_come_back(edge: int) -> None:
    """Beyond the places and the queue's patience: 503, in French, with a pause of its own for everybody."""
    with ThreadPoolExecutor(VISITORS) as crowd:
        visits = [crowd.submit(visited, edge) for _ in range(VISITORS)]
        away = [visit.result() for visit in islice(as_completed(visits, timeout=10), VISITORS - PLACES)]
        assert {page.status for page in away} == {503}
        Portal.door.set()
        assert sorted(visit.result().status for visit in visits) == [200] * PLACES + [503] * (VISITORS - PLACES)
    pauses = [int(page.retry_after) for page in away]
    assert set(pauses) <= set(PAUSE_SECONDS)
    assert len(set(pauses)) > len(pauses) / 3, "or they would all come back at once"
    for page in away:
        assert page.kind == "text/html; charset=utf-8"
        assert '<html lang="fr">' in page.text
        assert f'http-equiv="refresh" content="{page.retry_after}"' in page.text
        assert f"{page.retry_after}&nbsp;secondes" in page.text
        assert "%[" not in page.text


def test_the_page_needs_nothing_from_anywhere() -> None:
    """No script, picture or font: whatever it fetched would be fetched from servers that are full."""
    text = (FILES / "busy.html").read_text("utf-8")
    assert not re.findall(r"<script|<img|<link|src=|@import|url\(", text)
    assert len(text.encode()) < 4096, "an answer of two packets"
