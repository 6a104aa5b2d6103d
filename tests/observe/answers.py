"""A local server that answers as it is told, for everything that a Prometheus may say."""

import contextlib
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def answering_in_turn(
    answers: Sequence[tuple[int, bytes]],
    *,
    after: threading.Event | None = None,
    seen: list[Mapping[str, str]] | None = None,
) -> Iterator[str]:
    """A server that gives these answers one after the other, the last for ever, once the event is set; its URL.

    The headers of every question are put into `seen`.
    """
    coming = itertools.chain(answers, itertools.repeat(answers[-1]))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if after is not None:
                after.wait(10)
            if seen is not None:
                seen.append(dict(self.headers.items()))
            status, body = next(coming)
            with contextlib.suppress(BrokenPipeError):  # whoever asked has given up
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class calls it
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        if after is not None:
            after.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(
    status: int,
    body: bytes,
    *,
    after: threading.Event | None = None,
    seen: list[Mapping[str, str]] | None = None,
) -> Iterator[str]:
    """A server that answers everything so, once the event is set; gives its URL."""
    with answering_in_turn([(status, body)], after=after, seen=seen) as url:
        yield url
