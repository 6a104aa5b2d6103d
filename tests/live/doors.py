"""Public addresses and references: small HTTP servers that can be closed and opened again at the same port."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit


class _Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer 200."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class calls it
        """Be quiet."""


class _Metered(_Fine):
    """Answers every instant query with one sample for one ENT, which never stands still, as no rate does."""

    values: ClassVar[dict[str, float]] = {}
    labels: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        """Answer the question in the address."""
        self._answer(parse_qs(urlsplit(self.path).query))

    def do_POST(self) -> None:
        """Answer the question in the body."""
        self._answer(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))

    def _answer(self, asked: dict[str, list[str]]) -> None:
        now, value = time.time(), self.values.get(asked.get("query", [""])[0])
        kind = "matrix" if "step" in asked else "vector"
        found = [{"metric": self.labels, "value": [now, str(value + value * (now % 1) / 100)]}] if value else []
        result = found if kind == "vector" else []
        body = json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Door:
    """A public address that can be closed."""

    handler: type[BaseHTTPRequestHandler] = _Fine

    def __init__(self) -> None:
        self._port = 0
        self.open()
        self.url = f"http://127.0.0.1:{self._port}/"

    def open(self) -> None:
        """Answer from now on."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self.handler)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        """Refuse from now on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Meter(Door):
    """A Prometheus that knows one ENT; `values` are what it says to each query, and may be changed at any time."""

    def __init__(self, labels: dict[str, str], values: dict[str, float]) -> None:
        self.values = values
        self.handler = type("Handler", (_Metered,), {"values": values, "labels": labels})
        super().__init__()
