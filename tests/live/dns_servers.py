"""A real authoritative DNS server, Knot, whose zone takes updates signed with one key."""

from __future__ import annotations

import os
import signal
import subprocess
from base64 import b64encode
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring
import dns.update
import pytest

from tests.controlplane import PartsMissingError, knot_commands, wait_until
from tests.controlplane.ports import LOOPBACK, free_ports

ZONE = "ent.example.org"
KEY = "site-a"
WATCHER = "watcher"
SECRET = b64encode(b"a secret of thirty-two characters").decode()
ALGORITHM = "hmac-sha256"
ANSWER_SECONDS = 2.0
START_SECONDS = 15.0

_CONFIGURATION = """\
server:
    rundir: {folder}
    listen: {address}@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: {folder}
control:
    listen: {folder}/knot.sock
key:
  - id: {key}
    algorithm: {algorithm}
    secret: {secret}
  - id: {watcher}
    algorithm: {algorithm}
    secret: {secret}
acl:
  - id: ours
    key: {key}
    action: update
    update-type: [A, AAAA, TXT, CNAME]
  - id: theirs
    key: {watcher}
    action: transfer
template:
  - id: default
    storage: {folder}
zone:
  - domain: {zone}
    file: {zone}.zone
    acl: [ours, theirs]
"""

_ZONE = f"""\
$ORIGIN {ZONE}.
@ 30 SOA ns hostmaster 1 60 60 600 5
@ 30 NS ns
ns 30 A 127.0.0.1
"""


class Knot:
    """The server of one site."""

    def __init__(self, folder: Path) -> None:
        try:
            self._command, _ = knot_commands(fetch=False)
        except PartsMissingError as error:
            pytest.fail(str(error), pytrace=False)
        self.port = free_ports(1)[0]
        self._folder = folder
        folder.mkdir(exist_ok=True)
        (folder / f"{ZONE}.zone").write_text(_ZONE)
        self.configure(SECRET)
        self.start()

    def configure(self, secret: str) -> None:
        """Write its configuration; it is read when it starts."""
        known = {"address": LOOPBACK, "key": KEY, "watcher": WATCHER, "algorithm": ALGORITHM, "zone": ZONE}
        text = _CONFIGURATION.format(folder=self._folder, port=self.port, secret=secret, **known)
        (self._folder / "knot.conf").write_text(text)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        argv = [*self._command.argv, "--config", str(self._folder / "knot.conf")]
        self._process = subprocess.Popen(argv, env={**os.environ, **self._command.environment})
        wait_until(self._answers, START_SECONDS, "the DNS server answers")

    def stop(self) -> None:
        """End it; what it was told lies in its journal."""
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        self._process.wait(15)

    def hang(self) -> None:
        """It accepts connections and says nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It works again."""
        self._process.send_signal(signal.SIGCONT)

    def ask(self, name: str, kind: str = "A") -> set[str]:
        """What a resolver is told."""
        answer = self._asked(name, kind)
        return {rdata.to_text() for rrset in answer.answer for rdata in rrset}

    def ttl(self, name: str) -> int:
        """How long a resolver may keep it."""
        return min(rrset.ttl for rrset in self._asked(name, "A").answer)

    def serial(self) -> int:
        """The serial of the zone."""
        return int(self.ask(ZONE, "SOA").pop().split()[2])

    def somebody_sets(self, name: str, kind: str, *values: str) -> None:
        """Another holder of the key writes."""
        ring = dns.tsigkeyring.from_text({KEY: (ALGORITHM, SECRET)})
        message = dns.update.UpdateMessage(ZONE, keyring=ring, keyname=dns.name.from_text(KEY))
        message.delete(f"{name}.", kind)
        for value in values:
            message.add(f"{name}.", 60, kind, value)
        answer = dns.query.tcp(message, LOOPBACK, port=self.port, timeout=ANSWER_SECONDS)
        assert answer.rcode() == dns.rcode.NOERROR, answer

    def _asked(self, name: str, kind: str) -> dns.message.Message:
        question = dns.message.make_query(f"{name}.", kind)
        return dns.query.udp(question, LOOPBACK, port=self.port, timeout=ANSWER_SECONDS)

    def _answers(self) -> bool:
        try:
            return bool(self.ask(ZONE, "SOA"))
        except (OSError, dns.exception.DNSException):
            return False
