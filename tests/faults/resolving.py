"""A resolver: asks the sites' own DNS servers and remembers for the TTL."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.faults.clients import Memory
from tests.faults.traces import Answer

Lookup = Callable[[str, str], Awaitable[tuple[tuple[str, ...], float] | None]]
"""Ask a server for a name: addresses and TTL; None: no answer."""


@dataclass(slots=True)
class Resolver:
    """One resolver of many users."""

    number: int
    domain: str
    fixed: tuple[str, ...]
    """Addresses of the edges, where DNS never changes."""
    servers: tuple[str, ...]
    lookup: Lookup
    note: Callable[[Answer], None]
    memory: Memory = field(init=False)
    _asking: dict[str, asyncio.Lock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Draw its own luck."""
        self.memory = Memory(random.Random(f"resolver {self.number}"))

    async def addresses(self, ent: str) -> tuple[str, ...]:
        """Return the addresses of an ENT in the order for one client."""
        if self.fixed:
            return self.memory.shuffled(self.fixed)
        async with self._asking.setdefault(ent, asyncio.Lock()):  # who asks for the same waits for the same answer
            known = self.memory.recall(ent, time.time())
            return known if known is not None else await self._ask(ent)

    async def _ask(self, ent: str) -> tuple[str, ...]:
        for server in self.memory.shuffled(self.servers):
            found = await self.lookup(server, f"{ent}.{self.domain}")
            if found is not None:
                addresses, ttl = found
                self.note(Answer(time.time(), self.number, ent, "+".join(sorted(addresses)), 0))
                return self.memory.learn(ent, addresses, ttl, time.time())
        self.note(Answer(time.time(), self.number, ent, "", 1))
        return self.memory.learn(ent, (), 0.0, time.time())
