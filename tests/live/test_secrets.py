"""Planted secrets are not told: not in the log, statuses, Events, metrics, pages or plans, whatever goes wrong."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml

from tests.live.test_run import Morning, morning, running, soon
from tests.policy.objects import an_object

pytestmark = pytest.mark.live

assert morning  # the fixture

PLANTED = {
    "a token": "planted-token-8861",
    "a bearer token": "planted-bearer-8862",
    "a key": "planted-private-key-8863",
    "what is no kubeconfig": "planted-rubbish-8864",
}
PAGES = ("/metrics", "/plan", "/explain", "/healthz", "/readyz")


class _Quoting(BaseHTTPRequestHandler):
    """Refuses, and quotes the credentials that it refuses, as some servers and proxies do."""

    def do_GET(self) -> None:
        """Answer 403 with everything that was sent."""
        body = json.dumps({"kind": "Status", "message": f"no: {self.headers}", "status": "error", "error": "no"})
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET  # noqa: N815 - as the base class calls it

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class calls it
        """Be quiet."""


@pytest.fixture
def quoting() -> Iterator[str]:
    """The address of a server that quotes what it is sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Quoting)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def kubeconfig(server: str, **user: str) -> str:
    """A kubeconfig with this user."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }
    )


def test_no_planted_secret_is_told_anywhere(morning: Morning, quoting: str) -> None:
    """A token that is quoted back, a key that is none, a Secret that is no kubeconfig, a Prometheus that refuses."""
    encoded = base64.b64encode(PLANTED["a key"].encode()).decode()
    contents = {
        "token": kubeconfig(quoting, token=PLANTED["a token"]),
        "key": kubeconfig(quoting, **{"client-certificate-data": encoded, "client-key-data": encoded}),
        "rubbish": f"{PLANTED['what is no kubeconfig']}: [",
        "bearer": PLANTED["a bearer token"],
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "planted", "namespace": morning.namespace},
        "stringData": contents,
    }
    sites = {key: f"{morning.namespace}-{key}"[-63:] for key in ("token", "key", "rubbish")}
    reference = {"namespace": morning.namespace, "name": "planted"}
    objects: list[dict[str, Any]] = [secret]
    for key, name in sites.items():
        prometheus = {
            "url": quoting,
            "bearerTokenSecretRef": reference | {"key": "bearer"},
            "queries": [{"signal": "requests", "query": "up"}],
        }
        cluster = {"kubeconfigSecretRef": reference | {"key": key}}
        spec = {"provider": "planted", "cluster": cluster, "prometheus": prometheus}
        objects.append(an_object("Site", spec, name=name))
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    morning.home.kubectl("apply", "--filename=-", input=text)
    try:
        with running(morning, "only") as controller:

            def troubled() -> bool:
                events = {(line["event"], line.get("site")) for line in controller.lines()}
                return {
                    ("cluster cannot be watched", sites["token"]),
                    ("metrics cannot be read", sites["token"]),
                } <= events

            soon(troubled, "the refusals are told")
            condition = '--output=jsonpath={.status.conditions[?(@.type=="PolicyValid")].status}'
            for name in sites.values():
                soon(
                    lambda n=name: morning.home.kubectl("get", "site", n, condition) == "False",  # type: ignore[misc]
                    f"{name} is reported",
                )
            told = {page: controller.page(page) or "" for page in PAGES}
            told["log"] = controller.log.read_text() + controller.output.read_text()
        told["objects"] = morning.home.kubectl("get", "sites,regionalents", "--all-namespaces", "--output=json")
        told["events"] = morning.home.kubectl("get", "events.events.k8s.io", "--all-namespaces", "--output=json")
    finally:
        morning.home.kubectl("delete", "site", *sites.values(), "--wait=false")
    assert all(told.values())
    secrets = [text for planted in PLANTED.values() for text in (planted, base64.b64encode(planted.encode()).decode())]
    found = [(where, secret) for where, text in told.items() for secret in secrets if secret in text]
    assert found == []
