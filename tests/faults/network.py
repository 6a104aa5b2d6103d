"""Networks of our own: each place (a site, an edge, the users) is a network namespace with one address.

The harness itself lives in a namespace that it made for itself (`python -m tests.faults` starts itself again inside
one), and each place is held by a child that sleeps: when the harness ends, whatever way, the kernel ends the children
and removes what they held. Nothing touches the machine's own network and nothing leads out of ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.controlplane import Program, nft_command, wait_until
from tests.controlplane.processes import Child

RANGE = "198.18"
"""Set aside for measurements between networks (RFC 2544); in our namespaces it leads nowhere else."""
PREFIX_LENGTH = 16
HARNESS = f"{RANGE}.0.1"
"""Ours, on the bridge: no fault ever cuts us off, so that we can measure and repair."""
BRIDGE = "fabric"
INSIDE = "SONNERIE_FAULTS_INSIDE"
"""Set in the process that runs inside the harness's own namespace."""
TABLE = "faults"
START_SECONDS = 10.0
TOOLS = ("unshare", "nsenter", "ip", "sleep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where processes run: an address, and what leads a command there."""

    name: str
    address: str
    enter: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Packets that a place loses."""

    peers: tuple[str, ...] = ()
    """Names of places; none: everybody but the harness."""
    arriving: bool = True
    leaving: bool = True
    percent: int = 100


class Fabric(Protocol):
    """All places."""

    can_lose: bool
    """Whether packets can be lost between places."""

    def place(self, name: str, *more: str) -> Place:
        """Make a place, once; `more` are further addresses of it."""
        ...

    def lose(self, name: str, rules: Iterable[Rule]) -> None:
        """Let a place lose packets by these rules and no others; none: it loses nothing any more."""
        ...

    def end(self) -> None:
        """Remove everything."""
        ...


def go_inside(module: str) -> int | None:
    """Run the module again inside a network namespace of its own and return how it ended.

    None: we are inside, or no namespace can be had here (not root, no kernel support); `fabric_here` then knows.
    """
    if INSIDE in os.environ or not can_have_namespaces():
        return None
    command = ["unshare", "--net", sys.executable, "-m", module, *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, INSIDE: "1"}).returncode


def can_have_namespaces() -> bool:
    """Tell whether this machine lets us make network namespaces with what connects them."""
    script = "ip link add name probe type veth peer name other && ip link add name bridged type bridge"
    try:
        tried = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True)
    except OSError:
        return False
    return tried.returncode == 0


def fabric_here(folder: Path) -> Fabric:
    """Return namespaces where we run inside our own, else addresses on loopback."""
    return Namespaces(folder) if INSIDE in os.environ else Aliases()


@dataclass(slots=True)
class Namespaces:
    """Places as namespaces on one bridge."""

    folder: Path
    can_lose: bool = True
    places: dict[str, Place] = field(default_factory=dict)
    _holders: dict[str, Child] = field(default_factory=dict)
    _nft: Program = field(default_factory=nft_command)

    def __post_init__(self) -> None:
        """Lay the bridge."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for command in (
            "link set lo up",
            f"link add name {BRIDGE} type bridge",
            f"addr add {HARNESS}/{PREFIX_LENGTH} dev {BRIDGE}",
            f"link set {BRIDGE} up",
        ):
            _ip(command)

    def place(self, name: str, *more: str) -> Place:
        """Make a place, once."""
        if name in self.places:
            return self.places[name]
        number = len(self.places) + 1
        pid = self._hold(name)
        enter = ("nsenter", f"--net=/proc/{pid}/ns/net")
        address = f"{RANGE}.{number}.1"
        _ip(f"link add name v{number} type veth peer name eth0 netns {pid}")
        _ip(f"link set v{number} master {BRIDGE} up")
        addresses = (address, *(f"{RANGE}.{number}.{last}" for last, _ in enumerate(more, start=2)))
        for command in (
            "link set lo up",
            *(f"addr add {one}/{PREFIX_LENGTH} dev eth0" for one in addresses),
            "link set eth0 up",
        ):
            _ip(command, enter)
        self.places[name] = Place(name=name, address=address, enter=enter)
        return self.places[name]

    def lose(self, name: str, rules: Iterable[Rule]) -> None:
        """Let a place lose packets by these rules and no others."""
        place = self.places[name]
        others = {other.name: other.address for other in self.places.values() if other.name != name}
        text = ruleset(rules, others)
        command = [*place.enter, *self._nft.argv, "-f", "-"]
        subprocess.run(
            command, input=text, text=True, check=True, capture_output=True, env={**os.environ, **self._nft.environment}
        )

    def end(self) -> None:
        """Let go of all places; the kernel removes them."""
        for holder in self._holders.values():
            holder.kill()

    def _hold(self, name: str) -> int:
        child = Child(
            f"network of {name}",
            ["unshare", "--net", "sleep", "infinity"],
            log=self.folder / f"network-{name}.log",
            pid_file=self.folder / f"network-{name}.pid",
            environment={"PATH": os.environ.get("PATH", os.defpath)},
        )
        child.start()
        self._holders[name] = child
        ours = Path("/proc/self/ns/net").readlink()

        def moved() -> bool:
            child.expect_alive()
            return Path(f"/proc/{child.pid}/ns/net").readlink() != ours

        wait_until(moved, START_SECONDS, f"{name} has a network of its own")
        assert child.pid is not None
        return child.pid


@dataclass(slots=True)
class Aliases:
    """Places as addresses on loopback, where no namespace can be had: processes can be ended, packets not lost."""

    can_lose: bool = False
    places: dict[str, Place] = field(default_factory=dict)

    def place(self, name: str, *more: str) -> Place:
        """Make a place, once."""
        del more  # all of 127.0.0.0/8 is ours already
        if name not in self.places:
            self.places[name] = Place(name=name, address=f"127.18.{len(self.places) + 1}.1", enter=())
        return self.places[name]

    def lose(self, name: str, rules: Iterable[Rule]) -> None:
        """Refuse: there is no packet filter between addresses of one namespace."""
        if tuple(rules):
            message = f"packets of {name} cannot be lost here: no network namespaces (be root, on Linux)"
            raise OSError(message)

    def end(self) -> None:
        """Do nothing: nothing was made."""


def ruleset(rules: Iterable[Rule], others: Mapping[str, str]) -> str:
    """Return what nft shall do in a place: drop, to and from other places, never what the harness says.

    `others` are the addresses of all other places by name; each stands for all addresses of its place.
    """
    lines: dict[str, list[str]] = {"input": [], "output": []}
    for rule in rules:
        chance = "" if rule.percent >= 100 else f"numgen random mod 100 < {rule.percent} "
        for name in rule.peers or sorted(others):
            network = others[name].rpartition(".")[0] + ".0/24"
            if rule.arriving:
                lines["input"].append(f"ip saddr {network} {chance}drop")
            if rule.leaving:
                lines["output"].append(f"ip daddr {network} {chance}drop")
    chains = [
        f"  chain {hook} {{\n    type filter hook {hook} priority 0;\n"
        + "".join(f"    {line}\n" for line in lines[hook])
        + "  }\n"
        for hook in ("input", "output")
    ]
    return f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{''.join(chains)}}}\n"


def _ip(command: str, enter: tuple[str, ...] = ()) -> None:
    subprocess.run([*enter, "ip", *command.split()], check=True, capture_output=True, text=True)
