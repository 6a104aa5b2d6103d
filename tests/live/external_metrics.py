"""A real server of `external.metrics.k8s.io`, registered at a real API server: what an HPA asks, and we answer."""

from __future__ import annotations

import datetime
import json
import ssl
import tempfile
import threading
from collections import Counter
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.controlplane.certificates import Authority
from tests.controlplane.ports import LOOPBACK

GROUP = "/apis/external.metrics.k8s.io/v1beta1"


class ExternalMetrics:
    """Serves one value per metric name inside a `with` block, and counts how often each was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, float | None] = {}
        self._asked: Counter[str] = Counter()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        authority = Authority("external-metrics", datetime.datetime.now(datetime.UTC))
        pair = authority.server("localhost", LOOPBACK)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as both:  # the ssl module reads certificates from files only
            both.write(pair.certificate + pair.key)
            both.flush()
            context.load_cert_chain(both.name)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, name="external-metrics", daemon=True)

    @property
    def port(self) -> int:
        """Gives the port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def set(self, **values: float | None) -> None:
        """Sets what is answered from now on and starts counting anew; None is a metric without a series."""
        with self._lock:
            self._values = dict(values)
            self._asked.clear()

    def asked(self, name: str) -> int:
        """Says how often a metric was asked for since its value was set."""
        with self._lock:
            return self._asked[name]

    def answer(self, path: str) -> tuple[HTTPStatus, dict[str, Any]]:
        """Gives the answer to one GET."""
        if path == GROUP:
            return HTTPStatus.OK, {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": "external.metrics.k8s.io/v1beta1",
                "resources": [],
            }
        if not path.startswith(f"{GROUP}/namespaces/"):
            return HTTPStatus.NOT_FOUND, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}
        name = path.rsplit("/", maxsplit=1)[-1]
        with self._lock:
            self._asked[name] += 1
            value = self._values.get(name)
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        series = {"metricName": name, "metricLabels": {}, "timestamp": now}
        items = [] if value is None else [{**series, "value": f"{round(value * 1000)}m"}]
        return HTTPStatus.OK, {
            "kind": "ExternalMetricValueList",
            "apiVersion": "external.metrics.k8s.io/v1beta1",
            "metadata": {},
            "items": items,
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        metrics = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, content = metrics.answer(self.path.split("?", maxsplit=1)[0].rstrip("/"))
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  as http.server calls it
                """Say nothing; the test tells what was asked."""

        return Handler

    def manifests(self) -> str:
        """Gives the objects that make the API server ask us: a Service by name, as Endpoints refuse loopback."""
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "external-metrics", "namespace": "default"},
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": self.port}]},
        }
        registration = {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.external.metrics.k8s.io"},
            "spec": {
                "group": "external.metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
                "service": {"name": "external-metrics", "namespace": "default", "port": self.port},
            },
        }
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": [service, registration]})
