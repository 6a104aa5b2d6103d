"""How users reach a portal, without any network: what they remember of the DNS and which address they try when.

The model, told in docs/faults.md: a resolver shared by many users keeps an answer for its TTL and gives its addresses
in an order that it draws each time; it serves nothing stale. A browser tries the next address when the one before has
not connected within `attempt_delay_seconds` (RFC 8305), and at once when it was refused.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

NEGATIVE_TTL_SECONDS = 5.0
"""How long a resolver remembers that nobody answered (RFC 2308 §7 allows up to five minutes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An answer in a resolver's memory."""

    addresses: tuple[str, ...]
    until: float


@dataclass(slots=True)
class Memory:
    """One resolver's cache."""

    chance: random.Random
    known: dict[str, Known] = field(default_factory=dict)

    def recall(self, name: str, now: float) -> tuple[str, ...] | None:
        """Return the addresses of a name in the order for one client; None: it must be asked."""
        found = self.known.get(name)
        if found is None or now >= found.until:
            return None
        return self.shuffled(found.addresses)

    def learn(self, name: str, addresses: Sequence[str], ttl_seconds: float, now: float) -> tuple[str, ...]:
        """Remember an answer and return it in the order for one client; no addresses: remembered for a moment."""
        ttl = ttl_seconds if addresses else NEGATIVE_TTL_SECONDS
        self.known[name] = Known(addresses=tuple(sorted(addresses)), until=now + ttl)
        return self.shuffled(addresses)

    def shuffled(self, addresses: Sequence[str]) -> tuple[str, ...]:
        """Return the addresses in a new order, as resolvers rotate them."""
        return tuple(self.chance.sample(sorted(addresses), len(addresses)))
