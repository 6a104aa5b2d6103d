"""A real Prometheus that scrapes what a test exposes, and everything that is exposed moving as counters do."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.controlplane import prometheus_binary
from tests.controlplane.ports import free_ports

MOVES_PER_SECOND = 1 / 60
"""A counter of 60 grows by one a second."""


@contextmanager
def exposing(text: Callable[[], str]) -> Iterator[int]:
    """Serve the text to whoever scrapes; give the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class calls it
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def moving(text: str) -> Callable[[], str]:
    """Return the exposition as time goes by: every value grows by a sixtieth of itself each second."""
    began = time.monotonic()

    def grown(line: str) -> str:
        if line.startswith("#"):
            return line
        series, value = line.rsplit(" ", 1)
        return f"{series} {float(value) * (1 + (time.monotonic() - began) * MOVES_PER_SECOND):g}"

    return lambda: "\n".join(map(grown, text.splitlines())) + "\n"


@contextmanager
def prometheus(
    folder: Path, targets: Mapping[str, int], *arguments: str, scrape: Mapping[str, object] | None = None
) -> Iterator[int]:
    """Run a Prometheus that scrapes the ports, job by job; give its own."""
    (port,) = free_ports(1)
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{at}"]}], **(scrape or {})}
        for name, at in targets.items()
    ]
    settings = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(json.dumps(settings))
    command = [
        str(prometheus_binary(fetch=False)),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *arguments,
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        yield port
    finally:
        process.kill()
        process.wait(20)


def metric_names(promql: str) -> set[str]:
    """Return the names of our own metrics in a query."""
    return set(re.findall(r"\bsonnerie_[a-z0-9_]+", promql))
