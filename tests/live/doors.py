"""Public addresses and references: small HTTP servers that can be closed and opened again at the same port."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer 200."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class calls it
        """Be quiet."""


class Door:
    """A public address that can be closed."""

    def __init__(self) -> None:
        self._port = 0
        self.open()
        self.url = f"http://127.0.0.1:{self._port}/"

    def open(self) -> None:
        """Answer from now on."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), _Fine)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        """Refuse from now on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
