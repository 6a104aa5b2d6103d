"""The sites' DNS servers: one zone, an answer set per ENT, told apart by nothing but who answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

DOMAIN = "ent.test"
ZONE = f"{DOMAIN}.zone"
STATE = "state"
TTL_SECONDS = 30
"""The default of the edge, not shortened."""
NEGATIVE_TTL_SECONDS = 5

_CONFIGURATION = """\
server:
    rundir: {folder}
    listen: {address}@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stdout
    any: warning
database:
    storage: {folder}/{state}
control:
    listen: {folder}/knot.sock
template:
  - id: default
    storage: {folder}
    journal-content: none
    zonefile-load: whole
    semantic-checks: off
zone:
  - domain: {domain}
    file: {zone}
"""


def edge_name(site: str) -> str:
    """Return how the edge of a site is called in the policies and in the traces."""
    return f"dns-{site}"


def write_configuration(folder: Path, address: str, port: int) -> Path:
    """Write knot.conf and return where."""
    path = folder / "knot.conf"
    path.write_text(
        _CONFIGURATION.format(folder=folder, address=address, port=port, state=STATE, domain=DOMAIN, zone=ZONE)
    )
    return path


def write_zone(folder: Path, answers: Mapping[str, Sequence[str]], *, serial: int) -> None:
    """Write the zone with the addresses of every ENT; a reader sees the old or the new, never half."""
    lines = [
        f"$ORIGIN {DOMAIN}.",
        f"@ {TTL_SECONDS} SOA ns. root. {serial} 60 60 600 {NEGATIVE_TTL_SECONDS}",
        f"@ {TTL_SECONDS} NS ns.",
        *(f"{ent} {TTL_SECONDS} A {address}" for ent, found in sorted(answers.items()) for address in sorted(found)),
    ]
    draft = folder / f"{ZONE}.draft"
    draft.write_text("\n".join(lines) + "\n")
    draft.replace(folder / ZONE)
