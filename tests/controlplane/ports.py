"""Free ports that stay free: outside the range from which the kernel serves outgoing connections."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST_PORT = 20000  # above every well-known server
DEFAULT_EPHEMERAL_LOW = 32768  # Linux's own default, if /proc does not say
TRIES = 1000  # of some 12,000 candidates; only a machine out of ports fails them all


def free_ports(count: int) -> tuple[int, ...]:
    """Gives distinct ports that were free on loopback just now.

    An ephemeral port could be taken by any outgoing connection while its server is down, and a killed site must
    come back on the ports it had.
    """
    candidates = range(LOWEST_PORT, _ephemeral_low())
    with ExitStack() as held:
        ports: list[int] = []
        for port in random.sample(candidates, min(TRIES, len(candidates))):
            if len(ports) == count:
                break
            held_socket = held.enter_context(socket.socket())
            try:
                held_socket.bind((LOOPBACK, port))
            except OSError:
                continue
            ports.append(port)
    if len(ports) < count:
        message = f"found only {len(ports)} of {count} free ports in {candidates}"
        raise OSError(message)
    return tuple(ports)


def _ephemeral_low() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return DEFAULT_EPHEMERAL_LOW
