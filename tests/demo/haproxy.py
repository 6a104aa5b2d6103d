"""The edge: one HAProxy outside all sites, in front of all ENTs.

Each ENT has a backend with one server line per site, all `weight 100`, because the controller's agent answers in
percent of it. Until the controller's first plan its agent refuses, which HAProxy does not hold against anybody: every
site then gets an equal share. The story begins after the first plan.

HAProxy's own checks take a dead site out after two seconds; sending its users elsewhere is the controller's decision,
because the other sites have weight 0 until they have capacity.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.demo.pages import busy_page
from tests.demo.records import Weight
from tests.demo.story import NAMESPACE, Story

RETRY_AFTER_SECONDS = 10
"""HAProxy's own page is a fixed file and cannot draw lots; it shows only when no site at all is there."""

_CONFIGURATION = """\
global
    maxconn 4096
    log stdout format raw local0 notice

defaults
    mode http
    log global
    timeout connect 1s
    timeout client 10s
    timeout server 4s
    timeout queue 1s
    timeout http-keep-alive 5s
    timeout check 1s
    retries 2
    option redispatch 1
    retry-on conn-failure empty-response
    errorfile 503 {busy}

frontend users
    bind 127.0.0.1:{port}
    use_backend %[req.hdr(host),field(1,.)]

frontend statistics
    bind 127.0.0.1:{statistics_port}
    stats enable
    stats uri /
"""

_BACKEND = """
backend {ent}
    balance roundrobin
    option httpchk GET /canary
    default-server check inter 1s fall 2 rise 2 agent-check agent-inter 1s agent-addr 127.0.0.1 agent-port {agent}
"""

_SERVER = """    server {site} 127.0.0.1:{port} weight 100 agent-send "{namespace}/{ent}/{site}\\n"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgePorts:
    """Where HAProxy listens and where it asks for weights."""

    users: int
    statistics: int
    agent: int


def configuration(story: Story, ports: EdgePorts, portals: Mapping[str, int], busy: Path) -> str:
    """Return haproxy.cfg."""
    parts = [_CONFIGURATION.format(port=ports.users, statistics_port=ports.statistics, busy=busy)]
    for ent in story.ents:
        parts.append(_BACKEND.format(ent=ent.name, agent=ports.agent))
        parts += [_SERVER.format(site=s, port=portals[s], namespace=NAMESPACE, ent=ent.name) for s in ent.sites]
    return "".join(parts)


def busy_answer() -> str:
    """Return the whole answer that HAProxy gives by itself when there is no site to send users to."""
    head = (
        "HTTP/1.0 503 Service Unavailable",
        "Cache-Control: no-cache",
        "Connection: close",
        "Content-Type: text/html; charset=utf-8",
        f"Retry-After: {RETRY_AFTER_SECONDS}",
    )
    return "\r\n".join(head) + "\r\n\r\n" + busy_page(RETRY_AFTER_SECONDS)


def weights_of(statistics: str, story: Story, at: float) -> list[Weight]:
    """Read HAProxy's statistics (CSV): the weight in force of every site of every ENT."""
    ents = {ent.name for ent in story.ents}
    rows: Iterable[Mapping[str, str]] = csv.DictReader(io.StringIO(statistics.removeprefix("# ")))
    return [
        Weight(at, row["pxname"], row["svname"], int(row["weight"] or 0), int(row["status"].startswith("UP")))
        for row in rows
        if row["pxname"] in ents and row["svname"] not in ("FRONTEND", "BACKEND")
    ]


def now_seconds() -> float:
    """Return the instant of a look, in the resolution of the records."""
    return round(time.time(), 3)
