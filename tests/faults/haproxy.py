"""The edges: a pair of HAProxies outside all sites, the same configuration twice; users know the addresses of both.

Times are HAProxy's defaults or what an operator would write, none is shortened: checks every 2 s, down after two.
"""

from __future__ import annotations

import csv
import io
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.demo.haproxy import busy_answer
from tests.demo.story import NAMESPACE, Story
from tests.faults.cast import AGENT_PORT, EDGE_PORT, PORTAL_PORT, STATISTICS_PORT
from tests.faults.traces import Weight

CHECK_SECONDS = 2
AGENT_SECONDS = 2
ADMIN_SECONDS = 2.0
STATE = "servers.state"

_CONFIGURATION = """\
global
    maxconn 4096
    log stdout format raw local0 notice
    stats socket {folder}/admin.sock mode 600 level admin
    server-state-file {folder}/{state}

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
    load-server-state-from-file global
    errorfile 503 {folder}/busy.http

frontend users
    bind {address}:{port}
    use_backend %[req.hdr(host),field(1,.)]

frontend statistics
    bind {address}:{statistics_port}
    stats enable
    stats uri /
"""

_BACKEND = """
backend {ent}
    balance roundrobin
    option allbackups
    option httpchk GET /canary
    default-server check inter {check}s fall 2 rise 2 agent-check agent-inter {agent}s agent-addr 127.0.0.1
"""

_AGENTS = """
listen agents-{site}
    mode tcp
    bind 127.0.0.1:{port}
    timeout client 3s
    timeout server 3s
    default-server check inter 1s fall 2 rise 3
"""
"""Whom the agent checks ask about a site: its own instance, as long as that listens, and then any other. What a burnt
site said last is not what its portals get when they come back: until its instance is there, the others speak for it."""

_AGENT = """    server {name} {address}:{port}{backup}
"""

_LAST = """    server last-{site} {address}:{port} backup no-check no-agent-check track {ent}/{site}
"""
"""Used when no site with weight is up: nobody is turned away while a site stands, whoever decides, or nobody."""

_SERVER = """    server {site} {address}:{port} weight 100 agent-port {agent} agent-send "{namespace}/{ent}/{site}\\n"
"""


def write_configuration(
    folder: Path, story: Story, address: str, sites: Mapping[str, str], agents: Mapping[str, str]
) -> Path:
    """Write haproxy.cfg and what it names. `sites` says where portals are, `agents` the instances by their sites."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "busy.http").write_text(busy_answer())
    (folder / STATE).touch()
    parts = [
        _CONFIGURATION.format(
            folder=folder, state=STATE, address=address, port=EDGE_PORT, statistics_port=STATISTICS_PORT
        )
    ]
    asking = {site.name: AGENT_PORT + number for number, site in enumerate(story.sites)}
    for site, port in asking.items():
        parts.append(_AGENTS.format(site=site, port=port))
        parts += [
            _AGENT.format(name=at, address=agents[at], port=AGENT_PORT, backup="" if at == speaker else " backup")
            for speaker in [site if site in agents else min(agents)]
            for at in sorted(agents)
        ]
    for ent in story.ents:
        parts.append(_BACKEND.format(ent=ent.name, check=CHECK_SECONDS, agent=AGENT_SECONDS))
        parts += [
            _SERVER.format(
                site=site, address=sites[site], port=PORTAL_PORT, namespace=NAMESPACE, ent=ent.name, agent=asking[site]
            )
            for site in ent.sites
        ]
        parts += [_LAST.format(site=site, address=sites[site], port=PORTAL_PORT, ent=ent.name) for site in ent.sites]
    path = folder / "haproxy.cfg"
    path.write_text("".join(parts))
    return path


def weights_of(statistics: str, edge: str, story: Story, at: float) -> list[Weight]:
    """Read HAProxy's statistics (CSV): the weight in force of every site of every ENT."""
    ents = {ent.name for ent in story.ents}
    sites = {site.name for site in story.sites}
    rows: Iterable[Mapping[str, str]] = csv.DictReader(io.StringIO(statistics.removeprefix("# ")))
    return [
        Weight(at, edge, row["pxname"], row["svname"], int(row["weight"] or 0), int(row["status"].startswith("UP")))
        for row in rows
        if row["pxname"] in ents and row["svname"] in sites
    ]


def keep_state(folder: Path) -> None:
    """Let HAProxy say what it holds of its servers, and keep it for its next start, as a reload script does."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(ADMIN_SECONDS)
        admin.connect(str(folder / "admin.sock"))
        admin.sendall(b"show servers state\n")
        answer = b"".join(iter(lambda: admin.recv(65536), b""))
    (folder / STATE).write_bytes(answer)
